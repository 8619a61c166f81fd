"""The report's numbers as JSON: summary.json."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shopfloor.study.analysis.comparison import Difference
from shopfloor.study.running.failures import Failure
from shopfloor.study.running.rows import seed_name
from shopfloor.study.showing.answers import Answer
from shopfloor.study.showing.sections import Section


def summary(sections: Sequence[Section], failures: Sequence[Failure]) -> dict[str, Any]:
    """What the page says, for programs."""
    told = ("key", "overrides", "kind", "reason", "finished")
    return {
        "panels": [_panel_summary(section) for section in sections],
        "failures": [{name: failure[name] for name in told} for failure in failures],  # type: ignore[literal-required]
    }


def _panel_summary(section: Section) -> dict[str, Any]:
    panel = section.panel
    return {
        "task": panel.task,
        "realism": panel.realism,
        "axis": panel.axis.name,
        "split": panel.evaluation["split"],
        "distance": panel.evaluation["distance"],
        "agents": [_curve_summary(answer) for answer in section.answers],
        "references": {curve.label: asdict(curve.final.rate) for curve in panel.references},
        "comparisons": [_difference(one) for one in section.differences],
        "ratios": list(section.ratios),
        "missing": list(panel.missing),
        "older": list(panel.older),
        "diverged": list(panel.diverged),
        "figures": list(section.files),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "volume": one.volumes[0],
        **asdict(one.difference),
        "p_value": one.p_value,
        "adjusted": one.adjusted,
        "paired_by": str(one.pairing),
    }


def _curve_summary(answer: Answer) -> dict[str, Any]:
    said: dict[str, Any] = {
        "agent": answer.curve.label,
        "measured": answer.measured,
        "forecast": answer.forecast,
        "points": [
            {
                "volume": p.volume,
                "seeds": [seed_name(seed) for seed in p.seeds],
                "successes": p.successes,
                "trials": p.trials,
                **asdict(p.rate),
            }
            for p in answer.curve.points
        ],
        "gains": [{**asdict(gain), "seeds": [seed_name(seed) for seed in gain.seeds]} for gain in answer.gains],
        "bracket": {name: _finite(value) for name, value in asdict(answer.bracket).items()},
    }
    if answer.law is not None:
        reach = answer.reach
        assert reach is not None
        said["volume_for"] = {
            **{name: _finite(value) for name, value in asdict(reach.volume).items()},
            "target": reach.target,
            "probability": reach.probability,
            "limit": reach.limit,
        }
        said["levelling"] = answer.law.levelling
        said["outlook"] = [asdict(outlook) for outlook in answer.outlook]
        said["laws"] = [
            {
                "name": c.law.name,
                "formula": c.law.formula,
                "weight": c.weight,
                "parameters": {name: asdict(value) for name, value in c.parameters.items()},
            }
            for c in answer.law.candidates
        ]
    return said


def _finite(value: float) -> float | None:
    """JSON has no infinity: an answer beyond the limit is null."""
    return value if math.isfinite(value) else None
