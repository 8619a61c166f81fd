"""Forecasts of curves that were measured, published ones and our own, with their largest volume held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from shopfloor.study.analysis.baseline import line
from shopfloor.study.analysis.curves import Curve
from shopfloor.study.analysis.evidence import Evidence, gather
from shopfloor.study.analysis.forecast import forecast
from shopfloor.study.analysis.laws import Array
from shopfloor.study.analysis.statistics import Interval

# Name, volumes, success rates: robomimic (Mandlekar et al. 2021; low-dimensional BC-RNN), RoboCasa365 (% of its data).
PUBLISHED: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = (
    ("robomimic Can-MH", (60, 150, 300), (0.79, 0.97, 1.0)),
    ("robomimic Square-MH", (60, 150, 300), (0.32, 0.61, 0.78)),
    ("robomimic Transport-MH", (60, 150, 300), (0.07, 0.33, 0.65)),
    ("RoboCasa365, target only", (10, 30, 100), (0.210, 0.343, 0.437)),
    ("RoboCasa365, pretrained", (10, 30, 100), (0.359, 0.422, 0.511)),
)
PUBLISHED_SEEDS, PUBLISHED_EPISODES = 3, 50  # as robomimic's; a rate comes without its outcomes


@dataclass(frozen=True)
class Backtest:
    """A held-out rate, and what forecasts from the smaller volumes said of it."""

    name: str
    volumes: tuple[float, ...]  # that the forecast saw
    held_out: float  # volume
    measured: float  # rate there
    mean: Interval
    last: float  # rate at the largest volume seen
    line: float

    @property
    def covered(self) -> bool:
        """Whether the interval of the mean rate holds the measured one, itself uncertain."""
        return self.mean.low <= self.measured <= self.mean.high


def published(seed: int = 0) -> list[Backtest]:
    """Backtests of published curves; their outcomes are taken to be independent."""
    found = []
    for name, volumes, rates in PUBLISHED:
        outcomes = _outcomes(np.array(rates[:-1]), np.random.default_rng(seed))
        evidence = gather(np.array(volumes[:-1], dtype=np.float64), outcomes)
        found.append(_backtest(name, evidence, float(volumes[-1]), rates[-1], seed))
    return found


def own(curves: Iterable[tuple[str, Curve]], seed: int = 0) -> list[Backtest]:
    """Backtests of measured curves with three volumes or more, by name."""
    found = []
    for name, curve in curves:
        if len(curve.points) > 2:
            seen = replace(curve, points=curve.points[:-1])
            held = curve.final
            found.append(_backtest(name, seen.evidence(), float(held.volume), held.rate.estimate, seed))
    return found


def _backtest(name: str, evidence: Evidence, volume: float, rate: float, seed: int) -> Backtest:
    volumes = evidence.volumes
    found = forecast(evidence, np.random.default_rng(seed), force=True)
    trials = evidence.trials.mean()
    straight = line(volumes, evidence.rates * trials, float(trials), volume)
    return Backtest(
        name,
        tuple(volumes.tolist()),
        volume,
        rate,
        found.mean_rate([volume])[0],
        float(evidence.rates[0, -1]),
        float(straight[0]),
    )


def _outcomes(rates: Array, rng: np.random.Generator) -> Array:
    """Outcomes (1, volumes, seeds, episodes) of these rates, in random order."""
    trials = PUBLISHED_SEEDS * PUBLISHED_EPISODES
    solved = np.rint(rates * trials)[:, None] > np.arange(trials)
    return rng.permuted(solved, axis=1).reshape(1, len(rates), PUBLISHED_SEEDS, PUBLISHED_EPISODES).astype(np.float64)
