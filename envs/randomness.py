"""Random numbers by counter: a draw is a function of (key, stream, step), so nothing is stored and no order matters.

Each episode, site or person has a key; each randomised name and each fault has a stream of its own, so that adding one
shifts no other. The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"),
vectorised over lanes: integer arithmetic only, the same bits on any processor.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Words = NDArray[np.uint64]  # 32-bit words, held in 64 bits for their products
Keys = NDArray[np.uint64]  # (n, 2) words

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = np.array([0x9E3779B9, 0xBB67AE85], dtype=np.uint64)
LOW, HALF, QUARTER, LOWEST = (np.uint64(number) for number in (0xFFFFFFFF, 32, 16, 0xFFFF))
LEVELS = 1 << 16  # of a noise's draws: as many as half a word tells apart
PER_BLOCK = 8  # halves of words that one block of the generator gives


class Purpose(IntEnum):
    """What a key is for; keys of different purposes are independent."""

    SITE = 0
    WORLD = 1
    SENSORS = 2
    OPERATOR = 3
    FLEET = 4
    AGENT = 5
    LABELS = 6


def philox(counter: Words, key: Words) -> Words:
    """Philox4x32-10: counters (4, n, ...) under keys (2, n, ...), which broadcast to these -> words (4, n, ...)."""
    x0, x1, x2, x3 = out = counter.copy()
    left, right = np.empty_like(x0), np.empty_like(x0)
    turns = np.arange(ROUNDS, dtype=np.uint64).reshape(-1, *(1,) * (key.ndim - 1))
    for key_0, key_1 in zip(*((key[i] + turns * WEYL[i]) & LOW for i in range(2)), strict=True):
        np.multiply(x0, MULTIPLIERS[0], out=left)
        np.multiply(x2, MULTIPLIERS[1], out=right)
        np.right_shift(right, HALF, out=x0)
        np.right_shift(left, HALF, out=x2)
        x0 ^= x1
        x0 ^= key_0
        x2 ^= x3
        x2 ^= key_1
        np.bitwise_and(right, LOW, out=x1)
        np.bitwise_and(left, LOW, out=x3)
    return out


def keys(purpose: Purpose, *numbers: int | NDArray[np.int64]) -> Keys:
    """Keys (n, 2) of a purpose and numbers of 0 or more, such as (seed, site, episode): each one int, or an array (n,).

    Every bit of a number counts, also of one of 2^32 and more. ValueError on a negative number.
    """
    n = max((len(number) for number in numbers if isinstance(number, np.ndarray)), default=1)
    key = np.zeros((2, n), dtype=np.uint64)
    for place, number in enumerate(numbers, start=1):
        for word, values in enumerate(_words(number)):  # the place says which number, the word which part of it
            counter = np.empty((4, n), dtype=np.uint64)
            counter[0], counter[1], counter[2], counter[3] = values, word, place, int(purpose)
            key = philox(counter, key)[:2]
    return key.T.copy()


@functools.cache
def stream_id(name: str) -> int:
    """The 32-bit number of the stream of a name."""
    return zlib.crc32(name.encode())


def blocks(key: Keys, stream: NDArray[np.uint64], block: NDArray[np.uint64], step: NDArray[np.uint64]) -> Words:
    """Words (4, n, m) under keys (n, 2): of m blocks, each a number `block` (m,) of a stream (m,), at step (n,)."""
    counter = np.zeros((4, len(key), len(stream)), dtype=np.uint64)
    counter[0], counter[1], counter[2] = block, step[:, None], stream
    return philox(counter, key.T[:, :, None])


def halves(words: Words) -> NDArray[np.intp]:
    """Words (4, n, m) -> whole numbers (n, m, 8) from 0 to LEVELS - 1."""
    numbers = np.empty((*words.shape[1:], PER_BLOCK), dtype=np.intp)
    numbers[..., :4] = np.moveaxis(words & LOWEST, 0, -1)
    numbers[..., 4:] = np.moveaxis(words >> QUARTER, 0, -1)
    return numbers


def normal(levels: NDArray[np.intp]) -> NDArray[np.float32]:
    """Levels, of even chance, -> draws of a standard normal distribution: its quantiles, hence the same anywhere."""
    return _quantiles()[levels]


def exponential(levels: NDArray[np.intp]) -> Array:
    """Levels, of even chance, -> draws of an exponential distribution of mean 1, at most 11.8."""
    return _waits()[levels]


def draw(key: Keys, stream: str, size: int) -> Array:
    """Numbers (n, size) strictly between 0 and 1, 2^-32 apart, of a stream by name, under keys (n, 2)."""
    words = np.moveaxis(_first_blocks(key, stream, -(-size // 4)), 0, -1)
    return (words.reshape(len(key), -1)[:, :size].astype(np.float64) + 0.5) * 2.0**-32


def draw_normal(key: Keys, stream: str, size: int) -> Array:
    """Draws (n, size) of a standard normal distribution, of a stream by name, under keys (n, 2)."""
    levels = halves(_first_blocks(key, stream, -(-size // PER_BLOCK))).reshape(len(key), -1)
    return np.asarray(normal(levels[:, :size]), dtype=np.float64)


def _first_blocks(key: Keys, stream: str, count: int) -> Words:
    number = np.arange(count, dtype=np.uint64)
    return blocks(key, np.full(count, stream_id(stream), np.uint64), number, np.zeros(len(key), np.uint64))


def stream(purpose: Purpose, *numbers: int) -> np.random.Generator:
    """A generator for a purpose and numbers of 0 or more, such as (seed, episode), for those who draw in sequence."""
    length = max(map(_length, numbers), default=0)  # of each: no number runs into the next
    words = [number >> 32 * place & 0xFFFFFFFF for number in numbers for place in range(length)]
    return np.random.default_rng(np.random.SeedSequence(words, spawn_key=(int(purpose), len(words))))


@dataclass(frozen=True)
class Uniform:
    """Uniform between low and high, element-wise; equal bounds give a constant."""

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]

    def __post_init__(self) -> None:
        if np.shape(self.low) != np.shape(self.high) or not np.all(np.less_equal(self.low, self.high)):
            raise ValueError(f"uniform from {self.low} to {self.high}, want low <= high of one shape")
        if not np.isfinite([self.low, self.high]).all():
            raise ValueError(f"uniform from {self.low} to {self.high}, want finite bounds")

    def draw(self, key: Keys, name: str) -> Array:
        """Draws (n, *shape of the bounds) of the stream of a name, under keys (n, 2)."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        shares = draw(key, name, low.size).reshape(len(key), *low.shape)
        return np.asarray(low + shares * (high - low), dtype=np.float64)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """One draw, of the bounds' shape, from a generator."""
        return np.asarray(rng.uniform(self.low, self.high))


def _words(number: int | NDArray[np.int64]) -> Sequence[int | NDArray[np.int64]]:
    """The 32-bit words of a number from the lowest up, two or more. ValueError on a negative one."""
    if isinstance(number, np.ndarray):
        if (number < 0).any():
            raise ValueError(f"numbers {number}, want 0 or more")
        return [number & 0xFFFFFFFF, number >> 32]
    return [number >> 32 * place & 0xFFFFFFFF for place in range(_length(number))]


def _length(number: int) -> int:
    """How many 32-bit words a number takes, two or more. ValueError on a negative one."""
    if number < 0:
        raise ValueError(f"number {number}, want 0 or more")
    return max(2, -(-number.bit_length() // 32))


@functools.cache
def _quantiles() -> NDArray[np.float32]:
    """Quantiles (LEVELS,) of the standard normal distribution in the middles of cells of even chance."""
    from scipy.special import ndtri  # slow to import: only where noise is drawn

    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    return np.round(ndtri(middles), 6).astype(np.float32)  # rounded: the same on any machine


@functools.cache
def _waits() -> Array:
    """Quantiles (LEVELS,) of the exponential distribution of mean 1 in the middles of cells of even chance."""
    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    waits: Array = np.round(-np.log1p(-middles), 6).astype(np.float64)  # rounded: the same on any machine
    return waits
