"""The report says what the rows hold, the same each time, and says what is missing."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from toy_rows import EPISODES, a_row, named

from shopfloor.study.analysis.curves import panels
from shopfloor.study.analysis.laws import LAWS
from shopfloor.study.running.failures import record_failure
from shopfloor.study.running.isolation import Broken
from shopfloor.study.running.rows import RowError, read_rows, write_row
from shopfloor.study.showing.report import write_report

VOLUMES = (10, 30, 100, 300, 1000)


def write_study(
    results: Path,
    *,
    agents: Sequence[str] = ("bc", "knn"),
    volumes: Sequence[int] = VOLUMES,
    without: Collection[tuple[str, int, int]] = (),
) -> Path:
    rng = np.random.default_rng(0)
    cells = [(agent, volume, seed) for agent in agents for volume in volumes for seed in range(3)]
    for cell in [*cells, ("expert", 0, 0), ("random", 0, 0)]:
        if cell not in without:
            write_row(results / "rows", a_row(*cell, rng))
    return results


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a whole study with its report."""
    results = write_study(tmp_path_factory.mktemp("study"))
    write_report(results)
    return results


def headline(page: Path) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_page_answers_first_and_shows_every_part(whole: Path) -> None:
    page = (whole / "report.html").read_text()
    assert re.match(
        r"bc reached [\d.]+ % \[[\d., ]+\] with 1,000 demonstrations; the step from 300 bought \+[\d.]+ points \[",
        headline(whole / "report.html"),
    )
    assert re.search(r"<p>By its laws .*90 %.*; the next 1,000, from 1,000 to 2,000, would buy \+", page)
    parts = [
        "Cells",
        "Steps, measured",
        "Laws",
        "Agents, compared",
        "References",
        "How this was evaluated",
        "Provenance",
    ]
    places = [page.index(f"<h2>{part}</h2>") for part in parts]
    assert places == sorted(places)
    for fact in (
        "hash-of-300",
        "numpy 2.4.6",
        "shopfloor report",
        "expert",
        "random",
        "64 episodes at 8 held-out",
    ):
        assert fact in page


def test_page_needs_nothing_from_outside(whole: Path) -> None:
    page = (whole / "report.html").read_text()
    assert not re.search(r"(https?:)?//[a-z]", re.sub(r'src="data:image/png;base64,[^"]*"', "", page))
    assert page.count("data:image/png;base64,") == 2


def test_figures_lie_beside_it_as_png_and_pdf(whole: Path) -> None:
    names = sorted(path.name for path in (whole / "figures").iterdir())
    assert names == [
        f"PegInsertion-default-{name}.{kind}" for name in ("failure", "success") for kind in ("pdf", "png")
    ]


def test_same_rows_give_same_bytes(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "rows", tmp_path / "rows")
    write_report(tmp_path)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    for file in files:
        assert (whole / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_summary_counts_what_the_rows_hold(whole: Path) -> None:
    (panel,) = json.loads((whole / "summary.json").read_text())["panels"]
    for agent in panel["agents"]:
        for point in agent["points"]:
            rows = [
                row["evaluation"]["success"]
                for row in read_rows(whole / "rows")
                if (row["cell"]["agent"]["name"], row["data"]["episodes"]) == (agent["agent"], point["volume"])
            ]
            assert (point["successes"], point["trials"]) == (sum(map(sum, rows)), 3 * EPISODES)
            assert 0 <= point["low"] <= point["estimate"] <= point["high"] <= 1
        assert [(gain["start"], gain["end"]) for gain in agent["gains"]] == list(pairwise(VOLUMES))
        assert agent["measured"].startswith(agent["agent"])
        assert agent["forecast"].startswith("By its laws")
        assert len(agent["laws"]) == sum(law.fewest <= len(VOLUMES) for law in LAWS)
    assert len(panel["comparisons"]) == len(VOLUMES)


def test_the_page_tells_how_and_where_policies_fail(whole: Path) -> None:
    page = (whole / "report.html").read_text()
    for agent, volume in (("bc", "10"), ("bc", "1,000"), ("knn", "10"), ("knn", "1,000")):
        assert f"<h3>{agent}, {volume} demonstrations</h3>" in page
    failed = sum(
        not done
        for row in read_rows(whole / "rows")
        if (row["cell"]["agent"]["name"], row["data"]["episodes"]) == ("bc", 10)
        for done in row["evaluation"]["success"]
    )
    part = page.split("<h3>bc, 10 demonstrations</h3>")[1]
    assert f"{failed} of {3 * EPISODES} episodes failed" in part
    assert re.search(rf"<td>start</td>\s*<td class=\"n\">{failed}</td>", part)


def test_rows_csv_has_a_line_for_each_row(whole: Path) -> None:
    with (whole / "rows.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["key"] for line in lines} == {row["key"] for row in read_rows(whole / "rows")}


def test_what_laws_did_not_see_stands_beside_what_they_said(whole: Path, tmp_path: Path) -> None:
    page = write_report(whole, into=tmp_path, until=300, force=True)
    summary = json.loads((tmp_path / "summary.json").read_text())
    for agent in summary["panels"][0]["agents"]:
        assert agent["forecast"].startswith("By its laws, from up to 300, ")
        (came_out,) = [outlook["measured"] for outlook in agent["outlook"] if outlook["measured"]]
        final = agent["points"][-1]
        assert came_out == {name: final[name] for name in ("estimate", "low", "high")}
    assert "came out" in page.read_text()
    assert "from up to" not in (whole / "report.html").read_text()
    with pytest.raises(ValueError, match="bc: no volume up to 5"):
        write_report(whole, into=tmp_path / "none", until=5)
    assert not (tmp_path / "none").exists()


def test_a_report_over_another_axis_speaks_in_its_unit(whole: Path, tmp_path: Path) -> None:
    page = write_report(whole, into=tmp_path, axis="robot_hours")
    assert re.match(r"bc reached .* with 1.39 robot hours; the step from 0.417 bought", headline(page))
    assert "PegInsertion, default realism, over robot hours" in page.read_text()
    assert json.loads((tmp_path / "summary.json").read_text())["panels"][0]["axis"] == "robot_hours"


def test_crossed_seeds_are_split_on_the_page(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for data, training in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        row = a_row("bc", 100, 0, rng)
        row["cell"]["seeds"] = {"data": data, "fleet": 0, "training": training}
        write_row(tmp_path / "rows", named(row))
    page = write_report(tmp_path).read_text()
    assert "<h2>Where the variance comes from</h2>" in page
    assert "draws: 2 of data, 1 of operators, 2 of training" in page
    assert "the demonstrations&#39; worlds, the training had seeds that were varied" in page


def test_partial_study_names_its_missing_cells(tmp_path: Path) -> None:
    results = write_study(tmp_path, without=[("bc", 30, 1), ("bc", 30, 2), ("knn", 300, 0), ("expert", 0, 0)])
    page = write_report(results).read_text()
    assert "bc with data.episodes=30 (seeds 1, 2); knn with data.episodes=300 (seed 0)." in page


def test_under_five_volumes_the_page_says_why_there_is_no_law(tmp_path: Path) -> None:
    results = write_study(tmp_path, agents=["bc"], volumes=[10, 100])
    page = write_report(results)
    assert headline(page).startswith("bc reached ")
    assert "<p>No law was fitted: 2 distinct volumes, want at least 5; with 100 " in page.read_text()
    assert "Agents, compared" not in page.read_text()
    assert "No law was fitted" not in write_report(results, force=True).read_text()
    assert "Forced" in page.read_text()


def test_references_alone_make_a_page(tmp_path: Path) -> None:
    assert "No agent that learns" in headline(write_report(write_study(tmp_path, agents=[])))


def test_no_rows_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"no rows in .*rows, want at least one finished cell"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_rows_of_other_episodes_are_not_pooled() -> None:
    rng = np.random.default_rng(0)
    rows = [a_row("bc", 10, 0, rng), a_row("bc", 10, 1, rng, first_episode=5)]
    with pytest.raises(RowError, match="one evaluation config but other episodes"):
        panels(rows)


def test_namesakes_are_told_apart_by_their_settings() -> None:
    rng = np.random.default_rng(0)
    rows = [a_row("bc", 10, seed, rng) for seed in range(2)]
    rows[1]["cell"]["agent"]["width"] = 64
    (panel,) = panels(rows)
    assert {curve.label for curve in panel.curves} == {"bc (width=256)", "bc (width=64)"}


def test_a_curve_is_of_one_code_the_latest_and_the_page_names_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = {}
    for made, (code, numpy) in enumerate([("first", "2.4"), ("edited", "2.4"), ("edited", "2.5")]):
        for seed in range(3 - made):
            row = a_row("bc", 100, seed, rng)
            row["versions"]["numpy"], row["code"] = numpy, code
            row["times"]["finished"] = f"2026-01-0{made + 1}T00:00:0{seed}"
            rows[made, seed] = named(row)
    other = a_row("knn", 100, 0, rng)  # of an agent whose code was not edited
    for row in (*rows.values(), other):
        write_row(tmp_path / "rows", row)
    (panel,) = panels(read_rows(tmp_path / "rows"))
    assert {curve.label: curve.final.seeds for curve in panel.curves} == {"bc": ((0, 0, 0),), "knn": ((0, 0, 0),)}
    assert {row["key"] for row in panel.rows} == {rows[2, 0]["key"], other["key"]}
    assert len(panel.older) == 5
    page = write_report(tmp_path).read_text()
    assert "5 rows of an older code or of other libraries" in page
    assert all(rows[0, seed]["key"] in page for seed in range(3))


def test_a_report_elsewhere_writes_nothing_into_the_study(whole: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    page = write_report(whole, into=tmp_path / "page")
    assert page.read_bytes() == (whole / "report.html").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_cells_that_failed_are_named_with_their_reasons_and_alone_make_a_page(tmp_path: Path) -> None:
    broken = Broken("error", "got <this>, want that", "Traceback")
    path = record_failure(tmp_path, {"seed": 1}, ["seed=1", "agent=bc"], broken)
    page = write_report(tmp_path).read_text()
    assert "<strong>1 cell failed</strong>" in page
    assert "got &lt;this&gt;, want that" in page
    assert "seed=1 agent=bc" in page
    (told,) = json.loads((tmp_path / "summary.json").read_text())["failures"]
    assert told["key"] == path.stem


def test_cells_whose_every_episode_diverged_are_warned_of_and_in_no_curve(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [a_row("bc", volume, 0, rng) for volume in (10, 30)]
    rows[1]["evaluation"]["diverged"] = [True] * EPISODES
    for row in rows:
        write_row(tmp_path / "rows", row)
    page = write_report(tmp_path).read_text()
    (panel,) = json.loads((tmp_path / "summary.json").read_text())["panels"]
    assert panel["diverged"] == [rows[1]["key"]]
    assert [point["volume"] for point in panel["agents"][0]["points"]] == [10]
    assert "of every\nepisode diverged" in page
