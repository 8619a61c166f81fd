"""What people bring: stable-baselines3, Gymnasium's wrappers, CleanRL's stack, Minari and pickles, over every task."""

import copy
import multiprocessing
import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import (
    ClipAction,
    FlattenObservation,
    NormalizeObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
    TimeAwareObservation,
    TransformObservation,
    TransformReward,
)
from gymnasium.wrappers import vector as vector_wrappers
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from shopfloor.agents.sb3 import VectorEnvAdapter
from shopfloor.envs import ShopfloorEnv, ShopfloorVectorEnv

SHORT = 25  # [control steps] of the episodes here


def single(task, **arguments):
    return ShopfloorEnv(task, **{"max_episode_steps": SHORT, **arguments})


def played(env, steps, seed=0):
    """Everything that an environment gives over steps of random actions."""
    env.action_space.seed(seed)
    given = [env.reset(seed=seed)]
    for _ in range(steps):
        given.append(env.step(env.action_space.sample()))
        if given[-1][2] or given[-1][3]:
            given.append(env.reset())
    return given


def same(a, b):
    """Whether two nested values are equal to the bit; NaN equals NaN."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


@pytest.mark.costly
def test_ppo_trains_with_monitor_vecnormalize_and_evalcallback(task, tmp_path):
    venv = VecNormalize(DummyVecEnv([lambda: Monitor(single(task))]))
    evaluation = VecNormalize(DummyVecEnv([lambda: Monitor(single(task))]), training=False)
    callback = EvalCallback(evaluation, n_eval_episodes=1, eval_freq=64, log_path=str(tmp_path), verbose=0)
    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=32, n_epochs=1, policy_kwargs={"net_arch": [8]})
    model.learn(128, callback=callback)
    assert len(model.ep_info_buffer) == 128 // SHORT
    assert {"r", "l", "t"} <= model.ep_info_buffer[0].keys()
    assert len(model.ep_success_buffer) == 128 // SHORT  # from is_success
    assert np.load(tmp_path / "evaluations.npz")["successes"].shape == (2, 1)


@pytest.mark.costly
def test_sac_trains_on_one_environment_and_on_the_batch(task):
    settings = {"learning_starts": 40, "train_freq": 10, "gradient_steps": 1, "policy_kwargs": {"net_arch": [8]}}
    SAC("MlpPolicy", Monitor(single(task)), **settings).learn(80)
    batch = ShopfloorVectorEnv(task, 4, autoreset_mode="SameStep", max_episode_steps=SHORT)
    model = SAC("MlpPolicy", VectorEnvAdapter(batch), **settings)
    model.learn(160)
    assert len(model.ep_info_buffer) == 0 or {"r", "l", "t"} <= model.ep_info_buffer[0].keys()


@pytest.mark.costly
def test_both_recorders_of_episode_statistics_work(task):
    env = RecordEpisodeStatistics(single(task))
    last = played(env, SHORT)[SHORT][4]
    assert last["episode"]["l"] == SHORT
    envs = vector_wrappers.RecordEpisodeStatistics(ShopfloorVectorEnv(task, 3, max_episode_steps=SHORT))
    envs.reset(seed=0)
    for _ in range(SHORT):
        info = envs.step(envs.action_space.sample())[4]
    assert info["episode"]["l"].tolist() == [SHORT] * 3


@pytest.mark.costly
def test_cleanrls_stack_of_wrappers_works(task):
    def make():
        env = RecordEpisodeStatistics(FlattenObservation(single(task)))
        env = NormalizeObservation(ClipAction(env))
        env = TransformObservation(env, lambda x: np.clip(x, -10, 10), env.observation_space)
        return TransformReward(NormalizeReward(env), lambda reward: np.clip(reward, -10, 10))

    envs = gymnasium.vector.SyncVectorEnv([make, make])
    envs.reset(seed=1)
    for _ in range(SHORT + 2):
        observations, _, _, _, info = envs.step(envs.action_space.sample())
        assert np.isfinite(observations).all()
        if "episode" in info:
            assert info["episode"]["l"].tolist() == [SHORT] * 2
            break
    else:
        pytest.fail("no episode ended")


@pytest.mark.costly
def test_minaris_collector_records_with_infos(task, tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    name = task.rsplit(":", 1)[-1]
    env = minari.DataCollector(single(task), record_infos=True, data_format="arrow")
    played(env, 2 * SHORT)
    dataset = env.create_dataset(f"shopfloor/{name.lower()}-v0", algorithm_name="random")
    episode = next(dataset.iterate_episodes())
    assert len(episode.actions) == SHORT
    assert len(episode.observations) == SHORT + 1
    assert episode.infos["episode_index"].tolist() == [0] * (SHORT + 1)
    assert episode.infos["ended_by"].tolist() == [0] * SHORT + [4]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_the_same_to_the_bit(task, duplicate):
    env = single(task, max_episode_steps=None)
    played(env, 12)
    other = duplicate(env)
    actions = [env.action_space.sample() for _ in range(12)]
    assert same([env.step(action) for action in actions], [other.step(action) for action in actions])
    assert same(env.reset(), other.reset())
    assert other.spec == env.spec


def test_lanes_are_restored_to_the_bit_also_into_other_lanes_of_another_environment(task):
    env = ShopfloorVectorEnv(task, 5, autoreset_mode="Disabled")
    env.reset(seed=4)
    expert = env.task.expert()
    expert.reset(np.arange(5))
    for _ in range(30):
        env.step(expert.act())
    state = pickle.loads(pickle.dumps(env.state(np.array([3, 1]))))
    actions = [expert.act() for _ in range(1)] + [env.action_space.sample() for _ in range(19)]
    went = [env.step(action) for action in actions]
    other = ShopfloorVectorEnv(task, 3, autoreset_mode="Disabled", threads=1)
    other.reset(seed=8)
    other.restore(state, np.array([2, 0]))
    for action, (observations, rewards, *_) in zip(actions, went, strict=True):
        again = other.step(action[[1, 0, 3]])
        np.testing.assert_array_equal(again[0][[2, 0]], observations[[3, 1]])
        np.testing.assert_array_equal(again[1][[2, 0]], rewards[[3, 1]])


def test_info_has_the_same_keys_at_reset_and_at_every_step(task):
    first, *steps = played(single(task), SHORT)
    shape = {key: sorted(value) if isinstance(value, dict) else None for key, value in first[1].items()}
    for step in steps:
        assert {k: sorted(v) if isinstance(v, dict) else None for k, v in step[-1].items()} == shape
    assert {"is_success", "success", "lost", "ended_by", "stage", "measures", "reward_terms", "site"} <= shape.keys()
    assert "episode" not in shape  # Gymnasium's and stable-baselines3's own


def test_specs_tell_how_long_an_episode_is(task):
    if ":" in task:
        pytest.skip("not registered")
    env = gymnasium.make(f"shopfloor/{task}-v0")
    assert env.spec.max_episode_steps == env.unwrapped.task.horizon_steps == env.get_wrapper_attr("_max_episode_steps")
    TimeAwareObservation(env).reset(seed=0)
    assert gymnasium.make(f"shopfloor/{task}-v0", max_episode_steps=3).spec.max_episode_steps == 3
    envs = gymnasium.make_vec(f"shopfloor/{task}-v0", 2, vectorization_mode="vector_entry_point", max_episode_steps=3)
    envs.reset(seed=0)
    assert [envs.step(envs.action_space.sample())[3].tolist() for _ in range(3)] == [[False] * 2] * 2 + [[True] * 2]
    shown = gymnasium.make_vec(f"shopfloor/{task}-v0", 2, vectorization_mode="sync")
    assert shown.reset(seed=0)[0].shape == (2, *env.observation_space.shape)


@pytest.mark.costly
@pytest.mark.parametrize("obs_type", ["environment_state_agent_pos", "raw"])
def test_flat_dicts_of_numbers_suit_stable_baselines3(task, obs_type):
    env = single(task, obs_type=obs_type)
    observations, _ = env.reset(seed=0)
    assert env.observation_space.contains(observations)
    PPO("MultiInputPolicy", env, n_steps=32, batch_size=16, n_epochs=1, policy_kwargs={"net_arch": [4]}).learn(32)


def test_the_two_halves_are_the_state_and_raw_readings_hold_every_channel(task):
    whole, halves, raw = (single(task, obs_type=kind) for kind in ("state", "environment_state_agent_pos", "raw"))
    (state, _), (parts, _), (readings, _) = (env.reset(seed=5) for env in (whole, halves, raw))
    np.testing.assert_array_equal(np.concatenate([parts["agent_pos"], parts["environment_state"]]), state)
    owners = whole.task.observed
    assert {name: len(value) for name, value in readings.items()} == {
        channel.name: channel.size for owner in owners for channel in owner.channels
    }


FORKED = """
import gymnasium
from shopfloor.envs import ShopfloorEnv
make = lambda: ShopfloorEnv("PegInsertion", obs_type="pixels", image_size=(16, 16))
envs = gymnasium.vector.AsyncVectorEnv([make] * 2, context="fork")
observations, _ = envs.reset(seed=0)
envs.step_async(envs.action_space.sample())
envs.step_wait(timeout=60)
print(observations["front"].shape)
envs.close()
"""


def test_pictures_do_not_hang_in_forked_workers(graphics):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    ran = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "(2, 16, 16, 3)", ran.stderr
