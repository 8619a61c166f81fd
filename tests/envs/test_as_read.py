"""The world as it is read holds what sensors say, nothing else of what they tell of; it lists what it leaves true."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopfloor.envs import DEFAULT, IDEAL, TASKS, ShopfloorVectorEnv
from shopfloor.envs.as_read.degrees import Degrees
from shopfloor.envs.as_read.world import ExpertsFromReadings, WorldAsRead
from shopfloor.envs.realism.devices import Device, Link

PAGE = Path(__file__).parents[2] / "docs" / "readings.md"
LATE = replace(
    IDEAL, name="late", camera=Device(link=Link(latency=0.17)), fixture_camera=Device(link=Link(latency=0.17))
)


def under_way(task, n=3, steps=25, *, realism=DEFAULT, delays="predicted", **options):
    """An environment whose expert acts from readings, after some of its steps, and that expert."""
    env = ShopfloorVectorEnv(task, n, realism=realism, autoreset_mode="Disabled", **options)
    expert = ExpertsFromReadings(delays).over(env)
    env.reset(seed=0)
    expert.reset(np.arange(n))
    for _ in range(steps):
        env.step(expert.act())
    return env, expert


def truth_of(env):
    return np.concatenate([values for part in env.task.observed for values in part.truth()], axis=1)


def told(world):
    return np.concatenate([block.degrees for stage in world._stages for block in stage.blocks])


def test_each_measurement_of_a_channel_is_its_reading(task):
    env, expert = under_way(task, steps=5, delays="ignored")
    expert.act()
    for part in expert.world.task.observed:
        for channel in part.channels:
            believed = getattr(part, channel.name)().reshape(env.num_envs, -1)
            if believed.dtype != bool:
                np.testing.assert_array_equal(believed, env.readings[channel.name], err_msg=channel.name)


def test_without_faults_the_world_is_as_it_is(task):
    env, expert = under_way(task, realism=IDEAL)
    expert.act()
    own = env.task.expert()
    own._phase[:], own._choosing[:], own.item = expert._expert._phase, False, expert._expert.item
    np.testing.assert_allclose(expert._expert.goals()[0], own.goals()[0], atol=1e-5)


@pytest.mark.costly
def test_where_things_truly_are_changes_nothing_while_the_readings_stay(task):
    env, expert = under_way(task)
    state, ids = env.state(), np.arange(env.num_envs)
    before, truth = expert.act(), truth_of(env)
    env.restore(state)
    moved = Degrees(env.sim)
    steps = np.zeros((env.num_envs, len(moved.names)))
    steps[:, told(expert.world)] = 0.02
    moved.move(ids, steps)
    env.sim.forward(ids)
    assert np.abs(truth_of(env) - truth).max() > 0.01
    _, twin = under_way(task)  # equal to the first, but for what it is to follow now
    twin.world._env = env
    np.testing.assert_allclose(twin.act(), before, atol=5e-3)
    hands = [each.world.task.robot.pose()[0] for each in (expert, twin)]
    np.testing.assert_allclose(*hands, atol=5e-4)


def test_what_is_derived_follows_from_readings():
    """The pose of peg, arm and fixture in the world as it is read is as read, not as it is."""
    env, expert = under_way("PegInsertion", delays="ignored")
    expert.act()
    task, readings = expert.world.task, env.readings
    axis = task.sim.body_rotation("peg")[..., 2]
    np.testing.assert_allclose(task.robot.pose()[0], readings["tcp"], atol=2e-5)
    np.testing.assert_allclose(task.sim.body_position("peg"), readings["peg"], atol=2e-5)
    np.testing.assert_allclose(np.abs((axis * readings["peg_axis"]).sum(axis=1)), 1, atol=1e-6)
    assert np.abs(env.task.peg() - readings["peg"]).max() > 5e-4


@pytest.mark.parametrize("some", ["PegInsertion", "PalletDocking", "ToteTransfer"])
def test_noise_changes_what_the_expert_does(some):
    noisy = replace(IDEAL, name="noisy", camera=Device(noise=1e-3, angle_noise=1e-3))
    (_, clean), (_, shaken) = (under_way(some, steps=1, realism=realism) for realism in (IDEAL, noisy))
    assert np.abs(clean.act() - shaken.act()).max() > 1e-3


def test_each_way_with_delays_is_another():
    acts = [under_way("PegInsertion", realism=LATE, delays=how)[1].act() for how in ("ignored", "aligned", "predicted")]
    assert len({act.tobytes() for act in acts}) == 3


def test_where_hand_and_part_move_together_aligned_and_predicted_readings_say_so():
    """A peg that the hand carries off seems to stay behind, if its late reading is compared with the hand now."""
    gaps = {}
    for how in ("ignored", "aligned", "predicted"):
        env, expert = under_way("PegInsertion", 4, 0, realism=LATE, delays=how)
        own, worst = env.task.expert(), np.zeros(4)
        own.reset(np.arange(4))
        for _ in range(120):
            env.step(own.act())
            expert.act()
            carried = env.task.held() & ~env.over & (env.task.peg()[:, 2] > 0.06)
            off = np.abs(expert.world.task.tcp_to_grasp() - env.task.tcp_to_grasp()).max(axis=1)
            worst = np.maximum(worst, np.where(carried, off, 0))
        gaps[how] = worst.max()
    assert gaps["ignored"] > 0.02
    assert gaps["aligned"] < 0.006
    assert gaps["predicted"] < 0.006


def test_a_lost_frame_repeats_the_whole_moment_before():
    """Else a carried peg would be compared with where the hand has gone since."""
    camera = Device(noise=2.5e-4, link=Link(latency=0.17, dropout=0.3))
    env, expert = under_way("PegInsertion", 4, 0, realism=replace(LATE, camera=camera), delays="aligned")
    before, repeats = None, 0
    for _ in range(30):
        peg = env.readings["peg"]
        env.step(expert.act())
        moment = np.concatenate([expert.world.task.peg(), expert.world.task.robot.tcp()], axis=1)
        if before is not None:
            lost = (peg == before[0]).all(axis=1)
            np.testing.assert_array_equal((moment == before[1]).all(axis=1), lost)
            repeats += int(lost.sum())
        before = peg, moment
    assert repeats > 10


@pytest.mark.parametrize("some", ["PegInsertion", "GearMeshing", "BimanualAssembly", "AisleDelivery"])
def test_a_lane_acts_the_same_in_any_batch_on_any_number_of_threads(some):
    _, few = under_way(some, 1, steps=12, threads=1)
    _, many = under_way(some, 5, steps=12, threads=2)
    # episodes lie at sites by their number: lane 0 of both plays episode 0
    np.testing.assert_array_equal(few.act()[0], many.act()[0])


def test_a_reset_starts_the_masked_lanes_anew_and_no_other():
    env, expert = under_way("PegInsertion", 4, 30)
    other, fresh = under_way("PegInsertion", 4, 0)
    _, undisturbed = under_way("PegInsertion", 4, 30)
    mask = np.array([True, False, True, False])
    other.reset(options={"episodes": np.arange(4, 8)})
    env.reset(options={"reset_mask": mask, "episodes": np.arange(4, 8)})
    expert.reset(np.flatnonzero(mask))
    acts = expert.act()
    np.testing.assert_array_equal(acts[mask], fresh.act()[mask])
    np.testing.assert_array_equal(acts[~mask], undisturbed.act()[~mask])


def test_the_page_lists_what_no_reading_tells_of():
    rows = re.findall(r"^\| (\w+) \| ([^|]*) \|", PAGE.read_text(), flags=re.MULTILINE)
    said = {task: text for task, text in rows if task in TASKS}
    assert said == {task: unread(task) for task in TASKS}


def unread(task):
    world = WorldAsRead(ShopfloorVectorEnv(task, 1, realism=DEFAULT, threads=1))
    names = (f"`{name}`" + (f" {count}" if count > 1 else "") for name, count in world.unread.items())
    return ", ".join(names)
