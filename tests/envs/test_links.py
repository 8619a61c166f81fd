"""The ways of readings and commands: each fault as it says, measured on what arrives; at 0 none of them is there."""

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sensors import Sensors

from shopfloor.demos.fidelity.lag import command_lag
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.recording import Recording
from shopfloor.envs import DEFAULT, IDEAL, ShopfloorVectorEnv
from shopfloor.envs.realism.commands import Commands
from shopfloor.envs.realism.devices import Channel, Device, Link, Offset
from shopfloor.envs.realism.draws import SPAN
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.simulation import CONTROL_PERIOD

CLOCK, OTHER = Channel("clock", "camera", "scalar", 1), Channel("other", "force", "scalar", 1)
STEPS, N = 10 * SPAN, 200
PERFECT, EVEN = Link(), Frames()
NOW = CONTROL_PERIOD * np.arange(STEPS)  # [s]


def ages(link=PERFECT, *, frames=EVEN, **devices):
    """How old (steps, n) [s] what the camera reads is, and what the force sensor does, where the truth is the time."""
    channels = (CLOCK, OTHER)
    sensors = Sensors(channels, N, frames=frames, camera=Device(link=link), **devices)
    read = sensors.of(np.tile(NOW[:, None], (1, len(channels))))
    late = NOW[:, None, None] - read
    return late[SPAN:, :, 0], late[SPAN:, :, -1]


def played(realism, n=3, steps=40):
    """Observations (steps + 1, n, d), and times, of a peg that is carried by actions that are always the same ones."""
    env = ShopfloorVectorEnv("PegInsertion", n, realism=realism, autoreset_mode="Disabled", threads=1)
    seen, times = [env.reset(seed=0)[0]], [env.times]
    actions = np.random.default_rng(0).uniform(-0.3, 0.3, (steps, 1, 7))
    for action in actions:
        seen.append(env.step(np.repeat(action, n, axis=0))[0])
        times.append(env.times)
    return np.array(seen), np.array(times), env


ZEROS = [
    *((Device(link=Link(**{field.name: 0.0})), Frames(), Commands()) for field in fields(Link)),
    *((Device(offset=Offset(**{field.name: 0.0})), Frames(), Commands()) for field in fields(Offset)),
    *((Device(**{name: 0.0}), Frames(), Commands()) for name in ("noise", "angle_noise", "quantisation")),
    *((Device(), Frames(**{name: 0.0}), Commands()) for name in ("jitter", "repeats")),
    *((Device(), Frames(), Commands(**{field.name: 0.0})) for field in fields(Commands)),
    (Device(link=Link(stall_time=1.0)), Frames(), Commands()),
]


def test_a_fault_of_strength_0_is_none_to_the_bit():
    ideal = played(IDEAL)[0]
    for device, frames, commands in ZEROS:
        realism = replace(IDEAL, camera=device, encoder=device, frames=frames, commands=commands)
        np.testing.assert_array_equal(played(realism)[0], ideal)


@pytest.mark.parametrize(
    "other",
    [
        Device(link=Link(jitter=0.02)),
        Device(link=Link(skew=0.02)),
        Device(link=Link(stalls=0.2, stall_time=0.3)),
        Device(1.0, offset=Offset(0.1, 0.1, 0.1)),
    ],
)
def test_one_devices_link_leaves_the_others_readings_as_they_are_to_the_bit(other):
    link = Link(latency=0.17, jitter=0.01, skew=0.02, dropout=0.1)
    for chosen in (Link(latency=0.17), link):
        np.testing.assert_array_equal(ages(chosen, force=other)[0], ages(chosen)[0])


def test_jitter_is_what_a_reading_is_later_on_the_mean():
    late = ages(Link(latency=0.2, jitter=0.01))[0]
    assert late.min() >= 0.2 - 1e-9
    np.testing.assert_allclose(late.mean(), 0.21, atol=1e-3)
    np.testing.assert_allclose(late.std(), 0.01, rtol=0.1)
    assert abs(np.corrcoef(late[1:].ravel(), late[:-1].ravel())[0, 1]) < 0.03


def test_a_reading_that_is_overtaken_by_a_newer_one_is_not_looked_at():
    late = ages(Link(latency=0.1, jitter=0.1))[0]
    assert np.diff(NOW[SPAN:, None] - late, axis=0).min() >= -1e-9
    assert np.diff(NOW[SPAN:, None] - late, axis=0).min() < 1e-6  # which would happen


def test_a_clocks_skew_is_held_for_an_episode_and_goes_either_way():
    late = ages(Link(latency=0.1, skew=0.04))[0]
    np.testing.assert_allclose(late, np.broadcast_to(late[0], late.shape), atol=1e-9)
    assert late[0].min() < 0.07
    assert late[0].max() > 0.13
    np.testing.assert_allclose(late[0].mean(), 0.1, atol=0.005)
    np.testing.assert_allclose(late[0].std(), 0.08 / np.sqrt(12), rtol=0.1)
    assert ages(Link(skew=0.04))[0].min() >= 0  # nothing is seen before it happens


def test_a_stall_is_several_steps_long_and_comes_as_often_as_it_says():
    often, time = 0.05, 0.3
    late = ages(Link(stalls=often, stall_time=time))[0]
    stands = late > 1e-9
    steps = np.diff(stands.astype(int), axis=0)
    lengths = late.max(axis=0) / CONTROL_PERIOD
    assert lengths.max() > 10
    starts = (steps == 1).sum() / (~stands[:-1]).sum()
    np.testing.assert_allclose(starts, often, rtol=0.15)
    mean = stands.sum() / (steps == 1).sum() * CONTROL_PERIOD
    np.testing.assert_allclose(mean, time + CONTROL_PERIOD / 2, rtol=0.25)  # rounded up; a stall may begin in one


def test_repeated_frames_are_whole_ones_and_as_many_as_they_say():
    camera, force = ages(frames=Frames(repeats=0.1))
    again = camera > 1e-9
    np.testing.assert_array_equal(again, force > 1e-9)
    np.testing.assert_allclose(again.mean(), 0.1, atol=0.01)
    noisy = replace(DEFAULT, frames=Frames(repeats=0.3))
    seen = played(noisy, 8, 100)[0]
    whole = (seen[1:] == seen[:-1]).all(axis=2)
    np.testing.assert_allclose(whole.mean(), 0.3, atol=0.05)


def test_frames_are_taken_when_their_time_stamps_say():
    frames = Frames(jitter=0.005)
    camera, force = ages(frames=frames)
    np.testing.assert_allclose(camera, force, atol=1e-12)  # a frame is of one moment
    sensors = Sensors((CLOCK,), N, frames=frames)
    sensors.start(np.arange(N), np.zeros((N, 1)))
    for step, now in enumerate(NOW):
        read = sensors.read(np.full((N, 1), now))[:, 0]
        np.testing.assert_allclose(sensors.sensing.times(np.full(N, step)), read, atol=1e-9)
        assert step or not read.any()  # the first is the start


@pytest.mark.parametrize("variation", [0.027, 0.04, 0.19])
def test_intervals_vary_as_measured_ones_do(variation):
    jitter = variation * CONTROL_PERIOD / np.sqrt(2)
    times = NOW[SPAN:, None] - ages(frames=Frames(jitter=jitter))[0]
    intervals = np.diff(times, axis=0)
    np.testing.assert_allclose(intervals.std() / intervals.mean(), variation, rtol=0.05)
    np.testing.assert_allclose(intervals.mean(), CONTROL_PERIOD, rtol=0.01)
    assert intervals.min() >= 0


def test_the_default_frames_vary_within_what_was_measured_on_real_robots():
    times = played(DEFAULT, 8, 200)[1]
    intervals = np.diff(times, axis=0)
    assert 0.027 <= np.mean(intervals.std(axis=0) / intervals.mean(axis=0)) <= 0.040


def test_times_are_even_in_an_ideal_loop_and_stretch_in_one_that_says_it_is_slow():
    even = CONTROL_PERIOD * np.arange(41)[:, None] * np.ones(3)
    np.testing.assert_array_equal(played(IDEAL)[1], even)
    slow = played(replace(IDEAL, frames=Frames(rate=18.2)))
    np.testing.assert_allclose(slow[1], even * 20 / 18.2)
    np.testing.assert_array_equal(slow[0], played(IDEAL)[0])


def test_offsets_spread_between_sites_and_episodes_as_they_say():
    faults = Device(offset=Offset(site=2.0, episode=0.5))
    read = Sensors([Channel("it", "force", "scalar", 40)], 700, force=faults).of(np.zeros((2, 40)))[0]
    by_site = np.array([read[site::7].mean(axis=0) for site in range(7)])  # Sensors has 7 sites
    np.testing.assert_allclose(by_site.std(), 2.0, rtol=0.15)
    within = np.concatenate([read[site::7] - by_site[site] for site in range(7)])
    np.testing.assert_allclose(within.std(), 0.5, rtol=0.03)
    alone = Sensors([Channel("it", "force", "scalar", 40)], 7, force=Device(offset=Offset(site=2.0))).of(
        np.zeros((2, 40))
    )
    np.testing.assert_allclose(by_site, alone[0], atol=0.25)


def test_drift_grows_with_the_root_of_time_and_is_slow():
    steps = 20 * SPAN + 1
    read = Sensors([Channel("it", "force", "scalar", 40)], 50, force=Device(offset=Offset(drift=0.3))).of(
        np.zeros((steps, 40))
    )
    assert not read[0].any()
    for at in (5 * SPAN, 20 * SPAN):
        np.testing.assert_allclose(read[at].std(), 0.3 * np.sqrt(at * CONTROL_PERIOD), rtol=0.1)
    assert np.abs(np.diff(read, axis=0)).max() < 0.3 * np.sqrt(SPAN * CONTROL_PERIOD) * 5 / SPAN


def test_a_direction_drifts_by_angles_and_stays_a_unit_vector():
    axis = Channel("axis", "camera", "direction")
    read = Sensors([axis], 50, camera=Device(offset=Offset(angle_drift=0.02))).of(np.tile([0.0, 0.0, 1.0], (161, 1)))
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(read[-1, :, :2].std(), 0.02 * np.sqrt(8.0), rtol=0.25)


def moved(commands, n=100, steps=60):
    """Steps (steps, n, joints) by which the arms move at a speed that changes at every fifth step."""
    env = ShopfloorVectorEnv("PegInsertion", n, realism=replace(IDEAL, commands=commands), autoreset_mode="Disabled")
    env.reset(seed=0, options={"episodes": np.arange(n)})
    places = [env.sim.qpos[:, :6].copy()]
    for step in range(steps):
        action = np.zeros((n, 7))
        action[:, 1], action[:, 6] = 0.5 * (-1) ** (step // 5), 1.0
        env.step(action)
        places.append(env.sim.qpos[:, :6].copy())
    return np.diff(places, axis=0), env


def test_dropped_commands_leave_the_last_ones_standing():
    even, uneven = moved(Commands(), 40)[0], moved(Commands(dropout=0.3), 40)[0]
    late = np.abs(uneven - even).max(axis=2) > 1e-6
    assert not late[:5].any()  # before the first change, one is as good as another
    changed = np.abs(uneven[5] - even[5]).max(axis=1) > 1e-4  # whose first change of way was lost
    np.testing.assert_allclose(changed.mean(), 0.3, atol=0.15)


def test_command_jitter_delays_each_command_by_another_time():
    commands = Commands(latency=0.05, jitter=0.02)
    delays = []
    _, env = moved(commands, 20, 1)
    for _ in range(60):
        env.step(np.zeros((20, 7)))
        delays.append(env.sim.per_simulation("actuator_delay")[:, :6].copy())
    delays = np.array(delays)
    np.testing.assert_array_equal(delays, np.broadcast_to(delays[..., :1], delays.shape))  # of a command, one
    assert delays.min() >= 0.05
    np.testing.assert_allclose(delays[..., 0].mean(), 0.07, atol=3e-3)
    np.testing.assert_allclose(delays[..., 0].std(), 0.02, rtol=0.1)


def test_the_grippers_commands_come_by_themselves():
    def opening(commands):
        env = ShopfloorVectorEnv("PegInsertion", 1, realism=replace(IDEAL, commands=commands))
        env.reset(seed=0)
        action = np.array([[0, 0.5, 0, 0, 0, 0, -1.0]])
        return np.array([(env.step(action)[0][0, 1], env.step(action)[0][0, 12]) for _ in range(8)]).T

    hand, fingers = opening(Commands())
    np.testing.assert_allclose(opening(Commands(gripper_latency=0.2))[0], hand, atol=1e-5)
    np.testing.assert_allclose(opening(Commands(latency=0.2))[1], fingers, atol=1e-5)
    assert (opening(Commands(gripper_latency=0.2))[1] > fingers + 1e-3).any()


def followed(realism, steps=500):
    """What an arm and its gripper are told at each step, and what they read then: (steps,) each, both smooth."""
    env = ShopfloorVectorEnv("PegInsertion", 1, realism=realism, autoreset_mode="Disabled", max_episode_steps=steps + 1)
    env.reset(seed=0)
    now = CONTROL_PERIOD * np.arange(steps)
    speed = 0.15 * sum(np.sin(2 * np.pi * often * now + often) for often in (0.25, 0.6, 1.1))  # [Hz]
    width = 0.7 * np.sin(2 * np.pi * OFTEN * now)
    places, openings = [], []
    for told in np.stack([speed, width], axis=1):
        action = np.zeros((1, 7))
        action[0, [1, 6]] = told
        places.append(env.readings["tcp"][0, 1])
        openings.append(env.readings["opening"][0, 0])
        env.step(action)
    return speed, np.array(places, dtype=float), width, np.array(openings, dtype=float)


OFTEN = 0.35  # [Hz] at which the gripper opens and closes


def arm_lag(speed, places):
    column = [places[:, None]]
    return command_lag(Motion.of(Recording(column, [speed[:, None]], column, rate=20.0))).estimate()


def gripper_lag(width, openings):
    wave = np.exp(-2j * np.pi * OFTEN * CONTROL_PERIOD * np.arange(len(width)))[100:500]  # 7 whole periods
    phases = [np.angle(((values - values.mean())[100:500] * wave).sum()) for values in (width, openings)]
    return (phases[0] - phases[1]) % (2 * np.pi) / (2 * np.pi * OFTEN)


def test_commands_are_as_late_end_to_end_as_published():
    """Lin et al. 2024: an arm's 0.1 s, servo included; the page says what servo and link take by themselves."""
    for commands, arm, gripper in ((Commands(), 0.049, 0.10), (DEFAULT.commands, 0.099, 0.15)):
        speed, places, width, openings = followed(replace(IDEAL, commands=commands))
        np.testing.assert_allclose(arm_lag(speed, places), arm, atol=2e-3)
        np.testing.assert_allclose(gripper_lag(width, openings), gripper, atol=5e-3)


FAULTY = replace(
    DEFAULT,
    name="faulty",
    commands=Commands(latency=0.03, gripper_latency=0.1, jitter=0.01, dropout=0.1),
    frames=Frames(jitter=5e-3, repeats=0.1),
    encoder=Device(1e-4, offset=Offset(1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3), link=Link(0.01, 0.01, 0.02, 0.1, 0.1, 0.2)),
)


@pytest.mark.parametrize("name", ["PegInsertion", "AisleDelivery"])
def test_with_all_faults_a_lane_is_the_same_to_the_bit_in_any_batch_and_after_a_restore(name):
    def episodes(numbers, threads, restored):
        n = len(numbers)
        env = ShopfloorVectorEnv(name, n, realism=FAULTY, autoreset_mode="Disabled", threads=threads)
        seen = [env.reset(seed=0, options={"episodes": np.array(numbers)})[0]]
        actions = np.random.default_rng(0).uniform(-0.3, 0.3, (45, env.single_action_space.shape[0]))
        for step, action in enumerate(actions):
            if step == 21 and restored:
                other = ShopfloorVectorEnv(name, n, realism=FAULTY, autoreset_mode="Disabled", threads=threads)
                other.reset(seed=7)
                other.restore(env.state())
                env = other
            seen.append(env.step(np.repeat(action[None], n, axis=0))[0])
        return np.array(seen), env.times

    many, times = episodes([5, 0, 3, 8, 2], 2, False)
    few, few_times = episodes([3, 5], 1, True)
    np.testing.assert_array_equal(few, many[:, [2, 0]])
    np.testing.assert_array_equal(few_times, times[[2, 0]])


def test_what_controllers_tell_of_themselves_is_certain_and_not_the_grippers(task):
    """A signal has no fault but the loop's own, and only openings of hands are the gripper's to read."""
    assert DEFAULT.signal == Device()
    env = ShopfloorVectorEnv(task, 1)
    by_device = {}
    for part in env.task.observed:
        for channel in part.channels:
            by_device.setdefault(channel.device, set()).add(channel.name)
    assert by_device.get("gripper", set()) <= {"opening", "openings"}
    told = {"vacuum", "torque", "peak_torque", "motor", "ordered", "finished", "button", "gap", "cycle"}
    assert by_device.get("signal", set()) <= told
    assert not told & set().union(*(names for device, names in by_device.items() if device != "signal"))


def test_the_page_names_every_knob():
    page = (Path(__file__).parents[2] / "docs" / "realism.md").read_text()
    kinds = ((Device, ""), (Offset, "offset."), (Link, "link."), (Frames, ""), (Commands, ""))
    names = {f"{where}{field.name}" for kind, where in kinds for field in fields(kind)} - {"offset", "link"}
    said = {text.split(".")[-1] for text in re.findall(r"`([a-z_.]+)`", page)}
    assert {name.split(".")[-1] for name in names} <= said
