"""The engine's own promises: bad input, divergence, endings, episode numbering, measures; one lane or many."""

import os
import subprocess
import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from shopfloor.envs import IDEAL, REALISMS, ShopfloorEnv, ShopfloorVectorEnv
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sites import SiteSpread
from shopfloor.envs.rendering import GraphicsError
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.task import Task
from shopfloor.envs.tasks.peg_insertion import PegInsertion
from shopfloor.envs.vector import Ending

KINDS = [ShopfloorEnv, ShopfloorVectorEnv]  # the single and the vector environment refuse the same in the same words


@pytest.fixture
def env():
    env = ShopfloorVectorEnv("PegInsertion", 4, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((4, 6)), r"actions of shape \(4, 6\), want \(4, 7\)"),
        (np.zeros(7), r"actions of shape \(7,\), want \(4, 7\)"),
        (np.full((4, 7), np.nan), "in lane 0, want finite"),
        (np.where(np.arange(4)[:, None] == 2, np.inf, np.zeros((4, 7))), "in lane 2, want finite"),
    ],
)
def test_a_bad_action_is_one_clear_error_and_changes_nothing(env, actions, message):
    before = env.sim.qpos.copy()
    with pytest.raises(ValueError, match=message):
        env.step(actions)
    np.testing.assert_array_equal(env.sim.qpos, before)
    assert env.steps.tolist() == [0] * 4


@pytest.mark.parametrize("action", [np.zeros(6), np.full(7, np.nan), np.zeros((2, 7))])
def test_the_single_env_refuses_an_action_in_the_words_of_the_vector_env(action):
    said = []
    for env, given in ((ShopfloorEnv("PegInsertion"), action), (ShopfloorVectorEnv("PegInsertion"), action[None])):
        env.reset(seed=0)
        with pytest.raises(ValueError, match="want") as error:
            env.step(given)
        said.append(str(error.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "Nope"}, "task 'Nope', want one of .*PegInsertion"),
        ({"task": "nope:Nope"}, "task 'nope:Nope', want module:Class that can be imported: No module named 'nope'"),
        ({"difficulty": "nope"}, "difficulty 'nope', want one of easy, default, hard"),
        ({"task": PegInsertion(), "difficulty": "hard"}, "difficulty 'hard' of a task object, want it given to the"),
        ({"realism": "nope"}, "realism 'nope', want one of default, ideal"),
        ({"reward_type": "nope"}, "reward_type 'nope', want one of dense, sparse$"),
        (
            {"obs_type": "nope"},
            "obs_type 'nope', want one of state, environment_state_agent_pos, raw, pixels, pixels_agent_pos$",
        ),
        ({"image_size": (0, 4)}, r"image_size \(0, 4\), want height and width, whole numbers of 1 pixel or more"),
        ({"image_size": (96, 96.5)}, r"image_size \(96, 96.5\), want height and width, whole numbers of 1 pixel or"),
        ({"image_size": 96}, "image_size 96, want height and width, whole numbers of 1 pixel or more"),
        ({"render_mode": "nope"}, "render_mode 'nope', want one of None, rgb_array, human$"),
        ({"camera": "nope"}, "camera 'nope', want one of front, wrist$"),
        ({"sites": []}, "no sites, want at least one"),
        ({"sites": [3, -1]}, r"sites \[3, -1\], want a sequence of whole numbers of 0 or more"),
        ({"sites": [0.5]}, r"sites \[0.5\], want a sequence of whole numbers of 0 or more"),
        ({"sites": 3}, "sites 3, want a sequence of whole numbers of 0 or more"),
        ({"max_episode_steps": 0}, "max_episode_steps 0, want a whole number of 1 or more"),
        ({"max_episode_steps": 9.5}, "max_episode_steps 9.5, want a whole number of 1 or more"),
    ],
)
def test_a_bad_argument_is_one_clear_error(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**{"task": "PegInsertion", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_envs": 0}, "num_envs 0, want a whole number of 1 or more"),
        ({"num_envs": 2.5}, "num_envs 2.5, want a whole number of 1 or more"),
        ({"autoreset_mode": "nope"}, "autoreset_mode 'nope', want one of NextStep, SameStep, Disabled$"),
    ],
)
def test_a_bad_argument_of_the_vector_env_is_one_clear_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShopfloorVectorEnv("PegInsertion", **arguments)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [-1, 1.5, "3", True, [0, 1], [0], np.arange(2)])
def test_a_bad_seed_is_one_clear_error_that_changes_nothing(kind, seed):
    env = kind("PegInsertion")
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message follows
        env.reset(seed=seed)
    wanted = "want one whole number of 0 or more: its episodes are numbered, one a lane"
    assert str(error.value) == f"seed {seed!r}, {wanted}"
    assert getattr(env, "vector", env).seed is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nope": 1}, r"reset options \['nope'\], want reset_mask or episodes"),
        ({"reset_mask": np.zeros(4, bool)}, r"want \(4,\) of bool with one lane or more"),
        ({"reset_mask": np.ones(3, bool)}, r"want \(4,\) of bool with one lane or more"),
        ({"reset_mask": np.arange(4)}, r"reset mask \[0 1 2 3\], want \(4,\) of bool with one lane or more"),
        ({"episodes": np.arange(3)}, r"want \(4,\) whole numbers of 0 or more"),
        ({"episodes": np.arange(4) - 1}, r"want \(4,\) whole numbers of 0 or more"),
        ({"episodes": [0, 1, 2, 2.5]}, r"episodes \[0.  1.  2.  2.5\], want \(4,\) whole numbers of 0 or more"),
    ],
)
def test_a_bad_reset_is_one_clear_error_that_changes_nothing(env, options, message):
    before = env.sim.qpos.copy()
    with pytest.raises(ValueError, match=message):
        env.reset(seed=1, options=options)
    assert env.seed == 0
    np.testing.assert_array_equal(env.sim.qpos, before)
    assert env.reset()[1]["episode_index"].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episodes": [0]}, r"reset options \['episodes'\], want episode$"),
        ({"episode": -1}, r"episodes \[-1\], want \(1,\) whole numbers of 0 or more"),
        ({"episode": 0.5}, r"episodes \[0.5\], want \(1,\) whole numbers of 0 or more"),
    ],
)
def test_a_bad_reset_of_the_single_env_is_one_clear_error(options, message):
    env = ShopfloorEnv("PegInsertion")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.reset(options=options)


@pytest.mark.parametrize("kind", KINDS)
def test_step_before_reset_is_refused(kind):
    env = kind("PegInsertion")
    with pytest.raises(gymnasium.error.ResetNeeded, match="step before reset, want reset first"):
        env.step(np.zeros(env.action_space.shape))


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_numpys_are_as_good_as_pythons(kind):
    plain, numpys = kind("PegInsertion", sites=[0, 1]), kind("PegInsertion", sites=np.arange(2))
    for seed in (np.int64(3), np.uint8(3)):
        np.testing.assert_array_equal(numpys.reset(seed=seed)[0], plain.reset(seed=3)[0])
    assert type(getattr(numpys, "vector", numpys).seed) is int
    one = kind("PegInsertion", sites=(np.int32(1),)).reset(seed=0)[1]["site"]
    assert np.ravel(one).tolist() == [1]


def test_seeds_of_a_word_and_more_are_seeds_of_their_own(env):
    starts = [env.reset(seed=seed)[0] for seed in (7, 7 + 2**32, 7 + 2**64, np.uint64(2**63))]
    assert len(np.unique(np.concatenate(starts), axis=0)) == 4 * len(starts)


def test_a_diverging_simulation_costs_its_own_episode_only(env):
    calm = ShopfloorVectorEnv("PegInsertion", 4, realism="ideal", autoreset_mode="Disabled")
    calm.reset(seed=0)
    env.sim.qvel[2] = np.inf
    observations, _, terminated, _, info = env.step(np.zeros((4, 7)))
    assert info["diverged"].tolist() == terminated.tolist() == [False, False, True, False]
    assert info["ended_by"].tolist() == [Ending.RUNNING, Ending.RUNNING, Ending.DIVERGED, Ending.RUNNING]
    assert not info["success"].any()
    assert np.isfinite(observations).all()
    others = [0, 1, 3]
    np.testing.assert_array_equal(observations[others], calm.step(np.zeros((4, 7)))[0][others])
    for _ in range(3):
        after, calm_after = env.step(np.zeros((4, 7)))[0], calm.step(np.zeros((4, 7)))[0]
    np.testing.assert_array_equal(after[others], calm_after[others])
    assert np.isfinite(env.reset(options={"reset_mask": np.arange(4) == 2})[0]).all()


def test_every_way_to_end_has_its_code(env, monkeypatch):
    assert [(ending.name, ending.value) for ending in Ending] == [
        *(("RUNNING", 0), ("SUCCESS", 1), ("LOST", 2), ("DIVERGED", 3), ("TIME", 4), ("GAVE_UP", 5))
    ]
    lane = np.arange(4)
    monkeypatch.setattr(env.task, "success", lambda: lane == 0)
    monkeypatch.setattr(env.task, "lost", lambda: lane <= 1)  # what has succeeded is not lost
    env.sim.qvel[2] = np.inf
    env._horizon = 1
    _, _, terminated, truncated, info = env.step(np.zeros((4, 7)))
    assert info["ended_by"].tolist() == [Ending.SUCCESS, Ending.LOST, Ending.DIVERGED, Ending.TIME]
    assert terminated.tolist() == [True, True, True, False]
    assert truncated.tolist() == [False, False, False, True]
    for how, ended in zip(("success", "lost", "diverged"), range(3), strict=True):
        assert info[how].tolist() == (lane == ended).tolist()
    assert env.step(np.zeros((4, 7)))[4]["ended_by"].tolist() == [Ending.RUNNING] * 4  # told once


def test_episodes_are_numbered_lane_by_lane_and_a_seed_starts_them_anew(env):
    assert env.reset(seed=3)[1]["episode_index"].tolist() == [0, 1, 2, 3]
    first = env.reset(seed=3)[0]
    assert env.reset()[1]["episode_index"].tolist() == [4, 5, 6, 7]
    np.testing.assert_array_equal(env.reset(seed=3)[0], first)


def test_an_episode_is_at_the_site_that_its_number_says():
    env = ShopfloorVectorEnv("PegInsertion", 4, sites=[5, 2, 9])
    assert env.reset(seed=0)[1]["site"].tolist() == [5, 2, 9, 5]
    assert env.reset(options={"episodes": np.array([4, 4, 0, 2])})[1]["site"].tolist() == [2, 2, 5, 9]


def test_a_partial_reset_leaves_the_other_lanes_as_they_are(env):
    env.step(np.full((4, 7), 0.5))
    before = env.sim.qpos.copy()
    mask = np.array([False, True, False, False])
    _, info = env.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(env.sim.qpos[~mask], before[~mask])
    assert info["episode_index"].tolist() == [0, 5, 2, 3]
    assert env.steps.tolist() == [1, 0, 1, 1]


def test_actions_beyond_the_range_are_clipped(env):
    other = ShopfloorVectorEnv("PegInsertion", 4, realism=IDEAL, autoreset_mode="Disabled")
    other.reset(seed=0)
    np.testing.assert_array_equal(env.step(np.full((4, 7), 9.0))[0], other.step(np.ones((4, 7)))[0])


def test_an_episodes_state_does_not_grow_with_its_horizon():
    def kept(steps):
        state = ShopfloorVectorEnv("PegInsertion", 2, max_episode_steps=steps).state()
        return sum(record.nbytes for record in state.lanes.records)

    assert kept(10) == kept(100_000)


class Counted(PegInsertion):
    """Its measures follow a number that the test sets."""

    level = np.zeros(2)

    def wanted(self):
        return self.level.copy()

    def on(self):
        return self.level > 0

    def off(self):
        return self.level < 0


def test_measures_are_kept_as_they_say(monkeypatch):
    from shopfloor.envs.measurement import Measure

    kinds = [Measure(kind, "1", "", kind, "wanted") for kind in ("end", "highest", "lowest", "sum")]
    kinds += [Measure("rises", "1", "", "rises", "on"), Measure("falls", "1", "", "falls", "on")]
    kinds += [Measure("falls_unless", "1", "", "falls", "on", unless="off")]
    monkeypatch.setattr(Counted, "own_measures", tuple(kinds))
    env = ShopfloorVectorEnv(Counted(), 2, autoreset_mode="Disabled")
    Counted.level = np.array([1.0, 0.0])
    info = env.reset(seed=0)[1]
    for level in ([3.0, 2.0], [0.0, 5.0], [-2.0, -1.0], [1.0, 4.0], [-1.0, 1.0]):
        Counted.level = np.array(level)
        info = env.step(np.zeros((2, 7)))[4]
    found = {kind.name: info["measures"][kind.name].tolist() for kind in kinds}
    assert found == {
        "end": [-1.0, 1.0],
        "highest": [3.0, 5.0],
        "lowest": [-2.0, -1.0],
        "sum": [1.0, 11.0],  # of what the steps came to, not of the start
        "rises": [1.0, 2.0],
        "falls": [2.0, 1.0],
        "falls_unless": [1.0, 0.0],
    }
    assert info["measures"]["cycle_time"].tolist() == [pytest.approx(5 * CONTROL_PERIOD)] * 2
    Counted.level = np.array([0.5, 0.0])
    again = env.reset(options={"reset_mask": np.array([True, False])})[1]["measures"]
    assert [again[name].tolist() for name in ("highest", "sum", "rises")] == [[0.5, 5.0], [0.0, 11.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("PegInsertion", "friction"),
        ("PegInsertion", "part_mass"),
        ("PegInsertion", "wear"),
        ("PegInsertion", "bench_height"),
        ("PegInsertion", "fixture_shift"),
        ("PegInsertion", "camera_shift"),
        ("PegInsertion", "camera_turn"),
        ("Palletizing", "payload"),
        ("ConveyorSorting", "belt_speed"),
    ],
)
def test_every_way_in_which_factories_differ_changes_an_episode(name, differing):
    def played(realism):
        env = ShopfloorVectorEnv(name, 2, realism=realism, autoreset_mode="Disabled")
        observations = [env.reset(seed=0)[0]]
        expert = env.task.expert()
        expert.reset(np.arange(2))
        for _ in range(90):
            observations.append(env.step(expert.act())[0])
        return np.array(observations)

    apart = replace(IDEAL, sites=replace(SiteSpread(), **{differing: Uniform(0.02, 0.02)}))
    assert not np.array_equal(played(apart), played(IDEAL))


def test_a_task_object_serves_one_environment_and_a_fresh_one_another():
    task = PegInsertion(clearance=1e-4)
    first = ShopfloorVectorEnv(task, 1)
    second = ShopfloorVectorEnv(task.fresh(), 1)
    assert isinstance(second.task, Task)
    assert second.task.knob == first.task.knob
    np.testing.assert_array_equal(first.reset(seed=0)[0], second.reset(seed=0)[0])


def test_realisms_are_told_by_name_or_given():
    by_name = ShopfloorVectorEnv("PegInsertion", 2, realism="default").reset(seed=0)[0]
    np.testing.assert_array_equal(
        ShopfloorVectorEnv("PegInsertion", 2, realism=REALISMS["default"]).reset(seed=0)[0], by_name
    )
    assert not np.array_equal(ShopfloorVectorEnv("PegInsertion", 2, realism="ideal").reset(seed=0)[0], by_name)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a screen is not told by the environment's variables")
@pytest.mark.parametrize("kind", KINDS)
def test_the_viewer_without_a_screen_is_one_clear_error(kind, monkeypatch):
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(screen, raising=False)
    env = kind("PegInsertion", render_mode="human")
    env.reset(seed=0)
    with pytest.raises(GraphicsError, match="no screen for the viewer, want DISPLAY or WAYLAND_DISPLAY"):
        env.render()


def played_without_gl(obs_type):
    code = (
        "import sys, numpy\n"
        "from shopfloor.envs import ShopfloorVectorEnv\n"
        f"env = ShopfloorVectorEnv('PegInsertion', 1, obs_type={obs_type!r}, render_mode='rgb_array')\n"
        "print('made', {'OpenGL', 'glfw', 'shopfloor.envs.rendering'} & set(sys.modules))\n"
        "env.reset(seed=0)\n"
        "env.step(numpy.zeros((1, 7)))\n"
        "print('played', {'OpenGL', 'glfw', 'shopfloor.envs.rendering'} & set(sys.modules))\n"
    )
    without = os.environ | {"MUJOCO_GL": "disable"}
    return subprocess.run([sys.executable, "-c", code], env=without, capture_output=True, text=True)


def test_the_state_needs_no_gl_and_pictures_without_it_are_one_clear_error():
    assert played_without_gl("state").stdout.splitlines() == ["made set()", "played set()"]
    pictures = played_without_gl("pixels")
    assert pictures.stdout.splitlines() == ["made set()"]  # GL is asked for at the first picture
    error = pictures.stderr.strip().splitlines()[-1]
    assert "GraphicsError: no GL to draw with" in error
    assert error.endswith("want MUJOCO_GL=egl or MUJOCO_GL=osmesa where there is no screen")
