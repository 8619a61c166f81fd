"""Work of two hands: when they take and hold what is theirs, what is seen of that, and goals for both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shopfloor.envs.measurement import Array, Ids, Mask, Observed, Readings, Term, measurement
from shopfloor.envs.robots.humanoid import BOTH, SHOULDERS, SIDES, TORSO, Humanoid
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import about_z, norm, unrotate

HIGHEST = 0.35  # [m] of the lift at the start: from there it can still rise

HANDS_TO_GRIPS = Term("hands_to_grips", "m", "where each hand takes hold, less the hand", BOTH)
AT_GRIPS = Term("at_grips", "1", "whether each hand takes hold if it closes", SIDES)
HOLDS = Term("holds", "1", "whether each hand is closed on what it takes", SIDES)

Region = Callable[[Array], Mask]
"""Whether each gap (n, 2, 3) [m] from a hand to its grip is small enough, (n, 2)."""


def box(*half_sizes: float) -> Region:
    """Gaps within half sizes [m] along each of the three axes."""

    def within(gap: Array) -> Mask:
        small: Mask = np.logical_and.reduce(np.abs(gap) < half_sizes, axis=2)
        return small

    return within


def ball(*radii: float) -> Region:
    """Gaps shorter than a radius [m], one for both hands or one for each."""

    def within(gap: Array) -> Mask:
        small: Mask = norm(gap) < radii
        return small

    return within


@dataclass(frozen=True)
class Grasp:
    """How near its grip a hand has to be, and how far closed.

    take: an open hand takes hold if it closes; hold: a closed one holds; opening: [m] up to which a hand is closed
    on what it takes, for both hands or for each.
    """

    take: Region
    hold: Region
    opening: float | tuple[float, float]

    def holds(self, gap: Array, opening: Array) -> Mask:
        """Whether hands (n, 2) that are gaps (n, 2, 3) [m] off their grips, open by (n, 2) [m], hold."""
        return self.hold(gap) & (opening < self.opening)


class TwoHanded(Observed, ABC):
    """Work of the wheeled humanoid whose both hands take hold, each at its grip: a task's second parent."""

    grasp: ClassVar[Grasp]
    """When a hand takes and holds its grip."""

    robot: Humanoid

    def make_robot(self) -> Humanoid:
        """The wheeled humanoid."""
        return Humanoid()

    def stand_ready(self, ids: Ids, draws: Mapping[str, Array], *, joints: Array, height: Array) -> None:
        """Stand the robots of simulations ids with open hands, their torsos at heights (k,) [m], as drawn.

        joints (2, 6) [rad] of the arms; draws hold base_shift (k, 3) [m], [m], [rad] from the origin, lift_shift (k,)
        [m] and joint_shift (k, 12) [rad].
        """
        lift = np.clip(height - SHOULDERS + draws["lift_shift"], 0.0, HIGHEST)
        shifted = joints + draws["joint_shift"].reshape(-1, 2, 6)
        self.robot.place(ids, shifted, opening=STROKE, base=draws["base_shift"], lift=lift)

    @abstractmethod
    def hands_to_grips(self) -> Array:
        """From each hand to its grip (n, 2, 3) [m], in the frame in which `grasp` asks for it."""

    @measurement
    def at_grips(self) -> Mask:
        """Whether both hands take hold if they close (n,)."""
        both: Mask = np.logical_and.reduce(self.grasp.take(self.hands_to_grips()), axis=1)
        return both

    @measurement
    def holding(self) -> Mask:
        """Whether each hand (n, 2) is closed on what it takes."""
        return self.grasp.holds(self.hands_to_grips(), self.robot.openings())

    @measurement
    def held(self) -> Mask:
        """Whether both hands hold (n,)."""
        both: Mask = np.logical_and.reduce(self.holding(), axis=1)
        return both

    def directions_seen(self, *directions: Array) -> Array:
        """World directions, each (n, 3), in the torso's frame, where the head's camera sees them: (n, ..., 3)."""
        torso = self.robot.pose()[1][:, TORSO]
        return unrotate(torso[:, None], np.stack(directions, axis=1))

    def grips_seen(self, grips: Array, readings: Readings) -> Mapping[str, Array]:
        """HANDS_TO_GRIPS, AT_GRIPS and HOLDS from grips (k, 2, 3) [m] in the torso's frame and the hands' readings."""
        gap = grips - readings["hands"].reshape(-1, 2, 3)
        return {
            HANDS_TO_GRIPS.name: gap,
            AT_GRIPS.name: self.grasp.take(gap).astype(float),
            HOLDS.name: self.grasp.holds(gap, readings["openings"]).astype(float),
        }


def standing(robot: Humanoid, hands: Array, rotations: Array, stand: Array) -> tuple[Array, Array]:
    """A goal for hands (n, 2, 3) [m], (n, 2, 3, 3) in the world, while the torso keeps its height.

    stand (n, 3): where the base stands: x [m], y [m], yaw [rad].
    """
    torso = np.concatenate([stand[:, :2], robot.pose()[0][:, TORSO, 2:]], axis=1)
    heading = about_z(stand[:, 2])
    return (
        np.concatenate([hands, torso[:, None]], axis=1),
        np.concatenate([rotations, heading[:, None]], axis=1),
    )
