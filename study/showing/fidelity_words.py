"""The twelve statistics as a text table, and as plain values for JSON."""

from __future__ import annotations

from typing import Any

from shopfloor.demos.fidelity.ranges import sources
from shopfloor.demos.fidelity.scoring import Fidelity, Scored

MEANINGS = {
    "peak_to_mean": "peak over mean speed",
    "rise_time": "rise to first speed peak",
    "submovements": "submovements, moving",
    "log_jerk": "log dimensionless jerk",
    "sparc": "spectral arc length (SPARC)",
    "power_slow": "command power < 2 Hz",
    "power_middle": "command power 2-6 Hz",
    "power_fast": "command power > 6 Hz",
    "tremor_at_rest": "4-9 Hz at rest / at full speed",
    "tremor_between": "4-9 Hz between, highest / full",
    "power_near_jumps": "> 4 Hz power near jumps",
    "median_change": "median change of command",
    "command_lag": "command lag beyond a frame",
    "idle_share": "idle",
    "idle_before": "idle before first motion",
    "pause_rate": "pauses of .3 s or more",
    "pause_length": "pause, median",
    "pause_tail": "pause, 95 % / median",
    "state_repeats": "exact repeats of the state",
    "state_step": "smallest step / range",
    "within_operators": "log time, SD within operators",
    "between_operators": "log time, SD between operators",
    "autocorrelation": "log time, episode to episode",
    "drift": "log time, first to last",
    "plateau": "frames at .6-1.0 of full speed",
    "zero_commands": "commands exactly zero",
    "turned_back": "turns back after a move",
    "half_open": "gripper half open",
    "frame_jitter": "frame interval, SD / mean",
}
HEADER = f"{'':>3} {'statistic':<31}{'here':>9}  {'95 % interval':<20}{'real recordings':<18}verdict"


def table_text(found: Fidelity) -> str:
    """A line a statistic: value, interval, range of real recordings, verdict; then how many of the twelve pass.

    Those by which one device's recordings differ have lines of their own.
    """
    lines, told = [HEADER], None
    for one in found.scored:
        number = one.range.number
        if number is None and told is not None:
            lines.append("beside the twelve:")
        lines.append(_line(one, "" if number is None or number == told else str(number), judged=number is not None))
        told = number
    if found.device is not None:
        lines.append(f"{found.device} alone:")
        lines += [_line(one, "", judged=True) for one in found.by_device]
    return "\n".join([*lines, "", summary(found)])


def summary(found: Fidelity) -> str:
    """How many of the twelve that apply pass, which fail and by how much, and which could not be measured."""
    distances = found.distances()
    parts = [f"{found.passed} of {len(distances)} pass"]
    failed = [f"{number} ({distance:.2f})" for number, distance in distances.items() if distance]
    unknown = [str(number) for number, distance in distances.items() if distance is None]
    if failed:
        parts.append(f"outside, by so many widths of the range: {', '.join(failed)}")
    if unknown:
        parts.append(f"not wholly measured: {', '.join(unknown)}")
    if found.device is not None:
        passed = sum(one.distance == 0 for one in found.by_device)
        parts.append(f"of {found.device}'s own {passed} of {len(found.by_device)}")
    return "; ".join(parts)


def plain(found: Fidelity) -> dict[str, Any]:
    """All numbers, for JSON."""
    return {
        "passed": found.passed,
        "distances": {str(number): distance for number, distance in found.distances().items()},
        "statistics": [_plain(one) for one in found.scored],
        "device": found.device,
        "by_device": [_plain(one) for one in found.by_device],
        "sources": sources(),
    }


def _plain(one: Scored) -> dict[str, Any]:
    return {
        "name": one.range.name,
        "number": one.range.number,
        "meaning": MEANINGS[one.range.name],
        "unit": one.range.unit,
        "value": one.value,
        "interval": None if one.value is None else [one.low, one.high],
        "accepted": list(one.range.accepted),
        "real": dict(one.range.real),
        "distance": one.distance,
        "lacks": one.lacks,
    }


def _line(one: Scored, number: str, *, judged: bool) -> str:
    unit = "" if one.range.unit == "1" else f" [{one.range.unit}]"
    start = f"{number:>3} {MEANINGS[one.range.name] + unit:<31}"
    span = " to ".join(_number(bound) for bound in one.range.accepted)
    if one.value is None or one.low is None or one.high is None:
        return f"{start}{'-':>9}  {'':<20}{span:<18}not measured: {one.lacks}"
    verdict = "pass" if one.distance == 0 else f"{one.distance:.2f}"
    interval = f"[{_number(one.low)}, {_number(one.high)}]"
    return f"{start}{_number(one.value):>9}  {interval:<20}{span:<18}{verdict if judged else ''}".rstrip()


def _number(value: float) -> str:
    """Three digits, in decimals where they are few."""
    return "0" if value == 0 else f"{value:.1e}" if abs(value) < 5e-4 else f"{value:.3g}"
