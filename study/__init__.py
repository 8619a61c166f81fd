"""The science: cells, evaluation, statistics, laws, report. `table` gives a study's rows to pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopfloor.study.showing.tidy import table

__all__ = ["table"]


def __getattr__(name: str) -> Any:
    """Names of other modules, imported when they are first asked for."""
    if name == "table":
        from shopfloor.study.showing.tidy import table

        return table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
