import numpy as np
import pytest

from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import DEVICES, Channel, Device, Sensing
from shopfloor.envs.realism.sites import SiteSpread, held_out_sites

CHANNELS = (Channel("part", "camera", "position"), Channel("axis", "camera", "direction"))
STEPS, N = 50, 400
IDS = np.arange(N)
ONE_SITE = SiteSpread()


def readings_of(camera, truths, spread=ONE_SITE):
    """Readings (steps, n, 6) of truths (steps, 6), the same in each of N episodes."""
    sensing = Sensing(CHANNELS, {**dict.fromkeys(DEVICES, Device()), "camera": camera}, N, STEPS)
    truth = np.broadcast_to(truths[:, None], (len(truths), N, 6))
    sites = [spread.site(int(i) % 7) for i in IDS]
    sensing.reset(IDS, sites, [(0, 0, int(i)) for i in IDS], truth[0])
    return np.array([sensing.read(IDS, truth[k], np.full(N, k)) for k in range(len(truths))])


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
    biased = readings_of(Device(bias=3e-3), truths)[..., :3] - truths[:, None, :3]
    np.testing.assert_allclose(noisy.std(), 2e-3, rtol=0.02)
    assert np.abs(np.corrcoef(noisy[:-1].ravel(), noisy[1:].ravel())[0, 1]) < 0.02
    np.testing.assert_allclose(biased[0].std(), 3e-3, rtol=0.1)
    np.testing.assert_allclose(biased, np.broadcast_to(biased[0], biased.shape), atol=1e-12)


def test_a_direction_stays_a_unit_vector_and_errs_by_an_angle():
    read = readings_of(Device(angle_noise=0.02), moving())[..., 3:]
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), 1, atol=1e-12)
    angles = np.arccos(np.clip((read * moving()[:, None, 3:]).sum(-1), -1, 1))
    np.testing.assert_allclose(np.sqrt((angles**2).mean()), 0.02 * np.sqrt(2), rtol=0.05)


@pytest.mark.parametrize("latency", [0.05, 0.17])
def test_a_reading_is_as_old_as_its_latency(latency):
    read = readings_of(Device(latency=latency), moving())
    steps = latency / 0.05
    np.testing.assert_allclose(read[10:, 0, 0], 1e-3 * (np.arange(10, STEPS) - steps))
    np.testing.assert_allclose(read[0], np.broadcast_to(moving()[0], (N, 6)))


def test_a_dropped_reading_repeats_the_last_one():
    read = readings_of(Device(dropout=0.3), moving())[..., 0]
    repeated = read[1:] == read[:-1]
    np.testing.assert_allclose(repeated.mean(), 0.3, atol=0.02)
    held = np.maximum.accumulate(np.where(np.concatenate([np.zeros((1, N), bool), repeated]), -1, moving()[:, :1]))
    np.testing.assert_allclose(read, held)


def test_quantised_positions_lie_on_the_grid():
    read = readings_of(Device(quantisation=2e-3), moving())[..., :3]
    np.testing.assert_allclose(read / 2e-3, np.round(read / 2e-3), atol=1e-9)


def test_a_sites_calibration_error_is_the_same_in_all_its_episodes():
    spread = SiteSpread(camera_shift=Uniform(1e-3, 3e-3), camera_turn=Uniform(0.01, 0.02))
    errors = readings_of(Device(), moving(), spread)[0, :, :3] - moving()[0, :3]
    assert (np.linalg.norm(errors, axis=1) > 5e-4).all()
    np.testing.assert_array_equal(errors[:7], errors[7:14])
    assert len(np.unique(errors, axis=0)) == 7


def test_a_site_is_the_same_for_all_who_ask_and_differs_from_the_next():
    spread = SiteSpread(friction=Uniform(0.25, 1.25))
    assert spread.site(3).friction == spread.site(3).friction != spread.site(4).friction


@pytest.mark.parametrize("count", [0, -1, 2_000_000])
def test_an_impossible_number_of_sites_is_refused(count):
    with pytest.raises(ValueError, match="want 1 to"):
        held_out_sites(count)


@pytest.mark.parametrize("knobs", [{"noise": -1e-3}, {"latency": -0.1}, {"dropout": 1.0}])
def test_an_impossible_device_is_refused(knobs):
    with pytest.raises(ValueError, match="want"):
        Device(**knobs)
