"""People and vehicles that go round their loops in a hall, and stop for what is right before them."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

STOP_GAP = 0.3  # [m] before what stands in their way, they stop; they see nothing that comes from the side
SLOW_GAP = 0.9  # [m] from which they slow down
SIDE_GAP = 0.05  # [m] on either side, for something to be in their way
CORNER = 0.3  # [m] before and after a corner, over which they turn
CORNER_SPEED = 0.6  # share of their pace there
FOLLOWING = 2.0  # [1/s] at which an error of place is made good
FORCE = 600.0  # [N] at the most: about a person's step, or a tow tractor's pull
TURN_FORCE = 400.0  # [N m]


class Traffic:
    """Movers on rectangular loops, anticlockwise: each keeps to the right of an aisle both ways.

    Each has the joints `<name>_x`, `_y`, `_yaw` with velocity servos. Where it is on its loop moves on with time,
    unless something stands in its way: then it waits. It does not look aside, and never makes room.
    """

    def __init__(self, names: Sequence[str], half_sizes: Array) -> None:
        """half_sizes (movers, 2) [m]: how far each reaches ahead and to a side."""
        self.names = tuple(names)
        self._half = half_sizes

    def add_to(self, spec: mujoco.MjSpec) -> list[mujoco.MjsBody]:
        """Add bodies, joints and servos; gives the bodies, to add shapes and masses to."""
        bodies = []
        slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
        for name in self.names:
            body = spec.worldbody.add_body(name=name)
            for axis, kind, direction in (("x", slide, (1, 0, 0)), ("y", slide, (0, 1, 0)), ("yaw", hinge, (0, 0, 1))):
                joint = f"{name}_{axis}"
                body.add_joint(name=joint, type=kind, axis=direction)
                servo = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
                servo.set_to_velocity(kv=800.0 if kind == hinge else 1500.0)
                limit = TURN_FORCE if kind == hinge else FORCE
                servo.forcerange, servo.forcelimited = (-limit, limit), True
            bodies.append(body)
        return bodies

    def bind(self, sim: Simulation) -> None:
        """Look up the movers in a compiled simulation."""
        self._sim = sim
        joints = [[f"{name}_{axis}" for axis in ("x", "y", "yaw")] for name in self.names]
        self._qpos = np.array([sim.joint_columns(three) for three in joints])  # (movers, 3)
        self._qvel = np.array([[sim.model.joint(name).dofadr[0] for name in three] for three in joints])
        self._servos = np.array([sim.actuator_columns(three) for three in joints])
        shape = (sim.nsim, len(self.names))
        self._corner, self._sides = np.zeros((*shape, 2)), np.ones((*shape, 2))  # [m]
        self._progress, self._pace = np.zeros(shape), np.zeros(shape)  # [m], [m/s]

    def place(self, ids: Ids, loops: Array, start: Array, pace: Array) -> None:
        """Start the movers of simulations ids: loops (k, movers, 4) low x, low y, high x, high y [m];

        start (k, movers) in [0, 1), share of the loop; pace (k, movers) [m/s].
        """
        self._corner[ids], self._sides[ids] = loops[..., :2], loops[..., 2:] - loops[..., :2]
        self._progress[ids] = start * 2 * self._sides[ids].sum(axis=-1)
        self._pace[ids] = pace
        place, way = self._on_loop(ids)
        self._sim.qpos[ids[:, None, None], self._qpos] = place
        self._sim.qvel[ids[:, None, None], self._qvel[:, :2]] = way * pace[..., None]
        self._sim.ctrl[ids[:, None, None], self._servos[:, :2]] = way * pace[..., None]

    def advance(self, ids: Ids, outline: Array) -> None:
        """Choose the speeds of the next control period in simulations ids, the robots' outlines (k, points, 2) [m]."""
        now = self.places()[ids]
        _, way = self._on_loop(ids)
        gap = np.minimum(self._gap_to_robot(now, way, outline), self._gap_to_others(now, way))
        speed = self._pace[ids] * np.clip((gap - STOP_GAP) / (SLOW_GAP - STOP_GAP), 0.0, 1.0)
        speed *= np.where(self._turning(ids), CORNER_SPEED, 1.0)
        self._progress[ids] += speed * CONTROL_PERIOD
        goal, way = self._on_loop(ids)
        velocity = FOLLOWING * (goal - now)
        velocity[..., :2] += way * speed[..., None]
        velocity[..., 2] *= 2
        self._sim.ctrl[ids[:, None, None], self._servos] = velocity

    def places(self) -> Array:
        """Where they are (n, movers, 3): x [m], y [m], yaw [rad], the yaw not wrapped."""
        return self._sim.qpos[:, self._qpos]

    def velocities(self) -> Array:
        """(n, movers, 2) [m/s]."""
        return self._sim.qvel[:, self._qvel[:, :2]]

    def free_way(self, place: Array, sight: Array, *, half_width: float, margin: float, moments: Array) -> Array:
        """Free way (n,) [m] from place (n, 3) on, towards angle sight (n,) [rad], of movers there now and later.

        half_width, margin: [m] of the way, and beside it, more for those that are quick; moments: [s] from now.
        """
        now, velocity = self.places(), self.velocities()
        gap = now[:, :, None, :2] - place[:, None, None, :2] + velocity[:, :, None] * moments[:, None]
        x, y = np.cos(sight)[:, None, None], np.sin(sight)[:, None, None]
        ahead = gap[..., 0] * x + gap[..., 1] * y  # (n, movers, moments)
        beside = np.abs(gap[..., 1] * x - gap[..., 0] * y)
        turn = now[..., 2] - sight[:, None]
        cosine, sine = np.abs(np.cos(turn)), np.abs(np.sin(turn))
        long, wide = self._half.T
        oblong = long > wide  # the others are round
        reach_ahead = np.where(oblong, long * cosine + wide * sine, wide)
        reach_aside = np.where(oblong, long * sine + wide * cosine, wide)
        reach_aside += margin * (0.3 + np.hypot(velocity[..., 0], velocity[..., 1]))
        in_way = (ahead > 0) & (beside < half_width + reach_aside[..., None])
        free: Array = np.where(in_way, ahead - reach_ahead[..., None], np.inf).min(axis=(1, 2))
        return free

    def _on_loop(self, ids: Ids) -> tuple[Array, Array]:
        """Where movers belong (k, movers, 3), and the direction (k, movers, 2) in which they go."""
        length, width = self._sides[ids, :, 0], self._sides[ids, :, 1]
        laps, along = np.divmod(self._progress[ids], 2 * (length + width))
        ends = np.stack([0 * length, length, length + width, 2 * length + width, 2 * (length + width)], axis=-1)
        side = (along[..., None] >= ends[..., 1:4]).sum(axis=-1)
        begun = along - np.take_along_axis(ends, side[..., None], axis=-1)[..., 0]
        left = np.take_along_axis(ends, side[..., None] + 1, axis=-1)[..., 0] - along
        x = np.select([side == 0, side == 1, side == 2], [begun, length, left], 0.0)
        y = np.select([side == 0, side == 1, side == 2], [0.0, begun, width], left)
        turned = np.clip(1 - left / CORNER, 0.0, 1.0) - np.clip(1 - begun / CORNER, 0.0, 1.0)
        heading = np.pi / 2 * (side + 4 * laps + turned / 2)
        directions = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        place = np.concatenate([self._corner[ids] + np.stack([x, y], axis=-1), heading[..., None]], axis=-1)
        return place, directions[side]

    def _turning(self, ids: Ids) -> NDArray[np.bool_]:
        """Whether movers (k, movers) are at a corner."""
        length, width = self._sides[ids, :, 0], self._sides[ids, :, 1]
        along = self._progress[ids] % (length + width)  # one half of a loop is as the other
        to_corner = np.minimum(np.minimum(along, length + width - along), np.abs(along - length))
        turning: NDArray[np.bool_] = to_corner < CORNER
        return turning

    def _gap_to_robot(self, now: Array, way: Array, outline: Array) -> Array:
        """Free way (k, movers) [m] ahead of each to the robot; infinite where it is not in the way."""
        gap = outline[:, None] - now[:, :, None, :2]  # (k, movers, points, 2)
        ahead = (gap * way[:, :, None]).sum(axis=-1) - self._half[:, 0, None]
        beside = np.abs(gap[..., 0] * way[:, :, None, 1] - gap[..., 1] * way[:, :, None, 0]) - self._half[:, 1, None]
        in_way = (ahead > -self._half[:, 0, None]) & (beside < SIDE_GAP)
        free: Array = np.where(in_way, ahead, np.inf).min(axis=-1)
        return free

    def _gap_to_others(self, now: Array, way: Array) -> Array:
        """Likewise to the other movers named before it, so that no two wait for each other."""
        gap = now[:, None, :, :2] - now[:, :, None, :2]  # (k, mover, other, 2)
        along = np.abs((way[:, None] * way[:, :, None]).sum(axis=-1))  # 1 if they go in one line, 0 if across
        long, wide = self._half.T
        ahead = (gap * way[:, :, None]).sum(axis=-1)
        beside = np.abs(gap[..., 0] * way[:, :, None, 1] - gap[..., 1] * way[:, :, None, 0])
        in_way = (ahead > 0) & (beside < wide[:, None] + SIDE_GAP + along * wide + (1 - along) * long)
        ahead -= long[:, None] + along * long + (1 - along) * wide
        in_way &= ahead < SLOW_GAP
        in_way &= np.tri(len(self.names), k=-1, dtype=bool)  # [mover, other]: of an earlier number
        free: Array = np.where(in_way, ahead, np.inf).min(axis=-1)
        return free
