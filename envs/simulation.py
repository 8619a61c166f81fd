"""The batch of simulations behind an environment: MuJoCo's Batch with lookups by name."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

CONTROL_RATE = 20  # [Hz]
CONTROL_PERIOD = 1 / CONTROL_RATE  # [s]
SUBSTEPS = 10  # physics steps in a control period
TIMESTEP = CONTROL_PERIOD / SUBSTEPS  # [s]
_DIVERGED = [  # warnings after which a state means nothing
    int(warning)
    for warning in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
    )
]


class Simulation:
    """nsim simulations of one model on a thread pool, bit-identical at any number of threads.

    State arrays (qpos, qvel, act, ctrl, mocap_pos, ...) are live and writable; measurements are copies.
    """

    def __init__(self, model: mujoco.MjModel, nsim: int, *, threads: int = 0) -> None:
        # persistent: then the kinematics at the new state, which every measurement needs, cost nothing extra
        self._batch = Batch(model, nsim, threads, persistent=True)
        self.moment = 0  # counts the changes of state; what was measured at one moment holds until the next
        self.model = model
        self.nsim = nsim
        self.qpos: Array = self._batch.bind("qpos")
        self.qvel: Array = self._batch.bind("qvel")
        self.act: Array = self._batch.bind("act")
        self.ctrl: Array = self._batch.bind("ctrl")
        self.mocap_pos: Array = self._batch.bind("mocap_pos")
        self.mocap_quat: Array = self._batch.bind("mocap_quat")
        self._xpos, self._xmat = self._batch.bind("xpos"), self._batch.bind("xmat")
        self._site_xpos, self._site_xmat = self._batch.bind("site_xpos"), self._batch.bind("site_xmat")

    @property
    def batch(self) -> Batch:
        """MuJoCo's own batch, for what this class does not wrap (rays, sensors, rendering)."""
        return self._batch

    def reset(self, ids: Ids) -> None:
        """Put simulations ids at the model's default state; follow with writes and then forward(ids)."""
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._batch.warning[ids] = 0

    def forward(self, ids: Ids) -> None:
        """Compute what measurements read from the state of simulations ids."""
        self._batch.forward(ids, stage=mujoco.mjtStage.mjSTAGE_VEL)
        self.moment += 1

    def step(self, ids: Ids) -> NDArray[np.bool_]:
        """Advance simulations ids by one control period; returns (nsim,) which of all have diverged."""
        failed = np.zeros(self.nsim, dtype=bool)
        self.moment += 1
        try:
            self._batch.step(None if len(ids) == self.nsim else ids, nstep=SUBSTEPS, stage=mujoco.mjtStage.mjSTAGE_VEL)
        except SimulationError as error:
            failed[error.ids] = True
        failed |= self._batch.warning[:, _DIVERGED, 1].any(axis=1)
        failed |= ~np.isfinite(self.qpos).all(axis=1)
        return failed

    def joint_columns(self, names: Sequence[str]) -> Ids:
        """Columns of qpos that hold the named one-dimensional joints."""
        return np.array([self.model.joint(name).qposadr[0] for name in names], dtype=np.intp)

    def actuator_columns(self, names: Sequence[str]) -> Ids:
        """Columns of ctrl of the named actuators."""
        return np.array([self.model.actuator(name).id for name in names], dtype=np.intp)

    def activation_columns(self, names: Sequence[str]) -> Ids:
        """Columns of act that hold the activations of the named actuators."""
        return np.array([self.model.actuator(name).actadr[0] for name in names], dtype=np.intp)

    def free_joint_columns(self, name: str) -> Ids:
        """The seven columns of qpos (position, quaternion) of the named free joint."""
        start = int(self.model.joint(name).qposadr[0])
        return np.arange(start, start + 7)

    def body_position(self, name: str) -> Array:
        """World position (n, 3) [m] of a body's frame."""
        value: Array = self._xpos[:, self.model.body(name).id].copy()
        return value

    def body_rotation(self, name: str) -> Array:
        """World rotation (n, 3, 3) of a body's frame."""
        value: Array = self._xmat[:, self.model.body(name).id].reshape(-1, 3, 3).copy()
        return value

    def body_rotations(self, bodies: Ids) -> Array:
        """World rotations (n, len(bodies), 3, 3) of bodies by number."""
        value: Array = self._xmat[:, bodies].reshape(self.nsim, -1, 3, 3)
        return value

    def site_position(self, name: str) -> Array:
        """World position (n, 3) [m] of a site."""
        value: Array = self._site_xpos[:, self.model.site(name).id].copy()
        return value

    def site_rotation(self, name: str) -> Array:
        """World rotation (n, 3, 3) of a site."""
        value: Array = self._site_xmat[:, self.model.site(name).id].reshape(-1, 3, 3).copy()
        return value

    def update_constants(self, ids: Ids) -> None:
        """Derive anew what MuJoCo derives from masses and inertias, after writing these for simulations ids."""
        self._batch.set_const(ids)

    def per_simulation(self, field: str) -> Array:
        """Live per-simulation values (nsim, ...) of a model field; after masses or inertias, update_constants."""
        values: Array = self._batch.expand(field)
        return values
