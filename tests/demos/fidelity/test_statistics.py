"""Each statistic of movements for which it is known."""

import numpy as np
import pytest
from signals import lasting, minimum_jerk, motion, noise, recording, walk

from shopfloor.demos.fidelity import beside, durations, idle, lag, repeats, sessions, smoothness, spectra, speed
from shopfloor.demos.fidelity.motion import MOVING, Motion
from shopfloor.demos.fidelity.sample import Missing
from shopfloor.demos.fidelity.scoring import STATISTICS

PEAK = 1.875  # peak over mean speed of a minimum-jerk movement
RATE = 20.0


def share_of_time(level):
    """Share of a minimum-jerk movement's time at which its speed has risen to a share of its peak."""
    share = np.linspace(0, 0.5, 10_001)
    return share[np.argmax(16 * share**2 * (1 - share) ** 2 >= level)]


def test_a_minimum_jerk_movement_has_the_peak_of_its_formula():
    one = motion([minimum_jerk(RATE, seconds=4.0)])
    moving = 1 - 2 * share_of_time(MOVING)  # slower frames are left out, which raises the mean
    assert speed.peak_to_mean(one).estimate() == pytest.approx(PEAK * moving, rel=0.03)


def test_a_constant_speed_has_no_peak_and_stays_on_its_plateau():
    steady = motion([np.linspace(0, 1, 200)[:, None]])
    assert speed.peak_to_mean(steady).estimate() == pytest.approx(1, abs=0.01)
    assert speed.plateau(motion([minimum_jerk(RATE)])).estimate() < 0.35


@pytest.mark.parametrize("seconds", [2.0, 4.0])
def test_a_minimum_jerk_movement_rises_as_its_formula_does(seconds):
    one = motion([minimum_jerk(RATE, seconds=seconds)])
    rise = (share_of_time(0.9) - share_of_time(speed.MOVE)) * seconds
    assert speed.rise_time(one).estimate() == pytest.approx(rise, abs=2 / RATE)


def test_a_move_that_was_under_way_has_no_rise():
    cut = minimum_jerk(RATE, seconds=4.0)[40:]
    with pytest.raises(Missing):
        speed.rise_time(motion([cut])).estimate()


def test_submovements_are_counted_a_second_of_moving():
    path = np.concatenate([minimum_jerk(RATE, seconds=1.0), 0.3 + minimum_jerk(RATE, seconds=1.0)])
    one = motion([path])
    moving = len(one.moving(0)) / RATE
    assert speed.submovements(one).estimate() == pytest.approx(2 / moving)


def test_a_shaking_movement_is_less_smooth():
    smooth = minimum_jerk(RATE, seconds=4.0)
    shaking = smooth + 0.004 * np.sin(2 * np.pi * 3 * np.arange(len(smooth)) / RATE)[:, None]
    for statistic in (smoothness.log_jerk, smoothness.sparc):
        assert statistic(motion([smooth])).estimate() > statistic(motion([shaking])).estimate() + 0.2


def test_a_minimum_jerk_movement_has_the_jerk_of_its_formula():
    """-ln(T^3 / peak^2 x 720 D^2 / T^5), of a peak of 1.875 D / T, in the window that holds the movement."""
    one = motion([minimum_jerk(RATE, seconds=2.0, still=0.0)])
    assert smoothness.log_jerk(one).estimate() == pytest.approx(-np.log(720 / PEAK**2), abs=0.4)


def test_the_arc_of_a_minimum_jerk_movement_is_that_of_its_authors():
    time = np.linspace(0, 1, 100)
    bell = 30 * time**2 * (1 - time) ** 2
    assert smoothness.arc_length(bell, 100.0) == pytest.approx(-1.41, abs=0.03)  # Balasubramanian et al. 2015


@pytest.mark.parametrize(
    ("frequency", "band"), [(1.0, spectra.power_slow), (4.0, spectra.power_middle), (7.0, spectra.power_fast)]
)
def test_a_sinusoids_power_lies_in_its_band(frequency, band):
    time = np.arange(400) / RATE
    one = motion([walk(400)], commands=[np.sin(2 * np.pi * frequency * time)[:, None].repeat(3, axis=1)])
    shares = {f: f(one).estimate() for f in (spectra.power_slow, spectra.power_middle, spectra.power_fast)}
    assert shares[band] > 0.98
    assert sum(shares.values()) == pytest.approx(1)


def trembling(at_rest):
    """Commands that go from rest to full speed, with 7 Hz of the size 1 there, and at_rest at rest."""
    time = np.arange(1200) / RATE
    wanted = 10 * np.clip(np.sin(2 * np.pi * time / 20), 0, None)
    size = at_rest + (1 - at_rest) * wanted / 10
    return motion([walk(1200, columns=1)], commands=[(wanted + size * np.sin(2 * np.pi * 7 * time))[:, None]])


def test_tremor_is_told_at_rest_and_between():
    for at_rest in (0.25, 0.7, 1.5):
        one = trembling(at_rest)
        assert spectra.tremor_at_rest(one).estimate() == pytest.approx(at_rest, rel=0.15)
        assert (spectra.tremor_between(one).estimate() > 1) == (at_rest > 1)


def test_what_jumps_has_its_power_at_the_jumps():
    steps = np.repeat(np.random.default_rng(0).choice([-1.0, 1.0], 20), 20)[:, None]
    jumping = motion([walk(400, columns=1)], commands=[steps])
    assert spectra.power_near_jumps(jumping).estimate() > 0.9
    assert spectra.median_change(jumping).estimate() == 0
    slow = np.sin(np.arange(400) / RATE)[:, None]
    smooth = motion([walk(400, columns=1)], commands=[slow])
    assert spectra.power_near_jumps(smooth).estimate() == 0
    assert spectra.median_change(smooth).estimate() == pytest.approx(np.median(np.abs(np.diff(slow[:, 0]))), rel=0.02)


@pytest.mark.parametrize("frames", [0, 2, 5])
@pytest.mark.parametrize("rate", [20.0, 50.0])
def test_a_delayed_copy_has_its_lag(frames, rate):
    path = walk(600, rate=rate)
    told = np.roll(np.diff(path, axis=0, append=path[-1:]) * rate, -frames, axis=0)
    one = motion([path], commands=[told], rate=rate)
    assert lag.command_lag(one).estimate() == pytest.approx(frames / rate, abs=0.05 / rate)


def test_idling_and_pauses_are_found():
    still, go = np.zeros((20, 1)), minimum_jerk(RATE, seconds=1.0, still=0.0)
    path = np.concatenate([still, go, still + 0.3, 0.3 + go, still + 0.6])
    one = motion([path])
    edge = 0.25  # [s] that a movement's ends and the filter make of its rest
    assert idle.idle_before(one).estimate() == pytest.approx(1.0, abs=edge)
    assert idle.pause_length(one).estimate() == pytest.approx(1.0, abs=2 * edge)
    assert idle.pause_rate(one).estimate() == pytest.approx(60 / 3.0, rel=0.2)
    assert idle.pause_tail(one).estimate() == 1
    assert idle.idle_share(one).estimate() == pytest.approx(3 / 5, abs=0.12)


def test_repeats_are_counted_of_the_whole_state():
    path = walk(101)
    path[50:60] = path[49]
    assert repeats.state_repeats(motion([path])).estimate() == pytest.approx(10 / 100)
    other = np.concatenate([path, noise(101, 1, 1)], axis=1)
    assert repeats.state_repeats(motion([path], state=[other])).estimate() == 0


def test_a_readings_step_is_told_of_its_range():
    path = np.round(walk(2000), 2)
    low, high = np.quantile(path, repeats.RANGE, axis=0)
    assert repeats.state_step(motion([path])).estimate() == pytest.approx(np.median(0.01 / (high - low)), rel=0.01)


def test_zero_commands_are_counted():
    told = noise(100)
    told[:25] = 0
    assert repeats.zero_commands(motion([walk(100)], commands=[told])).estimate() == 0.25


def test_people_are_told_apart_from_their_own_scatter():
    rng, people, each = np.random.default_rng(0), 12, 60
    who = np.tile(np.arange(people), each)
    means = rng.normal(np.log(8), 0.12, people)
    times = np.exp(means[who] + rng.normal(0, 0.18, len(who)))
    one = Motion.of(lasting(times, operators=who))
    assert durations.within_operators(one).estimate() == pytest.approx(0.18, rel=0.06)
    found = durations.between_operators(one)
    assert found.estimate() == pytest.approx(np.std(means, ddof=1), rel=0.15)
    low, high = found.interval(np.random.default_rng(0), resamples=200)
    assert low < found.estimate() < high
    alone = Motion.of(lasting(times[:60]))
    with pytest.raises(Missing, match="nobody has said who drove"):
        durations.between_operators(alone)


def test_only_finished_work_has_a_time():
    times, success = np.array([4.0, 4.4, 4.8, 4.2, 30.0, 40.0]), np.array([True] * 4 + [False] * 2)
    judged, kept = Motion.of(lasting(times, success=success)), Motion.of(lasting(times[:4]))
    assert durations.within_operators(judged).estimate() == durations.within_operators(kept).estimate()


def pace(correlation, drift, *, episodes=400, seed=0):
    """Times of a session: log time of an AR(1) process with a trend from the first to the last."""
    rng, deviation = np.random.default_rng(seed), [0.0]
    for step in rng.standard_normal(episodes - 1):
        deviation.append(correlation * deviation[-1] + 0.15 * np.sqrt(1 - correlation**2) * step)
    return np.exp(np.log(10) + np.array(deviation) + drift * np.linspace(0, 1, episodes))


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_a_sessions_memory_is_that_of_its_process(correlation):
    found = sessions.autocorrelation(Motion.of(lasting(pace(correlation, 0.0))))
    assert found.estimate() == pytest.approx(correlation, abs=0.1)


def test_learning_is_told_from_the_first_episode_to_the_last():
    assert sessions.drift(Motion.of(lasting(pace(0.0, -0.3)))).estimate() == pytest.approx(-0.3, abs=0.06)


def test_sessions_are_those_of_each_operator_in_turn():
    own = [pace(0.5, -0.2, episodes=40, seed=seed) for seed in range(2)]
    who = np.tile([0, 1], 40)
    mixed = Motion.of(lasting(np.stack(own, axis=1).ravel(), operators=who))
    alone = [Motion.of(lasting(times)) for times in own]
    slopes = [sessions.drift(one).estimate() for one in alone]
    assert sessions.drift(mixed).estimate() == pytest.approx(np.mean(slopes))
    with pytest.raises(Missing, match="15 finished episodes in the longest session, want 16"):
        sessions.drift(Motion.of(lasting(own[0][:15])))


def test_an_operators_sessions_are_told_apart():
    own = [pace(0.5, -0.2, episodes=40, seed=seed) for seed in range(2)]
    times = np.concatenate([own[0], 3 * own[1]])  # as long again, as of other work
    who, which = np.zeros(80, np.int64), np.repeat([0, 1], 40)
    apart = sessions.drift(Motion.of(lasting(times, operators=who, sessions=which))).estimate()
    slopes = [sessions.drift(Motion.of(lasting(one))).estimate() for one in own]
    assert apart == pytest.approx(np.mean(slopes), abs=0.01)
    assert sessions.drift(Motion.of(lasting(times, operators=who))).estimate() > 1
    assert sessions.drift(Motion.of(lasting(times, sessions=which))).estimate() == apart  # nobody has said who


def test_what_turns_back_is_counted():
    out = minimum_jerk(RATE, seconds=1.0, still=0.4)
    back = out[-1] - minimum_jerk(RATE, seconds=0.5, still=0.0, distance=0.03)  # a tenth of the way
    assert beside.turned_back(motion([np.concatenate([out, back, 0 * out + back[-1]])])).estimate() == 1
    assert beside.turned_back(motion([out])).estimate() == 0


def test_a_half_open_gripper_and_uneven_frames_are_told_where_they_are_measured():
    width = [np.concatenate([np.zeros(50), np.full(25, 0.5), np.ones(25)])]
    even = np.arange(100) / RATE
    uneven = np.cumsum(np.tile([0.04, 0.06], 50))
    told = Motion.of(recording([walk(100)], gripper=width, times=[uneven]))
    assert beside.half_open(told).estimate() == 0.25
    assert beside.frame_jitter(told).estimate() == pytest.approx(0.2, rel=0.02)
    with pytest.raises(Missing, match="not measured"):
        beside.frame_jitter(Motion.of(recording([walk(100)], times=[even])))
    with pytest.raises(Missing, match="no gripper"):
        beside.half_open(Motion.of(recording([walk(100)])))


SESSION = [walk(240, seed) for seed in range(20)]


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in ("half_open", "frame_jitter")])
def test_no_statistic_depends_on_a_scale(name):
    who = np.tile([0, 1], 10)
    whole = [
        Motion.of(
            recording(
                [factor * path for path in SESSION],
                commands=[other * (noise(240, 9) + 3 * np.roll(path, 3, axis=0)) for path in SESSION],
                operators=None if name in ("autocorrelation", "drift") else who,
            )
        )
        for factor, other in ((1.0, 1.0), (512.0, 0.125))
    ]
    first, second = (STATISTICS[name](one) for one in whole)
    try:
        assert second.estimate() == pytest.approx(first.estimate(), rel=1e-6)
    except Missing:
        assert name in ("pause_length", "pause_tail", "rise_time")


@pytest.mark.parametrize("rate", [30.0, 50.0, 100.0])
def test_a_finer_recording_of_the_same_movement_tells_the_same(rate):
    coarse, fine = (motion([minimum_jerk(hertz, seconds=3.0)], rate=hertz) for hertz in (20.0, rate))
    for statistic in (speed.peak_to_mean, smoothness.log_jerk, smoothness.sparc):
        assert statistic(fine).estimate() == pytest.approx(statistic(coarse).estimate(), rel=0.02)
    assert speed.rise_time(fine).estimate() == pytest.approx(speed.rise_time(coarse).estimate(), abs=1.5 / 20)
    assert speed.submovements(fine).estimate() == pytest.approx(speed.submovements(coarse).estimate(), rel=0.05)
