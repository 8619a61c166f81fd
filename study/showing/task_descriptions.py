"""What the tasks are, as tables for a page: sizes and knobs of all, what each one observes and measures."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from shopfloor.envs.measurement import Measure
from shopfloor.envs.task import Task
from shopfloor.envs.tasks import task_class
from shopfloor.envs.vector import ShopfloorVectorEnv
from shopfloor.study.showing.pages import table

LISTED = 8  # names of a part of the observation that are all written out; of more, the first and the last
KINDS: dict[str, str] = {
    "end": "at the end",
    "highest": "highest",
    "lowest": "lowest",
    "sum": "sum",
    "rises": "count",
    "falls": "count",
}  # a measure's kind, in a page's words


def task_descriptions(names: Sequence[str]) -> str:
    """Two tables in Markdown over tasks by name, as `task_class` takes them: the tasks, and their knobs.

    Raises ValueError on a name that is no task's.
    """
    tasks = [task_class(name)() for name in names]
    sizes = [
        (
            type(task).__name__,
            task.robot.name.replace("_", " "),
            f"{len(task.observation_names)}",
            f"{len(task.robot.action_names)}",
            f"{task.horizon:g} s",
        )
        for task in tasks
    ]
    knobs = [
        (
            "" if number else type(task).__name__,
            f"`{name}`",
            *(f"{value:g}" for value in (knob.easy, knob.default, knob.hard)),
            f"{knob.low:g} to {knob.high:g}",
            knob.meaning,
        )
        for task in tasks
        for number, (name, knob) in enumerate(task.knobs.items())
    ]
    return "\n".join(
        [
            table(("task", "robot", "observation", "action", "horizon"), sizes),
            table(("task", "knob", "easy", "default", "hard", "bounds", "meaning"), knobs),
        ]
    )


def observation_descriptions(names: Sequence[str]) -> str:
    """A section in Markdown for each task by name: its docstring, observation, readings, action, measures, stages.

    Raises ValueError on a name that is no task's.
    """
    # of environments, since a task is whole once it is bound to a simulation
    return "\n".join(_section(ShopfloorVectorEnv(name, 1, threads=1).task) for name in names)


def _section(task: Task) -> str:
    stages = ", ".join(f"{number} {stage}" for number, stage in enumerate(task.stages))
    channels = ", ".join(f"`{c.name}` ({c.size}, {c.device})" for part in task.observed for c in part.channels)
    actions = ", ".join(f"`{name}`" for name in task.robot.action_names)
    return "\n".join(
        [
            f"## {type(task).__name__}\n",
            f"{inspect.getdoc(type(task))}\n",
            table(("index", "name", "unit", "meaning"), _observation(task)),
            f"Readings, with size and device: {channels}.\n",
            f"Action: {actions}.\n",
            table(("measure", "unit", "value", "meaning"), [_measure(measure) for measure in task.measures()]),
            f"Stages: {stages}.\n",
        ]
    )


def _observation(task: Task) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    start = 0
    for term in task.all_terms:
        last = start + term.size - 1
        index = f"{start}" if last == start else f"{start}-{last}"
        rows.append((index + " p" * (start < task.state_dim), _listed(term.names), term.unit, term.meaning))
        start = last + 1
    return rows


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names]
    return ", ".join(shown) if len(shown) <= LISTED else f"{shown[0]} ... {shown[-1]}"


def _measure(measure: Measure) -> tuple[str, ...]:
    return f"`{measure.name}`", measure.unit, KINDS[measure.kind], measure.meaning
