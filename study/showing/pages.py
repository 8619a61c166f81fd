"""Markdown pages: a table's text, and its place in a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    fill(page, {name: text})


def fill(page: Path, texts: Mapping[str, str]) -> None:
    """Put those of the texts into a page that it has a place for, as `insert` does; ValueError where it has none."""
    content, filled = page.read_text(), False
    for name, text in texts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = content.partition(start)
        _, closed, after = rest.partition(end)
        if found and closed:
            content, filled = f"{before}{start}{text}{end}{after}", True
    if not filled:
        wanted = " or ".join(f"<!-- {name} --> and <!-- /{name} -->" for name in texts)
        raise ValueError(f"page {page} without {wanted}, want both, for the table to stand between")
    write_atomically(page, content.encode())
