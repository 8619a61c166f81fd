"""The contract that every registered task keeps; with --task module:Class, one from another package."""

import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as check_env_sb3

from shopfloor.envs import REALISMS, TASKS, ShopfloorEnv, ShopfloorVectorEnv, collection_sites, held_out_sites
from shopfloor.envs.realism.sensing import CAMERAS
from shopfloor.envs.task import DIFFICULTIES
from shopfloor.envs.vector import task_class


def env_of(task, n, **arguments):
    return ShopfloorVectorEnv(task, n, **{"autoreset_mode": "Disabled", **arguments})


def play(env, actions_for, *, episodes, seed=0, steps=10**6):
    """Play episodes to their ends (at most steps); returns observations (steps, n, d) and success (n,)."""
    observations, _ = env.reset(seed=seed, options={"episodes": np.asarray(episodes)})
    trace, success = [observations], np.zeros(env.num_envs, dtype=bool)
    while not env.over.all() and len(trace) <= steps:
        observations, _, _, _, info = env.step(actions_for(observations))
        trace.append(observations)
        success |= info["success"]
    return np.array(trace), success


def expert_of(env):
    expert = env.task.expert()
    expert.reset(np.arange(env.num_envs))
    return lambda _: expert.act()


def scripted(env, episodes):
    """Actions that depend on the episode's number and the step only."""
    step, act_dim = iter(range(10**6)), env.single_action_space.shape[0]

    def act(_):
        k = next(step)
        return np.array([np.sin(0.1 * k + np.arange(act_dim) + episode) for episode in episodes])

    return act


@pytest.mark.filterwarnings("ignore:.*A Box (observation|action) space.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*not within the observation space.*:UserWarning")
def test_single_env_passes_both_checkers(task):
    env = ShopfloorEnv(task)
    check_env(env, skip_render_check=True)
    check_env_sb3(env)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_make_gives_the_single_env_and_make_vec_the_batched_engine(name):
    assert isinstance(gymnasium.make(f"shopfloor/{name}-v0").unwrapped, ShopfloorEnv)
    env = gymnasium.make_vec(f"shopfloor/{name}-v0", num_envs=3, vectorization_mode="vector_entry_point")
    assert isinstance(env.unwrapped, ShopfloorVectorEnv)
    observations, _ = env.reset(seed=0)
    assert observations.shape == (3, *env.single_observation_space.shape)
    assert observations.dtype == np.float32


@pytest.mark.parametrize("realism", sorted(REALISMS))
def test_an_episode_is_the_same_to_the_bit_at_any_batch_size_lane_and_thread_count(task, realism):
    episodes = np.array([5, 0, 17, 3, 8, 2, 11, 30, 4])
    env = env_of(task, 9, realism=realism, threads=2)
    many = play(env, scripted(env, episodes), episodes=episodes, steps=60)[0]
    order = np.array([6, 2, 0])
    env = env_of(task, 3, realism=realism, threads=1)
    few = play(env, scripted(env, episodes[order]), episodes=episodes[order], steps=60)[0]
    np.testing.assert_array_equal(many[:, order], few)


def test_the_expert_plays_an_episode_the_same_in_any_batch(task):
    many = env_of(task, 8)
    alone = env_of(task, 1)
    trace = play(many, expert_of(many), episodes=np.arange(8))[0]
    single = play(alone, expert_of(alone), episodes=[6])[0]
    np.testing.assert_array_equal(trace[: len(single), 6], single[:, 0])


def test_the_single_env_is_lane_zero_of_the_vector_env(task):
    single = ShopfloorEnv(task)
    vector = env_of(task, 1)
    first, _ = single.reset(seed=7)
    np.testing.assert_array_equal(first, vector.reset(seed=7)[0][0])
    action = np.full(vector.single_action_space.shape, 0.3)
    np.testing.assert_array_equal(single.step(action)[0], vector.step(action[None])[0][0])


def test_starts_vary_and_no_observation_is_constant(task):
    env = env_of(task, 16)
    trace, _ = play(env, expert_of(env), episodes=np.arange(16))
    assert len(np.unique(trace[0], axis=0)) == 16
    constant = np.ptp(trace.reshape(-1, trace.shape[-1]), axis=0) == 0
    assert not constant.any(), np.array(env.task.observation_names)[constant]


def test_the_expert_solves_it_and_random_and_zero_do_not(task):
    n, few = 32, 16  # the slow test below plays 500
    rng = np.random.default_rng(0)
    env = env_of(task, n, sites=held_out_sites(8))
    assert play(env, expert_of(env), episodes=np.arange(n))[1].mean() >= 0.85
    env = env_of(task, few, sites=held_out_sites(8))
    shape = env.action_space.shape
    assert play(env, lambda _: rng.uniform(-1, 1, shape), episodes=np.arange(few))[1].sum() <= 1
    assert play(env, lambda _: np.zeros(shape), episodes=np.arange(few))[1].sum() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("realism", "least"), [("ideal", 0.97), ("default", 0.88)])
def test_the_expert_reaches_its_figure_over_500_held_out_episodes(task, realism, least):
    env = env_of(task, 500, sites=held_out_sites(16), realism=realism)
    assert play(env, expert_of(env), episodes=np.arange(500))[1].mean() >= least


def test_the_dense_reward_grows_on_the_way_and_the_sparse_one_is_success(task):
    for reward_type in ("dense", "sparse"):
        env = env_of(task, 8, reward_type=reward_type, realism="ideal")
        expert = expert_of(env)
        env.reset(seed=0)
        rewards, terminated = [], []
        while not env.over.all():
            _, reward, ended, _, info = env.step(expert(None))
            rewards.append(reward)
            terminated.append(ended)
            if reward_type == "sparse":
                np.testing.assert_array_equal(reward, info["success"].astype(float))
        if reward_type == "dense":
            first = np.array(rewards)[0]
            last = np.array([np.array(rewards)[np.argmax(np.array(terminated)[:, i]), i] for i in range(8)])
            assert (last > first + 0.3).all()


def test_reward_terms_are_raw_and_the_reward_is_their_weighted_sum(task):
    env = env_of(task, 4)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.zeros(env.action_space.shape))
    terms = info["reward_terms"]
    weights = env.task.reward_weights
    assert all(((terms[name] >= 0) & (terms[name] <= 1)).all() for name in weights)
    np.testing.assert_allclose(reward, sum(weight * terms[name] for name, weight in weights.items()))


def test_each_realism_knob_changes_what_the_policy_sees(task):
    import dataclasses

    from shopfloor.envs import IDEAL
    from shopfloor.envs.realism.sensing import Device

    episodes = np.arange(4)

    def trace(realism):
        env = env_of(task, 4, realism=realism)
        return play(env, scripted(env, episodes), episodes=episodes, steps=12)[0]

    ideal = trace(IDEAL)
    for device in CAMERAS:
        for knob, value in {
            "noise": 1e-3,
            "bias": 1e-3,
            "latency": 0.12,
            "dropout": 0.5,
            "quantisation": 1e-2,
            "angle_noise": 0.01,
            "angle_bias": 0.01,
        }.items():
            directions = any(c.device == device and c.quantity == "direction" for c in env_of(task, 1).task.channels)
            used = any(c.device == device for c in env_of(task, 1).task.channels)
            still = device == "fixture_camera" and knob in ("latency", "dropout")  # a fixture does not move
            if still or not used or (knob.startswith("angle") and not directions):
                continue
            faulty = dataclasses.replace(IDEAL, **{device: Device(**{knob: value})})
            assert not np.array_equal(trace(faulty), ideal), f"{device}.{knob}"
    assert not np.array_equal(trace(dataclasses.replace(IDEAL, command_latency=0.1)), ideal)


def first_steps(task):
    """Observations (3, 2, d) of two episodes' first steps."""
    env = env_of(pickle.loads(task)(), 2, threads=1)
    return play(env, scripted(env, np.arange(2)), episodes=np.arange(2), steps=2)[0]


def test_every_task_survives_pickling_into_a_spawned_process_with_the_same_bits():
    tasks = [pickle.dumps(task) for task in TASKS.values()]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for task, theirs in zip(tasks, pool.map(first_steps, tasks), strict=True):
            np.testing.assert_array_equal(first_steps(task), theirs)


def outcome(env, n):
    """All that an expert's episodes show: observations, lengths, success."""
    trace, success = play(env, expert_of(env), episodes=np.arange(n))
    return np.nan_to_num(trace), env.steps, success


def test_every_knob_changes_something_and_keeps_its_bounds(task):
    n, base = 6, None
    for name, knob in task_class(task).knobs.items():
        assert knob.easy != knob.hard, f"{name} is not moved by the difficulty"
        base = base or outcome(env_of(task_class(task)(), n), n)
        value = knob.hard if knob.hard != knob.default else knob.easy
        other = outcome(env_of(task_class(task)(**{name: value}), n), n)
        model = [env_of(task_class(task)(**chosen), 1).sim.model for chosen in ({}, {name: value})]
        same_scene = all(np.array_equal(getattr(model[0], f), getattr(model[1], f)) for f in ("geom_size", "geom_pos"))
        same = all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(base, other, strict=True))
        assert not (same and same_scene), f"{name} changes nothing"
        with pytest.raises(ValueError, match=f"{name} .*want"):
            task_class(task)(**{name: knob.high + 1.0})


def test_a_difficulty_sets_every_knob_that_is_not_set_by_itself(task):
    for difficulty in DIFFICULTIES:
        chosen = task_class(task)(difficulty=difficulty).knob
        assert chosen == {name: getattr(knob, difficulty) for name, knob in task_class(task).knobs.items()}
    first = next(iter(task_class(task).knobs))
    low = task_class(task).knobs[first].low
    assert task_class(task)(difficulty="hard", **{first: low}).knob[first] == low
    with pytest.raises(ValueError, match="difficulty 'nope', want one of easy, default, hard"):
        task_class(task)(difficulty="nope")
    with pytest.raises(ValueError, match="nope, want any of"):
        task_class(task)(nope=1.0)


def test_the_docstring_has_its_four_parts_and_names_the_whole_observation(task):
    text = task_class(task).__doc__
    places = [text.index(f"{part}:") for part in ("Goal", "Randomised", "Success")]
    assert places == sorted(places)
    table = text[text.index("Observation") : places[1]]
    covered = set()
    for first, last in re.findall(r"^ *(\d+)(?:-(\d+))?[ p]", table, re.MULTILINE):
        covered |= set(range(int(first), int(last or first) + 1))
    assert covered == set(range(len(task_class(task)().observation_names)))


def test_the_model_stays_small(task):
    assert task_class(task)().scene().compile().nv < 60


def test_autoreset_modes_follow_gymnasium(task, monkeypatch):
    # no task is over so soon for a robot that stands still, though a belt may carry its parts away later
    monkeypatch.setattr(task_class(task), "horizon", 1.0)  # [s]
    horizon = task_class(task)().horizon_steps
    zero = np.zeros((2, len(task_class(task)().robot.action_names)))
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED):
        env = ShopfloorVectorEnv(task, 2, autoreset_mode=mode)
        env.reset(seed=0)
        for _ in range(horizon - 1):
            _, _, terminated, truncated, _ = env.step(zero)
        assert not (terminated | truncated).any()
        last, _, terminated, truncated, info = env.step(zero)
        assert truncated.all()
        assert not terminated.any()
        if mode == AutoresetMode.SAME_STEP:
            assert info["_final_obs"].all()
            assert not np.array_equal(np.stack(info["final_obs"]), last)
            assert (info["final_info"]["episode"] == [0, 1]).all()
        else:
            assert env.over.all()
        after, reward, terminated, truncated, info = env.step(zero)
        assert not (terminated | truncated).any()
        if mode == AutoresetMode.NEXT_STEP:
            np.testing.assert_array_equal(
                after, ShopfloorVectorEnv(task, 2).reset(seed=0, options={"episodes": [2, 3]})[0]
            )
            assert (reward == 0).all()
        if mode == AutoresetMode.DISABLED:
            np.testing.assert_array_equal(after, last)
        else:
            assert (info["episode"] == [2, 3]).all()


def test_collection_and_held_out_sites_are_disjoint():
    assert not set(collection_sites(1000)) & set(held_out_sites(1000))
