"""Degrees of freedom of a scene: whatever may stand elsewhere than it does, to be moved a little over a batch."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Ids, Mask
from shopfloor.envs.rotations import cross, dot, norm
from shopfloor.envs.simulation import Simulation

_OF_A_BODY = np.array([False] * 3 + [True] * 3)  # which of a body's own turn it


class Degrees:
    """Those of a simulation side by side: one of each joint, six of each loose body and of each fixture.

    Of a body, three shift it and three turn it, both along the world's axes. A fixture is a mocap body.
    """

    def __init__(self, sim: Simulation) -> None:
        model = sim.model
        self._sim = sim
        kinds, columns = model.jnt_type, model.jnt_qposadr
        hinges, free = kinds == mujoco.mjtJoint.mjJNT_HINGE, kinds == mujoco.mjtJoint.mjJNT_FREE
        single = np.flatnonzero(hinges | (kinds == mujoco.mjtJoint.mjJNT_SLIDE))
        self._joints: Ids = columns[single].astype(np.intp)
        self._loose: Ids = columns[free][:, None] + np.arange(7)  # (bodies, 7) position and quaternion
        bodies = [model.joint(i).name for i in np.flatnonzero(free)]
        fixtures = [""] * model.nmocap
        for body in np.flatnonzero(model.body_mocapid >= 0):
            fixtures[model.body_mocapid[body]] = model.body(body).name
        several = [name for name in (*bodies, *fixtures) for _ in _OF_A_BODY]
        self.names = (*(model.joint(i).name for i in single), *several)
        """Of each degree of freedom: the joint or body that it moves."""
        count = len(bodies) + len(fixtures)
        self.turning: Mask = np.concatenate([hinges[single], np.tile(_OF_A_BODY, count)])
        """Which of them turn something, (degrees,)."""
        self.of_bodies: Mask = np.arange(len(self.names)) >= len(single)
        """Which of them belong to loose bodies and fixtures, (degrees,)."""

    def places(self, ids: Ids) -> tuple[Array, ...]:
        """Where all stands in simulations ids, to `put` it back."""
        sim = self._sim
        return sim.qpos[ids], sim.mocap_pos[ids], sim.mocap_quat[ids]

    def put(self, ids: Ids, places: tuple[Array, ...]) -> None:
        """Put all of simulations ids where it stood; follow with forward(ids)."""
        sim = self._sim
        sim.qpos[ids], sim.mocap_pos[ids], sim.mocap_quat[ids] = places

    def move(self, ids: Ids, steps: Array) -> None:
        """Move simulations ids by steps (k, degrees) [m] or [rad]; follow with forward(ids)."""
        sim, rows, joints = self._sim, ids[:, None], len(self._joints)
        sim.qpos[rows, self._joints] += steps[:, :joints]
        bodies = steps[:, joints:].reshape(len(ids), -1, 2, 3)
        loose, fixtures = np.split(bodies, [len(self._loose)], axis=1)
        shift, turn = self._loose[:, :3], self._loose[:, 3:]
        sim.qpos[rows[..., None], shift] += loose[:, :, 0]
        sim.qpos[rows[..., None], turn] = _turned(sim.qpos[rows[..., None], turn], loose[:, :, 1])
        if fixtures.shape[1]:
            sim.mocap_pos[ids] += fixtures[:, :, 0]
            sim.mocap_quat[ids] = _turned(sim.mocap_quat[ids], fixtures[:, :, 1])


def _turned(quaternions: Array, rotvecs: Array) -> Array:
    """Unit quaternions (..., 4), scalar first, turned by rotvecs (..., 3) [rad] of the world's axes."""
    angle = norm(rotvecs)[..., None]
    scalar, vector = np.cos(angle / 2), 0.5 * np.sinc(angle / (2 * np.pi)) * rotvecs
    first, rest = quaternions[..., :1], quaternions[..., 1:]
    product = np.concatenate(
        [scalar * first - dot(vector, rest)[..., None], scalar * rest + first * vector + cross(vector, rest)], axis=-1
    )
    unit: Array = product / np.sqrt((product * product).sum(axis=-1, keepdims=True))
    return unit
