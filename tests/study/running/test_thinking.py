"""While a policy thinks, the world goes on: what comes how late, and what the robot does meanwhile."""

from types import SimpleNamespace

import numpy as np
import pytest

from shopfloor.agents.bc import BehaviorCloning
from shopfloor.agents.expert import ExpertAgent
from shopfloor.agents.knn import NearestNeighbours
from shopfloor.envs import IDEAL, TASKS
from shopfloor.study.running.evaluation import Evaluation, evaluate
from shopfloor.study.running.thinking import Thinker, Thinking

GRIPS, N = slice(2, 3), 2


class Chunks:
    """Says which observation each action is of, and its place in the chunk; keeps the last grip for ever."""

    flops_per_inference = 1e6

    def __init__(self, frames):
        self.frames_per_inference, self.calls = frames, 0

    def reset(self, mask):
        self.calls = 0

    def act(self, observations):
        if self.calls % self.frames_per_inference == 0:
            self.of = observations[:, 0]
        place = np.full(len(observations), self.calls % self.frames_per_inference)
        self.calls += 1
        return np.stack([self.of, place, -np.ones(len(observations))], axis=1).astype(np.float32)


def told(thinking, frames=1, steps=12):
    """What the first lane's robot is told at each step (steps, 3), whose observation is the step's number, from 1."""
    thinker = Thinker(Chunks(frames), thinking, grips=GRIPS)
    thinker.reset(np.ones(N, dtype=bool))
    return np.array([thinker.act(np.full((N, 1), step + 1.0, np.float32))[0] for step in range(steps)])


@pytest.mark.parametrize("meanwhile", ["stand", "go_on"])
@pytest.mark.parametrize("frames", [1, 4])
def test_no_thinking_time_is_the_policy_itself(meanwhile, frames):
    np.testing.assert_array_equal(told(Thinking(meanwhile=meanwhile), frames), told(Thinking(), frames))
    outcomes = [expert(Thinking(latency=late, meanwhile=meanwhile)) for late in (0.0, 0.02)]  # less than half a step
    assert outcomes[0] == outcomes[1] == expert(Thinking())


def test_who_stands_thinks_of_what_it_saw_and_then_plays_its_chunk():
    asked = told(Thinking(latency=0.1), frames=2, steps=8)
    assert asked[:, 0].tolist() == [0, 0, 1, 1, 0, 0, 5, 5]  # of which observation; 0 where it stands
    assert asked[:, 1].tolist() == [0, 0, 0, 1, 0, 0, 0, 1]  # place in the chunk
    assert asked[:, 2].tolist() == [1, 1, -1, -1, -1, -1, -1, -1]  # tools keep what they were told last


def test_who_goes_on_does_all_later_and_stands_only_at_the_start():
    asked = told(Thinking(latency=0.1, meanwhile="go_on"), frames=2, steps=8)
    np.testing.assert_array_equal(asked[2:], told(Thinking(), frames=2, steps=6))
    assert not asked[:2, :2].any()
    assert asked[:2, 2].tolist() == [1, 1]


@pytest.mark.parametrize(("latency", "steps"), [(0.02, 0), (0.03, 1), (0.05, 1), (0.4, 8)])
def test_time_counts_to_the_nearest_control_step(latency, steps):
    assert np.flatnonzero(told(Thinking(latency=latency))[:, 0])[0] == steps


def test_flops_take_time_by_what_the_agent_says_of_them():
    assert np.flatnonzero(told(Thinking(seconds_per_flop=1e-7))[:, 0])[0] == 2  # of 1e6
    with pytest.raises(ValueError, match="seconds_per_flop of Still, want one that has flops_per_inference"):
        Thinker(Still(), Thinking(seconds_per_flop=1e-7), grips=GRIPS)


class Still:
    """Takes 0.2 s of a clock that shows nothing else."""

    now = 0.0  # [s]

    def reset(self, mask):
        pass

    def act(self, observations):
        self.now += 0.2
        return np.ones((len(observations), 3), np.float32)


def test_measured_time_is_the_agents_own_and_is_recorded(monkeypatch):
    still = Still()
    clock = SimpleNamespace(perf_counter=lambda: still.now)
    monkeypatch.setattr("shopfloor.study.running.thinking.time", clock)
    thinker = Thinker(still, Thinking(measured=True), grips=GRIPS)
    thinker.reset(np.ones(N, dtype=bool))
    asked = [thinker.act(np.zeros((N, 1), np.float32))[0, 0] for _ in range(6)]
    assert asked[:2] == [0, 0]  # .2 s of two episodes: 2 steps each
    assert sum(asked) == 2
    assert thinker.record()["inference_s"] == pytest.approx(0.1)
    assert not Thinker(Still(), Thinking(latency=0.1), grips=GRIPS).record()


def expert(thinking, task="PegInsertion", episodes=8):
    return evaluate(
        lambda env: ExpertAgent().attach(env), TASKS[task], IDEAL, Evaluation(episodes, 4, 0, thinking=thinking)
    )


def test_a_belt_does_not_wait_for_who_thinks():
    quick, slow = (expert(Thinking(latency=late), "ConveyorSorting", 6)["success"] for late in (0.0, 0.4))
    assert np.mean(quick) > 0.8
    assert np.mean(slow) < 0.2


def test_lanes_that_think_begin_together():
    thinker = Thinker(Chunks(1), Thinking(latency=0.1), grips=GRIPS)
    with pytest.raises(ValueError, match="reset of 1 of 2 lanes, want all: they think together"):
        thinker.reset(np.array([True, False]))


@pytest.mark.parametrize(
    "wrong", [{"latency": -1.0}, {"latency": 61.0}, {"seconds_per_flop": np.inf}, {"meanwhile": ""}]
)
def test_impossible_thinking_is_refused(wrong):
    with pytest.raises(ValueError, match="want"):
        Thinking(**wrong)


def test_agents_say_how_often_they_infer():
    assert BehaviorCloning(execute=3).frames_per_inference == 3
    assert NearestNeighbours(chunk=5).frames_per_inference == 5
