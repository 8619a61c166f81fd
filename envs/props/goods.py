"""Goods: sizes and masses that vary as those of goods sold do, from uniform draws, cut to what a task takes.

Of goods sold online the logarithm of the weight has a standard deviation of 1.35, that of the volume 1.31, and the two
a correlation of .76. Cut to the sizes that fit, what is left is a little of that spread; how the weight goes with the
volume is not changed by that cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.quantiles import scores, shares_of, truncated_lognormal
from shopfloor.envs.randomness import Uniform

Array = NDArray[np.float64]
Size = tuple[float, float, float]

VOLUME_SD, WEIGHT_SD, CORRELATION = 1.31, 1.35, 0.76  # of logarithms, goods sold online
SIDE_TIE = 0.5  # correlation of the logarithms of a box's sides, knob: no source is known
SIDE_SD = VOLUME_SD / np.sqrt(3 + 6 * SIDE_TIE)  # of the logarithm of each side
SCALE_SD = VOLUME_SD / 3  # where the sides are in proportion
WITH_VOLUME = CORRELATION * WEIGHT_SD / VOLUME_SD  # power of the volume with which the weight goes
OF_ONE_VOLUME_SD = WEIGHT_SD * np.sqrt(1 - CORRELATION**2)  # of the logarithm of the weight of goods of one volume
PER_BOX = 4  # draws of a box's sizes: one for all of its sides, one for each


def size_draws(items: int) -> Uniform:
    """What is drawn for the sizes of so many boxes."""
    return Uniform((0.0,) * (PER_BOX * items), (1.0,) * (PER_BOX * items))


def mass_draws(items: int) -> Uniform:
    """What is drawn for their masses, or for one scale each."""
    return Uniform((0.0,) * items, (1.0,) * items)


@dataclass(frozen=True)
class Goods:
    """Boxes as a task takes them: half sizes from smallest to largest [m], masses from lightest to heaviest [kg].

    Usual ones are of the sides' geometric means, and of the mass `usual` [kg].
    """

    smallest: Size
    largest: Size
    lightest: float
    heaviest: float
    usual: float

    @property
    def usual_half_size(self) -> Array:
        """Half sizes (3,) [m] of the usual box."""
        return np.asarray(np.sqrt(np.multiply(self.smallest, self.largest)))

    def half_sizes(self, draws: Array, variety: float) -> Array:
        """Half sizes (k, items, 3) [m] of draws (k, 4 items); variety: share of the measured spread, 0 for none."""
        drawn = scores(draws.reshape(len(draws), -1, PER_BOX))
        tied = np.sqrt(SIDE_TIE) * drawn[..., :1] + np.sqrt(1 - SIDE_TIE) * drawn[..., 1:]
        low, high = np.array(self.smallest), np.array(self.largest)
        return truncated_lognormal(shares_of(tied), self.usual_half_size, variety * SIDE_SD, low=low, high=high)

    def masses(self, draws: Array, half_sizes: Array, variety: float) -> Array:
        """Masses (k, items) [kg] of draws (k, items) of boxes of half_sizes (k, items, 3) [m]."""
        larger = (half_sizes / self.usual_half_size).prod(axis=-1)
        return masses(draws, self.usual, larger, variety, low=self.lightest, high=self.heaviest)


def scales(draws: Array, variety: float, *, spread: float) -> Array:
    """Shares (k, items) of their usual sizes that goods have, in proportion: within 1 +- spread."""
    if spread == 0:
        return np.ones_like(draws)
    return truncated_lognormal(draws, 1.0, variety * SCALE_SD, low=1 - spread, high=1 + spread)


def masses(draws: Array, usual: Array | float, larger: Array, variety: float, *, low: float, high: float) -> Array:
    """Masses (k, items) [kg] from low to high of goods that are so many times larger (k, items) than the usual one."""
    return truncated_lognormal(draws, usual * larger**WITH_VOLUME, variety * OF_ONE_VOLUME_SD, low=low, high=high)
