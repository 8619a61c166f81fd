"""Peg insertion: pick up a cylindrical peg that lies or stands, and insert it into a bored fixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase, above
from shopfloor.envs.measurement import Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench, Fixture, Parts, add_part
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import PAD
from shopfloor.envs.rotations import about_z, compose, cross, from_rotvec, norm, rotate, unrotate
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

PEG_RADIUS = 3.993e-3  # [m], Isaac Lab Factory's 8 mm peg
PEG_LENGTH = 0.05  # [m], likewise
PEG_MASS = 0.020  # [kg], steel
BORE_DEPTH = 0.025  # [m], Isaac Lab Factory
CHAMFER = 0.002  # [m], at 45 degrees round the bore's mouth
BLOCK = 0.022  # [m] half width of the fixture
RIM = 0.06  # [m] height of the bore's mouth over the bench
DEPTH_GOAL = 0.020  # [m] of the peg in the bore
UPRIGHT_GOAL = np.cos(np.radians(10))
RELEASED = 0.003  # [m] that each pad stands off the peg
CLEAR = 0.03  # [m] from the tool to where it would hold the peg
SLOW = 0.02  # [m/s], slower than this the peg stands
AIM = 0.0235  # [m] below the mouth, to where the hand pushes the lower end: short of the floor of the bore
RETREAT = 0.06  # [m] over that place, to which the hand goes in the end
CLEARANCES = (0.114e-3, 0.5e-3, 1e-3, 2e-3)  # [m], diametral: Isaac Lab Factory's, and looser grades
ROLLING = 2e-4  # [m] rolling resistance: the bench is not polished

TRAY = (0.45, -0.15)  # [m] middle of the area where the peg is found
STATION = (0.45, 0.15)  # [m] nominal place of the fixture
GRASP = 0.012  # [m] from the peg's middle towards its upper end
SLACK = 0.0025  # [m] that the pads are held higher than a lying peg, clear of the bench
FLOOR = -0.05  # [m], lower than this a part has left the bench

LIFT = 0.08  # [m] over the robot's base, height of the peg when it is carried off
UP = np.array([0.0, 0.0, 1.0])
UPRIGHT = np.eye(3)  # tool rotation that holds the peg upright
LYING = from_rotvec(np.array([0.0, np.pi / 2, 0.0]))  # tool rotation that takes a peg lying along +x


class PegInsertion(Task):
    """Pick up a peg and insert it.

    Goal: the peg stands at least 20 mm deep in the fixture's bore, let go.

    Randomised: whether the peg lies or stands, where and in which direction; the fixture's place and
    yaw; the arm's start; between sites friction, mass, wear of the bore, bench height, station.

    Success: the peg's lower end is 20 mm or more below the bore's mouth, inside the bore; it stands upright and
    still, the fingers are off it and the hand is 30 mm away.
    """

    knobs = {
        "clearance": Knob(2e-3, 1e-3, 0.5e-3, 1e-6, 4e-3, "[m], diametral play of the peg in the bore"),
        "lying": Knob(0.0, 0.5, 1.0, 0.0, 1.0, "share of episodes whose peg lies"),
    }
    instruction = "Pick up the peg and insert it into the fixture."
    horizon = 15.0
    randomised = {
        "lies": Uniform(0.0, 1.0),  # the peg lies where this is below the task's share of lying pegs
        "peg_shift": Uniform((-0.06, -0.06), (0.06, 0.06)),  # [m]
        "peg_yaw": Uniform(-0.8, 0.8),  # [rad], of a lying peg's axis from +x
        "fixture_shift": Uniform((-0.05, -0.05), (0.05, 0.05)),  # [m], Isaac Lab Factory
        "fixture_yaw": Uniform(-np.pi, np.pi),  # [rad]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        Channel("peg", "camera", "position"),
        Channel("peg_axis", "camera", "direction"),
        Channel("mouth", "fixture_camera", "position"),
    )
    terms = (
        Term("tcp_to_peg", "m", "peg's middle less tool centre point"),
        Term("peg_axis", "1", "peg's axis, of its two directions the upper or outer"),
        Term("peg_to_mouth", "m", "bore's mouth less peg's lower end"),
        Term("tcp_to_mouth", "m", "bore's mouth less tool centre point"),
    )
    own_measures = (
        Measure("deepest", "m", "greatest depth of the peg in the bore", "highest", "depth"),
        Measure("grasps", "1", "how often the peg was taken", "rises", "held"),
        Measure("drops", "1", "how often it was let go outside the bore", "falls", "held", unless="in_bore"),
    )
    stages = ("start", "grasped", "lifted", "in the bore", "inserted", "released")
    reward_weights = {"reach": 0.1, "grasp": 0.1, "align": 0.2, "depth": 0.4, "release": 0.2}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with cranked jaws, which take a peg as it stands or lies."""
        return Arm()

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, fixture under a mocap body, free peg."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.98, -0.42, 0.48), target=(0.42, 0.0, 0.09))
        tray = spec.body("bench").add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.1, 0.1, 5e-4), pos=(*TRAY, 0))
        tray.rgba, tray.contype, tray.conaffinity = [0.45, 0.50, 0.56, 1], 0, 0
        fixture = spec.worldbody.add_body(name="fixture", mocap=True, pos=(*STATION, RIM))
        scene.add_bored_block(
            spec,
            fixture,
            bore_radius=PEG_RADIUS + self.knob["clearance"] / 2,
            chamfer=CHAMFER,
            depth=BORE_DEPTH,
            half_size=BLOCK,
            pedestal=RIM,
            rgba=(0.30, 0.52, 0.42, 1),
        )
        peg = add_part(spec, "peg")
        peg.add_geom(
            name="peg",
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=(PEG_RADIUS, PEG_LENGTH / 2, 0),
            mass=PEG_MASS,
            condim=6,
            friction=(0.4, 1e-3, ROLLING),
            rgba=(0.90, 0.55, 0.15, 1),
        )
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the peg and the fixtures; each simulation has its own friction, mass and peg radius."""
        super().bind(sim)
        self._parts = Parts(sim, ["peg"])
        self._bench, self._fixture = Bench(sim), Fixture(sim, "fixture")
        self._peg_size = sim.per_simulation("geom_size")[:, sim.model.geom("peg").id]

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The peg in the tray, the fixture at its station, the arm near home."""
        bench = self._bench.place(ids, sites)
        # wear: the bore is the nominal one, the peg thinner; its bounds stay those of the nominal peg
        self._peg_size[ids, 0] = PEG_RADIUS - self.knob["clearance"] / 2 * sites.wear
        self._parts.weigh(ids, PEG_MASS + sites.part_mass[:, None])
        fixture = np.concatenate([STATION + draws["fixture_shift"], bench[:, None] + RIM], axis=1)
        fixture[:, :2] += sites.fixture_shift
        self._fixture.put(ids, fixture, about_z(draws["fixture_yaw"]))

        lies = draws["lies"] < self.knob["lying"]
        height = bench + np.where(lies, self._peg_size[ids, 0], PEG_LENGTH / 2)
        rotation = np.where(lies[:, None, None], compose(about_z(draws["peg_yaw"]), LYING), UPRIGHT)
        position = np.concatenate([TRAY + draws["peg_shift"], height[:, None]], axis=1)
        self._parts.put(ids, position[:, None], rotation[:, None])
        self.robot.stand_ready(ids, draws["joint_shift"])

    @measurement
    def mouth(self) -> Array:
        """Middle of the bore's mouth (n, 3) [m]."""
        return self._fixture.position()

    @measurement
    def peg(self) -> Array:
        """Middle of the peg (n, 3) [m]."""
        return self.sim.body_position("peg")

    @measurement
    def peg_axis(self) -> Array:
        """Unit vector (n, 3) along the peg: of its two directions the one that points up or out from the robot."""
        axis = self.sim.body_rotation("peg")[..., 2]
        return axis * np.where(axis[:, 0] + axis[:, 2] < 0, -1.0, 1.0)[:, None]

    @measurement
    def lower_end_to_mouth(self) -> Array:
        """From the peg's lower end to the bore's mouth (n, 3) [m]."""
        return self.mouth() - _lower_end(self.peg(), self.peg_axis())

    @measurement
    def tcp_to_grasp(self) -> Array:
        """From the tool centre point to where the peg is best held (n, 3) [m]."""
        return self.peg() + GRASP * self.peg_axis() - self.robot.pose()[0]

    @measurement
    def way_to_grasp(self) -> Array:
        """Distance (n,) [m] from the tool centre point to where the peg is best held."""
        return norm(self.tcp_to_grasp())

    @measurement
    def depth(self) -> Array:
        """How deep the peg stands in the bore (n,) [m]; 0 where its lower end is not inside."""
        gap = self.lower_end_to_mouth()
        inside = np.hypot(gap[:, 0], gap[:, 1]) < PEG_RADIUS + self.knob["clearance"] / 2
        return np.where(inside, np.maximum(gap[:, 2], 0.0), 0.0)

    def in_bore(self) -> Mask:
        """Whether the peg's lower end is in the bore (n,)."""
        return self.depth() > 0

    @measurement
    def held(self) -> Mask:
        """Whether the peg is between the closed pads (n,)."""
        near = self.way_to_grasp() < 2 * PAD[0]
        closed: Mask = self.robot.tool.state() < 2 * PEG_RADIUS
        return closed & near

    @measurement
    def inserted(self) -> Mask:
        """Whether the peg is deep enough in the bore, and upright (n,)."""
        upright: Mask = self.peg_axis()[:, 2] > UPRIGHT_GOAL
        return upright & (self.depth() >= DEPTH_GOAL)

    @measurement
    def clear(self) -> Mask:
        """Whether the fingers are off the peg and the hand is away from it (n,)."""
        opened: Mask = self.robot.tool.state() > PEG_RADIUS + RELEASED
        return opened & (self.way_to_grasp() > CLEAR)

    def success(self) -> Mask:
        """The peg stands in the bore, and the hand is clear of it."""
        slow: Mask = norm(self._parts.velocities()[:, 0, :3]) < SLOW
        return self.inserted() & self.clear() & slow

    def stage(self) -> Ids:
        """Grasped, off the bench, in the bore, deep in it, left there."""
        held, inserted = self.held(), self.inserted()
        lifted = held & (self.peg()[:, 2] > self._bench.height() + PEG_LENGTH)
        return furthest(held, lifted, self.in_bore(), inserted, inserted & self.clear())

    def lost(self) -> Mask:
        """The peg has fallen off the bench or left the arm's reach."""
        peg = self.peg()
        return (peg[:, 2] < FLOOR) | (np.hypot(peg[:, 0], peg[:, 1]) > 0.85)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and peg, hold, nearness of peg and mouth while held, depth; then way back from the peg."""
        gap, inserted = self.way_to_grasp(), self.inserted()
        got = self.held() | inserted
        return {
            "reach": np.maximum(1 - np.tanh(10 * gap), inserted),
            "grasp": got.astype(float),
            "align": got * (1 - np.tanh(5 * norm(self.lower_end_to_mouth()))),
            "depth": np.minimum(self.depth() / DEPTH_GOAL, 1.0),
            "release": inserted * np.minimum(gap / CLEAR, 1.0),
        }

    def observe(self, readings: Readings) -> Terms:
        """Relative vectors from the readings, so that an error of a reading is an error of the observation."""
        tcp, peg, axis, mouth = (readings[name] for name in ("tcp", "peg", "peg_axis", "mouth"))
        return {
            "tcp_to_peg": peg - tcp,
            "peg_axis": axis,
            "peg_to_mouth": mouth - _lower_end(peg, axis),
            "tcp_to_mouth": mouth - tcp,  # the peg's reading lags behind the hand's: this one does not
        }

    def phases(self) -> Sequence[Phase]:
        """Reach, grasp, lift, carry over the bore, align, insert, let go; back to the start where the hold is lost."""
        return (
            Phase("reach", above(self._at_peg, 0.06), OPEN, tolerance=0.02, angle_tolerance=0.2, aside=0.04),
            Phase("grasp", self._at_peg, OPEN, speed=0.6, tolerance=0.003),
            Phase("grasp", self._at_peg, CLOSED, speed=0.3, tolerance=0.01, dwell=7),
            Phase("carry", self._lifted, CLOSED, tolerance=0.02, holds=self.held),
            Phase("carry", lambda: self._peg_at(0.03), CLOSED, 0.75, tolerance=0.01, holds=self.held, patience=100),
            Phase("work", lambda: self._peg_at(0.012), CLOSED, speed=0.4, tolerance=2e-3, holds=self.held, retry=4),
            Phase(
                *("work", lambda: self._peg_at(-AIM), CLOSED),
                speed=0.3,
                until=self.inserted,
                holds=self.held,
                retry=4,
            ),
            Phase("work", self.robot.pose, OPEN, speed=0.3, tolerance=1.0, angle_tolerance=4.0, dwell=7),
            Phase("work", above(self._at_peg, RETREAT), OPEN, speed=0.5, until=self.success),
        )

    @measurement
    def _at_peg(self) -> tuple[Array, Array]:
        """Tool pose that takes the peg as it is: position (n, 3) [m], rotation (n, 3, 3)."""
        axis = self.peg_axis()
        upright = np.abs(axis[:, 2:])
        # the closing axis: level for a lying peg, along y for a standing one; the hand stays above or behind
        sideways = cross(axis, np.concatenate([upright, 0 * upright, upright - 1], axis=1))
        sideways = sideways / norm(sideways)[:, None]
        rotation = np.stack([cross(sideways, axis), sideways, axis], axis=-1)
        return self.peg() + GRASP * axis + SLACK * (1 - upright) * UP, rotation

    @measurement
    def _lifted(self) -> tuple[Array, Array]:
        position, rotation = self.robot.pose()
        return position + np.maximum(LIFT - self.peg()[:, 2:], 0) * UP, rotation

    def _peg_at(self, height: float) -> tuple[Array, Array]:
        """Tool pose that holds the peg upright with its lower end `height` [m] over the mouth."""
        position, rotation = self._peg_at_mouth()
        return position + height * UP, rotation

    @measurement
    def _peg_at_mouth(self) -> tuple[Array, Array]:
        position, rotation = self.robot.pose()
        axis_in_hand = unrotate(rotation, self.peg_axis())
        end_in_hand = unrotate(rotation, _lower_end(self.peg(), self.peg_axis()) - position)
        # the smallest turn from upright that makes up for how the peg sits in the hand
        goal_rotation = from_rotvec(cross(axis_in_hand, UP))
        return self.mouth() - rotate(goal_rotation, end_in_hand), goal_rotation


def _lower_end(peg: Array, axis: Array) -> Array:
    return peg - PEG_LENGTH / 2 * axis
