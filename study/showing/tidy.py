"""Rows as tidy tables: a line a cell or a line an evaluation episode, for pandas, spreadsheets and R."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.files import write_atomically
from shopfloor.study.analysis.axes import AXES
from shopfloor.study.analysis.settings import flat, telling
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.running.rows import Row, RowError, read_rows

Line = dict[str, Any]  # by column; None where the row does not say

KINDS = ("measures", "units", "machine", "versions")  # of columns by name, before the settings
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a text begins with that a spreadsheet would run


def table(folder: str | Path | Iterable[str | Path], *, of: Literal["cells", "episodes"] = "cells") -> Any:
    """The rows of a study as a pandas.DataFrame; without pandas (extra `pandas`) a list of dicts, one a line.

    folder: of results, or of rows, or several of these; a cell that is in two of them counts once, in the first.
    of: "cells" for one line a cell with every setting of its config as a dotted column, or "episodes" for one line an
    evaluation episode with the settings that not all of the rows share; `key` joins the two. The column `folder` says
    where a row lies. Raises RowError where a folder has no row or a bad one.
    """
    if of not in ("cells", "episodes"):
        raise ValueError(f"table of {of!r}, want cells or episodes")
    folders = [Path(folder)] if isinstance(folder, str | Path) else [Path(each) for each in folder]
    found: dict[str, tuple[Row, Path]] = {}
    for each in folders:
        for row in _read(each):
            found.setdefault(row["key"], (row, each))
    rows = [row for row, _ in found.values()]
    lines = cell_lines(rows) if of == "cells" else episode_lines(rows)
    placed = [{"folder": str(found[line["key"]][1]), **line} for line in lines]
    if importlib.util.find_spec("pandas") is None:
        return placed
    return importlib.import_module("pandas").DataFrame(placed)


def cell_lines(rows: Sequence[Row]) -> list[Line]:
    """A line a cell, all with the same columns: what it is, what it learned from, what came out, and its config.

    wilson_low and wilson_high bound the rate of this one trained policy, not that of other seeds.
    """
    return _aligned([_cell(row) for row in rows], [_config(row) for row in rows])


def episode_lines(rows: Sequence[Row]) -> list[Line]:
    """A line an evaluation episode, all with the same columns, with the settings that not all rows share."""
    configs = [_config(row) for row in rows]
    swept = telling(configs)
    lines, settings = [], []
    for row, config in zip(rows, configs, strict=True):
        own = _episodes(row)
        lines += own
        settings += [{key: config[key] for key in swept if key in config}] * len(own)
    return _aligned(lines, settings)


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write `cell_lines` as CSV, whole or not at all: UTF-8, a header, lists as JSON, nothing where nothing is known.

    Numbers round-trip. A text that a spreadsheet would take for a formula gets an apostrophe before it, since rows may
    come from others.
    """
    lines = cell_lines(rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if lines:
        writer.writerow(map(_as_text, lines[0]))
    writer.writerows([_as_text(value) for value in line.values()] for line in lines)
    write_atomically(path, text.getvalue().encode())


def _as_text(value: object) -> object:
    """What csv writes as it should: it puts floats by repr and None as nothing."""
    text = json.dumps(value) if isinstance(value, list | dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


def _read(folder: Path) -> list[Row]:
    inner = folder / "rows"
    rows = read_rows(inner if inner.is_dir() else folder)
    if not rows:
        raise RowError(f"no rows in {folder}, want a folder of results or of rows")
    return rows


def _aligned(lines: Sequence[Line], settings: Sequence[Line]) -> list[Line]:
    """Lines with all columns that any has: single ones as they stand, then by name those of a kind and settings."""
    whole = [{**setting, **line} for line, setting in zip(lines, settings, strict=True)]
    first = list(dict.fromkeys(key for line in lines for key in line if _kind(key) not in KINDS))
    others = {key for line in whole for key in line} - set(first)
    last = sorted(others, key=lambda key: (KINDS.index(_kind(key)) if _kind(key) in KINDS else len(KINDS), key))
    return [{key: line.get(key) for key in [*first, *last]} for line in whole]


def _kind(column: str) -> str:
    return column.partition(".")[0]


def _identity(row: Row) -> Line:
    """What tells a cell, how much it learned from, and by which seeds; columns that both tables begin with."""
    cell = row["cell"]
    return {
        "key": row["key"],
        "task": cell["task"]["name"],
        "realism": cell["realism"]["name"],
        "agent": cell["agent"]["name"],
        **{f"volume.{name}": axis.value(row) for name, axis in AXES.items()},
        **{f"seeds.{name}": seed for name, seed in cell["seeds"].items()},
        "split": cell["evaluation"]["split"],
        "distance": cell["evaluation"]["distance"],
    }


def _cell(row: Row) -> Line:
    evaluation, agent, times = row["evaluation"], row["agent"], row["times"]
    successes, episodes = sum(evaluation["success"]), len(evaluation["success"])
    rate = wilson(successes, episodes)
    return {
        **_identity(row),
        "successes": successes,
        "episodes": episodes,
        "success_rate": rate.estimate,
        "wilson_low": rate.low,
        "wilson_high": rate.high,
        "mean_return": float(np.mean(evaluation["returns"])),
        "mean_length_s": float(np.mean(evaluation["lengths"])) / CONTROL_RATE,
        "diverged": sum(evaluation["diverged"]),
        "parameters": agent["parameters"],
        "gradient_steps": agent["gradient_steps"],
        "epochs": agent["epochs"],
        "flops": agent["flops"],
        "final_loss": agent["final_loss"],
        "data_s": times["data_s"],
        "fit_s": times["fit_s"],
        "evaluate_s": times["evaluate_s"],
        "finished": times.get("finished"),
        "data_hash": row["data"]["hash"],
        "frames": row["data"]["frames"],
        "code": row["code"],
        "warnings": "; ".join(row.get("warnings", [])) or None,
        **{f"machine.{name}": value for name, value in row["machine"].items()},
        **{f"measures.{name}": float(np.mean(values)) for name, values in evaluation["measures"].items()},
        **{f"units.{name}": unit for name, unit in evaluation["units"].items()},
        **{f"versions.{name}": value for name, value in row["versions"].items()},
    }


def _episodes(row: Row) -> list[Line]:
    identity, evaluation = _identity(row), row["evaluation"]
    columns = {
        "site": evaluation["sites"],
        "episode": evaluation["episodes"],
        "success": evaluation["success"],
        "return": evaluation["returns"],
        "length_s": [length / CONTROL_RATE for length in evaluation["lengths"]],
        "ended_by": evaluation["ended_by"],
        "stage": evaluation["stages"],
        "diverged": evaluation["diverged"],
        **{f"measures.{name}": values for name, values in evaluation["measures"].items()},
    }
    return [{**identity, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)]


def _config(row: Row) -> Line:
    return flat(row["cell"])
