"""Work item by item: what an arm takes by its top and lets go where that belongs is seen, rewarded, counted alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.measurement import Array, Ids, Mask, Measure, Observed, Term, measurement
from shopfloor.envs.props.parts import Boxes
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import SuctionCup
from shopfloor.envs.rotations import norm

AWAY = 0.05  # [m] from the cups, an item has been let go
DRAWS = 0.5  # share of the full vacuum, from which the cups hold


class ItemByItem(Observed):
    """The half of a task that is alike wherever an arm with vacuum cups brings boxes to places of their own.

    The current item is the first that is not done: that is not in its place, or not let go yet. The task adds what
    its items are, where their tops belong and when one is in its place.
    """

    reward_weights: ClassVar[Mapping[str, float]] = {"reach": 0.1, "hold": 0.1, "carry": 0.2, "done": 0.6}

    robot: Arm
    items: Boxes

    def make_robot(self) -> Arm:
        """The arm with vacuum cups."""
        return Arm(SuctionCup())

    @abstractmethod
    def goals(self) -> Array:
        """Where the middle of each item's top belongs (n, items, 3) [m]."""

    @abstractmethod
    def in_place(self) -> Mask:
        """Which items are where they belong, let go or not (n, items)."""

    @abstractmethod
    def success(self) -> Mask:
        """Whether the work is done (n,)."""

    @measurement
    def tops(self) -> Array:
        """Middles (n, items, 3) [m] of the items' upper faces."""
        return self.items.tops()

    @measurement
    def held(self) -> Mask:
        """Which items the cups hold (n, items): those at them while they draw."""
        near: Mask = norm(self.tops() - self.robot.tcp()[:, None]) < AWAY
        return near & (self.robot.tool.state() > DRAWS)[:, None]

    @measurement
    def done(self) -> Mask:
        """Which items are in their places, let go (n, items)."""
        return self.in_place() & away(self.tops(), self.robot.tcp())

    @measurement
    def current(self) -> Ids:
        """The first item (n,) that is not done."""
        return first_open(self.done())

    def holding(self) -> Mask:
        """Whether the cups hold an item (n,)."""
        return np.asarray(self.held().any(axis=1))

    def over_its_place(self) -> Mask:
        """Whether the item that is nearest to the cups is where it belongs (n,)."""
        nearest: Ids = np.argmin(norm(self.tops() - self.robot.tcp()[:, None]), axis=1)
        return of(self.in_place(), nearest)

    def done_count(self) -> Ids:
        """How many items are done (n,)."""
        return np.asarray(self.done().sum(axis=1))

    def stage(self) -> Ids:
        """An item taken, one done, two, and so on; the last, which is the success, takes more than being done."""
        count, items = self.done_count(), self.done().shape[1]
        return np.where(self.success(), items + 1, np.where(count > 0, np.minimum(count + 1, items), self.holding()))

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and current item, hold, nearness of item and place while held, share of the items done."""
        current = self.current()
        top, goal, held = of(self.tops(), current), of(self.goals(), current), of(self.held(), current)
        return {
            "reach": 1 - np.tanh(4 * norm(top - self.robot.tcp())),
            "hold": held.astype(float),
            "carry": held * (1 - np.tanh(4 * norm(goal - top))),
            "done": self.done().mean(axis=1),
        }


def of(values: NDArray[Any], item: Ids) -> NDArray[Any]:
    """Of values (n, items, ...) those of item (n,): a copy (n, ...)."""
    return values[np.arange(len(item)), item]


def away(tops: Array, tcp: Array) -> Mask:
    """Which items (n, items) are let go: their tops (n, items, 3) [m] are away from the tool (n, 3) [m]."""
    gone: Mask = norm(tops - tcp[:, None]) > AWAY
    return gone


def first_open(done: Mask) -> Ids:
    """The first item (n,) that is not done (n, items)."""
    first: Ids = np.argmin(done, axis=1)
    return first


def item_terms(what: str) -> Sequence[Term]:
    """The terms that `seen` gives, of items that are called `what`."""
    return (
        Term("tcp_to_top", "m", f"current {what}: middle of its top less tool centre point"),
        Term("top_to_goal", "m", "where its top belongs less its top"),
        Term("tcp_to_goal", "m", "where its top belongs less tool centre point"),
        Term("done", "1", "share of the items that are where they belong, let go", ()),
    )


def seen(tcp: Array, tops: Array, goals: Array, in_place: Mask) -> tuple[Ids, dict[str, Array]]:
    """From readings of tool (n, 3), tops and goals (n, items, 3) [m]: the current item (n,), and its terms."""
    done = in_place & away(tops, tcp)
    current = first_open(done)
    top, goal = of(tops, current), of(goals, current)
    terms = {"tcp_to_top": top - tcp, "top_to_goal": goal - top, "done": done.mean(axis=1)}
    terms["tcp_to_goal"] = goal - tcp  # the item's reading lags behind the hand's: this one does not
    return current, terms


def item_measures(what: str) -> Sequence[Measure]:
    """What is counted of items that are called `what`."""
    return (
        Measure("done", "1", f"each {what} that is where it belongs, let go", of="done_count"),
        Measure("grasps", "1", f"how often a {what} was taken", "rises", "holding"),
        Measure("drops", "1", f"how often a {what} was let go elsewhere", "falls", "holding", unless="over_its_place"),
    )
