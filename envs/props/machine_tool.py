"""A small milling machine that a robot tends: enclosure, vice, spindle, start button, and the cycle they run."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import DARK, GREY, add_visual_box
from shopfloor.envs.rotations import dot, rotate, unrotate
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

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


class MachineTool:
    """One machine a simulation; its frame's origin is the middle of the vice's floor, x from the door inwards.

    The jaw closes along x onto a part of size `part` [m], from `opening` [m]. The cycle is a record from step to
    step: `advance` moves it on, once a control period.
    """

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
        feed = spec.add_actuator(name="spindle", target="spindle", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        feed.set_to_position(kp=1000.0, kv=150.0)

    def bind(self, sim: Simulation) -> None:
        """Look up the machine's elements in a compiled simulation."""
        self._sim = sim
        self._body = Fixture(sim, "machine")
        self._jaw, self._button = sim.joint_columns(("jaw", "button"))
        self._jaw_speed = int(sim.model.joint("jaw").dofadr[0])
        self._clamp, self._feed = sim.actuator_columns(("jaw", "spindle"))
        self._lamps = np.array([sim.model.geom(f"lamp_{i}").id for i in range(3)])
        self._colours = sim.per_simulation("geom_rgba")
        self.state = np.full(sim.nsim, IDLE)  # (n,) index into CYCLE
        self.machined = np.zeros(sim.nsim, dtype=bool)  # (n,) whether the part has been through the whole cycle
        self._time = np.zeros(sim.nsim)  # [s] in this state

    def place(self, ids: Ids, position: Array, rotation: Array) -> None:
        """Stand the machines of simulations ids at position (k, 3) [m], rotation (k, 3, 3), open and idle."""
        self._body.put(ids, position, rotation)
        self.state[ids], self.machined[ids], self._time[ids] = IDLE, False, 0.0
        self._colours[ids[:, None], self._lamps] = LAMPS[IDLE]

    def advance(self, ids: Ids, *, seated: Mask, tool: Array) -> None:
        """Move the cycles of simulations ids on by a control period.

        seated (n,): whether the part stands in the vice as it should; tool (n, 3) [m]: the robot's tool. The cycle
        starts by the button if the part is seated, and breaks off where it slips or the tool reaches in.
        """
        state, seated = self.state[ids], seated[ids]
        time = self._time[ids] + CONTROL_PERIOD
        reach = self.inside(tool)[ids]
        held = seated & ~reach & (np.abs(self.gap()[ids] - self._part) < SLACK)
        clamped = (state == CLOSING) & held & (np.abs(self._sim.qvel[ids, self._jaw_speed]) < STILL)
        finished = (state == MACHINING) & held & (time >= MACHINING_TIME)
        broken = (state == CLOSING) & (reach | (time > CLAMP_TIME)) | (state == MACHINING) & ~held
        opened = (state == OPENING) & (self._sim.qpos[ids, self._jaw] < SLACK)
        started = (state == IDLE) & seated & ~reach & (self.button()[ids] > BUTTON_TRIGGER)
        self.machined[ids] |= finished
        after = np.where(self.machined[ids], DONE, IDLE)
        changes = [started, clamped & ~broken, finished | broken, opened]
        state = np.select(changes, [np.full(len(ids), CLOSING), np.full(len(ids), MACHINING), OPENING, after], state)
        self._time[ids] = np.where(state == self.state[ids], time, 0.0)
        self.state[ids] = state
        grips = (state == CLOSING) | (state == MACHINING)
        squeeze = self._opening - self._part + 1.5 * CLAMP_FORCE / CLAMP_STIFFNESS
        self._sim.ctrl[ids, self._clamp] = np.where(grips, squeeze, 0.0)
        self._sim.ctrl[ids, self._feed] = np.where(state == MACHINING, SPINDLE_TRAVEL, 0.0)
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
        return unrotate(self.rotation(), point - self.position())

    def pose(self, point: Array) -> tuple[Array, Array]:
        """A point (3,) [m] of the machine's frame in the world, (n, 3), and the machine's rotation (n, 3, 3)."""
        rotation = self.rotation()
        return self.position() + rotate(rotation, point), rotation

    def position(self) -> Array:
        """Middle of the vice's floor (n, 3) [m]."""
        return self._body.position()

    def rotation(self) -> Array:
        """Rotation (n, 3, 3) of the machine."""
        return self._sim.body_rotation("machine")

    def gap(self) -> Array:
        """Between the vice's jaws (n,) [m]."""
        return self._opening - self._sim.qpos[:, self._jaw]

    def button(self) -> Array:
        """Travel (n,) [m] of the start button."""
        return self._sim.qpos[:, self._button]

    def progress(self) -> Array:
        """Share (n,) of the machining that is done."""
        return np.where(self.machined, 1.0, np.where(self.state == MACHINING, self._time / MACHINING_TIME, 0.0))

    def signal(self) -> Array:
        """The state as the machine tells it: (n, len(CYCLE)), a one for the present state."""
        signal: Array = np.eye(len(CYCLE))[self.state]
        return signal


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
