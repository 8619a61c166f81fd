"""What `shopfloor export` does, once Hydra has composed its config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shopfloor.demos import lerobot
from shopfloor.demos.exchange.card import README, card
from shopfloor.demos.exchange.minari_format import write_minari
from shopfloor.demos.exchange.opened import Opened, opened
from shopfloor.demos.exchange.robomimic_format import write_hdf5
from shopfloor.demos.selection import Selection
from shopfloor.envs import TASKS
from shopfloor.files import write_atomically
from shopfloor.study.options import ExportOptions
from shopfloor.study.running import from_config
from shopfloor.study.sources import pool_of

CROWD = ("sites", "imbalance", "operators", "horizon")  # of a recipe, by the names of the options


def export(config: Mapping[str, Any], *, base: Path) -> str:
    """Write demonstrations in another format; returns lines: where they lie, what they are, what was assumed."""
    o = from_config.options(ExportOptions, config, base=base)
    if o.root is not None:
        found, source = opened(o.root, scaled=o.actions == "scaled", truth=True), o.root.resolve().stem
    else:
        pool = pool_of(o)
        dataset = pool.load(o.datasets, Selection(episodes=o.episodes), threads=o.threads, truth=True)
        found, source = Opened(dataset, recipe=pool.recipe), str(o.task["name"])
    name = o.name or re.sub(r"[^A-Za-z0-9_-]+", "-", source)
    environment = _environment(found.recipe)
    dataset = found.dataset.without_truth()
    readme = card(
        found.dataset,
        title=name,
        licence=o.license,
        recipe=found.recipe,
        units=_units(found.recipe),
        command=_command(found.recipe, len(dataset)),
        gaps=found.gaps,
    ).encode()
    match o.format:
        case "lerobot":
            lerobot.write(dataset, o.out, recipe={})  # others', or a part of a pool: no recipe makes it alone
            write_atomically(o.out / README, readme)
            said = str(o.out)
        case "minari":
            said = f"{o.out}: minari.load_dataset({write_minari(dataset, o.out, name=name, env_id=environment)!r})"
        case "hdf5":
            write_hdf5(dataset, o.out, env_id=environment or "")
            said = str(o.out)
        case "card":
            write_atomically(o.out / README, readme)
            said = str(o.out / README)
    scaled = [] if found.action_range is None else [f"actions scaled: {found.action_range}"]
    counts = f"{len(dataset)} episodes, {dataset.frames} frames, hash {dataset.content_hash[:12]}"
    return "\n".join([f"{said}: {counts}", *scaled, *found.gaps])


def _environment(recipe: Mapping[str, Any]) -> str | None:
    """The id of the Gymnasium environment that a recipe's task is registered as; None of a task of the user's own."""
    name = recipe["task"].get("name") if "task" in recipe else None
    return f"shopfloor/{name}-v0" if name in TASKS else None


def _units(recipe: Mapping[str, Any]) -> dict[str, str]:
    if "task" not in recipe:
        return {}
    terms = from_config.task_maker(recipe["task"])().all_terms
    return {name: term.unit for term in terms for name in term.names}


def _command(recipe: Mapping[str, Any], episodes: int) -> str:
    """What collects these episodes where nothing in the groups' files was overridden; the settings have it all."""
    if "task" not in recipe:
        return ""
    task = re.sub(r"(?<!^)(?=[A-Z])", "_", str(recipe["task"]["name"])).lower()
    crowd = [f"{name}={recipe[name]}" for name in CROWD if recipe.get(name) is not None]
    seeds = [f"seeds.data={recipe['seed']}", f"seeds.fleet={recipe['fleet_seed']}"]
    groups = [f"{group}={recipe[group]['name']}" for group in ("realism", "fleet")]
    return " ".join(["shopfloor collect", f"task={task}", *groups, f"episodes={episodes}", *crowd, *seeds])
