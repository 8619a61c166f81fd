"""What `shopfloor inspect` does: finds a dataset and what is known of its origin, then tells, draws and writes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopfloor.demos import lerobot
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import Columns, given_columns
from shopfloor.demos.fidelity.foreign import read_dataset, version_of
from shopfloor.demos.inspection.sites import site_parameters
from shopfloor.demos.inspection.summary import summary_of
from shopfloor.demos.layout import ACTION, SEAL_PATH, STATE, VERSION
from shopfloor.demos.seal import checked_seal
from shopfloor.demos.selection import Selection
from shopfloor.demos.store import Store, recipe_hash
from shopfloor.study.options import LookOptions
from shopfloor.study.running import from_config
from shopfloor.study.running.origin import Origin, origin_of
from shopfloor.study.showing.inspect_figure import draw_inspection
from shopfloor.study.showing.inspect_words import Provenance, inspection_text
from shopfloor.study.showing.tidy import write_lines
from shopfloor.study.sources import pool_of


@dataclass(frozen=True, eq=False)
class _Found:
    dataset: Dataset
    folder: Path
    recipe: Mapping[str, Any] | None
    gaps: tuple[str, ...]


def inspect(config: Mapping[str, Any], *, base: Path) -> str:
    """Tell what lies in a dataset; returns the text, and writes episodes.csv and a picture where asked."""
    o = from_config.options(LookOptions, config, base=base)
    found = _collected(o) if o.root is None else _read(o.root, o)
    dataset, gaps = found.dataset, list(found.gaps)
    origin = _origin(found, gaps)
    tiers = () if origin is None else origin.tiers
    summary = summary_of(dataset, tiers=tiers, columns=_columns(o, dataset), resamples=o.resamples)
    visited = sorted(set(dataset.sites.tolist()))
    sites = {} if origin is None else site_parameters(origin.realism, visited)
    provenance = Provenance(
        title=_title(found),
        folder=str(found.folder),
        megabytes=sum(path.stat().st_size for path in found.folder.rglob("*") if path.is_file()) / 1e6,
        recipe_hash=None if found.recipe is None else recipe_hash(found.recipe),
        versions={} if found.recipe is None else dict(sorted(found.recipe.get("versions", {}).items())),
        gaps=tuple(gaps),
    )
    lines = [inspection_text(dataset, summary, provenance, site_values=(visited, sites))]
    if o.out is not None:
        write_lines(summary.episodes, o.out / "episodes.csv")
        picture = draw_inspection(dataset, summary, o.out, title=provenance.title)
        lines += ["", f"{o.out / 'episodes.csv'}, {picture}"]
    return "\n".join(lines)


def _collected(o: LookOptions) -> _Found:
    pool = pool_of(o)
    dataset = pool.load(o.datasets, Selection(episodes=o.episodes), threads=o.threads, truth=True)
    recipe = json.loads(json.dumps(pool.recipe))
    return _Found(dataset, Store(o.datasets).folder(pool.recipe), recipe, ())


def _read(root: Path, o: LookOptions) -> _Found:
    """A folder's dataset: ours is verified; of others what is there is taken, and what it lacks is said."""
    if (root / SEAL_PATH).exists():
        return _Found(lerobot.read(root, truth=True), root, checked_seal(root).recipe or None, ())
    if version_of(root) != VERSION or (o.state, o.action) != (STATE, ACTION):
        gaps = ("of another's layout: labels that are not there are taken for successes, and nothing is verified",)
        return _Found(read_dataset(root, state=o.state, action=o.action), root, None, gaps)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        dataset = lerobot.read(root, verify=False, truth=True, sound=False)
    return _Found(dataset, root, None, tuple(str(one.message).partition(": ")[2] for one in said))


def _origin(found: _Found, gaps: list[str]) -> Origin | None:
    """Who made it and where, as its recipe has it; what that does not tell is added to the gaps."""
    if found.recipe is None:
        return None
    try:
        origin = origin_of(found.recipe)
    except ValueError as error:
        gaps.append(f"tiers and sites are not known: {error}")
        return None
    if origin.same_code is False:
        gaps.append("made by other code or libraries than today's, by which tiers and sites are drawn again")
    return origin


def _columns(o: LookOptions, dataset: Dataset) -> Columns | None:
    if o.path is None and o.command is None:
        return None
    numbers = o.path or o.command or (), o.command or o.path or ()
    return given_columns(*numbers, state=dataset.state_names, action=dataset.action_names)


def _title(found: _Found) -> str:
    if found.recipe is None:
        return found.folder.resolve().name
    names = [str(found.recipe.get(group, {}).get("name", "?")) for group in ("task", "realism", "fleet")]
    return f"{names[0]}, {names[1]} realism, {names[2]} fleet"
