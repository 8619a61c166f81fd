"""What a study answers of one curve: what was measured, then what laws add to it or why they say nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.study.analysis.curves import Curve
from shopfloor.study.analysis.forecast import SAMPLING_SEED, TARGET, Forecast, LawRefusal, Reach, forecasts
from shopfloor.study.analysis.measured import Bracket, Gain, bracket, gains
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.showing import phrases

OUTLOOK = (1, 2, 4)  # times the largest volume, at which the page shows the law's predictions


@dataclass(frozen=True)
class Outlook:
    """What a law predicts at one volume, and what came out there where the law did not see it."""

    volume: float
    mean: Interval  # of the mean success rate over policies
    new_cell: Interval  # of the rate that one new policy shows in as many episodes as the others
    measured: Interval | None = None


@dataclass(frozen=True)
class Answer:
    """What was measured of one curve, and what its laws say, or why they say nothing."""

    curve: Curve
    seen: Curve  # what laws were fitted to: all of it, or the volumes up to a bound
    gains: tuple[Gain, ...]
    bracket: Bracket
    law: Forecast | None
    refusal: str | None
    outlook: tuple[Outlook, ...] = ()

    @property
    def reach(self) -> Reach | None:
        """What volume the target takes by the laws, none that was measured under it; None without laws."""
        return None if self.law is None else self.law.volume_for(TARGET, under=self.bracket.under)

    @property
    def came_out(self) -> bool:
        """Whether anything was measured beyond what the laws saw."""
        return any(outlook.measured for outlook in self.outlook)

    @property
    def measured(self) -> str:
        """The study's first answer, without a full stop."""
        return phrases.measured_sentence(self.curve, self.gains)

    @property
    def forecast(self) -> str:
        """What the laws add to it, without a full stop."""
        axis = self.curve.axis
        if self.law is None or self.reach is None:
            return f"No law was fitted: {self.refusal}; {phrases.bracket_sentence(self.bracket, axis)}"
        seen = f", from up to {phrases.volume(self.seen.final.volume, axis)}," * (self.seen is not self.curve)
        reach = phrases.reach_sentence(self.curve.label, self.reach, axis)
        return f"By its laws{seen} {reach}; {phrases.gain_sentence(self.law, axis)}"


def answer_of(curve: Curve, *, until: float, force: bool) -> Answer:
    """The answer of a curve, laws from volumes up to `until`; force: follow laws further than the data bear.

    Raises ValueError where the curve has no volume so small.
    """
    rng = np.random.default_rng(SAMPLING_SEED)
    seen = curve.until(until) if until < curve.final.volume else curve
    steps, lies = gains(curve), bracket(seen, TARGET)
    (law,) = forecasts(seen.evidence(), rng, force=force)
    if isinstance(law, LawRefusal):
        return Answer(curve, seen, steps, lies, None, str(law))
    trials = curve.final.outcomes.shape[1]
    came_out = {
        p.volume: p.rate for p in curve.points if seen.final.volume < p.volume and (p.volume <= law.limit or force)
    }
    volumes = sorted({*came_out, *(factor * seen.final.volume for factor in OUTLOOK)})
    outlook = [Outlook(v, law.mean_rate([v])[0], law.new_cell(v, trials, rng), came_out.get(v)) for v in volumes]
    return Answer(curve, seen, steps, lies, law, None, tuple(outlook))
