"""People and vehicles that go round their loops in a hall, stand now and then, and stop for what is before them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation, run

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
Mask = NDArray[np.bool_]

STOP_GAP = 0.3  # [m] before what stands in their way, they stop; they see nothing that comes from the side
SLOW_GAP = 1.2  # [m] from which they slow down: at 1.5 m/s by 2.5 m/s^2 at the most
SIDE_GAP = 0.05  # [m] on either side, for something to be in their way
CORNER = 0.3  # [m] before and after a corner, over which they turn
CORNER_SPEED = 0.6  # share of their pace there
FOLLOWING = 2.0  # [1/s] at which an error of place is made good
FORCE = 600.0  # [N] at the most: about a person's step, or a tow tractor's pull
TURN_FORCE = 400.0  # [N m]
NOWHERE = 1e9  # [m] away: nothing there
DIRECTIONS = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])  # (2, sides) along a loop's sides


class Traffic:
    """Movers on rectangular loops, anticlockwise: each keeps to the right of an aisle both ways.

    Each has the joints `<name>_x`, `_y`, `_yaw` with velocity servos. Where it is on its loop moves on with time,
    unless something stands in its way: then it waits. It does not look aside, and never makes room. Where it has a
    stop, it stands for a while.
    """

    def __init__(self, names: Sequence[str], half_sizes: Array, *, stops: int) -> None:
        """half_sizes (movers, 2) [m]: how far each reaches ahead and to a side; stops: of each, at most."""
        self._most_stops = stops
        self.names = tuple(names)
        self._half = half_sizes
        self._later = ~np.tri(len(self.names), k=-1, dtype=bool)[..., None]  # [mover, other]: not named before it

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
        self._columns = run(self._qpos)
        movers = len(self.names)
        kept = partial(sim.record, lanes_last=True)  # where numpy's inner loops run
        self._corner, self._sides = kept(2, movers), kept(2, movers, fill=1)  # [m]
        self._ends = kept(5, movers, fill=1)  # [m] of progress at the corners, the first one's twice
        self._progress, self._pace = kept(movers), kept(movers)  # [m], [m/s]
        self._stops = kept(self._most_stops + 1, movers, fill=np.inf)  # [m] of progress; after the last one, nowhere
        self._lengths = kept(self._most_stops + 1, movers)  # [s]
        self._made = kept(movers, dtype=np.intp)  # stops that each has made
        self._standing = kept(movers)  # [s] that each still stands
        self._way, self._free_speed = kept(2, movers), kept(movers)  # where they are: unit vectors, [m/s]

    def place(self, ids: Ids, loops: Array, start: Array, pace: Array, *, stops: Array, lengths: Array) -> None:
        """Start the movers of simulations ids: loops (k, movers, 4) low x, low y, high x, high y [m];

        start (k, movers) in [0, 1), share of the loop; pace (k, movers) [m/s]; stops (k, movers, stops) [m] of way
        from there, ascending, after which each stands, and lengths [s] for which.
        """
        low_x, low_y, high_x, high_y = loops.T
        length, width = high_x - low_x, high_y - low_y
        self._corner[..., ids], self._sides[..., ids] = (low_x, low_y), (length, width)
        corners = [0 * length, length, length + width, 2 * length + width, 2 * (length + width)]
        self._ends[..., ids], self._pace[:, ids] = corners, pace.T
        self._progress[:, ids] = start.T * corners[-1]
        self._stops[:-1, :, ids] = np.moveaxis(stops, -1, 0).swapaxes(1, 2) + self._progress[:, ids]
        self._lengths[:-1, :, ids] = np.moveaxis(lengths, -1, 0).swapaxes(1, 2)
        self._made[:, ids], self._standing[:, ids] = 0, 0.0
        self._sim.qpos[ids[:, None, None], self._qpos] = self._on_loop(ids).T
        moving = stops[..., 0] > 0
        velocity = (self._way[..., ids] * self._pace[:, ids]).T * moving[..., None]
        self._sim.qvel[ids[:, None, None], self._qvel[:, :2]] = velocity
        self._sim.ctrl[ids[:, None, None], self._servos[:, :2]] = velocity

    def advance(self, ids: Ids, outline: Array) -> None:
        """Choose the speeds of the next control period in simulations ids, the robots' outlines (k, points, 2) [m]."""
        lanes = slice(None) if len(ids) == self._sim.nsim else ids  # views where all go on
        now, way = np.ascontiguousarray(self.places()[lanes].T), self._way[..., lanes]
        gap = np.minimum(self._gap_to_robot(now, way, outline.T), self._gap_to_others(now, way))
        speed = self._free_speed[:, lanes] * ((gap - STOP_GAP) / (SLOW_GAP - STOP_GAP)).clip(0.0, 1.0)
        speed *= ~self._stands(lanes)
        self._progress[:, lanes] += speed * CONTROL_PERIOD
        velocity = FOLLOWING * (self._on_loop(lanes) - now)
        velocity[:2] += self._way[..., lanes] * speed
        velocity[2] *= 2
        self._sim.ctrl[ids[:, None, None], self._servos] = velocity.T

    def places(self) -> Array:
        """Where they are (n, movers, 3): x [m], y [m], yaw [rad], the yaw not wrapped."""
        return self._sim.qpos[:, self._columns].reshape(-1, *self._qpos.shape).copy()

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

    def _stands(self, lanes: Ids | slice) -> Mask:
        """Who stands at a stop (movers, k) in this control period; takes down for how long yet."""
        made, left = self._made[:, lanes], self._standing[:, lanes]
        here = np.take_along_axis(self._stops[..., lanes], made[None], axis=0)[0] <= self._progress[:, lanes]
        length = np.take_along_axis(self._lengths[..., lanes], made[None], axis=0)[0]
        left = np.maximum(left, 0.0) + np.where(here, length, 0.0) - CONTROL_PERIOD
        self._made[:, lanes], self._standing[:, lanes] = made + here, left
        stands: Mask = left > 0
        return stands

    def _on_loop(self, lanes: Ids | slice) -> Array:
        """Where movers belong by their progress (3, movers, k); takes down their way and free speed there."""
        laps, along = np.divmod(self._progress[:, lanes], self._ends[-1][:, lanes])
        past = along - self._ends[..., lanes]  # [m] how far past each corner, (5, movers, k)
        sides = self._sides[..., lanes]
        there, back = past[:2].clip(0.0, sides), past[2:4].clip(0.0, sides)  # along x, along y
        turns = (0.5 + past / (2 * CORNER)).clip(0.0, 1.0)  # share of each corner's that is made
        heading = np.pi / 2 * (4 * laps + turns.sum(axis=0) - 1)
        self._way[..., lanes] = DIRECTIONS[:, (past[1:4] >= 0).sum(axis=0)]
        turning = ((turns > 0) & (turns < 1)).any(axis=0)
        self._free_speed[:, lanes] = self._pace[:, lanes] * (1 - (1 - CORNER_SPEED) * turning)
        return np.concatenate([self._corner[..., lanes] + there - back, heading[None]])

    def _gap_to_robot(self, now: Array, way: Array, outline: Array) -> Array:
        """Free way (movers, k) [m] ahead of each to the robot, outline (2, points, k); NOWHERE if that is aside."""
        x, y = outline[:, :, None] - now[:2, None]  # (points, movers, k)
        long, wide = self._half.T[..., None]
        ahead, beside = x * way[0] + y * way[1], np.abs(x * way[1] - y * way[0])
        clear = (ahead <= 0) | (beside >= wide + SIDE_GAP)
        free: Array = np.maximum(ahead - long, NOWHERE * clear).min(axis=0)
        return free

    def _gap_to_others(self, now: Array, way: Array) -> Array:
        """Likewise to the other movers named before it, so that no two wait for each other."""
        x, y = now[:2, None] - now[:2, :, None]  # (mover, other, k)
        way_x, way_y = way[:, :, None]
        along = np.abs(way_x * way[0] + way_y * way[1])  # 1 if they go in one line, 0 if across
        long, wide = self._half.T[..., None]
        ahead, beside = x * way_x + y * way_y, np.abs(x * way_y - y * way_x)
        reach = long - along * (long - wide)  # of the other, across the mover's way
        clear = (ahead <= 0) | (beside >= wide[:, None] + SIDE_GAP + reach) | self._later
        ahead -= long[:, None] + long + wide - reach
        free: Array = np.maximum(ahead, NOWHERE * clear).min(axis=1)
        return free
