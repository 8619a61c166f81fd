"""At which frequencies commands change, how a hand trembles by its speed, and when it jumps (statistics 5 to 7)."""

from __future__ import annotations

import numpy as np
from scipy import signal

from shopfloor.demos.fidelity.filters import Array, band_pass, high_pass, length_of, low_pass
from shopfloor.demos.fidelity.motion import FULL, LEAST, Motion
from shopfloor.demos.fidelity.sample import Missing, Sample

SEGMENT = 3.0  # [s] of Welch's method, with Hann windows that overlap by half
LOWEST = 0.01  # [Hz]; the mean is no movement
SLOW, FAST = 2.0, 6.0  # [Hz] between the bands of a command's power
TREMBLING = (4.0, 9.0)  # [Hz]
SLOWEST_RATE = 19.0  # [Hz] at which that band can be told
INTENDED = 2.0  # [Hz] below which a command is taken for what the hand means to do
SPEEDS = (0.0, 0.1, 0.3, 0.6, 0.8, np.inf)  # of full intended speed: bins from rest to full speed
FEWEST = 50  # frames in a bin that has a value
JUMP = 0.35  # of an episode's full commanded speed, from one frame to the next
AROUND = (-2, 3)  # frames beside a jump that count to it
HIGH = 4.0  # [Hz] above which power is looked for near jumps


def power_slow(motion: Motion) -> Sample:
    """5: share of the commands' power below 2 Hz [1]; median over episodes of 3 s or more."""
    return _power(motion, LOWEST, SLOW)


def power_middle(motion: Motion) -> Sample:
    """5: share of the commands' power from 2 to 6 Hz [1]; median over episodes of 3 s or more."""
    return _power(motion, SLOW, FAST)


def power_fast(motion: Motion) -> Sample:
    """5: share of the commands' power above 6 Hz [1]; median over episodes of 3 s or more."""
    return _power(motion, FAST, np.inf)


def spectrum(command: Array, rate: float) -> tuple[Array, Array]:
    """Frequencies (k,) [Hz] above 0 and the power (k,) of commands (frames, c) there, summed over columns."""
    size = int(SEGMENT * rate)
    straight = signal.detrend  # takes a straight line from each segment
    frequency, power = signal.welch(command.T, rate, nperseg=size, noverlap=size // 2, detrend=straight)
    return frequency[frequency > LOWEST], power.sum(axis=0)[frequency > LOWEST]


def tremor_at_rest(motion: Motion) -> Sample:
    """6: 4 to 9 Hz rms of the commands below 10 % of full speed over that above 80 % [1], over all frames."""
    return Sample(_trembling(motion), lambda counts: float(tremor_by_speed(counts)[0]))


def tremor_between(motion: Motion) -> Sample:
    """6: the highest 4 to 9 Hz rms at 10 to 80 % of full speed over that above 80 % [1]: 1 or less where it rises."""
    return Sample(_trembling(motion), lambda counts: float(tremor_by_speed(counts)[1:-1].max()))


def tremor_by_speed(counts: Array) -> Array:
    """4 to 9 Hz rms (bins,) over that of the last bin, from sums of squares and frames (k, 2, bins); NaN of too few."""
    squares, frames = counts.sum(axis=0)
    rms = np.sqrt(np.where(frames >= FEWEST, squares / np.maximum(frames, 1), np.nan))
    ratios: Array = rms / rms[-1]
    return ratios


def power_near_jumps(motion: Motion) -> Sample:
    """7: share of the commands' power above 4 Hz that lies 2 frames before to 3 after a jump [1]; median over episodes.

    A jump is a change of the command by more than 35 % of the episode's full speed from one frame to the next.
    """
    shares = []
    for command in motion.command:
        power = (high_pass(command, motion.rate, HIGH) ** 2).sum(axis=1)
        near = np.zeros(len(command), bool)
        for jump in np.flatnonzero(_changes(command) > JUMP) + 1:
            near[max(0, jump + AROUND[0]) : jump + AROUND[1] + 1] = True
        shares.append(float(power[near].sum() / power.sum()) if power.any() else np.nan)
    return Sample.per_episode(shares)


def median_change(motion: Motion) -> Sample:
    """7: median change of the command from frame to frame, over the episode's full speed [1]; median over episodes."""
    return Sample.per_episode(float(np.median(_changes(command))) for command in motion.command)


def _changes(command: Array) -> Array:
    """Of each frame but the first (frames - 1,), in shares of the episode's own full speed."""
    full = float(np.quantile(length_of(command), FULL))
    return length_of(np.diff(command, axis=0)) / max(full, LEAST)


def _power(motion: Motion, low: float, high: float) -> Sample:
    shares = []
    for command in motion.command:
        if len(command) < int(SEGMENT * motion.rate):
            shares.append(np.nan)
            continue
        frequency, power = spectrum(command, motion.rate)
        inside = (frequency >= low) & (frequency < high)
        shares.append(float(power[inside].sum() / power.sum()) if power.any() else np.nan)
    return Sample.per_episode(shares)


def _trembling(motion: Motion) -> list[Array]:
    """Of each episode of 3 s or more, (1, 2, bins): sums of squares and frames by the hand's intended speed."""
    if motion.rate < SLOWEST_RATE:
        raise Missing(f"{motion.rate:g} Hz, want {SLOWEST_RATE:g} Hz or more")
    long = [command for command in motion.command if len(command) >= int(SEGMENT * motion.rate)]
    if not long:
        raise Missing(f"no episode of {SEGMENT:g} s")
    squares = [(band_pass(command, motion.rate, *TREMBLING) ** 2).sum(axis=1) for command in long]
    intended = [length_of(low_pass(command, motion.rate, INTENDED)) for command in long]
    edges = np.array(SPEEDS) * np.quantile(np.concatenate(intended), FULL)
    parts = []
    for square, speed in zip(squares, intended, strict=True):
        bins = np.searchsorted(edges, speed, side="right") - 1
        sums, frames = (np.bincount(bins, weights, len(SPEEDS) - 1) for weights in (square, None))
        parts.append(np.stack([sums, frames.astype(float)])[None])
    return parts
