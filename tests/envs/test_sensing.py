"""What sensors make of the truth: each fault as it says, and each channel's errors from a stream of its own."""

import numpy as np
import pytest
from sensors import ONE_SITE, N, Sensors

from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.commands import Commands
from shopfloor.envs.realism.devices import DEVICES, Channel, Device, Link, Offset
from shopfloor.envs.realism.draws import SPAN
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.realism.site_numbers import held_out_sites
from shopfloor.envs.realism.sites import SiteSpread

PART, AXIS = Channel("part", "camera", "position"), Channel("axis", "camera", "direction")
FORCE, SPEED = Channel("force", "force", "scalar", 2), Channel("speed", "odometry", "scalar", 1)
CHANNELS = (PART, AXIS)
UNEVEN = Link(latency=0.07, jitter=0.03, skew=0.05, dropout=0.3, stalls=0.1, stall_time=0.2)
STEPS = 50
NOISY = Device(noise=1e-3, angle_noise=0.01, offset=Offset(episode=2e-3, angle_episode=0.02))


def readings_of(camera, truths, spread=ONE_SITE):
    """Readings (steps, N, 6) of CHANNELS where the truths (steps, 6) are the same in each of N episodes."""
    return Sensors(CHANNELS, camera=camera, spread=spread).of(truths)


def moving():
    """A part that moves 1 mm a step along x, its axis turning about z."""
    k = np.arange(STEPS)
    angle = 0.01 * k
    return np.stack([1e-3 * k, 0 * k, 0 * k, np.cos(angle), np.sin(angle), 0 * k], axis=1)


def test_an_ideal_device_reads_the_truth():
    truths = moving()
    np.testing.assert_allclose(readings_of(Device(), truths), np.broadcast_to(truths[:, None], (STEPS, N, 6)))


def test_noise_is_fresh_and_bias_is_held():
    truths = np.tile([0.1, 0.2, 0.3, 0.0, 0.0, 1.0], (STEPS, 1))
    noisy = readings_of(Device(noise=2e-3), truths)[..., :3] - truths[:, None, :3]
    biased = readings_of(Device(offset=Offset(episode=3e-3)), truths)[..., :3] - truths[:, None, :3]
    assert np.abs(np.corrcoef(noisy[:-1].ravel(), noisy[1:].ravel())[0, 1]) < 0.02
    np.testing.assert_allclose(biased[0].std(), 3e-3, rtol=0.1)
    np.testing.assert_allclose(biased, np.broadcast_to(biased[0], biased.shape), atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("quantity", ["scalar", "position"])
@pytest.mark.parametrize("faults", [{"noise": 2e-3}, {"noise": 3.0, "link": Link(dropout=0.1, latency=0.07)}])
def test_the_noise_has_the_standard_deviation_that_the_device_says(device, quantity, faults):
    read = Sensors([Channel("it", device, quantity)], 100, **{device: Device(**faults)}).of(np.zeros((STEPS, 3)))
    np.testing.assert_allclose(read.std(), faults["noise"], rtol=0.03)
    np.testing.assert_allclose(read.mean(), 0, atol=0.05 * faults["noise"])


def test_a_direction_stays_a_unit_vector_and_errs_by_an_angle():
    read = readings_of(Device(angle_noise=0.02), moving())[..., 3:]
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), 1, atol=1e-12)
    angles = np.arccos(np.clip((read * moving()[:, None, 3:]).sum(-1), -1, 1))
    np.testing.assert_allclose(np.sqrt((angles**2).mean()), 0.02 * np.sqrt(2), rtol=0.05)


@pytest.mark.parametrize("latency", [0.05, 0.17])
def test_a_reading_is_as_old_as_its_latency(latency):
    read = readings_of(Device(link=Link(latency=latency)), moving())
    steps = latency / 0.05
    np.testing.assert_allclose(read[10:, 0, 0], 1e-3 * (np.arange(10, STEPS) - steps))
    np.testing.assert_allclose(read[0], np.broadcast_to(moving()[0], (N, 6)))


def test_a_dropped_reading_repeats_the_last_one():
    read = readings_of(Device(link=Link(dropout=0.3)), moving())[..., 0]
    repeated = read[1:] == read[:-1]
    np.testing.assert_allclose(repeated.mean(), 0.3, atol=0.02)
    held = np.maximum.accumulate(np.where(np.concatenate([np.zeros((1, N), bool), repeated]), -1, moving()[:, :1]))
    np.testing.assert_allclose(read, held)


def test_what_one_device_drops_arrives_from_the_others():
    read = Sensors((PART, FORCE), camera=Device(link=Link(dropout=0.5)), force=Device(link=Link(dropout=0.25))).of(
        np.arange(STEPS)[:, None] * np.ones(5)
    )
    lost = read[1:] == read[:-1]
    assert (lost[..., :3] == lost[..., :1]).all()  # a device's reading is lost as a whole
    assert (lost[..., 3:] == lost[..., 3:4]).all()
    np.testing.assert_allclose((lost[..., 0].mean(), lost[..., 3].mean()), (0.5, 0.25), atol=0.02)
    np.testing.assert_allclose((lost[..., 0] & lost[..., 3]).mean(), 0.125, atol=0.02)


def test_quantised_positions_lie_on_the_grid():
    read = readings_of(Device(quantisation=2e-3), moving())[..., :3]
    np.testing.assert_allclose(read / 2e-3, np.round(read / 2e-3), atol=1e-9)


def test_a_sites_calibration_error_is_the_same_in_all_its_episodes():
    spread = SiteSpread(camera_shift=Uniform(1e-3, 3e-3), camera_turn=Uniform(0.01, 0.02))
    errors = readings_of(Device(), moving(), spread)[0, :, :3] - moving()[0, :3]
    assert (np.linalg.norm(errors, axis=1) > 5e-4).all()
    np.testing.assert_array_equal(errors[:7], errors[7:14])
    assert len(np.unique(errors, axis=0)) == 7


def by_channel(channels, **devices):
    """Channel's name -> readings (steps, n, size) of a still truth, where each element is its channel's own."""
    truths = np.concatenate([[0.0, 0.0, 1.0] if c.quantity == "direction" else [0.2] * c.size for c in channels])
    read = Sensors(channels, 5, **devices).of(np.tile(truths, (2 * SPAN + 3, 1)))
    ends = np.cumsum([channel.size for channel in channels])
    return {channel.name: read[..., end - channel.size : end] for channel, end in zip(channels, ends, strict=True)}


@pytest.mark.parametrize(
    ("channels", "devices"),
    [
        ((PART, AXIS, FORCE, SPEED), {}),
        ((SPEED, FORCE, Channel("fixture", "camera", "position"), AXIS, PART), {}),
        ((PART, AXIS, FORCE), {"force": Device(1.0, quantisation=0.01, offset=Offset(0.1, 0.5, 0.1), link=UNEVEN)}),
        ((PART, AXIS, FORCE), {"force": Device()}),
    ],
    ids=["a channel at the end", "others first", "more faults of another device", "none of another device"],
)
def test_a_channel_errs_the_same_to_the_bit_whatever_else_is_measured(channels, devices):
    usual = {"camera": NOISY, "force": Device(noise=0.5), "odometry": NOISY}
    before = by_channel((PART, AXIS, FORCE), **usual)
    after = by_channel(channels, **{**usual, **devices})
    for channel in (PART, AXIS, *([] if devices else [FORCE])):
        np.testing.assert_array_equal(after[channel.name], before[channel.name], err_msg=channel.name)


def test_a_fault_more_leaves_the_draws_of_the_devices_other_faults_as_they_are():
    plain = by_channel((PART,), camera=Device(noise=1e-3))["part"]
    dropping = by_channel((PART,), camera=Device(noise=1e-3, link=Link(dropout=0.4)))["part"]
    arrived = dropping == plain
    assert 0.5 < arrived.all(axis=-1).mean() < 0.7
    biased = by_channel((PART,), camera=Device(noise=1e-3, offset=Offset(episode=5e-3)))["part"] - plain
    np.testing.assert_allclose(biased, np.broadcast_to(biased[0], biased.shape), atol=1e-9)


@pytest.mark.parametrize("moment", [1, SPAN - 1, SPAN, SPAN + 5])
def test_resetting_some_lanes_leaves_the_others_draws_as_they_are(moment):
    offset = Offset(1e-3, 2e-3, 1e-3, angle_drift=0.01)
    faults = {"camera": Device(noise=1e-3, angle_noise=0.01, offset=offset, link=UNEVEN)}
    n, ids, truth = 6, np.array([4, 1]), np.tile([0.1, 0.2, 0.3, 0.0, 0.0, 1.0], (6, 1))
    through, parted, fresh = (Sensors(CHANNELS, n, **faults) for _ in range(3))
    for sensors in (through, parted):
        sensors.start(np.arange(n), truth)
        for _ in range(moment):
            sensors.read(truth)
    parted.start(ids, truth, episode=1)
    fresh.start(np.arange(n), truth, episode=1)
    others = [lane for lane in range(n) if lane not in ids]
    for _ in range(2 * SPAN):
        read = parted.read(truth)
        np.testing.assert_array_equal(read[others], through.read(truth)[others])
        np.testing.assert_array_equal(read[ids], fresh.read(truth)[ids])


def test_the_errors_kept_do_not_grow_with_the_episode_and_never_come_again():
    sensors = Sensors((PART, FORCE), 2, camera=NOISY, force=Device(noise=1.0, link=Link(dropout=0.1)))

    def kept():
        return sum(record.nbytes for record in sensors.sim.state(np.arange(2)).records)

    at_start = kept()
    read = sensors.of(np.zeros((40 * SPAN, 5)))
    assert kept() == at_start
    assert at_start < 2 * (5 + 2) * 8 * (SPAN + 20)  # of each lane, column and device, a span's faults and little more
    assert len(np.unique(read[:, 0, :3], axis=0)) == 40 * SPAN


def test_a_site_is_the_same_for_all_who_ask_and_differs_from_the_next():
    spread = SiteSpread(friction=Uniform(0.25, 1.25), fixture_shift=Uniform(0.0, 0.02), camera_turn=Uniform(0.01, 0.02))
    three, others = spread.sites([3]), spread.sites([7, 4, 3])
    for name, values in vars(three).items():
        np.testing.assert_array_equal(values, vars(others)[name][2:], err_msg=name)
    assert len(np.unique(others.friction)) == len(others)
    np.testing.assert_array_equal(others[np.array([2])].camera_turn, three.camera_turn)


def test_a_shift_has_the_length_of_its_draw_in_any_direction():
    sites = SiteSpread(fixture_shift=Uniform(0.01, 0.02), camera_shift=Uniform(1e-3, 1e-3)).sites(range(2000))
    shifted = np.linalg.norm(sites.fixture_shift, axis=1)
    assert (shifted >= 0.01 - 1e-12).all()
    assert (shifted <= 0.02 + 1e-12).all()
    np.testing.assert_allclose(np.linalg.norm(sites.camera_shift, axis=1), 1e-3)
    np.testing.assert_allclose(sites.fixture_shift.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(sites.camera_shift.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("count", [0, -1, 2_000_000])
def test_an_impossible_number_of_sites_is_refused(count):
    with pytest.raises(ValueError, match="want 1 to"):
        held_out_sites(count)


@pytest.mark.parametrize(
    ("kind", "knobs"),
    [
        (Device, {"noise": -1e-3}),
        (Device, {"quantisation": np.inf}),
        (Offset, {"drift": -1e-3}),
        (Link, {"latency": -0.1}),
        (Link, {"dropout": 1.0}),
        (Link, {"stalls": 0.1}),  # of no time
        (Link, {"jitter": 11.0}),
        (Frames, {"jitter": 0.06}),
        (Frames, {"repeats": 1.0}),
        (Frames, {"rate": 0.0}),
        (Commands, {"latency": 11.0}),
        (Commands, {"dropout": 1.0}),
        (Commands, {"jitter": np.nan}),
    ],
)
def test_impossible_faults_are_refused(kind, knobs):
    with pytest.raises(ValueError, match="want"):
        kind(**knobs)
