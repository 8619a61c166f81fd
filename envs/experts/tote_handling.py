"""How two hands take a tote by its handles, carry it level and set it down in a tray; where the robot stands for it."""

from __future__ import annotations

import numpy as np

from shopfloor.envs.experts.expert import Goal
from shopfloor.envs.experts.two_hands import Grasp, box
from shopfloor.envs.measurement import Array
from shopfloor.envs.props.totes import (
    HANDLE_GRIP,
    HANDLE_HEIGHT,
    HANDLE_LENGTH,
    HANDLE_LIP,
    HANDLE_OUT,
    HANDLE_WEB,
    HANDLES,
)
from shopfloor.envs.robots.humanoid import PAD, TORSO, Humanoid
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import about_z, rotate, unrotate, wrapped, yaw

HANDLE_HELD = HANDLE_WEB + HANDLE_LIP[0]  # [m] opening up to which a hand holds, by force or under the lip
BY_HANDLES = Grasp(  # in the tote's frame
    take=box(0.6 * HANDLE_LENGTH, 0.5 * STROKE, 0.5 * HANDLE_GRIP),
    hold=box(HANDLE_LENGTH, STROKE, HANDLE_GRIP + PAD[2]),
    opening=HANDLE_HELD,
)

REACH = 0.50  # [m] from the robot's middle to the tote's, as it works
READY = np.array([(REACH, HANDLE_OUT, 0.0), (REACH, -HANDLE_OUT, 0.0)])  # [m] hands in the torso's frame
GRIP = -0.12  # [m] height of the hands in the torso's frame as they take the tote
RISE = HANDLE_HEIGHT - GRIP  # [m] of the torso over a tote's floor that the hands take or set down
UP = np.array([0.0, 0.0, 1.0])

ASIDE, ALONG = 0.006, 0.4  # [m] a hand further aside than this comes down no lower than 8 times that; so much of
# what it is off along the handle counts
CLEAR = 0.1  # [m] times how far the tote is aside, in terms of its play in the tray, it keeps over that
CENTRED = 0.2  # but for that much, in the same terms: lowered farther off, it strikes the wall, and one hand carries it
NEAR = 0.10  # [m] from where hands and tote are to be, the hands begin to reach there
FAR = 0.3  # [m] from the cart, the torso does not yet come down


def handles(tote: Array, rotation: Array) -> Array:
    """Where hands take totes at (n, 3) [m], turned by (n, 3, 3): (n, 2, 3) [m], left and right."""
    return tote[:, None] + rotate(rotation[:, None], HANDLES)


def hands_to_handles(hands: Array, tote: Array, rotation: Array) -> Array:
    """From hands (n, 2, 3) [m] to where they take totes at (n, 3) [m], in the totes' own frames: (n, 2, 3) [m]."""
    return HANDLES - unrotate(rotation[:, None], hands - tote[:, None])


def before(work: Array, rotation: Array) -> tuple[Array, Array]:
    """Where the torso belongs to work on a tote or tray: position (n, 3) [m], heading (n,) [rad]."""
    heading = yaw(rotation)
    return work - REACH * about_z(heading)[..., 0] + RISE * UP, heading


class ToteHandling:
    """Goals of hands and torso; each moves on smoothly with the state of the work, rather than in steps.

    tote, tray: poses of the tote and of where it belongs; play: [m] of the tote in the tray, to either side.
    """

    def __init__(self, robot: Humanoid, tote: Goal, tray: Goal, *, play: float) -> None:
        self._robot, self._tote, self._tray, self._play = robot, tote, tray, play

    def take(self) -> tuple[Array, Array]:
        """The torso before the tote; hands on its handles, or over them by as much as they are still aside."""
        gap = self._gap()
        aside = np.hypot(ALONG * gap[..., 0], gap[..., 1])
        height = np.clip(8 * (aside - ASIDE), 0.0, -GRIP)
        hands = handles(*self._tote()) + height[..., None] * UP
        return self._reaching(hands, aside, *before(*self._tote()))

    def set_down(self) -> tuple[Array, Array]:
        """The torso before the tray once the tote is raised; hands that lower it as it comes over its place."""
        tote, (tray, turned) = self._tote()[0], self._tray()
        position, rotation = self._robot.pose()
        torso, heading = before(tray, turned)
        here, facing = position[:, TORSO], yaw(rotation[:, TORSO])
        way = np.hypot(torso[:, 0] - here[:, 0], torso[:, 1] - here[:, 1]) + REACH * np.abs(wrapped(heading - facing))
        torso[:, 2] += np.clip(way / FAR, 0.0, 1.0) * np.maximum(here[:, 2] - torso[:, 2], 0.0)
        low = (READY[0, 2] - self._robot.hands()[..., 2].min(axis=1)) / -GRIP  # 1 as the hands take or set down
        free = np.clip(2 - 4 * low, 0.0, 1.0)  # raise first, then turn
        goal = here + np.stack([free, free, np.ones_like(free)], axis=1) * (torso - here)
        gap = tray - tote
        aside = np.hypot(gap[:, 0], gap[:, 1])
        height = np.clip(CLEAR * (aside / self._play - CENTRED), 0.0, -GRIP)
        hands = handles(tray + height[:, None] * UP, turned)
        # how the tote sits in the hands, to either side, turned, up and down: they make up for that
        shift = position[:, :TORSO].mean(axis=1) + gap - hands.mean(axis=1)
        off = self._gap()
        twist = off - off.mean(axis=1, keepdims=True)
        hands += shift[:, None] * (1, 1, 0) - rotate(turned[:, None], twist * (1, 0, 0) + off * (0, 0, 1))
        return self._reaching(hands, aside[:, None], goal, facing + free * wrapped(heading - facing))

    def _gap(self) -> Array:
        return hands_to_handles(self._robot.pose()[0][:, :TORSO], *self._tote())

    def _reaching(self, hands: Array, aside: Array, torso: Array, heading: Array) -> tuple[Array, Array]:
        """A goal for torso and hands (n, 2, 3) [m], world; while these are far aside (n, 2) [m], they keep still."""
        robot, n = self._robot, len(torso)
        carried, pointing_down = np.tile(READY, (n, 1, 1)), np.tile(np.eye(3), (n, 2, 1, 1))
        near = np.clip((NEAR - aside) / (0.5 * NEAR), 0.0, 1.0)[..., None]
        return robot.carrying(carried + near * (robot.in_torso(hands) - carried), pointing_down, torso, heading)
