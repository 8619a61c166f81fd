"""The twelve statistics of a recording, each with its interval and its distance from real recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shopfloor.demos.fidelity import (
    beside,
    durations,
    idle,
    lag,
    repeats,
    sessions,
    smoothness,
    spectra,
    speed,
)
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.ranges import Range, device_ranges, ranges
from shopfloor.demos.fidelity.recording import Recording
from shopfloor.demos.fidelity.sample import Missing, Sample

RESAMPLES = 300  # draws of episodes behind an interval
SEED = 0  # of these draws: the same recording gives the same answer

STATISTICS: Mapping[str, Callable[[Motion], Sample]] = {
    function.__name__: function
    for function in (
        speed.peak_to_mean,
        speed.rise_time,
        speed.submovements,
        smoothness.log_jerk,
        smoothness.sparc,
        spectra.power_slow,
        spectra.power_middle,
        spectra.power_fast,
        spectra.tremor_at_rest,
        spectra.tremor_between,
        spectra.power_near_jumps,
        spectra.median_change,
        lag.command_lag,
        idle.idle_share,
        idle.idle_before,
        idle.pause_rate,
        idle.pause_length,
        idle.pause_tail,
        repeats.state_repeats,
        repeats.state_step,
        durations.within_operators,
        durations.between_operators,
        sessions.autocorrelation,
        sessions.drift,
        speed.plateau,
        repeats.zero_commands,
        beside.turned_back,
        beside.half_open,
        beside.frame_jitter,
    )
}


@dataclass(frozen=True)
class Scored:
    """A statistic of a recording beside its range: a value with its 95 % interval, or why there is none."""

    range: Range
    value: float | None
    low: float | None
    high: float | None
    lacks: str | None

    @property
    def distance(self) -> float | None:
        """From the accepted range, in its widths; 0 inside; None where there is no value."""
        return None if self.value is None else self.range.distance(self.value)


@dataclass(frozen=True)
class Fidelity:
    """All statistics of a recording that apply, in the order of the ranges; by_device: beside those of one device."""

    scored: tuple[Scored, ...]
    device: str | None = None
    by_device: tuple[Scored, ...] = ()

    def distances(self) -> dict[int, float | None]:
        """Of each of the twelve that apply the largest distance of its parts; None where one is missing, none fails."""
        parts: dict[int, list[float | None]] = {}
        for one in self.scored:
            if one.range.number is not None:
                parts.setdefault(one.range.number, []).append(one.distance)
        return {number: _largest(found) for number, found in parts.items()}

    @property
    def passed(self) -> int:
        """How many of the twelve pass: every part was measured, and lies in its range."""
        return sum(distance == 0 for distance in self.distances().values())


def fidelity(
    recording: Recording, *, device: str | None = None, resamples: int = RESAMPLES, seed: int = SEED
) -> Fidelity:
    """The statistics of a recording that apply to it: of a driven base, those that are no arm's alone.

    device: also those by which recordings with this kind of device differ. Raises ValueError where nothing moves in
    it, and on a device that nobody knows.
    """
    own = () if device is None else device_ranges(device)
    motion = Motion.of(recording)
    wanted = (*ranges(), *own)
    streams = np.random.default_rng(seed).spawn(len(wanted))
    found = [
        score(one, motion, rng, resamples=resamples) if one.base or not recording.base else None
        for one, rng in zip(wanted, streams, strict=True)
    ]
    general, special = (
        tuple(one for one in part if one is not None) for part in (found[: len(ranges())], found[len(ranges()) :])
    )
    return Fidelity(general, device, special)


def score(wanted: Range, motion: Motion, rng: np.random.Generator, *, resamples: int = RESAMPLES) -> Scored:
    """One statistic of a movement beside its range."""
    try:
        sample = STATISTICS[wanted.name](motion)
        value = sample.estimate()
    except Missing as reason:
        return Scored(wanted, None, None, None, str(reason))
    return Scored(wanted, value, *sample.interval(rng, resamples=resamples), None)


def _largest(parts: list[float | None]) -> float | None:
    measured = [part for part in parts if part is not None]
    worst = max(measured, default=None)
    return worst if worst or len(measured) == len(parts) else None
