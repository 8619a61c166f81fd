"""Signals at one rate, smooth enough to be differentiated: a path and its speed mean the same at 15 as at 100 Hz."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Array = NDArray[np.float64]
_Kind = Literal["lowpass", "highpass", "bandpass"]

RATE = 20.0  # [Hz] at most: what is faster is brought there, what is slower stays
NEAR = 0.5  # [Hz] above RATE that is still let be
ORDER = 2  # of the Butterworth filters, which run forwards and backwards
SMOOTH = 5.0  # [Hz], below which arms move (fast hands included)
EDGE = 12  # frames by which a filter looks past the ends, mirrored


def common_rate(rate: float) -> float:
    """[Hz] at which signals recorded at `rate` are compared."""
    return rate if rate <= RATE + NEAR else float(rate * _ratio(rate))


def at_common_rate(values: Array, rate: float) -> Array:
    """values (frames, k) at common_rate(rate): polyphase filtered, less the line from first to last, which rings."""
    if rate <= RATE + NEAR:
        return values
    ratio = _ratio(rate)
    share = np.arange(len(values))[:, None] / (len(values) - 1)
    line = values[:1] + share * (values[-1:] - values[:1])
    moved = signal.resample_poly(values - line, ratio.numerator, ratio.denominator, axis=0)
    share = np.arange(len(moved))[:, None] / float(ratio) / (len(values) - 1)
    resampled: Array = moved + values[:1] + share * (values[-1:] - values[:1])
    return resampled


def low_pass(values: Array, rate: float, cutoff: float) -> Array:
    """values (frames, k) below cutoff [Hz], without delay; as they are where the rate holds nothing above it."""
    return _filtered(values, rate, [cutoff], "lowpass")


def high_pass(values: Array, rate: float, cutoff: float) -> Array:
    """values (frames, k) above cutoff [Hz], without delay; zero where the rate holds nothing above it."""
    return values - values if cutoff >= 0.475 * rate else _filtered(values, rate, [cutoff], "highpass")


def band_pass(values: Array, rate: float, low: float, high: float) -> Array:
    """values (frames, k) from low to high [Hz], without delay."""
    return _filtered(values, rate, [low, high], "bandpass")


def length_of(vectors: Array) -> Array:
    """Lengths (frames,) of vectors (frames, k)."""
    lengths: Array = np.sqrt((vectors * vectors).sum(axis=1))
    return lengths


def stretches(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame and the one past the last of each stretch of mask (frames,) that is true."""
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _ratio(rate: float) -> Fraction:
    return Fraction(RATE / rate).limit_denominator(64)


def _filtered(values: Array, rate: float, edges: list[float], kind: _Kind) -> Array:
    if len(values) <= EDGE + 2 or edges[-1] >= 0.475 * rate:
        return values
    (b, a) = (
        signal.butter(ORDER, edges[0], kind, fs=rate) if len(edges) == 1 else signal.butter(ORDER, edges, kind, fs=rate)
    )
    filtered: Array = signal.filtfilt(b, a, values, axis=0, padlen=EDGE)
    return filtered
