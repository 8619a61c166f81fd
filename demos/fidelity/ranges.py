"""The ranges of real recordings, from ranges.yaml, and how far a value lies from one."""

from __future__ import annotations

import importlib.resources
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml


@dataclass(frozen=True)
class Range:
    """What real recordings have of one statistic.

    number: which of the twelve it belongs to, None for what is only told; accepted: what passes, or all that `real`
    spans; log: whether distances are in decades; base: whether it is looked at where a base is driven.
    """

    name: str
    unit: str
    real: Mapping[str, float]  # by source
    number: int | None
    accepted: tuple[float, float]
    log: bool
    base: bool = False

    def distance(self, value: float) -> float:
        """0 inside; else from the nearest bound, over the range's width. Infinite for what a log scale lacks."""
        (low, high), inside = self.accepted, self.accepted[0] <= value <= self.accepted[1]
        if inside:
            return 0.0
        if self.log:
            if value <= 0:
                return math.inf
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return max(low - value, value - high) / (high - low)


@cache
def ranges() -> tuple[Range, ...]:
    """Of every statistic, the twelve's parts first, in order."""
    told = _told()
    return tuple(_range(entry) for entry in (*told["statistics"], *told["beside"]))


def device_ranges(device: str) -> tuple[Range, ...]:
    """What recordings with one kind of device have of an own. ValueError where there is no such device."""
    told = _told()["devices"]
    if device not in told:
        raise ValueError(f"device {device!r}, want one of {', '.join(told)}")
    return tuple(map(_range, told[device]))


def sources() -> dict[str, str]:
    """What each set of real recordings is, and where it comes from."""
    return dict(_told()["sources"])


def _range(entry: Mapping[str, Any]) -> Range:
    real = entry["real"]
    accepted = tuple(entry.get("accepted", (min(real.values()), max(real.values()))))
    log, base = entry.get("log", False), entry.get("base", False)
    return Range(entry["name"], entry["unit"], real, entry.get("number"), accepted, log, base)


@cache
def _told() -> Any:
    return yaml.safe_load(importlib.resources.files(__package__).joinpath("ranges.yaml").read_text(encoding="utf-8"))
