"""Columns of a dataset's Parquet files, a portion at a time, so that nothing lies in memory twice; each is checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shopfloor.demos.layout import DatasetError

PORTION = 20_000  # rows that are read at once, or a row group where that has more

Rows = dict[str, pa.Array]
_BROKEN = (pa.ArrowException, OSError, LookupError, ValueError, TypeError)


@dataclass(frozen=True)
class Files:
    """Files of one table, below a dataset's folder, of which some columns are read."""

    folder: Path
    names: Sequence[str]

    def present(self, columns: Sequence[str]) -> list[str]:
        """Those of the columns that the files have. Raises DatasetError where they do not have the same ones."""
        found = [[c for c in columns if c in self._described(name).schema_arrow.names] for name in self.names]
        for name, own in zip(self.names, found, strict=True):
            if own != found[0]:
                raise self.error(f"{name} has the columns {own}, want {found[0]} as {self.names[0]} has")
        return found[0]

    def columns(self) -> list[str]:
        """The names of the first file's columns."""
        return list(self._described(self.names[0]).schema_arrow.names)

    def portions(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The columns' values, portion by portion of all files in order.

        Raises DatasetError where a file is damaged or lacks a column. A file's description, which is long where there
        are many row groups, is read once and dropped with the file.
        """
        for name in self.names:
            with (self.folder / name).open("rb") as file:
                try:
                    parquet = pq.ParquetFile(file)
                    known = parquet.schema_arrow.names
                    if missing := [column for column in columns if column not in known]:
                        raise self.error(f"no column {missing[0]}, want it in {name}")
                    described = parquet.metadata
                    held = [described.row_group(group).num_rows for group in range(described.num_row_groups)]
                    for groups in _spans(held):
                        table = parquet.read_row_groups(groups, columns=list(columns))
                        table.validate(full=True)
                        rows = {column: pa.concat_arrays(table.column(column).chunks) for column in columns}
                        del table
                        yield rows
                except DatasetError:
                    raise
                except _BROKEN as error:
                    raise self._broken(name, error) from None

    def whole(self, columns: Sequence[str]) -> Rows:
        """The values of those of the columns that there are; none of a table without rows."""
        present = self.present(columns)
        parts = list(self.portions(present))
        return {column: pa.concat_arrays([part[column] for part in parts]) for column in present if parts}

    def error(self, text: str) -> DatasetError:
        """What is wrong, of which dataset."""
        return DatasetError(f"dataset {self.folder}: {text}")

    def _described(self, name: str) -> pq.ParquetFile:
        try:
            with (self.folder / name).open("rb") as file:
                return pq.ParquetFile(file)
        except _BROKEN as error:
            raise self._broken(name, error) from None

    def _broken(self, name: str, error: Exception) -> DatasetError:
        return self.error(f"{name} cannot be read: {' '.join(str(error).split())[:200]}")


def _spans(rows: Sequence[int]) -> Iterator[list[int]]:
    """Row groups, as many together as make a portion."""
    groups: list[int] = []
    held = 0
    for group, count in enumerate(rows):
        groups.append(group)
        held += count
        if held >= PORTION:
            yield groups
            groups, held = [], 0
    if held:
        yield groups


def plain(values: pa.Array, kind: type[np.generic], *, dtype: str | None = None) -> NDArray[Any]:
    """Plain values as an array of that kind. dtype: what they are to be of. Raises ValueError where they are others."""
    if values.null_count:
        raise ValueError(f"has {values.null_count} empty places, want values")
    array = np.asarray(values.to_numpy(zero_copy_only=False))
    if array.dtype.kind not in {"f": "f", "i": "iu", "b": "b"}[np.dtype(kind).kind]:
        raise ValueError(f"is of type {values.type}, want {np.dtype(kind)}")
    if dtype is not None and array.dtype != dtype:
        raise ValueError(f"is of type {array.dtype}, want {dtype}")
    with np.errstate(over="ignore"):  # what is too large is found as infinity
        return array.astype(kind, copy=False)


def flat(rows: pa.Array, width: int) -> pa.Array:
    """The values of all rows, laid end to end, which are lists of that width, or plain values where it is 1.

    Raises ValueError where they are of another width.
    """
    types = pa.types
    if types.is_fixed_size_list(rows.type) and not rows.null_count:
        widths, rows = {rows.type.list_size}, rows.flatten()
    elif types.is_list(rows.type) or types.is_large_list(rows.type) or types.is_fixed_size_list(rows.type):
        if rows.null_count:
            raise ValueError(f"has {rows.null_count} empty places, want values")
        widths, rows = set(pc.list_value_length(rows).unique().to_pylist()), rows.flatten()
    else:
        widths = {1}
    if widths != {width}:
        raise ValueError(f"has rows of width {sorted(widths)}, want {width}")
    return rows
