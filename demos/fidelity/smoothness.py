"""How smooth a movement is, in windows of two seconds in which there is one (statistic 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from shopfloor.demos.fidelity.filters import SMOOTH, Array
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Sample

_Measure = Callable[[Array, Array, float], float]

WINDOW = 2.0  # [s]; the next begins after half of it
FASTEST = 0.2  # share of full speed that a window's mean speed exceeds
PADDING = 4  # powers of two by which the spectrum is made finer, as its authors do
THRESHOLD = 0.05  # of the largest amplitude, below which the spectrum's arc ends, as its authors do


def log_jerk(motion: Motion) -> Sample:
    """4: log dimensionless jerk [1] (Balasubramanian et al. 2015), of velocity; median of an episode's windows.

    -ln(T^3 / v_max^2 x the integral of the squared second derivative of velocity): higher is smoother.
    """
    return _over_windows(motion, _log_jerk)


def sparc(motion: Motion) -> Sample:
    """4: spectral arc length of speed up to 5 Hz [1] (Balasubramanian et al. 2015); median of an episode's windows."""
    return _over_windows(motion, lambda velocity, speed, rate: arc_length(speed, rate))


def arc_length(speed: Array, rate: float) -> float:
    """Negative length of the arc of speed's (frames,) normalised amplitude spectrum: nearer 0 is smoother."""
    size = int(2 ** (np.ceil(np.log2(len(speed))) + PADDING))
    frequency = np.arange(size // 2) * rate / size
    amplitude = np.abs(np.fft.fft(speed, size))[: size // 2]
    amplitude = amplitude[frequency <= SMOOTH] / amplitude.max()
    last = int(np.flatnonzero(amplitude >= THRESHOLD)[-1])
    if last < 2:
        return float("nan")
    return -float(np.hypot(1 / last, np.diff(amplitude[: last + 1])).sum())


def _log_jerk(velocity: Array, speed: Array, rate: float) -> float:
    jerk = np.gradient(np.gradient(velocity, 1 / rate, axis=0), 1 / rate, axis=0)
    return -float(np.log((len(speed) / rate) ** 3 / speed.max() ** 2 * (jerk**2).sum() / rate))


def _over_windows(motion: Motion, measure: _Measure) -> Sample:
    values = []
    for velocity, speed in zip(motion.velocity, motion.speed, strict=True):
        found = [measure(velocity[part], speed[part], motion.rate) for part in _windows(speed, motion.rate)]
        finite = [value for value in found if np.isfinite(value)]
        values.append(float(np.median(finite)) if finite else np.nan)
    return Sample.per_episode(values)


def _windows(speed: Array, rate: float) -> Iterator[slice]:
    size = int(WINDOW * rate)
    for start in range(0, len(speed) - size + 1, size // 2):
        if speed[start : start + size].mean() >= FASTEST:
            yield slice(start, start + size)
