"""Experts that take items by their tops with vacuum cups: from where they stand, or off a running belt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from shopfloor.envs.experts.expert import CLOSED, GAIN, OPEN, Expert, Phase, above, bringing, pick_and_place
from shopfloor.envs.experts.item_by_item import ItemByItem, of
from shopfloor.envs.measurement import Array, Mask
from shopfloor.envs.rotations import about_z, yaw
from shopfloor.envs.simulation import CONTROL_PERIOD

PRESS = 0.004  # [m] that the plunger gives way in a grasp
OVER_BELT = 0.06  # [m] over an item on a belt, from which the tool comes down
LOWER = 0.75  # share of top speed at which an item comes down into its place: the next one is on its way
LEAD = 0.17  # [s] of belt travel to aim ahead of an item, beside the expert's own lag: servos and latency


class TopPicker(Expert):
    """Picks and places item by item; the item is the one that is current as the work on it begins.

    work: the task, bound; travel: [m] height of the tool when it carries; hover: [m] over an item or its place.
    """

    def __init__(self, work: ItemByItem, *, travel: float, hover: float) -> None:
        self._work, self._arm = work, work.robot
        self._travel, self._hover = travel, hover
        super().__init__(work.robot, self._plan(), work.sim.nsim, choose=work.current)

    def _plan(self) -> Sequence[Phase]:
        return pick_and_place(
            self._arm,
            self._on_top,
            bringing(self._arm, self._item, self._goal),
            held=self._has_it,
            travel=self._travel,
            hover=self._hover,
            place_tolerance=0.006,
        )

    def _item(self) -> tuple[Array, Array]:
        """Pose of the item at its top."""
        return of(self._work.tops(), self.item), of(self._work.items.rotations(), self.item)

    def _goal(self) -> tuple[Array, Array]:
        """Where that belongs."""
        return self._level(of(self._work.goals(), self.item))

    def _on_top(self) -> tuple[Array, Array]:
        """Tool pose that takes the item."""
        position, rotation = self._item()
        return position - np.array([0.0, 0.0, PRESS]), about_z(yaw(rotation))

    def _has_it(self) -> Mask:
        """Whether the cups hold the item (n,)."""
        return of(self._work.held(), self.item)

    def _level(self, position: Array) -> tuple[Array, Array]:
        return position, np.broadcast_to(np.eye(3), (len(position), 3, 3))


class BeltPicker(TopPicker):
    """Waits for the item, comes down on it as it moves, and brings it to its place without a turn.

    belt_speed: () -> (n,) [m/s] down the y axis; reach: [m] along y, from which the arm reaches an item.
    """

    def __init__(
        self, work: ItemByItem, *, travel: float, hover: float, belt_speed: Callable[[], Array], reach: float
    ) -> None:
        self._belt_speed, self._reach = belt_speed, reach
        super().__init__(work, travel=travel, hover=hover)

    def _plan(self) -> Sequence[Phase]:
        held, hover = self._has_it, above(self._on_top, OVER_BELT)
        *_, lift, carry, lower, let_go, leave = pick_and_place(
            self._arm, self._on_top, self._over_goal, held=held, travel=self._travel, hover=self._hover
        )
        return (
            Phase("reach", above(self._ready, OVER_BELT), OPEN, until=self._reachable, aside=0.03, patience=10**6),
            Phase("reach", hover, OPEN, until=lambda: self._over_it(0.025, OVER_BELT + 0.02)),
            Phase("grasp", self._on_top, OPEN, until=lambda: self._over_it(0.035, -1e-3)),
            Phase("grasp", self._on_top, CLOSED, until=held, dwell=2, patience=30),
            *(lift, carry, replace(lower, speed=LOWER), let_go, leave),
        )

    def _on_top(self) -> tuple[Array, Array]:
        """Tool pose on the item, ahead of it by what the tool lags behind."""
        position = of(self._work.tops(), self.item)
        position[:, 1] -= (LEAD + CONTROL_PERIOD / (GAIN * self.style.speed)) * self._belt_speed()
        position[:, 2] -= PRESS
        return self._level(position)

    def _ready(self) -> tuple[Array, Array]:
        """The same, but not beyond where the arm reaches."""
        position, rotation = self._on_top()
        position[:, 1] = np.minimum(position[:, 1], self._reach)
        return position, rotation

    def _reachable(self) -> Mask:
        """Whether the item has come within reach (n,)."""
        reachable: Mask = of(self._work.tops(), self.item)[:, 1] < self._reach
        return reachable

    def _over_it(self, aside: float, height: float) -> Mask:
        """Whether the tool is within `aside` of the middle of the item's top and less than height [m] over it."""
        gap = self._arm.tcp() - of(self._work.tops(), self.item)
        over: Mask = (np.hypot(gap[:, 0], gap[:, 1]) < aside) & (gap[:, 2] < height)
        return over

    def _over_goal(self) -> tuple[Array, Array]:
        """Tool pose that holds the item where it belongs."""
        item_in_tool = of(self._work.tops(), self.item) - self._arm.tcp()
        return self._level(of(self._work.goals(), self.item) - item_in_tool)
