"""How two hands take a housing and a plug, and put them together in the air."""

from __future__ import annotations

import numpy as np

from shopfloor.envs.experts.expert import Goal
from shopfloor.envs.experts.two_hands import Grasp, ball, standing
from shopfloor.envs.measurement import Array
from shopfloor.envs.props.plug_and_housing import HOUSING, KNOB, SHAFT, collar_in_housing
from shopfloor.envs.robots.humanoid import LEFT, PAD, RIGHT, TORSO, Humanoid
from shopfloor.envs.rotations import about_z, compose, cross, dot, from_rotvec, norm, rotate

HOUSING_GRIP = np.array([0.0, 0.0, -0.018])  # [m] between the left hand's pads, in the housing's frame
PLUG_GRIP = np.array([0.0, 0.0, 0.018])  # [m] between the right hand's pads, in the plug's frame
GIVE = 1.5e-3  # [m] that a hand may be further open than what it holds is thick
BY_GRIPS = Grasp(take=ball(0.007, 0.008), hold=ball(2 * PAD[2]), opening=(HOUSING + GIVE, KNOB[0] + GIVE))
LEANING = compose(from_rotvec(np.array([-np.pi / 3, 0.0, 0.0])), about_z(np.array(np.pi / 2)))
SIDEWAYS = about_z(np.array(np.pi / 2))
TURNED = np.stack([LEANING, SIDEWAYS])  # (2, 3, 3) left hand from the left, 30 degrees from above; right from above
UP = np.array([0.0, 0.0, 1.0])

HOLD = np.array([0.46, 0.03, -0.08])  # [m] where the left hand holds the bore's mouth, in the torso's frame
BACK_OFF, APPROACH = 0.07, 0.003  # [m] a hand keeps back by 3 times what it is more than APPROACH aside, to BACK_OFF
OVER, CENTRED = 0.05, 0.0025  # [m] a plug stays over the bore until it is CENTRED, at most OVER
BESIDE = 0.08  # [m] from the bore's axis, a plug that is still too low keeps
PRESS = 0.003  # [m] that the hand goes on as the collar stands on the housing


def grips(parts: Array, rotations: Array) -> Array:
    """Where the hands take housing and plug, from the parts' poses (n, 2, ...): (n, 2, 3) [m]."""
    return parts + rotate(rotations, np.stack([HOUSING_GRIP, PLUG_GRIP]))


class PlugHandling:
    """Goals of hands and torso, which keeps still.

    parts: poses of housing and plug (n, 2, ...); stand (n, 3): where the base stands: x [m], y [m], yaw [rad].
    """

    def __init__(self, robot: Humanoid, parts: Goal, stand: Array) -> None:
        self._robot, self._parts, self._stand = robot, parts, stand

    def at_parts(self) -> tuple[Array, Array]:
        """Hands at their parts, or back from them by as much as they are still aside."""
        hands, (position, rotation) = self._robot.pose()[0][:, :TORSO], self._parts()
        turned = np.stack([compose(rotation[:, 0], LEANING), np.tile(SIDEWAYS, (len(rotation), 1, 1))], axis=1)
        back = turned[..., 2]  # the way a hand comes from
        wanted = grips(position, rotation)
        gap = wanted - hands
        aside = norm(gap - dot(gap, back)[..., None] * back)
        off = np.clip(3 * (aside - APPROACH), 0.0, BACK_OFF)
        return standing(self._robot, wanted + off[..., None] * back, turned, self._stand)

    def together(self) -> tuple[Array, Array]:
        """The housing where it is to be held; the plug into its bore, from over it, where it keeps until in line."""
        torso, about = (values[:, TORSO] for values in self._robot.pose())
        position, rotation = self._parts()
        gap = collar_in_housing(position, rotation)
        aside = np.hypot(gap[:, 0], gap[:, 1])
        height = np.clip(20 * (aside - CENTRED), 0.0, SHAFT + OVER) - PRESS
        # too low to come over the housing, it keeps beside that
        beside = BESIDE * np.clip((aside - 0.01) / 0.02, 0, 1) * np.clip((SHAFT + OVER - gap[:, 2]) / OVER, 0, 1)
        goal = gap * (beside / np.maximum(aside, 1e-9))[:, None] * (1, 1, 0) + height[:, None] * UP
        mouth, collar = torso + rotate(about, HOLD), position[:, 0] + rotate(rotation[:, 0], goal)
        return self._bringing(np.stack([mouth, collar], axis=1), np.stack([about, rotation[:, 0]], axis=1))

    def stay(self) -> tuple[Array, Array]:
        """The left hand holds the housing where it is to be; the right one stays where it is."""
        position, rotation = self.together()
        hands, turned = self._robot.pose()
        position[:, RIGHT], rotation[:, RIGHT] = hands[:, RIGHT], turned[:, RIGHT]
        return position, rotation

    def _bringing(self, places: Array, rotations: Array) -> tuple[Array, Array]:
        """Hands that bring both parts to places (n, 2, 3) [m], each by the least turn that sets its axis as asked.

        rotations (n, 2, 3, 3): of the parts at their goals; the plug's turn about its own axis is left as it is.
        """
        position, rotation = self._parts()
        hands, turned = (values[:, :TORSO] for values in self._robot.pose())
        turn = from_rotvec(cross(rotation[..., 2], rotations[..., 2]))
        turn[:, LEFT] = compose(rotations[:, LEFT], np.swapaxes(rotation[:, LEFT], -1, -2))
        return standing(self._robot, places + rotate(turn, hands - position), compose(turn, turned), self._stand)
