"""The truth of a dataset on disk: a table of its own, which nothing opens that is not asked for it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shopfloor.demos.layout import TRUTH_PATH, DatasetError
from shopfloor.demos.parquet import Files, plain
from shopfloor.demos.truth import Truth

OUTCOME, FAULT = "outcome", "fault/"  # columns


def write_truth(truth: Truth, folder: Path) -> None:
    """Write the table into a dataset's folder."""
    columns = {
        "episode_index": pa.array(np.arange(len(truth))),
        OUTCOME: pa.array(truth.outcomes),
        **{f"{FAULT}{name}": pa.array(values) for name, values in truth.faults.items()},
    }
    pq.write_table(pa.table(columns), folder / TRUTH_PATH, compression="snappy")


def read_truth(folder: Path, names: Collection[str]) -> Truth:
    """What only the generator knew, of a folder with the files `names`. Raises DatasetError where that is unsound."""
    where = f"dataset {folder}: {TRUTH_PATH}"
    if TRUTH_PATH not in names or not (folder / TRUTH_PATH).is_file():
        raise DatasetError(f"{where} is missing, want it")
    files = Files(folder, [TRUTH_PATH])
    rows = files.whole(files.columns())
    faults = [name for name in rows if name.startswith(FAULT)]
    try:
        for name in ("episode_index", OUTCOME):
            if name not in rows:
                raise ValueError(f"no column {name}, want it")
        if (plain(rows["episode_index"], np.int64) != np.arange(len(rows["episode_index"]))).any():
            raise ValueError("episode_index is not 0, 1, 2, ..., want it so")
        values = {name.removeprefix(FAULT): plain(rows[name], np.float64, dtype="float64") for name in faults}
        return Truth(plain(rows[OUTCOME], np.bool_), values)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from None
