"""The contract that every registered task keeps; with --task module:Class, one from another package."""

import ast
import dataclasses
import functools
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from playing import expert_of, played
from stable_baselines3.common.env_checker import check_env as check_env_sb3

from shopfloor.envs import IDEAL, REALISMS, TASKS, ShopfloorEnv, ShopfloorVectorEnv, collection_sites, held_out_sites
from shopfloor.envs.realism.commands import Commands
from shopfloor.envs.realism.devices import CAMERAS, DEVICES, Device, Link, Offset
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.task import DIFFICULTIES
from shopfloor.envs.tasks import task_class
from shopfloor.envs.vector import Ending

ENVS = Path(__file__).parents[2] / "envs"
HELD_OUT = 8  # episodes of a task's expert that are played once for several claims
INFO = {
    *("success", "is_success", "lost", "diverged", "ended_by", "site", "episode_index", "stage"),
    *("reward_terms", "measures"),
}


def env_of(task, n, **arguments):
    return ShopfloorVectorEnv(task, n, **{"autoreset_mode": "Disabled", **arguments})


def scripted(env, episodes):
    """Actions that depend on the episode's number and the step only."""
    step, act_dim = iter(range(10**6)), env.single_action_space.shape[0]

    def act():
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
    episodes = np.array([5, 0, 17, 3, 8])
    env = env_of(task, 5, realism=realism, threads=2)
    many = played(env, scripted(env, episodes), episodes=episodes, steps=40).observations
    order = np.array([4, 2])
    env = env_of(task, 2, realism=realism, threads=1)
    few = played(env, scripted(env, episodes[order]), episodes=episodes[order], steps=40).observations
    np.testing.assert_array_equal(many[:, order], few)


@pytest.mark.costly
def test_the_expert_plays_an_episode_the_same_in_any_batch(task):
    many = experts_work(task)
    episode = many.playing.sum(axis=0).argmin()  # the shortest
    alone = played(env_of(task, 1, sites=held_out_sites(8)), episodes=[episode])
    assert len(alone.playing) == many.playing[:, episode].sum()
    np.testing.assert_array_equal(many.observations[: len(alone.observations), episode], alone.observations[:, 0])


def test_the_single_env_is_lane_zero_of_the_vector_env(task):
    single = ShopfloorEnv(task)
    vector = env_of(task, 1)
    first, _ = single.reset(seed=7)
    np.testing.assert_array_equal(first, vector.reset(seed=7)[0][0])
    action = np.full(vector.single_action_space.shape, 0.3)
    np.testing.assert_array_equal(single.step(action)[0], vector.step(action[None])[0][0])


def test_starts_vary_and_no_observation_is_constant(task):
    trace = experts_work(task).observations
    assert len(np.unique(trace[0], axis=0)) == HELD_OUT
    constant = np.ptp(trace.reshape(-1, trace.shape[-1]), axis=0) == 0
    assert not constant.any(), np.array(task_class(task)().observation_names)[constant]


@functools.cache
def experts_work(task):
    """The expert's episodes at held-out sites, in which it is watched at which stage the work just is."""
    env = env_of(task, HELD_OUT, sites=held_out_sites(8))
    return played(env, watch=env.task.stage)


def test_the_expert_solves_it(task):
    """The slow test below plays 500 episodes."""
    assert experts_work(task).success.any(axis=0).mean() >= 0.85


@pytest.mark.costly
@pytest.mark.parametrize("few", [4, pytest.param(16, marks=pytest.mark.slow)])
def test_random_and_zero_actions_do_not_solve_it(task, few):
    rng = np.random.default_rng(0)
    env = env_of(task, 2 * few, sites=held_out_sites(8))
    shape = env.action_space.shape
    random = np.arange(2 * few)[:, None] < few
    solved = played(env, lambda: np.where(random, rng.uniform(-1, 1, shape), 0.0)).success.any(axis=0)
    assert solved[:few].sum() <= few // 16
    assert solved[few:].sum() <= few // 16


def test_the_stage_says_how_far_the_work_is(task):
    """It is the first at the start and the last at success; info tells the furthest, however far it is just now."""
    work = experts_work(task)
    now, last = work.watched, len(work.stages) - 1
    assert len(set(work.stages)) == last + 1 >= 2
    assert now.min() >= 0
    assert now.max() <= last
    assert (now[0] == 0).all()
    assert (now[work.success] == last).all()
    assert (work.stage[work.success] == last).all()
    assert (np.diff(work.stage, axis=0) >= 0).all()
    alive = work.playing & ~work.diverged
    furthest = np.maximum.accumulate(np.where(alive, now, 0), axis=0)
    np.testing.assert_array_equal(work.stage[alive], furthest[alive])
    # no stage is only a name: the expert's episodes come through each, in whatever order
    assert set(np.unique(now)) == set(range(last + 1)), "a stage that no episode is ever in"


def test_ended_by_tells_how_an_episode_ended_once(task):
    work = experts_work(task)
    np.testing.assert_array_equal(work.ended_by == Ending.SUCCESS, work.success)
    np.testing.assert_array_equal(work.ended_by == Ending.LOST, work.lost)
    np.testing.assert_array_equal(work.ended_by == Ending.DIVERGED, work.diverged)
    np.testing.assert_array_equal(work.ended_by == Ending.TIME, work.truncated)
    np.testing.assert_array_equal(work.ended_by != Ending.RUNNING, work.terminated | work.truncated)
    assert ((work.ended_by != Ending.RUNNING).sum(axis=0) == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(("realism", "least"), [("ideal", 0.97), ("default", 0.88)])
def test_the_expert_reaches_its_figure_over_500_held_out_episodes(task, realism, least):
    env = env_of(task, 500, sites=held_out_sites(16), realism=realism)
    assert played(env).success.any(axis=0).mean() >= least


@pytest.mark.costly
def test_the_sparse_reward_is_success(task):
    sparse = played(env_of(task, 4, reward_type="sparse", realism="ideal"))
    np.testing.assert_array_equal(sparse.rewards, sparse.success.astype(float))
    assert sparse.success.any(axis=0).all()


def test_the_dense_reward_grows_on_the_way(task):
    dense = experts_work(task)
    solved = dense.success.any(axis=0)
    last = dense.rewards[dense.success.argmax(axis=0), np.arange(HELD_OUT)]
    assert (last > dense.rewards[1] + 0.3)[solved].all()


def test_reward_terms_are_raw_and_the_reward_is_their_weighted_sum(task):
    env = env_of(task, 4)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.zeros(env.action_space.shape))
    terms = info["reward_terms"]
    weights = env.task.reward_weights
    assert all(((terms[name] >= 0) & (terms[name] <= 1)).all() for name in weights)
    np.testing.assert_allclose(reward, sum(weight * terms[name] for name, weight in weights.items()))


FAULTS = {
    "noise": Device(noise=1e-3),
    "angle noise": Device(angle_noise=0.01),
    "quantisation": Device(quantisation=1e-2),
    "site offset": Device(offset=Offset(site=1e-3)),
    "offset": Device(offset=Offset(episode=1e-3)),
    "drift": Device(offset=Offset(drift=1e-3)),
    "angle site offset": Device(offset=Offset(angle_site=0.01)),
    "angle offset": Device(offset=Offset(angle_episode=0.01)),
    "angle drift": Device(offset=Offset(angle_drift=0.01)),
    "latency": Device(link=Link(latency=0.12)),
    "jitter": Device(link=Link(jitter=0.03)),
    "skew": Device(link=Link(skew=0.1)),
    "dropout": Device(link=Link(dropout=0.5)),
    "stalls": Device(link=Link(stalls=0.9, stall_time=0.2)),
}


@pytest.mark.costly
def test_each_realism_knob_changes_what_the_policy_sees(task):
    episodes = np.arange(4)
    channels = [channel for part in task_class(task)().observed for channel in part.channels]

    def trace(realism):
        env = env_of(task, 4, realism=realism)
        return played(env, scripted(env, episodes), steps=12).observations

    ideal = trace(IDEAL)
    for device in CAMERAS:
        for name, faulty in FAULTS.items():
            used = any(c.device == device for c in channels)
            directions = any(c.device == device and c.quantity == "direction" for c in channels)
            still = device == "fixture_camera" and faulty.link != Link()  # a fixture does not move
            if still or not used or ("angle" in name and not directions):
                continue
            realism = dataclasses.replace(IDEAL, **{device: faulty})
            assert not np.array_equal(trace(realism), ideal), f"{device} {name}"
    for name, path in {
        "latency": Commands(latency=0.1),
        "jitter": Commands(jitter=0.03),
        "dropout": Commands(dropout=0.5),
    }.items():
        assert not np.array_equal(trace(dataclasses.replace(IDEAL, commands=path)), ideal), f"commands {name}"
    for name, frames in {"jitter": Frames(jitter=0.01), "repeats": Frames(repeats=0.5)}.items():
        assert not np.array_equal(trace(dataclasses.replace(IDEAL, frames=frames)), ideal), f"frames {name}"


def first_steps(task):
    """Observations (3, 2, d) of two episodes' first steps."""
    env = env_of(pickle.loads(task)(), 2, threads=1)
    return played(env, scripted(env, np.arange(2)), steps=2).observations


def test_every_task_survives_pickling_into_a_spawned_process_with_the_same_bits():
    tasks = [pickle.dumps(task) for task in TASKS.values()]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for task, theirs in zip(tasks, pool.map(first_steps, tasks), strict=True):
            np.testing.assert_array_equal(first_steps(task), theirs)


def differ(task, n, knob, steps):
    """Whether an expert's episodes, or so many steps of them, show something else where a knob is turned."""
    shown = []
    for chosen in ({}, knob):
        work = played(env_of(task_class(task)(**chosen), n), steps=steps)
        shown.append((np.nan_to_num(work.observations), work.success))
    return not all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(*shown, strict=True))


@pytest.mark.costly
def test_every_knob_changes_something_and_keeps_its_bounds(task):
    for name, knob in task_class(task).knobs.items():
        assert knob.easy != knob.hard, f"{name} is not moved by the difficulty"
        value = knob.hard if knob.hard != knob.default else knob.easy
        model = [env_of(task_class(task)(**chosen), 1).sim.model for chosen in ({}, {name: value})]
        same_scene = all(np.array_equal(getattr(model[0], f), getattr(model[1], f)) for f in ("geom_size", "geom_pos"))
        changes = not same_scene or any(differ(task, 6, {name: value}, steps) for steps in (5, 10**6))
        assert changes, f"{name} changes nothing"
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


def test_the_docstring_says_goal_randomisation_and_success(task):
    text = task_class(task).__doc__
    places = [text.index(f"{part}:") for part in ("Goal", "Randomised", "Success")]
    assert places == sorted(places)


@functools.cache
def under_way(task):
    """Three episodes of a task, some way into the expert's work, whose sensors read the truth."""
    env = env_of(task, 3, realism=IDEAL)
    played(env, steps=20)
    return env


def test_terms_are_named_once_told_with_a_unit_and_as_large_as_what_is_observed(task):
    env = under_way(task)
    bound, names = env.task, [term.name for term in env.task.all_terms]
    assert len(set(names)) == len(names)
    assert len(set(bound.observation_names)) == len(bound.observation_names) == env.single_observation_space.shape[0]
    assert 0 < bound.state_dim < len(bound.observation_names)
    assert len(bound.feature_names) == len(bound.observation_names) + len(bound.robot.action_names)
    lanes = np.array([2, 0])
    readings = {
        channel.name: values[lanes]
        for part in bound.observed
        for channel, values in zip(part.channels, part.truth(), strict=True)
    }
    for part in bound.observed:
        seen = part.observe(readings)
        for term in part.terms:
            assert term.unit.strip(), term.name
            assert term.meaning.strip(), term.name
            assert len(set(term.names)) == term.size
            assert seen[term.name].reshape(len(lanes), -1).shape == (len(lanes), term.size), term.name
            alone = part.observe({name: values[1:] for name, values in readings.items()})[term.name]
            np.testing.assert_array_equal(alone, seen[term.name][1:], err_msg=f"{term.name} of a lane alone")


def test_channels_are_named_once_and_each_is_a_measurement_of_its_size(task):
    env = under_way(task)
    n, channels = env.num_envs, [channel for part in env.task.observed for channel in part.channels]
    assert len({channel.name for channel in channels}) == len(channels)
    for part in env.task.observed:
        for channel in part.channels:
            assert channel.device in DEVICES, channel.name
            values = getattr(part, channel.name)()
            assert values.size == n * channel.size, channel.name
            assert len(values) == n, channel.name
            if channel.quantity != "scalar":
                assert channel.size % 3 == 0, channel.name
            if channel.quantity == "direction":
                lengths = np.linalg.norm(values.reshape(n, -1, 3), axis=-1)
                np.testing.assert_allclose(lengths, 1, atol=1e-9, err_msg=channel.name)


def test_no_channel_has_the_name_of_a_method_of_the_dicts_that_hold_raw_readings(task):
    env = env_of(task, 1, obs_type="raw")
    taken = set(dir(torch.nn.ModuleDict())) | set(dir(gymnasium.spaces.Dict()))
    assert not taken & set(env.single_observation_space.keys())


def test_measures_are_named_once_with_a_unit_and_are_made_of_measurements(task):
    env = under_way(task)
    n, measures = env.num_envs, env.task.measures()
    assert len({measure.name for measure in measures}) == len(measures) > 1
    assert measures[0].name == "cycle_time"
    for measure in measures:
        assert measure.unit.strip(), measure.name
        assert measure.meaning.strip(), measure.name
    for part in env.task.observed:
        for measure in part.own_measures:
            values = getattr(part, measure.of or measure.name)()
            assert values.shape == (n,), measure.name
            assert np.isfinite(values.astype(float)).all(), measure.name
            counts = measure.kind in ("rises", "falls")
            assert (values.dtype == bool) == counts, f"{measure.name} counts how often a mask changes, or it does not"
            assert counts or not measure.unless, measure.name
            if measure.unless:
                unless = getattr(part, measure.unless)()
                assert unless.dtype == bool, measure.name
                assert unless.shape == (n,), measure.name


def test_what_is_measured_cannot_be_written_into(task):
    env = under_way(task)
    for part in env.task.observed:
        for name in [*(c.name for c in part.channels), *(m.of or m.name for m in part.own_measures)]:
            before = getattr(part, name)().copy()
            values = getattr(part, name)()
            if values.flags.writeable:
                values[...] = 1 if values.dtype == bool else 7.0
            np.testing.assert_array_equal(getattr(part, name)(), before, err_msg=name)


def test_info_has_the_keys_that_are_documented(task):
    env = env_of(task, 2)
    first, then = env.reset(seed=0)[1], env.step(np.zeros(env.action_space.shape))[4]
    for info in (first, then):
        assert info.keys() == {*INFO, *(f"_{key}" for key in INFO)}
        for key in INFO:
            assert info[f"_{key}"].tolist() == [True, True], key
            if not isinstance(info[key], dict):
                assert info[key].shape == (2,), key
        measures = {measure.name for measure in env.task.measures()}
        assert info["measures"].keys() == {*measures, *(f"_{name}" for name in measures)}
        weighed = env.task.reward_weights.keys()
        assert info["reward_terms"].keys() >= {*weighed, *(f"_{name}" for name in weighed)}
        for values in (*info["measures"].values(), *info["reward_terms"].values()):
            assert values.shape == (2,)
    kept = {key: np.copy(first[key]) for key in INFO - {"reward_terms", "measures"}}
    env.step(np.ones(env.action_space.shape))
    for key, values in kept.items():
        np.testing.assert_array_equal(first[key], values, err_msg=f"{key} of reset was written into by a step")


@pytest.mark.costly
def test_experts_of_one_environment_leave_each_other_as_if_each_were_alone(task):
    """Whether another is made anew now and then and acts between the steps, or rests."""
    n, steps, anew = 4, 240, 20  # long enough that every first item is put down
    env, shared = env_of(task, n), env_of(task, n)
    env.reset(seed=0), shared.reset(seed=0)
    alone, first, resting = expert_of(env), expert_of(shared), expert_of(shared)
    resting.act()
    item, phase = resting.item.copy(), resting.phase
    for step in range(steps):
        if step % anew == 0:
            second = expert_of(shared)
        second.act()
        action = alone.act()
        np.testing.assert_array_equal(first.act(), action, err_msg=f"step {step}")
        observations, others = env.step(action)[0], shared.step(action)[0]
        np.testing.assert_array_equal(others, observations, err_msg=f"step {step}")
        np.testing.assert_array_equal(shared.sim.qpos, env.sim.qpos, err_msg=f"step {step}")
    np.testing.assert_array_equal(resting.item, item)
    np.testing.assert_array_equal(resting.phase, phase)


def test_a_fresh_task_is_equal_and_bound_to_nothing(task):
    name, knob = next(iter(task_class(task).knobs.items()))
    chosen = task_class(task)(difficulty="hard", **{name: knob.low})
    env = env_of(chosen, 1)
    fresh = chosen.fresh()
    assert type(fresh) is type(chosen)
    assert fresh.knob == chosen.knob
    assert fresh.robot is not chosen.robot
    assert not hasattr(fresh, "sim")
    assert fresh.observation_names == chosen.observation_names
    np.testing.assert_array_equal(env_of(fresh, 1).reset(seed=3)[0], env.reset(seed=3)[0])


def test_numbers_of_sites_and_seeds_may_be_numpys(task):
    plain = env_of(task, 2, sites=[0, 1]).reset(seed=3)[0]
    np.testing.assert_array_equal(env_of(task, 2, sites=np.arange(2)).reset(seed=np.int64(3))[0], plain)


def test_the_batch_is_touched_in_one_file_only():
    touching = set()
    for path in ENVS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            attribute = isinstance(node, ast.Attribute) and node.attr in ("batch", "_batch")
            if attribute or any(name.startswith("mujoco.batch") for name in names):
                touching.add(path.relative_to(ENVS).as_posix())
    assert touching == {"simulation.py"}, "MuJoCo's batch is for Simulation alone, want its methods elsewhere"


def test_the_model_stays_small(task):
    assert task_class(task)().scene().compile().nv < 60


def test_autoreset_modes_follow_gymnasium(task):
    # no task is over so soon for a robot that stands still, though a belt may carry its parts away later
    length = 20  # [control steps]
    zero = np.zeros((2, len(task_class(task)().robot.action_names)))
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED):
        env = ShopfloorVectorEnv(task, 2, autoreset_mode=mode, max_episode_steps=length)
        env.reset(seed=0)
        for _ in range(length - 1):
            _, _, terminated, truncated, info = env.step(zero)
            assert (info["ended_by"] == Ending.RUNNING).all()
        assert not (terminated | truncated).any()
        last, _, terminated, truncated, info = env.step(zero)
        assert truncated.all()
        assert not terminated.any()
        assert (info["ended_by"] == Ending.TIME).all()
        if mode == AutoresetMode.SAME_STEP:
            assert info["_final_obs"].all()
            assert not np.array_equal(np.stack(info["final_obs"]), last)
            assert (info["final_info"]["episode_index"] == [0, 1]).all()
            assert (info["episode_index"] == [2, 3]).all()
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
            assert (info["episode_index"] == [2, 3]).all()


def test_collection_and_held_out_sites_are_disjoint():
    assert not set(collection_sites(1000)) & set(held_out_sites(1000))
