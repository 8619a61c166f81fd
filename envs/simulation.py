"""The batch of simulations behind an environment: MuJoCo's Batch with lookups by name."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
Mask = NDArray[np.bool_]

CONTROL_RATE = 20  # [Hz]
CONTROL_PERIOD = 1 / CONTROL_RATE  # [s]
SUBSTEPS = 10  # physics steps in a control period
TIMESTEP = CONTROL_PERIOD / SUBSTEPS  # [s]
SETTLED = 5e-5  # [m] that nothing loose moves from one look to the next, where it counts as still
QUIET = 3  # [looks] in a row for which all is still where it is at rest: what stands on its edge first falls slowly
LOOK = 20  # [physics steps] from one look to the next: 0.1 s
FALL = 4  # [looks] in which things fall freely; from then on each look stops what moves: tubes would roll on for long
LONGEST_SETTLING = 40  # [looks]
LEAST_BYTES = 150_000  # that a simulation of the smallest scene takes, with all that is kept of it
_DIVERGED = [  # warnings after which a state means nothing
    int(warning)
    for warning in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
    )
]


def run(columns: Ids) -> Ids | slice:
    """Columns, flattened, as a slice where each follows the one before: several times quicker to read on few lanes."""
    flat = columns.ravel()
    if len(flat) and (np.diff(flat) == 1).all():
        return slice(int(flat[0]), int(flat[-1]) + 1)
    return flat


def _require_memory(nsim: int) -> None:
    """Raise ValueError where so many simulations cannot fit: the system would end the process without a word."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return
    if nsim * LEAST_BYTES > memory:
        want = f"at most some {memory // LEAST_BYTES:,} in {memory / 2**30:.0f} GiB"
        raise ValueError(f"{nsim:,} simulations side by side, want {want}")


@dataclass(frozen=True)
class State:
    """The whole state of k simulations; plain arrays, which pickle."""

    physics: Array  # (k, values) MuJoCo's integration state
    warnings: NDArray[Any]  # (k, warnings, 2)
    fields: Mapping[str, Array]  # (k, ...) of the model, where simulations differ
    constants_vary: bool  # whether what MuJoCo derives from the fields has to be derived anew
    records: Sequence[NDArray[Any]]  # (k, ...) what others keep of the episodes, in the order of `record`

    def __getitem__(self, rows: Ids) -> State:
        """The state of the simulations of rows (m,)."""
        fields = {name: values[rows] for name, values in self.fields.items()}
        records = [values[rows] for values in self.records]
        return State(self.physics[rows], self.warnings[rows], fields, self.constants_vary, records)


class Simulation:
    """nsim simulations of one model on a thread pool, bit-identical at any number of threads: the one seam to MuJoCo.

    State arrays (qpos, qvel, act, ctrl, mocap_pos, ...) are live and writable; measurements are copies. What else
    belongs to an episode is kept in arrays from `record`, so that `state` and `restore` hold the whole of it.
    """

    def __init__(self, model: mujoco.MjModel, nsim: int, *, threads: int = 0) -> None:
        _require_memory(nsim)
        # persistent: then the kinematics at the new state, which every measurement needs, cost nothing extra
        self._batch = Batch(model, nsim, threads, persistent=True)
        self.model = model
        self.nsim = nsim
        self.threads = threads
        self.qpos: Array = self._batch.bind("qpos")
        self.qvel: Array = self._batch.bind("qvel")
        self.act: Array = self._batch.bind("act")
        self.ctrl: Array = self._batch.bind("ctrl")
        self.mocap_pos: Array = self._batch.bind("mocap_pos")
        self.mocap_quat: Array = self._batch.bind("mocap_quat")
        self._xpos, self._xmat = self._batch.bind("xpos"), self._batch.bind("xmat").reshape(nsim, -1, 3, 3)
        self._site_xpos = self._batch.bind("site_xpos")
        self._site_xmat = self._batch.bind("site_xmat").reshape(nsim, -1, 3, 3)
        self._fields: dict[str, Array] = {}  # of the model, by name, (nsim, ...)
        self._constants_vary = False
        self._records: list[NDArray[Any]] = []  # (nsim, ...) each
        self._measured: list[dict[str, Any]] = []  # what holds until the state changes, of each who measures
        self._derivations: list[Callable[[], None]] = []
        self._left: dict[str, tuple[Array, Array]] = {}  # field -> as MuJoCo has it, as the last step left it
        self._bodies = {model.body(i).name: i for i in range(model.nbody)}
        self._sites = {model.site(i).name: i for i in range(model.nsite)}
        free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
        self._loose = model.jnt_qposadr[free][:, None] + np.arange(7)  # (joints, 7) columns of qpos
        self._loose_speeds = model.jnt_dofadr[free][:, None] + np.arange(6)  # (joints, 6) columns of qvel

    def reset(self, ids: Ids) -> None:
        """Put simulations ids at the model's default state; follow with writes and then forward(ids)."""
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._batch.warning[ids] = 0

    def forward(self, ids: Ids) -> None:
        """Compute what measurements read from the state of simulations ids."""
        self._batch.forward(ids, stage=mujoco.mjtStage.mjSTAGE_VEL)
        self._take_down(ids)
        self._forget()

    def settle(self, ids: Ids) -> None:
        """Let what is loose (on free joints) in simulations ids come to rest; follow with forward(ids).

        Only the poses of what is loose change, and its speeds become zero: robots, time, controls, delays, warnings
        and all else are then as they were. How long it takes, each simulation decides by itself: what it comes to
        does not depend on the others. RuntimeError where a simulation diverges.
        """
        before, warnings = self._batch.state[ids], self._batch.warning[ids]
        places, moving = self._loose[:, :3], ids
        still = np.zeros(len(ids), dtype=np.int64)  # [looks] in a row in which nothing loose has moved
        for look in range(1, LONGEST_SETTLING + 1):
            start = self.qpos[moving[:, None, None], places]
            self._batch.step(moving, nstep=LOOK, stage=mujoco.mjtStage.mjSTAGE_VEL)
            moved = np.abs(self.qpos[moving[:, None, None], places] - start).max(axis=(1, 2)) > SETTLED
            if look >= FALL:
                self.qvel[moving[moved, None, None], self._loose_speeds] = 0.0
            still = np.where(moved, 0, still + 1)
            moving, still = moving[still < QUIET], still[still < QUIET]
            if not len(moving):
                break
        diverged = (self._batch.warning[ids] != warnings)[:, _DIVERGED, 1].any(axis=1)
        if diverged.any():
            raise RuntimeError(f"simulations {ids[diverged]} diverge while they settle, want a start that does not")
        poses = self.qpos[ids[:, None, None], self._loose]
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)  # of forces, too, nothing stays behind
        self._batch.state[ids], self._batch.warning[ids] = before, warnings
        self.qpos[ids[:, None, None], self._loose] = poses
        self.qvel[ids[:, None, None], self._loose_speeds] = 0.0
        self._forget()

    def step(self, ids: Ids) -> Mask:
        """Advance simulations ids by one control period; returns (nsim,) which of all have diverged."""
        failed = np.zeros(self.nsim, dtype=bool)
        everywhere = len(ids) == self.nsim
        self._forget()
        try:
            self._batch.step(None if everywhere else ids, nstep=SUBSTEPS, stage=mujoco.mjtStage.mjSTAGE_VEL)
        except SimulationError as error:
            failed[error.ids] = True
        if np.count_nonzero(self._batch.warning):  # on few lanes several times quicker than any()
            failed |= self._batch.warning[:, _DIVERGED, 1].any(axis=1)
        if not math.isfinite(self.qpos.sum()):
            failed |= ~np.isfinite(self.qpos).all(axis=1)
        self._take_down(slice(None) if everywhere else ids)
        return failed

    def state(self, ids: Ids) -> State:
        """The whole state of simulations ids, to the bit: a copy."""
        return State(
            physics=self._batch.state[ids],
            warnings=self._batch.warning[ids],
            fields={name: values[ids] for name, values in self._fields.items()},
            constants_vary=self._constants_vary,
            records=[values[ids] for values in self._records],
        )

    def restore(self, ids: Ids, state: State) -> None:
        """Put simulations ids in the state of as many, of the same or of an equal model: they go on bit for bit."""
        order = np.argsort(ids)
        ids, state = ids[order], state[order]
        for name, values in state.fields.items():
            self.per_simulation(name)[ids] = values
        if state.constants_vary:
            self.update_constants(ids)
        self._batch.state[ids], self._batch.warning[ids] = state.physics, state.warnings
        self._batch.forward(ids, stage=mujoco.mjtStage.mjSTAGE_VEL)
        for mine, its in zip(self._records, state.records, strict=True):
            mine[ids] = its
        self._forget()
        for derive in self._derivations:
            derive()

    def record(
        self, *shape: int, dtype: type[np.generic] = np.float64, fill: float = 0, lanes_last: bool = False
    ) -> NDArray[Any]:
        """A new array (nsim, *shape), or (*shape, nsim), of what someone keeps of each episode: part of the state.

        Write into it in place; for good, `array = ...` would lose the tie.
        """
        full = (*shape, self.nsim) if lanes_last else (self.nsim, *shape)
        values = np.full(full, fill, dtype=dtype)
        self._records.append(np.moveaxis(values, -1, 0) if lanes_last else values)
        return values

    def after_restore(self, derive: Callable[[], None]) -> None:
        """Have derive called where states were restored: by who keeps something that follows from his records."""
        self._derivations.append(derive)

    def measured(self) -> dict[str, Any]:
        """A new dictionary for what someone measures: emptied whenever the state changes."""
        self._measured.append({})
        return self._measured[-1]

    def live(self, field: str) -> Array:
        """A read-only (nsim, ...) view of a field that follows from positions and velocities."""
        values: Array = self._batch.bind(field)
        return values

    def left_by_step(self, field: str) -> Array:
        """A field (nsim, ...) that follows from forces (sensordata, actuator_force), as the last step left it."""
        if field not in self._left:
            bound = self._batch.bind(field)
            self._left[field] = bound, self.record(*bound.shape[1:])
        return self._left[field][1]

    def copy_to(self, lane: int, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Make model and data those of one simulation, for drawing or for any function of MuJoCo's."""
        self._batch.get_model(lane, model)
        self._batch.get_data(lane, data)

    @property
    def physics(self) -> Array:
        """MuJoCo's integration state (nsim, values) of each simulation, live."""
        state: Array = self._batch.state
        return state

    def joint_columns(self, names: Sequence[str]) -> Ids:
        """Columns of qpos that hold the named one-dimensional joints."""
        return np.array([self.model.joint(name).qposadr[0] for name in names], dtype=np.intp)

    def speed_columns(self, names: Sequence[str]) -> Ids:
        """Columns of qvel that hold the speeds of the named one-dimensional joints."""
        return np.array([self.model.joint(name).dofadr[0] for name in names], dtype=np.intp)

    def actuator_columns(self, names: Sequence[str]) -> Ids:
        """Columns of ctrl of the named actuators."""
        return np.array([self.model.actuator(name).id for name in names], dtype=np.intp)

    def activation_columns(self, names: Sequence[str]) -> Ids:
        """Columns of act that hold the activations of the named actuators."""
        return np.array([self.model.actuator(name).actadr[0] for name in names], dtype=np.intp)

    def sensor_columns(self, names: Sequence[str]) -> Ids:
        """Columns of sensordata of the named sensors, side by side."""
        spans = [(self.model.sensor(name).adr[0], self.model.sensor(name).dim[0]) for name in names]
        return np.concatenate([np.arange(start, start + size) for start, size in spans])

    def free_joint_columns(self, name: str) -> Ids:
        """The seven columns of qpos (position, quaternion) of the named free joint."""
        start = int(self.model.joint(name).qposadr[0])
        return np.arange(start, start + 7)

    def body_position(self, name: str) -> Array:
        """World position (n, 3) [m] of a body's frame."""
        value: Array = self._xpos[:, self._bodies[name]].copy()
        return value

    def body_rotation(self, name: str) -> Array:
        """World rotation (n, 3, 3) of a body's frame."""
        value: Array = self._xmat[:, self._bodies[name]].copy()
        return value

    def body_rotations(self, bodies: Ids) -> Array:
        """World rotations (n, len(bodies), 3, 3) of bodies by number."""
        value: Array = self._xmat[:, bodies]
        return value

    def site_position(self, name: str) -> Array:
        """World position (n, 3) [m] of a site."""
        value: Array = self._site_xpos[:, self._sites[name]].copy()
        return value

    def site_rotation(self, name: str) -> Array:
        """World rotation (n, 3, 3) of a site."""
        value: Array = self._site_xmat[:, self._sites[name]].copy()
        return value

    def update_constants(self, ids: Ids) -> None:
        """Derive anew what MuJoCo derives from masses and inertias, after writing these for simulations ids."""
        self._constants_vary = True
        self._batch.set_const(ids)

    def per_simulation(self, field: str) -> Array:
        """Live per-simulation values (nsim, ...) of a model field; after masses or inertias, update_constants."""
        if field not in self._fields:
            self._fields[field] = self._batch.expand(field)
        return self._fields[field]

    def _forget(self) -> None:
        for measured in self._measured:
            measured.clear()

    def _take_down(self, ids: Ids | slice) -> None:
        for bound, left in self._left.values():
            left[ids] = bound[ids]
