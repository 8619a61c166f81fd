"""The table of fidelity says value, range, verdict and what is missing, of all statistics that there are."""

import json

from shopfloor.demos.fidelity.ranges import device_ranges, ranges
from shopfloor.demos.fidelity.scoring import STATISTICS, Fidelity, Scored
from shopfloor.study.showing.fidelity_words import MEANINGS, plain, summary, table_text

MISSING = {"between_operators": "nobody has said who drove", "half_open": "no gripper"}
OUTSIDE = "rise_time"


def found() -> Fidelity:
    """All in the middle of their ranges, but for one beyond it by twice its width, and two that are missing."""
    scored = []
    for one in ranges():
        low, high = one.accepted
        value = high + 2 * (high - low) if one.name == OUTSIDE else (low + high) / 2
        lacks = MISSING.get(one.name)
        scored.append(Scored(one, None, None, None, lacks) if lacks else Scored(one, value, value, value, None))
    return Fidelity(tuple(scored))


def test_every_statistic_has_its_words() -> None:
    assert set(MEANINGS) == set(STATISTICS)


def test_a_line_says_value_range_and_verdict_or_what_is_missing() -> None:
    lines = table_text(found()).splitlines()
    assert len(lines) == len(ranges()) + 4
    assert lines[0].split() == ["statistic", "here", "95", "%", "interval", "real", "recordings", "verdict"]
    told = [line for line in lines[1:-2] if line != "beside the twelve:"]
    rows = {one.name: line for one, line in zip(ranges(), told, strict=True)}
    for name, lacks in MISSING.items():
        assert rows[name].endswith(f"not measured: {lacks}")
    assert rows["peak_to_mean"].endswith("pass")
    assert "2.2 to 4.4" in rows["peak_to_mean"]
    assert rows[OUTSIDE].endswith("2.00")


def test_the_summary_counts_what_passes_and_names_the_rest() -> None:
    assert summary(found()) == (
        "10 of 12 pass; outside, by so many widths of the range: 2 (2.00); not wholly measured: 11"
    )
    assert table_text(found()).splitlines()[-1] == summary(found())


def test_all_numbers_are_plain_json() -> None:
    read = json.loads(json.dumps(plain(found()), allow_nan=False))
    assert (read["passed"], round(read["distances"]["2"], 9), read["distances"]["11"]) == (10, 2.0, None)
    assert {one["name"]: one["lacks"] for one in read["statistics"] if one["lacks"]} == MISSING


def test_a_devices_own_have_lines_and_a_count_of_their_own() -> None:
    (own,) = device_ranges("spacemouse")
    by_device = (Scored(own, 0.5, 0.4, 0.6, None),)
    told = table_text(Fidelity(found().scored, "spacemouse", by_device)).splitlines()
    place = told.index("spacemouse alone:")
    assert "0.29 to 0.74" in told[place + 1]
    assert told[place + 1].endswith("pass")
    assert told[-1] == f"{summary(found())}; of spacemouse's own 1 of 1"
    assert [one["name"] for one in plain(Fidelity((), "spacemouse", by_device))["by_device"]] == ["zero_commands"]
