"""The ranges are those of real sets, and the rule is the one that is written there."""

import numpy as np
import pytest
from signals import lasting, recording, walk

from shopfloor.demos.fidelity.ranges import Range, device_ranges, ranges, sources
from shopfloor.demos.fidelity.scoring import STATISTICS, Fidelity, Scored, fidelity


def test_every_statistic_has_its_range_and_its_sources():
    names = [one.name for one in ranges()]
    assert set(names) == set(STATISTICS)
    assert len(names) == len(set(names))
    assert {one.number for one in ranges()} == {*range(1, 13), None}
    assert all(one.real and set(one.real) <= set(sources()) for one in ranges())


@pytest.mark.parametrize("one", ranges(), ids=lambda one: one.name)
def test_every_real_recording_passes_its_own_range(one):
    assert one.accepted[0] < one.accepted[1]
    assert all(one.distance(value) == 0 for value in one.real.values())


DEVICES = ("leader_arm", "haptic", "vr", "spacemouse")


@pytest.mark.parametrize("device", DEVICES)
def test_every_devices_recordings_lie_in_its_own_ranges(device):
    for one in device_ranges(device):
        assert one.name in STATISTICS
        assert one.number is None
        assert one.accepted[0] < one.accepted[1]
        assert set(one.real) <= set(sources())
        assert all(one.distance(value) == 0 for value in one.real.values())


def test_an_unknown_device_is_said_with_those_there_are():
    with pytest.raises(ValueError, match="device 'joystick', want one of leader_arm, haptic, vr, spacemouse"):
        fidelity(WHOLE, device="joystick", resamples=2)


@pytest.mark.parametrize(("value", "distance"), [(2.0, 0), (4.0, 0), (3.0, 0), (1.0, 0.5), (8.0, 2.0)])
def test_distance_is_to_the_nearest_bound_in_widths_of_the_range(value, distance):
    assert Range("x", "1", {}, 1, (2.0, 4.0), False).distance(value) == distance


def test_a_step_is_judged_in_decades():
    step = Range("x", "1", {}, 1, (1e-5, 1e-3), True)
    assert step.distance(1e-6) == pytest.approx(0.5)
    assert step.distance(0.0) == np.inf


def scored(number, value, *, lacks=None):
    return Scored(Range("peak_to_mean", "1", {}, number, (0.0, 1.0), False), value, value, value, lacks)


def test_one_of_the_twelve_passes_where_all_its_parts_do_and_the_missing_does_not_count():
    found = Fidelity((scored(1, 0.5), scored(1, 0.6), scored(2, 0.5), scored(2, 3.0), scored(3, 0.5), scored(3, None)))
    assert found.distances() == {1: 0.0, 2: 2.0, 3: None}
    assert found.passed == 1
    assert Fidelity((scored(1, None), scored(1, 3.0))).distances() == {1: 2.0}


WHOLE = lasting(np.tile([6.0, 7.0, 8.0, 9.0], 5))


def test_the_same_recording_gives_the_same_answer_and_an_interval_that_holds_it():
    first, second = (fidelity(WHOLE, resamples=40) for _ in range(2))
    assert first == second
    for one in first.scored:
        assert one.value is None or one.low <= one.value <= one.high or one.range.name == "state_step"
    other = fidelity(WHOLE, resamples=40, seed=1)
    assert first != other
    assert [one.value for one in first.scored] == [one.value for one in other.scored]


def test_more_episodes_give_a_narrower_interval():
    few, many = (recording([walk(160, seed) for seed in range(count)]) for count in (8, 64))
    widths = [fidelity(one, resamples=60).scored[0] for one in (few, many)]
    assert widths[1].high - widths[1].low < 0.7 * (widths[0].high - widths[0].low)


def zeros(share):
    """A recording of whose commands so large a share is exactly zero."""
    rng = np.random.default_rng(0)
    commands = [np.where(np.arange(160)[:, None] < share * 160, 0.0, rng.normal(size=(160, 3))) for _ in range(8)]
    return recording([walk(160, seed) for seed in range(8)], commands=commands)


@pytest.mark.parametrize(
    ("share", "passing"),
    [(0.5, {"spacemouse"}), (0.0625, {"leader_arm", "haptic"}), (0.125, {"haptic"}), (0.0, {"vr"})],
)
def test_a_device_is_told_by_its_zero_commands(share, passing):
    found = {device: fidelity(zeros(share), device=device, resamples=2) for device in DEVICES}
    assert {found[device].by_device[0].range.name for device in DEVICES} == {"zero_commands"}
    assert {device for device in DEVICES if found[device].by_device[0].distance == 0} == passing


def test_a_device_leaves_the_twelve_as_they_are():
    without, beside = fidelity(WHOLE, resamples=9), fidelity(WHOLE, device="vr", resamples=9)
    assert without.device is None
    assert without.by_device == ()
    assert without.distances() == beside.distances()
    assert [one.value for one in without.scored] == [one.value for one in beside.scored]


def test_of_a_base_what_is_an_arms_alone_is_not_counted():
    recordings = [lasting(np.tile([6.0, 7.0, 8.0], 7), base=base) for base in (False, True)]
    arm, base = (fidelity(one, device="leader_arm", resamples=2) for one in recordings)
    assert list(arm.distances()) == list(range(1, 13))
    assert list(base.distances()) == [9, 10, 11, 12]
    assert {one.range.name for one in base.scored} == {one.name for one in ranges() if one.base}
    assert [one.range.name for one in base.by_device] == ["zero_commands", "state_repeats"]
    values = {one.range.name: one.value for one in arm.scored}
    assert all(values[one.range.name] == one.value for one in base.scored)
