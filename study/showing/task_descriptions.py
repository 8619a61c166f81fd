"""What the tasks are, as tables for a page: their sizes, their time, and the knobs that a difficulty moves."""

from __future__ import annotations

from collections.abc import Sequence

from shopfloor.envs.vector import task_class
from shopfloor.study.showing.pages import table


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
