"""A gear train whose middle gear is missing: gearbox with drive and output, the loose gear, what turns how far."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.gears import Gear, add_gear, add_gear_plate, add_hub, greased, turn_to_mesh
from shopfloor.envs.props.parts import Fixture, Parts, add_part
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import about_z
from shopfloor.envs.simulation import CONTROL_RATE, Simulation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

MODULE, THICKNESS = 4e-3, 0.010  # [m]
INPUT, MIDDLE, OUTPUT = (Gear(teeth, MODULE, THICKNESS) for teeth in (10, 14, 12))
RATIO = INPUT.teeth / OUTPUT.teeth  # output speed over input speed; the middle gear only turns it round
TO_INPUT = INPUT.pitch_radius + MIDDLE.pitch_radius  # [m] between the axes
TO_OUTPUT = OUTPUT.pitch_radius + MIDDLE.pitch_radius  # [m]
OUTER = ("input", "output")
DENSITY = 2700.0  # [kg/m^3], aluminium
HUB_RADIUS, HUB_TOP = 0.009, 0.028  # [m], [m] over the gear's lower face

SHAFT_RADIUS = 0.004  # [m], Isaac Lab Factory's 8 mm
SHAFT = 0.018  # [m] of it over the seat, with a round end
PLATE = 0.030  # [m] height of the gearbox's top over the bench
SPACER = 0.003  # [m] collar on the plate, on which gears sit
GREASED = 0.3  # share of the site's friction that teeth and bores have

TORQUE = 0.12  # [N m] of the drive's slipping clutch: it yields to the hand
DRIVE = 0.5  # [N m s/rad], how stiffly the drive keeps its speed
BEARING = 2e-3  # [N m] friction, [N m s/rad] damping of a shaft's bearing
DRIVEN_LOOK = (1e-3, (0.80, 0.46, 0.16, 1))  # [kg m^2] that the drive adds to its gear, colour
OUTPUT_LOOK = (1e-4, (0.35, 0.52, 0.66, 1))  # likewise of the output

WINDOW = CONTROL_RATE // 2  # [control steps] over which speeds are compared: 0.5 s
SPEED_ERROR = 0.2  # of the ideal output speed
MOVING = 0.5  # share of its nominal speed that the drive must turn at: not stalled


def add_gear_train(spec: mujoco.MjSpec, position: tuple[float, float], clearance: float) -> None:
    """The gearbox with its two outer gears under a mocap body, the free middle gear.

    position: [m] of the middle shaft on the bench; clearance: [m], diametral play of the middle gear on it.
    """
    gearbox = spec.worldbody.add_body(name="gearbox", mocap=True, pos=(*position, PLATE + SPACER))
    outer = {"input": TO_INPUT, "output": -TO_OUTPUT}
    add_gear_plate(gearbox, outer, thickness=PLATE, collar=SPACER, shaft_radius=SHAFT_RADIUS, shaft=SHAFT)
    for name, gear, rotor, rgba in (("input", INPUT, *DRIVEN_LOOK), ("output", OUTPUT, *OUTPUT_LOOK)):
        body = gearbox.add_body(name=name, pos=(0, outer[name], 0))
        body.add_joint(name=name, axis=(0, 0, 1), armature=rotor, damping=BEARING, frictionloss=BEARING)
        add_gear(spec, body, name, gear, bore=SHAFT_RADIUS, density=DENSITY, rgba=rgba)
    motor = spec.add_actuator(name="drive", target="input", trntype=mujoco.mjtTrn.mjTRN_JOINT)
    motor.set_to_velocity(kv=DRIVE)
    motor.forcerange, motor.forcelimited = (-TORQUE, TORQUE), True
    bore = SHAFT_RADIUS + clearance / 2
    gear, gold = add_part(spec, "gear"), (0.86, 0.74, 0.30, 1)
    add_gear(spec, gear, "gear", MIDDLE, bore=bore, density=DENSITY, rgba=gold)
    add_hub(spec, gear, "gear", MIDDLE, bore=bore, radius=HUB_RADIUS, top=HUB_TOP, density=DENSITY, rgba=gold)


class GearTrain:
    """Gearbox and middle gear in simulations of add_gear_train's scene; keeps how far the outer gears have turned."""

    def __init__(self, sim: Simulation, clearance: float) -> None:
        self._sim, self._play = sim, clearance / 2
        self._gear, self._gearbox = Parts(sim, ["gear"]), Fixture(sim, "gearbox")
        self._angles, self._speeds = sim.joint_columns(OUTER), sim.speed_columns(OUTER)
        self._drive = int(sim.actuator_columns(("drive",))[0])
        self._shaft_size = sim.per_simulation("geom_size")[:, sim.model.geom("shaft").id]
        self._friction = sim.per_simulation("geom_friction")
        self._greased = greased(sim.model)
        self._past = sim.record(WINDOW + 1, 2)  # [rad] of the outer gears, newest first
        self._force = sim.left_by_step("actuator_force")

    def place(self, ids: Ids, sites: Sites, box: Array, box_yaw: Array, gear: Array, gear_yaw: Array) -> None:
        """Stand the gearbox at (k, 3) [m], the place of its foot under the middle shaft, and the loose gear at (k, 3)
        [m] in simulations ids, with yaws (k,) [rad]; give the gears their sites' friction, mass and wear.
        """
        self._friction[ids[:, None], self._greased, 0] = GREASED * sites.friction[:, None]
        # wear: the bore is the nominal one, the shaft thinner
        self._shaft_size[ids, 0] = SHAFT_RADIUS - self._play * sites.wear
        self._gear.weigh(ids, self._gear.masses + sites.part_mass[:, None])
        seat = np.concatenate([box[:, :2], box[:, 2:] + PLATE + SPACER], axis=1)
        self._gearbox.put(ids, seat, about_z(box_yaw))
        self._gear.put(ids, gear[:, None], about_z(gear_yaw)[:, None])

    def start(self, ids: Ids, angles: Array, speed: Array) -> None:
        """Outer gears at angles (k, 2) [rad] in the gearbox, the drive on at speed (k,) [rad/s]."""
        self._sim.qpos[ids[:, None], self._angles] = angles
        self._sim.ctrl[ids, self._drive] = speed
        self._past[ids] = angles[:, None]

    def after_step(self, ids: Ids) -> None:
        """Keep the outer gears' angles of the last half second."""
        self._past[ids, 1:] = self._past[ids, :-1]
        self._past[ids, 0] = self._sim.qpos[ids[:, None], self._angles]

    def seat(self) -> Array:
        """Where the middle of the gear's lower face belongs (n, 3) [m]."""
        return self._gearbox.position()

    def marks(self) -> Array:
        """Unit vectors (n, 3, 3) along the first teeth of the loose gear, the driven and the output gear."""
        return np.stack([self._sim.body_rotation(name)[..., 0] for name in ("gear", *OUTER)], axis=1)

    def speeds(self) -> Array:
        """Speeds (n, 2) [rad/s] of driven and output gear."""
        return self._sim.qvel[:, self._speeds]

    def nominal_speed(self) -> Array:
        """What the drive is set to (n,) [rad/s]."""
        return self._sim.ctrl[:, self._drive]

    def drive_torque(self) -> Array:
        """Torque of the drive (n,) [N m]."""
        return np.abs(self._force[:, self._drive])

    def output_share(self) -> Array:
        """The output's speed (n,) as a share of the ideal one."""
        share: Array = self.speeds()[:, 1] / np.maximum(RATIO * self.nominal_speed(), 1e-6)
        return share

    def transmits(self) -> Mask:
        """Whether driven and output gear have turned as the numbers of teeth say in the last half second (n,)."""
        driven, output = (self._past[:, 0] - self._past[:, -1]).T
        nominal = self.nominal_speed() * WINDOW / CONTROL_RATE
        right: Mask = (driven > MOVING * nominal) & (np.abs(output / RATIO - driven) < SPEED_ERROR * driven)
        return right


def turns_to_mesh(marks: Array, line: Array) -> Array:
    """Turns (n, 2) [rad] of the middle gear into mesh with driven and output gear.

    marks (n, 3, 3): as GearTrain gives them; line (n, 3): direction from the middle shaft to the driven gear.
    """
    angle, driven_angle, output_angle = np.arctan2(marks[..., 1], marks[..., 0]).T
    towards = np.arctan2(line[:, 1], line[:, 0])
    into_driven = turn_to_mesh(MIDDLE, angle, INPUT, driven_angle, towards)
    return np.stack([into_driven, turn_to_mesh(MIDDLE, angle, OUTPUT, output_angle, towards + np.pi)], axis=1)
