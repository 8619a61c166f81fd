"""Analysis of variance of policies that are crossed in three factors and judged on the same episodes at sites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Effect = tuple[int, ...]  # the factors that it is an interaction of; of none, it is the mean over policies
Line = tuple[Effect, str]  # of the analysis: an effect, and the part of the episodes' values that it is seen in

MEAN, SITE, EPISODE = "mean", "site", "episode"  # all episodes; sites' deviations from it; episodes' from their site's


@dataclass(frozen=True)
class MeanSquares:
    """What an analysis found in outcomes."""

    squares: NDArray[np.float64]  # (lines,)
    df: NDArray[np.float64]  # (lines,) degrees of freedom
    by_group: NDArray[np.float64]  # (lines, groups) what each site's episodes, or each episode, add; 0 in other parts

    def distances(self, weights: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far below and above their estimates (n,) weighted sums (n, lines) of expected mean squares may lie.

        Modified large-sample limits: the distances of each line's exact limits add as squares (Graybill and Wang 1980;
        Ting et al. 1990 for weights below 0). What is seen in episodes is as well known as its differences between
        groups tell: successes spread less over easy episodes than over hard ones, so that it is less well known than
        the mean square of as many normal values.
        """
        exact = ~self.by_group.any(axis=1)
        terms, df = weights[:, exact] * self.squares[exact], self.df[exact]
        low = 1 - df / stats.chi2.ppf(0.5 + level / 2, df)
        high = df / stats.chi2.ppf(0.5 - level / 2, df) - 1
        groups = weights @ self.by_group  # (n, groups)
        count = groups.shape[1]
        of_episodes = stats.t.ppf(0.5 + level / 2, count - 1) * np.sqrt(count * groups.var(axis=1, ddof=1))
        below = np.linalg.norm(terms * np.where(terms > 0, low, high), axis=1)
        above = np.linalg.norm(terms * np.where(terms > 0, high, low), axis=1)
        return np.hypot(below, of_episodes), np.hypot(above, of_episodes)


class Analysis:
    """The lines of the analysis: effects of the factors that were varied, each in three parts of the episodes' values.

    shape: (levels of three factors, episodes); sites (episodes,). Where no two episodes share a site, or all do, there
    is no part of sites. Sites may hold unequal numbers of episodes; mean squares are then only nearly independent.
    """

    def __init__(self, shape: Sequence[int], sites: NDArray[np.int64]) -> None:
        self.levels, self.episodes = tuple(shape[:3]), shape[3]
        _, index = np.unique(sites, return_inverse=True)
        self.has_sites = 0 < index.max() < self.episodes - 1
        self._site = index if self.has_sites else np.zeros_like(index)
        self._sizes = np.bincount(self._site)
        varied = [axis for axis, levels in enumerate(self.levels) if levels > 1]
        self.effects: list[Effect] = list(chain.from_iterable(combinations(varied, n) for n in range(len(varied) + 1)))
        parts = (MEAN, SITE, EPISODE) if self.has_sites else (MEAN, EPISODE)
        lines: list[Line] = list(product(self.effects, parts))
        self.lines = [line for line in lines if line != ((), MEAN)]  # whose square is that of the rate over all

    @property
    def episodes_at_a_site(self) -> float:
        """Episodes that share an episode's site, itself included; more where sites are unequal."""
        return float((self._sizes**2).sum()) / self.episodes

    def mean_squares(self, values: NDArray[np.float64]) -> MeanSquares:
        """Of values of the shape."""
        squares, df = np.zeros(len(self.lines)), np.zeros(len(self.lines))
        by_group = np.zeros((len(self.lines), len(self._sizes) if self.has_sites else self.episodes))
        for line, (effect, part) in enumerate(self.lines):
            square, df[line] = self._sums_of_squares(values, effect, part)
            squares[line] = square.sum() / df[line]
            if part == EPISODE:
                by_group[line] = (np.bincount(self._site, square) if self.has_sites else square) / df[line]
        return MeanSquares(squares, df, by_group)

    def _sums_of_squares(
        self, values: NDArray[np.float64], effect: Effect, part: str
    ) -> tuple[NDArray[np.float64], int]:
        """One sum for all, for each site or for each episode, as the part is; and their degrees of freedom."""
        for axis in range(3):
            mean = values.mean(axis=axis, keepdims=True)
            values = values - mean if axis in effect else mean
        df = int(np.prod([self.levels[axis] - 1 for axis in effect]))
        sites = len(self._sizes)
        whole = values.mean(axis=3, keepdims=True)
        at_site = values @ ((self._site[:, None] == np.arange(sites)) / self._sizes)
        if part == MEAN:
            squares = self.episodes * whole**2
        elif part == SITE:
            squares, df = self._sizes * (at_site - whole) ** 2, df * (sites - 1)
        else:
            squares, df = (values - at_site[..., self._site]) ** 2, df * (self.episodes - sites)
        return self._copies(effect) * squares.sum(axis=(0, 1, 2)), df

    def variances(self, squares: NDArray[np.float64]) -> dict[Line, NDArray[np.float64]]:
        """Unbiased components of variance of one trial, of either sign, by line, from mean squares (lines, ...)."""
        lines = dict(zip(self.lines, squares, strict=True))
        balance = (self.episodes - self.episodes_at_a_site) / max(1, len(self._sizes) - 1)  # episodes at a site
        found: dict[Line, NDArray[np.float64]] = {}
        for effect in self.effects:
            found[effect, EPISODE] = own = self._alone(effect, EPISODE, lines)
            if self.has_sites:
                found[effect, SITE] = (self._alone(effect, SITE, lines) - own) / balance
                own = own + self.episodes_at_a_site * found[effect, SITE]
            if effect:
                found[effect, MEAN] = (self._alone(effect, MEAN, lines) - own) / self.episodes
        return found

    def _alone(self, effect: Effect, part: str, lines: Mapping[Line, NDArray[np.float64]]) -> NDArray[np.float64]:
        """A line's mean square for one policy without what it has of the effect's further interactions (Moebius)."""
        signed = [(-1) ** (len(wider) - len(effect)) * lines[wider, part] for wider in self._wider(effect)]
        return np.asarray(np.sum(signed, axis=0)) / self._copies(effect)

    def _wider(self, effect: Effect) -> Iterator[Effect]:
        return (other for other in self.effects if set(effect) <= set(other))

    def _copies(self, effect: Effect) -> int:
        """Policies that share the levels of an effect."""
        return int(np.prod([levels for axis, levels in enumerate(self.levels) if axis not in effect]))
