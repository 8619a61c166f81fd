"""Calibration: how often forecasts hold where the truth is known, and what simpler ones do there."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.study.analysis.baseline import line
from shopfloor.study.analysis.evidence import gather
from shopfloor.study.analysis.forecast import MAX_EXTRAPOLATION, TARGET, Forecast, LawRefusal, forecasts
from shopfloor.study.analysis.laws import LAWS
from shopfloor.study.analysis.statistics import LEVEL, Interval
from shopfloor.study.analysis.truths import DESIGNS, TRUTHS, VOLUMES, Design, Truth

MORE = 1000.0  # [demonstrations] whose worth is asked
FAR = MAX_EXTRAPOLATION * VOLUMES[-1]
REPLICATES = 200
QUICK = 40
BATCH = 20  # curves sampled together: more do not fit a processor's cache
NEAR = 0.02  # error of a forecast that is as good as none


@dataclass(frozen=True)
class Score:
    """What came of the forecasts of one truth under one design; shares are of the curves that got one."""

    curves: int
    truth: Truth
    design: Design
    refused: float  # share of all curves
    error: float  # mean absolute, of the mean rate at 4 times the largest volume: this and the next two [rate]
    error_last: float  # of the last measured value taken for it
    error_line: float  # of a maximum-likelihood line of log-odds in ln N
    error_oracle: float  # of who knows which law it is; nan where none is
    mean_covered: float
    mean_near: float  # covered, or within NEAR
    gain_covered: float
    reach_covered: float
    bound_held: float  # the lower bound of the number of demonstrations
    new_covered: float
    named: float  # share of all curves that are told a number of demonstrations
    needed: float  # [demonstrations] for TARGET in truth; inf where none within reach
    width: float  # [rate] of the mean's interval
    width_oracle: float
    interval_score: float  # [rate] Gneiting and Raftery 2007


def calibrate(
    *,
    quick: bool = False,
    replicates: int | None = None,
    seed: int = 0,
    truths: Sequence[Truth] = TRUTHS,
    designs: Sequence[Design] = DESIGNS,
) -> Iterable[Score]:
    """Scores of every truth under every design, one by one; a case's bits depend on its names and the seed alone."""
    curves = replicates or (QUICK if quick else REPLICATES)
    for design in designs:
        for truth in truths:
            case = zlib.crc32(f"{truth.name}: {design.name}".encode())
            yield score(truth, design, curves, np.random.default_rng([seed, case]))


def score(truth: Truth, design: Design, curves: int, rng: np.random.Generator) -> Score:
    """Simulate curves of a truth, forecast each from its outcomes, and compare."""
    now, then, far = truth.rate(np.array([VOLUMES[-1], VOLUMES[-1] + MORE, FAR]))
    needed = truth.reaches(TARGET, FAR)
    outcomes = design.simulate(truth.rate(VOLUMES), curves, rng)
    new = design.new_policies(float(far), curves, rng)
    measured = outcomes.mean(axis=(2, 3))
    lines = line(VOLUMES, outcomes.sum(axis=(2, 3)), float(design.seeds * design.episodes), FAR)
    own = [law for law in LAWS if law.name == truth.law]
    rows: list[list[float]] = []
    oracle_rows: list[list[float]] = []
    refused, named = 0, 0
    for start in range(0, curves, BATCH):
        evidence = gather(VOLUMES, outcomes[start : start + BATCH], design.site)
        oracles = forecasts(evidence, rng.spawn(1)[0], laws=own, force=True) if own else []
        for oracle in oracles:
            assert isinstance(oracle, Forecast)
            (mean,) = oracle.mean_rate([FAR])
            oracle_rows.append([abs(mean.estimate - far), _width(mean)])
        for curve, answer in enumerate(forecasts(evidence, rng.spawn(1)[0]), start):
            if isinstance(answer, LawRefusal):
                refused += 1
                continue
            (mean,) = answer.mean_rate([FAR])
            reach = answer.volume_for(TARGET)
            named += reach.sure
            outside = max(mean.low - far, far - mean.high, 0.0)
            rows.append(
                [
                    abs(mean.estimate - far),
                    outside == 0,
                    outside == 0 or abs(mean.estimate - far) <= NEAR,
                    _holds(answer.gain(MORE), float(then - now)),
                    _holds(reach.volume, needed),
                    reach.volume.low <= needed,
                    _holds(answer.new_cell(FAR, design.episodes, rng), float(new[curve])),
                    _width(mean),
                    _width(mean) + 2 / (1 - LEVEL) * outside,
                ]
            )
    error, covered, near, gain, reached, bound, fresh, width, points = (
        np.mean(rows, axis=0).tolist() if rows else [np.nan] * 9
    )
    error_oracle, width_oracle = np.mean(oracle_rows, axis=0).tolist() if oracle_rows else [np.nan] * 2
    return Score(
        curves,
        truth,
        design,
        refused / curves,
        error,
        float(np.abs(measured[:, -1] - far).mean()),
        float(np.abs(lines - far).mean()),
        error_oracle,
        covered,
        near,
        gain,
        reached,
        bound,
        fresh,
        named / curves,
        needed,
        width,
        width_oracle,
        points,
    )


def _holds(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def _width(interval: Interval) -> float:
    return interval.high - interval.low
