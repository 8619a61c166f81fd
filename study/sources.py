"""Where a cell's demonstrations come from, by its options: a fleet that makes them, or recordings that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shopfloor.agents.protocol import Agent
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.actions import ActionRange
from shopfloor.demos.exchange.recordings import Recorded, Recordings, chosen
from shopfloor.demos.pool import Crew, Demonstrations, Pool, recipe
from shopfloor.demos.selection import Selection
from shopfloor.study.options import CollectOptions, Learning, TrainOptions
from shopfloor.study.running import from_config

RECORDED = {"name": "recorded"}  # the fleet of a cell that learns from recordings


@dataclass(frozen=True)
class CellSource:
    """What a cell learns from.

    named: data, seeds and more, as they name the cell; demonstrations: for a trial on a task; load: what is selected,
    for no task; gaps, action_range: what is to be said of recordings.
    """

    named: Mapping[str, Any]
    selection: Selection
    demonstrations: Callable[[], Demonstrations]
    load: Callable[[], Dataset]
    gaps: tuple[str, ...] = ()
    action_range: ActionRange | None = None


def source_of(o: TrainOptions, config: Mapping[str, Any], *, kind: type[Agent]) -> CellSource:
    """What the cell of a config, whose options are given, learns from.

    Only what has a part in the cell names it, so that equal cells have one name: nothing of data for an agent of a kind
    that learns from none, the content of recordings instead of where they lie.
    """
    seeds = dict(config["seeds"])
    if "demonstrations" not in kind.learns_from:
        if hasattr(kind, "attach"):  # nothing of its own is drawn
            seeds = dict.fromkeys(seeds, 0)
        sites = o.data.sites if "interaction" in kind.learns_from and o.data.sites else 1
        pool = _pool(o, Learning(sites=o.data.sites or 1))
        named = {"data": {"episodes": 0, "sites": sites}, "seeds": seeds}
        return _made(named, pool, Selection(episodes=0), o)
    if isinstance(o.data, Learning):
        return _made({"data": config["data"], "seeds": seeds}, _pool(o, o.data), from_config.selection(o.data), o)
    return _recorded(o, o.data, config)


def _made(named: Mapping[str, Any], pool: Pool, selection: Selection, o: TrainOptions) -> CellSource:
    return CellSource(named, selection, lambda: pool, lambda: pool.load(o.datasets, selection, threads=o.threads))


def _recorded(o: TrainOptions, data: Recorded, config: Mapping[str, Any]) -> CellSource:
    by_content, opened = data.found(o.datasets)
    whole = by_content.of_first(opened.dataset)
    selection = from_config.selection(by_content)
    without_root = {name: value for name, value in config["data"].items() if name != "root"}
    return CellSource(
        {
            "data": {**without_root, "content": by_content.content, "episodes": by_content.episodes},
            "seeds": {**config["seeds"], "fleet": 0},
            "fleet": RECORDED,
        },
        selection,
        lambda: Recordings(
            from_config.task_maker(o.task), from_config.realism(o.realism), whole, o.seeds.data, data.strict
        ),
        lambda: chosen(whole, selection, order_seed=o.seeds.data),
        opened.gaps,
        opened.action_range,
    )


def pool_of(o: CollectOptions) -> Pool:
    """The demonstrations that can be had by the options of a verb that collects them."""
    return _pool(o, o)


def _pool(o: TrainOptions | CollectOptions, people: Learning | CollectOptions) -> Pool:
    crew = Crew(
        people.sites,
        people.operators,
        imbalance=people.imbalance,
        horizon=people.horizon,
        seed=o.seeds.data,
        fleet_seed=o.seeds.fleet,
    )
    return Pool(
        from_config.task_maker(o.task),
        from_config.realism(o.realism),
        from_config.fleet(o.fleet),
        crew,
        recipe(o.task, o.realism, o.fleet, crew),
    )
