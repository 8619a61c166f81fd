"""A small milling machine that a robot tends: enclosure, vice, spindle, start button, and the cycle they run."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Observed, Readings, Term, Terms
from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import DARK, GREY, add_visual_box
from shopfloor.envs.rotations import about_z, dot, norm, rotate, unrotate
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

SEAT = 0.08  # [m] of the vice's floor over the bench
JAW_HEIGHT = 0.022  # [m] over the vice's floor
CLAMP_FORCE = 120.0  # [N] of the vice's jaw: a light pneumatic vice
CLAMP_STIFFNESS = 12000.0  # [N/m]
CLAMP_DAMPING = 4000.0  # [N s/m]: with the force, this keeps the jaw at 0.03 m/s
CLAMP_ARMATURE = 2.0  # [kg], reflected inertia of the jaw's drive
CLAMP_IMPEDANCE = (0.99, 0.999, 5e-4, 0.5, 2.0)  # hard jaws: a light part yields less than 0.1 mm
SLACK = 1e-3  # [m] by which a clamped part's size may seem to be off
STILL = 2e-3  # [m/s] of a jaw that has met with the part
CLAMP_TIME = 1.5  # [s] after which a jaw that has found no part opens again
MACHINING_TIME = 1.5  # [s], of a cycle that takes minutes on the floor

BUTTON = np.array([-0.17, -0.14, 0.027])  # [m] middle of the start button's face, machine frame
BUTTON_TRAVEL = 0.008  # [m]
BUTTON_TRIGGER = 0.005  # [m] of travel that starts the cycle
BUTTON_STIFFNESS = 800.0  # [N/m]: 4 N start the cycle
DOOR = np.array([-0.23, 0.0, 0.12])  # [m] before the open door, machine frame
SPINDLE_TRAVEL = 0.15  # [m] from the spindle's rest to the part
CURTAIN = np.array([-0.13, 0.16])  # [m] door's plane, half width of the enclosure: a light curtain guards it

OFF_CENTRE = 0.008  # [m] along the jaws, at which a part is still clamped well
OFF_FLOOR = 0.002  # [m] over the vice's floor
UPRIGHT = np.cos(np.radians(3))  # of a seated part; its yaw may be off by the play between the jaws
SQUARE = np.cos(np.radians(12))

CYCLE = ("idle", "closing", "machining", "opening", "done")
IDLE, CLOSING, MACHINING, OPENING, DONE = range(5)
_OFF, _RED, _AMBER, _GREEN = (0.25, 0.25, 0.25, 1), (0.95, 0.15, 0.1, 1), (1.0, 0.7, 0.05, 1), (0.15, 0.9, 0.25, 1)
LAMPS = np.array(  # (states, lamps from below, rgba): red at rest, amber at work, green when done
    [[_OFF, _OFF, _RED], [_OFF, _AMBER, _OFF], [_OFF, _AMBER, _OFF], [_OFF, _AMBER, _OFF], [_GREEN, _OFF, _OFF]]
)

WHITE = (0.90, 0.91, 0.92, 1)
BLUE = (0.13, 0.30, 0.48, 1)
GLASS = (0.6, 0.8, 0.9, 0.18)
STEEL = (0.55, 0.57, 0.60, 1)


class MachineTool(Observed):
    """One machine a simulation; its frame's origin is the middle of the vice's floor, x from the door inwards.

    The jaw closes along x onto a part of size `part` [m], from `opening` [m]. The cycle is a record from step to
    step: `advance` moves it on, once a control period.
    """

    channels = (
        Channel("seat", "fixture_camera", "position"),
        Channel("machine_x", "fixture_camera", "direction"),
        Channel("button", "signal", "scalar", 1),
        Channel("gap", "signal", "scalar", 1),
        Channel("cycle", "signal", "scalar", len(CYCLE)),
    )
    terms = (
        Term("machine_x", "1", "machine's x axis (inwards), seen from above", XY),
        Term("tcp_to_door", "m", "before the machine's door less tool centre point"),
        Term("tcp_to_button", "m", "start button's face less tool centre point"),
        Term("button", "m", "start button's travel", ONE),
        Term("gap", "m", "gap between the vice's jaws", ONE),
        Term("cycle", "1", "state of the machine, a one for the present one", CYCLE),
    )
    own_measures = (
        Measure("machine_waits", "s", "time in which the machine stood idle or done", "sum", "waiting"),
        Measure("cycles", "1", "how often the machine began to mill", "rises", "machining"),
        Measure("broken_off", "1", "how often it broke the milling off", "falls", "machining", unless="machined"),
    )

    def __init__(self, *, opening: float, part: float) -> None:
        self._opening, self._part = opening, part

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the machine under a mocap body `machine`; it collides with what is loose, not with itself."""
        box, cylinder, slide = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtJoint.mjJNT_SLIDE
        machine = spec.worldbody.add_body(name="machine", mocap=True, pos=(0, 0, SEAT))
        solid = {
            "bed": ((0.18, 0.16, 0.015), (0.05, 0, 0.015 - SEAT), DARK),
            "back": ((0.01, 0.17, 0.22), (0.24, 0, 0.22 - SEAT), WHITE),
            "side": ((0.18, 0.01, 0.22), (0.05, 0.17, 0.22 - SEAT), WHITE),
            "window": ((0.17, 0.003, 0.17), (0.05, -0.17, 0.27 - SEAT), GLASS),
            "apron": ((0.18, 0.01, 0.05), (0.05, -0.17, 0.05 - SEAT), BLUE),
            "console": ((0.035, 0.035, 0.045), (BUTTON[0], BUTTON[1], 0.045 - SEAT), BLUE),
            "vice": ((0.075, 0.028, 0.025), (0, 0, -0.025), STEEL),
            "vice_jaw": ((0.012, 0.03, JAW_HEIGHT / 2), (self._opening / 2 + 0.012, 0, JAW_HEIGHT / 2), GREY),
        }
        for name, (size, position, rgba) in solid.items():
            geom = machine.add_geom(name=name, type=box, size=size, pos=position, rgba=rgba)
            geom.contype = 0
        for size, position, rgba in (
            ((0.18, 0.18, 0.03), (0.05, 0, 0.47 - SEAT), WHITE),  # roof
            ((0.004, 0.18, 0.02), (-0.134, 0, 0.46 - SEAT), BLUE),
            ((0.012, 0.012, 0.22), (-0.12, -0.168, 0.22 - SEAT), BLUE),  # door posts
            ((0.012, 0.012, 0.22), (-0.12, 0.168, 0.22 - SEAT), BLUE),
            ((0.012, 0.012, 0.22), (0.23, -0.168, 0.22 - SEAT), BLUE),
            ((0.03, 0.05, 0.17), (0.20, 0, 0.25 - SEAT), STEEL),  # column
            ((0.09, 0.05, 0.025), (0, 0, -0.04), STEEL),
        ):
            add_visual_box(machine, size, position, rgba)
        for lamp in range(3):
            _see(machine, f"lamp_{lamp}", (-0.1, -0.14, 0.50 - SEAT + 0.03 * lamp), (0.016, 0.015), _OFF)
        _see(machine, "collar", (BUTTON[0], BUTTON[1], BUTTON[2] - 0.0145), (0.026, 0.003), (0.95, 0.8, 0.1, 1))

        jaw = machine.add_body(name="jaw", pos=(-self._opening / 2, 0, 0), gravcomp=1)
        way = jaw.add_joint(name="jaw", type=slide, axis=(1, 0, 0), armature=CLAMP_ARMATURE, range=(0, self._opening))
        way.damping = [CLAMP_DAMPING, 0, 0]
        clamp = jaw.add_geom(name="jaw", type=box, size=(0.012, 0.03, JAW_HEIGHT / 2), pos=(-0.012, 0, JAW_HEIGHT / 2))
        clamp.rgba, clamp.mass = GREY, 0.3
        for geom in (clamp, spec.geom("vice_jaw")):
            geom.contype, geom.priority, geom.solimp = 0, 1, CLAMP_IMPEDANCE
        screw = jaw.add_geom(type=cylinder, fromto=(-0.024, 0, 0.011, -0.065, 0, 0.011), size=(0.006, 0, 0), mass=0)
        screw.contype, screw.conaffinity, screw.rgba = 0, 0, STEEL
        servo = spec.add_actuator(name="jaw", target="jaw", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=CLAMP_STIFFNESS)
        servo.forcerange, servo.forcelimited = (-CLAMP_FORCE, CLAMP_FORCE), True

        button = machine.add_body(name="button", pos=BUTTON, gravcomp=1)
        spring = button.add_joint(name="button", type=slide, axis=(0, 0, -1), range=(0, BUTTON_TRAVEL), armature=0.05)
        spring.stiffness, spring.damping = [BUTTON_STIFFNESS, 0, 0], [10.0, 0, 0]
        face = button.add_geom(name="button", type=cylinder, size=(0.019, 0.007, 0), pos=(0, 0, -0.007), mass=0.03)
        face.contype, face.rgba = 0, (0.1, 0.62, 0.25, 1)

        spindle = machine.add_body(name="spindle", gravcomp=1)
        spindle.add_joint(name="spindle", type=slide, axis=(0, 0, -1), range=(0, SPINDLE_TRAVEL), armature=1.0)
        add_visual_box(spindle, (0.105, 0.045, 0.04), (0.07, 0, 0.31), WHITE)
        _see(spindle, "nose", (0, 0, 0.262), (0.028, 0.012), DARK)
        _see(spindle, "mill", (0, 0, 0.23), (0.006, 0.022), STEEL)
        spindle.explicitinertial, spindle.mass, spindle.inertia = True, 3.0, (0.02, 0.02, 0.02)
        spindle.ipos = (0.07, 0, 0.31)
        feed = spec.add_actuator(name="spindle", target="spindle", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        feed.set_to_position(kp=1000.0, kv=150.0)

    def bind(self, sim: Simulation) -> None:
        """Look up the machine's elements in a compiled simulation."""
        self.tie(sim)
        self._body = Fixture(sim, "machine")
        self._jaw, self._button = sim.joint_columns(("jaw", "button"))
        self._jaw_speed = int(sim.speed_columns(("jaw",))[0])
        self._clamp, self._feed = sim.actuator_columns(("jaw", "spindle"))
        self._lamps = np.array([sim.model.geom(f"lamp_{i}").id for i in range(3)])
        self._colours = sim.per_simulation("geom_rgba")
        self._state = sim.record(dtype=np.intp, fill=IDLE)  # index into CYCLE
        self._machined = sim.record(dtype=np.bool_)  # whether the part has been through the whole cycle
        self._time = sim.record()  # [s] in this state

    def place(self, ids: Ids, place: Array, bench: Array, rotation: Array) -> None:
        """Stand the machines of simulations ids at places (k, 2) [m] on benches of heights (k,) [m], open and idle.

        rotation (k, 3, 3).
        """
        self._body.put(ids, np.concatenate([place, bench[:, None] + SEAT], axis=1), rotation)
        self._state[ids], self._machined[ids], self._time[ids] = IDLE, False, 0.0
        self._colours[ids[:, None], self._lamps] = LAMPS[IDLE]

    def advance(self, ids: Ids, *, seated: Mask, tool: Array) -> None:
        """Move the cycles of simulations ids on by a control period.

        seated (n,): whether the part stands in the vice as it should; tool (n, 3) [m]: the robot's tool. The cycle
        starts by the button if the part is seated, and breaks off where it slips or the tool reaches in.
        """
        state, seated = self._state[ids], seated[ids]
        time = self._time[ids] + CONTROL_PERIOD
        reach = self.inside(tool)[ids]
        held = seated & ~reach & (np.abs(self.gap()[ids] - self._part) < SLACK)
        clamped = (state == CLOSING) & held & (np.abs(self.sim.qvel[ids, self._jaw_speed]) < STILL)
        finished = (state == MACHINING) & held & (time >= MACHINING_TIME)
        broken = (state == CLOSING) & (reach | (time > CLAMP_TIME)) | (state == MACHINING) & ~held
        opened = (state == OPENING) & (self.sim.qpos[ids, self._jaw] < SLACK)
        started = (state == IDLE) & seated & ~reach & (self.button()[ids] > BUTTON_TRIGGER)
        self._machined[ids] |= finished
        after = np.where(self._machined[ids], DONE, IDLE)
        changes = [started, clamped & ~broken, finished | broken, opened]
        state = np.select(changes, [np.full(len(ids), CLOSING), np.full(len(ids), MACHINING), OPENING, after], state)
        self._time[ids] = np.where(state == self._state[ids], time, 0.0)
        self._state[ids] = state
        grips = (state == CLOSING) | (state == MACHINING)
        squeeze = self._opening - self._part + 1.5 * CLAMP_FORCE / CLAMP_STIFFNESS
        self.sim.ctrl[ids, self._clamp] = np.where(grips, squeeze, 0.0)
        self.sim.ctrl[ids, self._feed] = np.where(state == MACHINING, SPINDLE_TRAVEL, 0.0)
        self._colours[ids[:, None], self._lamps] = LAMPS[state]

    def seated(self, foot: Array, rotation: Array) -> Mask:
        """Whether parts stand in the vice as they should, (n,): middle of the lower face (n, 3) [m], rotation."""
        foot, square = self.local(foot), dot(self.rotation()[..., 0], rotation[..., 0]) > SQUARE
        between = (np.abs(foot[:, 0]) < self._opening / 2) & (np.abs(foot[:, 1]) < OFF_CENTRE)
        standing = (np.abs(foot[:, 2]) < OFF_FLOOR) & (rotation[:, 2, 2] > UPRIGHT)
        seated: Mask = between & standing & square
        return seated

    def inside(self, point: Array) -> Mask:
        """Whether points (n, 3) [m] are in the enclosure, behind the door's plane, (n,)."""
        local = self.local(point)
        within: Mask = (local[:, 0] > CURTAIN[0]) & (np.abs(local[:, 1]) < CURTAIN[1])
        return within

    def local(self, point: Array) -> Array:
        """World points (n, 3) [m] in the machine's frame."""
        return unrotate(self.rotation(), point - self.seat())

    def pose(self, point: Array) -> tuple[Array, Array]:
        """A point (3,) [m] of the machine's frame in the world, (n, 3), and the machine's rotation (n, 3, 3)."""
        rotation = self.rotation()
        return self.seat() + rotate(rotation, point), rotation

    def seat(self) -> Array:
        """Middle of the vice's floor (n, 3) [m]."""
        return self._body.position()

    def rotation(self) -> Array:
        """Rotation (n, 3, 3) of the machine."""
        return self.sim.body_rotation("machine")

    def machine_x(self) -> Array:
        """The machine's x axis (n, 3), inwards."""
        return self.rotation()[..., 0]

    def gap(self) -> Array:
        """Between the vice's jaws (n,) [m]."""
        return self._opening - self.sim.qpos[:, self._jaw]

    def button(self) -> Array:
        """Travel (n,) [m] of the start button."""
        return self.sim.qpos[:, self._button].copy()

    def runs(self) -> Mask:
        """Whether its cycle has begun, or is over (n,)."""
        runs: Mask = self._state != IDLE
        return runs

    def state(self) -> Ids:
        """The state of the cycle (n,), an index into CYCLE."""
        return self._state.copy()

    def cycle(self) -> Array:
        """The state as the machine tells it: (n, len(CYCLE)), a one for the present state."""
        cycle: Array = np.eye(len(CYCLE))[self._state]
        return cycle

    def machining(self) -> Mask:
        """Whether it mills (n,)."""
        machining: Mask = self._state == MACHINING
        return machining

    def machined(self) -> Mask:
        """Whether the part has been through the whole cycle (n,)."""
        return self._machined.copy()

    def waiting(self) -> Array:
        """Time (n,) [s] of a control period in which it has nothing to do, else 0."""
        return np.where(np.isin(self._state, (IDLE, DONE)), CONTROL_PERIOD, 0.0)

    def progress(self) -> Array:
        """Share (n,) of the machining that is done."""
        return np.where(self._machined, 1.0, np.where(self.machining(), self._time / MACHINING_TIME, 0.0))

    def observe(self, readings: Readings) -> Terms:
        """What the machine tells as read; where door and button are, seen from the tool of the robot that tends it."""
        seat, inwards, tcp = (readings[name] for name in ("seat", "machine_x", "tcp"))
        rotation = _upright(inwards)
        return {
            "machine_x": inwards[:, :2],
            "tcp_to_door": seat + rotate(rotation, DOOR) - tcp,
            "tcp_to_button": seat + rotate(rotation, BUTTON) - tcp,
            **{name: readings[name] for name in ("button", "gap", "cycle")},
        }


def seen_in_machine(foot: Array, seat: Array, inwards: Array, *, play: float) -> tuple[Mask, Mask]:
    """Whether parts with their foot at (n, 3) [m] are read to be in the enclosure (n,), and seated in the vice (n,).

    seat, inwards (n, 3): the vice's floor [m] and the machine's x axis as read; play: [m] of a part in the open vice.
    """
    at = unrotate(_upright(inwards), foot - seat)
    inside: Mask = (at[:, 0] > DOOR[0] / 2) & (np.abs(at[:, 1]) < -DOOR[0])
    seated: Mask = (norm(at) < play / 2 + 0.01) & (at[:, 2] < JAW_HEIGHT / 2)
    return inside, seated


def _upright(inwards: Array) -> Array:
    """Rotations (n, 3, 3) of machines with their x axis inwards (n, 3), which stand upright."""
    return about_z(np.arctan2(inwards[:, 1], inwards[:, 0]))


def _see(
    body: mujoco.MjsBody,
    name: str,
    position: tuple[float, float, float],
    size: tuple[float, float],
    rgba: tuple[float, float, float, float],
) -> None:
    """An upright cylinder of radius and half height [m] to look at."""
    geom = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(*size, 0), pos=position, rgba=rgba)
    geom.contype, geom.conaffinity, geom.mass = 0, 0, 0
