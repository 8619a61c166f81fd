"""What the page says of curves that an earlier one got wrong contradicts no measurement."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from toy_rows import EPISODES, a_row, named

from shopfloor.study.running.rows import write_row
from shopfloor.study.showing.report import write_report

VOLUMES = (10, 30, 100, 300, 1000)
CURVES = {
    "levels-at-85": (0.05, 0.5, 0.8, 0.85, 0.85),
    "levels-at-72": (0.02, 0.4, 0.7, 0.72, 0.72),
    "rises-at-last": (0.0, 0.0, 0.0, 0.0, 0.3),
    "rises-and-falls": (0.2, 0.8, 0.9, 0.7, 0.4),
    "default-bc": (0.023, 0.156, 0.614, 0.825, 0.909),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What summary.json holds of each curve."""
    results = tmp_path_factory.mktemp("examples")
    rng = np.random.default_rng(0)
    for agent, rates in CURVES.items():
        for volume, rate in zip(VOLUMES, rates, strict=True):
            solved = rng.permutation(3 * EPISODES).reshape(3, EPISODES) < round(rate * 3 * EPISODES)
            for seed in range(3):
                row = a_row("bc", volume, seed, rng)
                row["cell"]["agent"] = {"name": agent}
                row["evaluation"]["success"] = solved[seed].tolist()
                write_row(results / "rows", named(row))
    write_report(results)
    (panel,) = json.loads((results / "summary.json").read_text())["panels"]
    return {agent["agent"]: agent for agent in panel["agents"]}


@pytest.mark.parametrize("name", ["levels-at-85", "levels-at-72"])
def test_a_curve_that_levels_off_is_told_no_number(said, name) -> None:
    found = said[name]
    assert re.search(r"90 % (is probably not|is not|takes more than|is \d+ % likely)", found["forecast"])
    assert "about" not in found["forecast"] or "more than about" in found["forecast"]
    assert found["volume_for"]["probability"] < 0.3
    low = re.search(r"would buy \S+ points \[([-+][\d.]+), ([-+][\d.]+)\]", found["forecast"])
    assert float(low[1]) < 0 < float(low[2]) < 8


def test_a_rise_at_the_last_volume_is_measured_and_not_followed(said) -> None:
    found = said["rises-at-last"]
    assert found["measured"].startswith("rises-at-last reached 30")
    assert "+30.2 points [+" in found["measured"]
    assert "No law was fitted: 1 volume with a rate between 2 and 98 %" in found["forecast"]
    assert found["forecast"].endswith("with 1,000 demonstrations it is significantly under 90 %")


def test_a_falling_curve_is_fitted_by_no_law(said) -> None:
    assert "no law fits what was measured" in said["rises-and-falls"]["forecast"]
    assert said["rises-and-falls"]["gains"][-1]["difference"]["high"] < 0


def test_the_number_is_never_at_a_volume_measured_under_the_target(said) -> None:
    for found in said.values():
        under = found["bracket"]["under"]
        if "volume_for" in found:
            low = found["volume_for"]["low"]
            assert low is None or low >= under
    assert said["default-bc"]["bracket"]["under"] in (100, 300)


def test_no_difference_is_certain(said) -> None:
    for found in said.values():
        assert all(gain["difference"]["high"] - gain["difference"]["low"] > 0.02 for gain in found["gains"])
        assert not re.search(r"\[([-+]?[\d.]+), \1\]", found["measured"] + found["forecast"])
