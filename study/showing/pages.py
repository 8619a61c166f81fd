"""Markdown pages: a table's text, and its place in a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shopfloor.files import write_atomically


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def insert(page: Path, name: str, text: str) -> None:
    """Put text into a page in place of what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises ValueError where the page has no such place.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.read_text().partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"page {page} without {start.strip()} and {end}, want both, for the table to stand between")
    write_atomically(page, f"{before}{start}{text}{end}{after}".encode())
