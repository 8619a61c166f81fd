"""Whoever drives, what is recorded is what was seen and done, and the labels are all that tells of the outcome."""

from dataclasses import replace

import numpy as np
import pytest

from shopfloor.agents.expert import ExpertAgent
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.driver import NOBODY, Notes, Source
from shopfloor.demos.drivers import PolicyDriver, ReplayDriver, TakeoverDriver
from shopfloor.demos.labels import Checker, Texts, known_texts, reworded_texts
from shopfloor.demos.recorder import record
from shopfloor.demos.truth import Truth
from shopfloor.envs import DEFAULT, IDEAL, TASKS, ShopfloorVectorEnv, collection_sites
from shopfloor.envs.vector import Ending

SHORT = 40  # [control steps]


def environment(task="PegInsertion", lanes=3, *, realism=IDEAL, steps=SHORT, mode="Disabled", **arguments):
    return ShopfloorVectorEnv(
        task,
        lanes,
        realism=realism,
        sites=collection_sites(2),
        autoreset_mode=mode,
        max_episode_steps=steps,
        threads=1,
        **arguments,
    )


class Still:
    """Does nothing, and counts its lanes' resets."""

    resets = 0

    def reset(self, mask):
        self.resets += int(mask.sum())

    def act(self, observations):
        return np.zeros((len(observations), 7), np.float32)


class Person:
    """Pushes one way; stops an episode after `patience` steps; has an operator an episode."""

    def __init__(self, lanes, patience=10**6):
        self.patience = patience
        self.episode = np.zeros(lanes, np.int64)

    def start(self, lanes, sites, episodes):
        self.episode[lanes] = episodes

    def act(self, observations, step):
        return np.full((len(step), 7), 0.25), np.full(len(step), Source.OPERATOR, np.int8)

    def recorded(self, actions):
        return actions

    def reread(self, step):
        return np.zeros(len(step), bool)

    def stopped(self, step):
        return step >= self.patience

    def lingers(self, lanes, step):
        return np.zeros(len(lanes), np.int64)

    def notes(self, lanes):
        number = self.episode[lanes]
        return Notes(10 + number, number // 2, {"haste": number / 10})


def expert_dataset(task, lanes, episodes, *, realism=IDEAL, steps=SHORT):
    env = environment(task, lanes, realism=realism, steps=steps)
    return record(env, PolicyDriver(ExpertAgent().attach(env)), episodes, seed=0)


class Lingering(PolicyDriver):
    """A policy whose episodes go on for so many control steps when the work is done, in which it lets go of it."""

    def __init__(self, policy, steps):
        super().__init__(policy)
        self.steps, self.done = steps, np.zeros(3, bool)

    def start(self, lanes, sites, episodes):
        super().start(lanes, sites, episodes)
        self.done[lanes] = False

    def act(self, observations, step):
        actions, sources = super().act(observations, step)
        actions = np.where(self.done[:, None], 0.5, actions)
        return actions, sources

    def lingers(self, lanes, step):
        self.done[lanes] = True
        return np.full(len(lanes), self.steps)


def lingering(steps, *, horizon=300):
    env = environment("PegInsertion", 3, steps=horizon)
    return record(env, Lingering(ExpertAgent().attach(env), steps), range(5), seed=0)


def test_an_episode_goes_on_when_the_work_is_done_for_as_long_as_its_driver_lingers():
    at_once, later = lingering(0), lingering(7)
    assert at_once.episode_success.all()
    assert np.diff(later.bounds).tolist() == (np.diff(at_once.bounds) + 7).tolist()
    assert later.ended_by.tolist() == [Ending.SUCCESS] * 5  # also where letting go undoes it
    assert later.terminated.all()
    assert later.truth.outcomes.all()
    assert later.success.sum() == 5
    for episode in range(5):
        ours, theirs = later.bounds[episode], at_once.bounds[episode]
        length = at_once.bounds[episode + 1] - theirs
        np.testing.assert_array_equal(
            later.observations[ours : ours + length], at_once.observations[theirs : theirs + length]
        )
        after = later.observations[ours + length : later.bounds[episode + 1]]
        assert len(np.unique(after, axis=0)) == 7  # the world goes on, too


def test_an_episode_that_lingers_replays_and_ends_with_the_time_at_the_latest():
    later = lingering(7)
    again = record(environment("PegInsertion", 2, steps=300), ReplayDriver(later), range(5), seed=0)
    for name in ("observations", "last_observations", "rewards", "success", "ended_by", "terminated", "bounds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(later, name), err_msg=name)
    longest = int(np.diff(lingering(0).bounds).max())
    cut = lingering(7, horizon=longest + 3)
    assert np.diff(cut.bounds).max() == longest + 3
    assert cut.ended_by.tolist() == [Ending.SUCCESS] * 5


def test_what_was_recorded_replays_open_loop_to_the_same_states(task):
    recorded = expert_dataset(task, 3, range(3))
    again = record(environment(task, 2), ReplayDriver(recorded), range(3), seed=0)
    for name in ("observations", "last_observations", "actions", "rewards", "times", "success", "ended_by", "bounds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(recorded, name), err_msg=name)
    assert set(again.sources) == {Source.REPLAY}


def test_a_replay_is_of_the_episodes_that_were_recorded_where_they_were():
    recorded = expert_dataset("PegInsertion", 2, [5, 8])
    again = record(environment(lanes=1), ReplayDriver(recorded, [5, 8]), [8, 5], seed=0)
    np.testing.assert_array_equal(again.observations[again.bounds[1] :], recorded.observations[: recorded.bounds[1]])
    with pytest.raises(ValueError, match="episode 5 to replay, want one of the 2 recorded ones"):
        record(environment(), ReplayDriver(recorded), [5], seed=0)
    with pytest.raises(ValueError, match="episode 5 at site 0, want 1 as recorded"):
        ReplayDriver(recorded, [5, 8]).start(np.array([0]), np.array([0]), np.array([5]))
    with pytest.raises(ValueError, match="1 numbers of episodes, want 2"):
        ReplayDriver(recorded, [5])


def test_where_a_recording_ends_the_replay_is_given_up():
    recorded = expert_dataset("PegInsertion", 2, range(2), steps=10)
    again = record(environment(lanes=2), ReplayDriver(recorded), range(2), seed=0)
    assert np.diff(again.bounds).tolist() == [10, 10]
    assert again.ended_by.tolist() == [Ending.GAVE_UP] * 2
    np.testing.assert_array_equal(again.observations, recorded.observations)


def test_a_policys_episodes_say_who_acted_when_and_how_they_ended():
    still = Still()
    dataset = record(environment(lanes=2), PolicyDriver(still), range(3), seed=0, round_number=4, policy=7)
    assert still.resets == 3
    assert np.diff(dataset.bounds).tolist() == [SHORT] * 3
    np.testing.assert_allclose(dataset.times, np.tile(np.arange(SHORT) / 20, 3))
    assert set(dataset.sources) == {Source.POLICY}
    assert dataset.operators.tolist() == dataset.sessions.tolist() == [NOBODY] * 3
    assert (dataset.rounds.tolist(), dataset.policies.tolist()) == ([4] * 3, [7] * 3)
    assert dataset.ended_by.tolist() == [Ending.TIME] * 3
    assert not dataset.terminated.any()
    assert dataset.feature_names == TASKS["PegInsertion"]().feature_names
    assert dataset.truth.outcomes.tolist() == [False] * 3
    assert list(dataset.truth.faults) == ["mistaken_text", "reworded_text"]


def test_the_last_observation_is_what_followed_the_last_action():
    long, short = (expert_dataset("PegInsertion", 2, range(2), realism=DEFAULT, steps=steps) for steps in (21, 20))
    np.testing.assert_array_equal(short.last_observations, long.observations[long.bounds[1:] - 1])


def test_a_recording_is_the_same_whatever_the_lanes_and_the_order():
    whole = expert_dataset("PegInsertion", 4, range(5), realism=DEFAULT)
    assert expert_dataset("PegInsertion", 2, range(5), realism=DEFAULT).content_hash == whole.content_hash
    chosen = whole.select(np.arange(5) % 2 == 1)
    assert expert_dataset("PegInsertion", 1, [1, 3], realism=DEFAULT).content_hash == chosen.content_hash


def test_an_operator_takes_over_where_the_gate_says_so():
    dataset = record(
        environment(lanes=2), TakeoverDriver(Still(), Person(2), lambda seen, step: step % 10 >= 6), range(3), seed=0
    )
    taken = np.tile(np.arange(SHORT) % 10 >= 6, 3)
    assert (dataset.sources == np.where(taken, Source.TAKEOVER, Source.POLICY)).all()
    assert (dataset.actions == np.where(taken, 0.25, 0)[:, None]).all()
    assert dataset.operators.tolist() == [10, 11, 12]


def test_who_watches_stops_an_episode_only_where_it_acts():
    def lengths(gate):
        dataset = record(environment(lanes=2), TakeoverDriver(Still(), Person(2, patience=9), gate), range(2), seed=0)
        return np.diff(dataset.bounds).tolist()

    assert lengths(lambda seen, step: step >= 20) == [21, 21]
    assert lengths(lambda seen, step: step >= SHORT) == [SHORT] * 2


def test_a_driver_that_stops_has_given_up_and_its_notes_are_kept():
    dataset = record(environment(lanes=2), Person(2, patience=12), [3, 0, 2], seed=0)
    assert np.diff(dataset.bounds).tolist() == [12] * 3
    assert dataset.ended_by.tolist() == [Ending.GAVE_UP] * 3
    assert (dataset.operators.tolist(), dataset.sessions.tolist()) == ([13, 10, 12], [1, 0, 1])
    assert dataset.truth.faults["haste"].tolist() == [0.3, 0.0, 0.2]


def test_a_wrong_label_is_all_that_is_told_of_the_outcome():
    dataset = record(environment(lanes=2), Person(2), range(2), seed=0, checker=Checker(1.0, 1.0))
    assert dataset.episode_success.all()
    assert dataset.ended_by.tolist() == [Ending.SUCCESS] * 2
    assert dataset.terminated.all()
    assert not dataset.truth.outcomes.any()
    done = expert_dataset("PegInsertion", 2, range(2), steps=None)
    assert done.truth.outcomes.all()

    env = environment(lanes=2, steps=None)
    expert = PolicyDriver(ExpertAgent().attach(env))
    denied = record(env, expert, range(2), seed=0, checker=Checker(1.0, 1.0))
    assert not denied.success.any()
    assert denied.ended_by.tolist() == [Ending.LOST] * 2
    assert denied.truth.outcomes.all()
    np.testing.assert_array_equal(denied.observations, done.observations)


def written(texts, episodes=range(40), lanes=8):
    return record(environment(lanes=lanes, steps=1), Person(lanes), episodes, seed=0, texts=texts)


def test_mistaken_and_reworded_texts_are_in_the_recording_and_which_they_are_in_its_truth():
    dataset = written(Texts(mistaken=0.3, reworded=0.3), range(200), lanes=50)
    texts, own = np.array(dataset.texts), TASKS["PegInsertion"].instruction
    assert dataset.task == own
    mistaken, reworded = (dataset.truth.faults[name] == 1 for name in ("mistaken_text", "reworded_text"))
    np.testing.assert_array_equal(mistaken, np.isin(texts, known_texts()) & (texts != own))
    np.testing.assert_array_equal(reworded, np.isin(texts, reworded_texts(own)))
    np.testing.assert_array_equal(~mistaken & ~reworded, texts == own)
    for mask in (mistaken, reworded):
        assert abs(mask.sum() - 60) < 4 * np.sqrt(200 * 0.3 * 0.7)  # 4 sigma of the binomial
    assert dataset.without_truth().truth is None


def test_texts_change_nothing_else_and_without_strength_nothing_at_all():
    plain, faulty = written(Texts()), written(Texts(0.5, 0.5))
    assert written(Texts(0.5, 0.5, strength=0.0)).content_hash == plain.content_hash
    assert plain.texts == [TASKS["PegInsertion"].instruction] * 40
    assert not any(values.any() for name, values in plain.truth.faults.items() if name.endswith("text"))
    assert faulty.task not in faulty.texts
    faults = {**faulty.truth.faults} | {name: plain.truth.faults[name] for name in ("mistaken_text", "reworded_text")}
    corrected = replace(faulty, task_index=plain.task_index, truth=Truth(faulty.truth.outcomes, faults))
    assert corrected.content_hash == plain.content_hash


def test_a_text_is_the_same_whatever_the_lanes_and_the_shards():
    texts = Texts(mistaken=0.3, reworded=0.3)
    whole = written(texts, range(12), lanes=5)
    parts = [written(texts, range(7), lanes=2), written(texts, range(7, 12), lanes=3)]
    assert Dataset.concatenate(parts).content_hash == whole.content_hash
    assert len(set(whole.texts)) > 2


def test_what_cannot_be_recorded_is_refused():
    for episodes, said in (([], "0 episodes, 0 different ones"), ([1, 1], "2 episodes, 1 different ones")):
        with pytest.raises(ValueError, match=said):
            record(environment(), PolicyDriver(Still()), episodes)
    with pytest.raises(ValueError, match="want obs_type state: a vector of"):
        record(environment(obs_type="raw"), PolicyDriver(Still()), [0])
    with pytest.raises(ValueError, match="autoreset_mode NextStep, want Disabled"):
        record(environment(mode="NextStep"), PolicyDriver(Still()), [0])
