import numpy as np
import pytest

from shopfloor.demos.operators.aim import Aim, Curve, Overshoot, Seeing, WrongWay
from shopfloor.demos.operators.devices import Device
from shopfloor.demos.operators.hand import Track
from shopfloor.demos.operators.movement import Movements, Shaping
from shopfloor.demos.operators.timing import Hesitation, Pauses, Reaction, StartIdle
from shopfloor.demos.operators.trembling import FULL_PRESS, MotorNoise, Tremor, effort
from shopfloor.envs.simulation import CONTROL_PERIOD

RNG = np.random.default_rng(0)
LANES = np.arange(3)


def run(movements, steps):
    return np.stack([movements.step() for _ in range(steps)])


def test_a_submovement_brings_its_way_in_a_bell_of_its_time():
    movements = Movements(3, 2)
    far = np.array([[4.0, -2.0], [1.0, 0.0], [0.0, 0.0]])
    movements.begin(LANES, far, 0 * far, np.array([1.0, 0.5, 0.5]))
    steps = run(movements, 20)
    np.testing.assert_allclose(steps.sum(axis=0), far, atol=1e-12)
    assert (steps[10:, 1] == 0).all()  # half a second is over
    speed = steps[:, 0, 0]
    assert np.argmax(speed) in (9, 10)
    assert speed.max() == pytest.approx(1.875 * speed.mean(), rel=0.02)  # minimum jerk
    assert (np.diff(speed)[:9] > 0).all()
    assert (np.diff(speed)[10:] < 0).all()


def test_what_is_under_way_and_what_was_brought_make_the_whole():
    movements, far = Movements(1, 3), np.array([[1.0, 2.0, 3.0]])
    movements.begin(np.array([0]), far, 0 * far, np.array([0.6]))
    brought = run(movements, 5).sum(axis=0)
    movements.begin(np.array([0]), far, 0 * far, np.array([0.4]))  # overlaps the first
    np.testing.assert_allclose(brought + movements.pending(), 2 * far, atol=1e-12)
    np.testing.assert_allclose(brought + run(movements, 12).sum(axis=0), 2 * far, atol=1e-12)
    assert movements.seconds_left() == 0


def test_a_bump_goes_aside_and_comes_back():
    movements, far = Movements(1, 3), np.array([[1.0, 0.0, 0.0]])
    movements.begin(np.array([0]), far, np.array([[0.0, 0.3, 0.0]]), np.array([1.0]))
    aside = np.cumsum(run(movements, 20)[:, 0, 1])
    assert aside.max() == pytest.approx(0.3)
    assert aside[-1] == pytest.approx(0.0, abs=1e-12)


def test_a_longer_way_and_a_slower_phase_take_longer_and_no_movement_is_quicker_than_the_robot():
    def seconds(way, speed=1.0, times=1.0):
        return Shaping(1.0).seconds(*(np.array([number]) for number in (way, speed, times, 0.0)))[0]

    assert Shaping(1.0).least < seconds(0.1) < seconds(1.0)
    assert seconds(0.1, speed=0.3) > seconds(0.1)
    assert seconds(0.1, times=0.5) == pytest.approx(0.5 * seconds(0.1))
    assert 1.875 * 2.0 / seconds(2.0) <= 1.0  # share of top speed


def test_pressing_is_an_effort_as_moving_is_and_both_end_at_a_full_one():
    moving, pressed = np.array([[0.0], [0.2], [0.9]]), np.array([50.0, 0.0, 100.0])
    np.testing.assert_array_equal(effort(moving, None), moving)
    np.testing.assert_allclose(effort(moving, pressed)[:, 0], [50.0 / FULL_PRESS, 0.2, 1.0])


def test_sticks_are_moved_in_their_own_time_whatever_the_hands_are_at():
    first, second = (Track(np.array(columns), 2) for columns in ([True, False], [False, True]))
    lanes, way = np.array([0]), np.array([[1.0, 0.0]])
    first.begin(lanes, way, 0.0 * way, np.array([2.0]), np.array([0.2]))
    np.testing.assert_array_equal(first.due(), [False, True])
    np.testing.assert_array_equal(second.due(), [True, True])


WAY, SIZE = RNG.normal(size=(500, 3)), RNG.random((500, 1))
NORMAL, EVEN = RNG.normal(size=500), RNG.random(500)
EFFECTS = {  # of a fault at a strength: what is 0 where there is none
    "aim": lambda s: Aim(s).of(WAY, RNG.normal(size=(500, 4))) - WAY,
    "overshoot": lambda s: Overshoot(s).factor(EVEN, NORMAL) - 1,
    "wrong way": lambda s: WrongWay(s).factor(EVEN, np.ones(500)) - 1,
    "curve": lambda s: Curve(s).aside(WAY, NORMAL),
    "seeing": lambda s: Seeing(s).of(WAY),
    "motor noise": lambda s: MotorNoise(s).of(WAY, SIZE),
    "tremor": lambda s: Tremor(s).of(NORMAL, SIZE, WAY),
    "reaction": lambda s: Reaction(s).seconds(NORMAL),
    "pauses": lambda s: Pauses(s, rate=1.0).seconds(EVEN, NORMAL, np.ones(500)),
    "start idle": lambda s: StartIdle(s).seconds(NORMAL),
    "hesitation": lambda s: Hesitation(s).seconds(EVEN, NORMAL),
    "dead zone": lambda s: Device(s, dead_zone=0.1).quiet(WAY) - WAY,
    "squeeze": lambda s: Device(s, squeeze=1.0).grip(np.ones((500, 1)), -np.ones((500, 1))) + 1,
    "repeats": lambda s: Device(s, repeats=0.5).stale(EVEN).astype(float),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_fault_of_strength_0_is_none_and_of_any_other_is_one(name):
    assert (EFFECTS[name](0.0) == 0).all()
    assert (EFFECTS[name](0.3) != 0).mean() > 0.05


@pytest.mark.parametrize("name", ["aim", "curve", "seeing", "motor noise", "tremor", "reaction", "start idle"])
def test_twice_the_strength_is_twice_the_effect(name):
    once, twice = (np.abs(EFFECTS[name](strength)).mean() for strength in (0.1, 0.2))
    assert twice == pytest.approx(2 * once, rel=0.1)


def test_noise_has_the_stated_size_and_grows_with_effort():
    noise, state = MotorNoise(0.12, rest=0.1, memory=0.3), np.zeros((4000, 1))
    for _ in range(30):
        state = noise.next(state, RNG.normal(size=state.shape))
    assert noise.of(state, np.ones((4000, 1))).std() == pytest.approx(0.12 * 1.1, rel=0.05)
    assert noise.of(state, np.zeros((4000, 1))).std() == pytest.approx(0.12 * 0.1, rel=0.05)


def test_tremor_swings_at_its_frequency():
    tremor, phase, swing = Tremor(1.0, wander=0.0), np.zeros(1), []
    for _ in range(200):
        phase = tremor.turn(phase, np.zeros(1))
        swing.append(tremor.of(phase, np.zeros((1, 1)), np.ones((1, 1)))[0, 0])
    power = np.abs(np.fft.rfft(swing)) ** 2
    assert np.fft.rfftfreq(200, CONTROL_PERIOD)[np.argmax(power)] == pytest.approx(7.0, abs=0.1)


def test_a_hand_closes_a_tool_in_the_time_of_its_device_and_a_button_at_once():
    closing, grip = Device(1.0, squeeze=0.4), np.ones((1, 1))
    steps = 0
    while grip[0, 0] > -1:
        grip, steps = closing.grip(grip, -np.ones((1, 1))), steps + 1
    assert steps * CONTROL_PERIOD == pytest.approx(0.4, abs=CONTROL_PERIOD)
    assert Device(1.0).grip(np.ones((1, 1)), np.array([[0.3]])) == 0.3


def test_a_number_that_is_none_is_refused():
    for fault in (Aim, Pauses, Device, MotorNoise):
        for wrong in (-0.1, np.nan, np.inf):
            with pytest.raises(ValueError, match="want a finite number of 0 or more"):
                fault(wrong)
