"""Tables of rows hold what the rows hold, and are read back as they were written."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toy_rows import EPISODES, a_row, named

from shopfloor.study import table
from shopfloor.study.analysis.axes import AXES
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.running.rows import RowError, write_row
from shopfloor.study.showing import tidy
from shopfloor.study.showing.tidy import cell_lines, episode_lines, write_csv


def some_rows():
    rng = np.random.default_rng(0)
    return [a_row(agent, volume, seed, rng) for agent in ("bc", "knn") for volume in (10, 100) for seed in range(2)]


@pytest.fixture
def results(tmp_path):
    for row in some_rows():
        write_row(tmp_path / "rows", row)
    return tmp_path


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="the extra `pandas` is not installed")


def changed(row, part, **settings):
    return named({**row, "cell": {**row["cell"], part: {**row["cell"][part], **settings}}})


def test_a_line_a_cell_says_what_its_row_says():
    rows = some_rows()
    for row, line in zip(rows, cell_lines(rows), strict=True):
        success, evaluation = row["evaluation"]["success"], row["evaluation"]
        bounds = wilson(sum(success), len(success))
        assert (line["key"], line["task"], line["realism"]) == (row["key"], "PegInsertion", "default")
        assert line["agent"] == row["cell"]["agent"]["name"]
        assert (line["successes"], line["episodes"], line["success_rate"]) == (sum(success), EPISODES, np.mean(success))
        assert (line["wilson_low"], line["wilson_high"]) == (bounds.low, bounds.high)
        assert line["mean_return"] == np.mean(evaluation["returns"])
        assert line["mean_length_s"] == 120 / 20
        assert (line["measures.cycle_time"], line["units.cycle_time"]) == (6.0, "s")
        assert line["volume.episodes"] == row["data"]["episodes"]
        assert line["volume.robot_hours"] == row["data"]["robot_hours"]
        assert (line["flops"], line["fit_s"], line["code"]) == (1e9, 8.0, "c0de")
        assert line["versions.numpy"] == "2.4.6"
        assert line["machine.processor"] == "a processor"


def test_every_setting_is_a_dotted_column():
    (line,) = cell_lines(some_rows()[:1])
    assert (line["agent.width"], line["data.sites"], line["budget.unit"]) == (256, 8, "gradient_steps")


def test_axes_and_seeds_are_columns():
    (row,) = some_rows()[:1]
    row["cell"]["seeds"] = {"data": 1, "fleet": 2, "training": 3}
    row["cell"]["evaluation"]["split"] = "validation"
    (line,) = cell_lines([row])
    assert [line[f"volume.{name}"] for name in AXES] == [axis.value(row) for axis in AXES.values()]
    assert line["volume.successful_episodes"] == 9
    columns = ("seeds.data", "seeds.fleet", "seeds.training", "split", "distance", "epochs", "volume.operators")
    assert [line[column] for column in columns] == [1, 2, 3, "validation", "near", 2.5, 6]


def test_a_line_an_episode_says_what_its_row_says():
    rows = some_rows()
    lines = episode_lines(rows)
    assert len(lines) == len(rows) * EPISODES
    for row, start in zip(rows, range(0, len(lines), EPISODES), strict=True):
        of_row, evaluation = lines[start : start + EPISODES], row["evaluation"]
        for column, field in (
            ("site", "sites"),
            ("episode", "episodes"),
            ("success", "success"),
            ("return", "returns"),
            ("ended_by", "ended_by"),
            ("stage", "stages"),
            ("diverged", "diverged"),
        ):
            assert [line[column] for line in of_row] == evaluation[field]
        assert {line["key"] for line in of_row} == {row["key"]}
        assert [line["measures.cycle_time"] for line in of_row] == evaluation["measures"]["cycle_time"]
        assert {line["length_s"] for line in of_row} == {6.0}


def test_episodes_have_the_settings_that_were_swept_and_no_others():
    rows = some_rows()
    line = episode_lines([*rows, changed(rows[0], "realism", latency=0.2)])[0]
    assert line["agent.name"] == "bc"
    assert line["data.episodes"] == 10
    assert line["realism.latency"] is None
    assert "agent.width" not in line


def test_all_lines_have_the_same_columns_in_the_same_order():
    rows = some_rows()
    rows[3]["evaluation"]["measures"] = {"drops": [1.0] * EPISODES}
    rows[3]["evaluation"]["units"] = {"drops": "1"}
    for lines in (cell_lines(rows), episode_lines(rows), cell_lines(rows[::-1])):
        assert {tuple(line) for line in lines} == {tuple(lines[0])}
    sorted_keys = json.loads(json.dumps(rows, sort_keys=True))  # as rows lie in their files
    for others in (rows[::-1], sorted_keys):
        assert list(cell_lines(others)[0]) == list(cell_lines(rows)[0])
    assert cell_lines(rows)[3]["measures.cycle_time"] is None


def test_a_curve_from_the_frame_is_that_of_the_rows(results, pandas):
    curve = table(results).groupby(["agent", "volume.episodes"])["success_rate"].mean()
    rows = [row for row in some_rows() if (row["cell"]["agent"]["name"], row["data"]["episodes"]) == ("bc", 100)]
    assert curve["bc", 100] == pytest.approx(np.mean([row["evaluation"]["success"] for row in rows]))
    episodes = table(results, of="episodes")
    assert len(episodes) == 8 * EPISODES
    assert episodes.groupby(["agent", "volume.episodes"])["success"].mean()["bc", 100] == pytest.approx(
        curve["bc", 100]
    )


def test_folders_of_results_of_rows_and_several(results, tmp_path_factory, pandas):
    other = tmp_path_factory.mktemp("other")
    extra = changed(some_rows()[0], "agent", width=512)
    for row in (extra, some_rows()[0]):
        write_row(other / "rows", row)
    assert len(table(str(results))) == len(table(results / "rows")) == 8
    both = table([results, other])
    assert len(both) == 9  # one cell is in both
    assert both.set_index("key").loc[extra["key"], "folder"] == str(other)
    assert (both["folder"] == str(results)).sum() == 8


def test_without_pandas_the_lines_come_as_they_are(results, monkeypatch):
    monkeypatch.setattr(tidy.importlib.util, "find_spec", lambda name: None)
    lines = table(results)
    assert isinstance(lines, list)
    assert [line["key"] for line in lines] == sorted(row["key"] for row in some_rows())


def test_a_folder_without_rows_and_an_unknown_table_are_refused(tmp_path):
    with pytest.raises(RowError, match="no rows in"):
        table(tmp_path)
    with pytest.raises(ValueError, match="table of 'rows', want cells or episodes"):
        table(tmp_path, of="rows")


def test_the_csv_is_read_back_as_it_was(tmp_path):
    rows = some_rows()
    rows[0]["cell"]["agent"]["hidden"] = [256, 256]
    rows[0]["agent"]["final_loss"] = 0.1 + 0.2
    rows[0]["data"]["robot_hours"] = 1e-7 / 3
    write_csv(rows, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    for line, text in zip(cell_lines(rows), found, strict=True):
        assert list(line) == list(text)
        for column, value in line.items():
            if value is None:
                assert text[column] == ""
            elif isinstance(value, list):
                assert json.loads(text[column]) == value
            else:
                assert type(value)(text[column]) == value


def test_pandas_reads_the_csv_as_the_table(results, pandas):
    write_csv(some_rows(), results / "rows.csv")
    texts = dict.fromkeys(("key", "code", "data_hash", "machine.python", "versions.numpy"), str)
    found = pandas.read_csv(results / "rows.csv", dtype=texts).set_index("key").sort_index()
    frame = table(results).drop(columns="folder").set_index("key").sort_index()
    assert list(found.columns) == list(frame.columns)
    for column in frame.columns:
        for a, b in zip(found[column], frame[column], strict=True):
            nothing = pandas.isna(a) and pandas.isna(b)
            assert nothing or a == (b if isinstance(b, str) else pytest.approx(b, rel=1e-14)), column


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_written_as_text(tmp_path, text):
    row = changed(some_rows()[0], "agent", name=text)
    row["agent"]["final_loss"] = -0.5
    write_csv([row], tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert line["agent"] == f"'{text}"
    assert float(line["final_loss"]) == -0.5  # a number is none


def test_the_same_rows_give_the_same_file(tmp_path):
    write_csv(some_rows(), tmp_path / "a.csv")
    write_csv(some_rows(), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_importing_the_study_imports_nothing_heavy():
    code = (
        "import sys, shopfloor.study\n"
        "print(sorted({'numpy', 'mujoco', 'torch', 'pandas', 'pydantic', 'scipy'} & set(sys.modules)))\n"
        "from shopfloor.study import table\nassert callable(table)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_pages_examples_give_the_studys_curve(results, pandas, monkeypatch):
    """docs/tables.md, as it stands."""
    page = (Path(__file__).parents[3] / "docs" / "tables.md").read_text()
    monkeypatch.chdir(results)
    (results / "outputs").mkdir()
    (results / "outputs" / "default").symlink_to(results)
    names = {}
    for code in page.split("```python\n")[1:]:
        exec(compile(code.split("```")[0], "docs/tables.md", "exec"), names)
    rows = [row for row in some_rows() if row["cell"]["agent"]["name"] == "bc"]
    for volume, rate in zip((10, 100), names["rates"], strict=True):
        expected = np.mean([row["evaluation"]["success"] for row in rows if row["data"]["episodes"] == volume])
        assert names["curve"].loc[volume, "mean"] == rate.estimate == pytest.approx(expected)
    columns = {
        part for line in page.splitlines() if line.startswith("| `") for part in line.split("|")[1].split("`")[1::2]
    }
    known = set(table(results).columns) | set(table(results, of="episodes").columns)
    for column in columns:
        if not any(sign in column for sign in ("<", "*", "chunk", "latency")):
            assert any(name == column or name.endswith(column) for name in known), column
