"""Which columns of a dataset are the path, which the command and which the gripper: by the names of its features."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

HANDS = re.compile(r"gripper|hand|finger|jaw|thumb|claw", re.IGNORECASE)  # what takes hold, of others' robots
GRIPS = re.compile(r"^openings?(_\w+)?$|gripper", re.IGNORECASE)  # how far one is open

_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Columns:
    """path of the state and command of the action; speeds: whether an action is a speed, or a place to go to.

    base: whether what moves is a driven base, of whose path only the pace is a person's.
    """

    path: tuple[int, ...]
    command: tuple[int, ...]
    speeds: bool
    paired: bool = True
    gripper: int | None = None  # of the state
    base: bool = False


# A robot's motions by the names of its actions, and what in its state they move. (path, command, paired)
MOTIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...] = (
    (tuple(f"tcp_{axis}" for axis in _AXES), tuple(f"d{axis}" for axis in _AXES), True),
    (
        tuple(f"hands_{side}_{axis}" for side in ("left", "right") for axis in _AXES),
        tuple(f"{side}_d{axis}" for side in ("left", "right") for axis in _AXES),
        True,
    ),
    # a base: its speeds are in its own frame, and turning on the spot is movement too, as that of a point 1 m off
    (("place_x", "place_y", "heading_x", "heading_y"), ("drive", "turn"), False),
)


def columns_of(state: Sequence[str], action: Sequence[str]) -> Columns:
    """The columns by features' names: our robots' motions, else the joints that state and action both name.

    Joints of hands and grippers are left out of these, and an action is where a joint is to go. Raises ValueError
    where the names tell nothing.
    """
    gripper = next((index for index, name in enumerate(state) if GRIPS.search(name)), None)
    for path, command, paired in MOTIONS:
        if set(path) <= set(state) and set(command) <= set(action):
            return Columns(_places(path, state), _places(command, action), True, paired, gripper, not paired)
    shared = [name for name in state if name in action and not HANDS.search(name)]
    if not shared or len(set(state)) < len(state) or len(set(action)) < len(action):
        got = f"state {_listed(state)} and action {_listed(action)}"
        raise ValueError(f"{got}, want names in common that move; say path= and command=")
    return Columns(_places(shared, state), _places(shared, action), False, True, gripper)


def given_columns(
    path: Sequence[int], command: Sequence[int], *, state: Sequence[str], action: Sequence[str]
) -> Columns:
    """Columns by number, of places to go to. Raises ValueError where there are no such columns."""
    for name, asked, names in (("path", path, state), ("command", command, action)):
        if not asked or not all(0 <= index < len(names) for index in asked):
            raise ValueError(f"{name} {list(asked)}, want columns of 0 to {len(names) - 1}")
    gripper = next((index for index, name in enumerate(state) if GRIPS.search(name)), None)
    return Columns(tuple(path), tuple(command), False, len(path) == len(command), gripper)


def _places(wanted: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    return tuple(list(names).index(name) for name in wanted)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "") if names else "without names"
