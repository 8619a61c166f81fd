"""Bimanual assembly: one hand holds a housing up in the air, the other puts a plug into its bore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts import two_hands
from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase
from shopfloor.envs.experts.plug_handling import BY_GRIPS, HOLD, HOUSING_GRIP, PLUG_GRIP, TURNED, PlugHandling, grips
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import furniture, plug_and_housing, scene
from shopfloor.envs.props.parts import Fixture, Parts, Surfaces
from shopfloor.envs.props.plug_and_housing import BORE_RADIUS, HOUSING_HEIGHT, KNOB, SHAFT
from shopfloor.envs.robots.humanoid import LEFT, RIGHT, TORSO, Humanoid
from shopfloor.envs.rotations import about_z, dot, norm
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

TABLE = (0.62, 0.0, 0.80)  # [m] nominal middle of the table's top
TORSO_RISE = 0.24  # [m] of the torso's frame over the table
HOUSING_PLACE, PLUG_PLACE = (0.46, 0.17), (0.46, -0.17)  # [m] nominal, before the robot
READY = np.array([(0.46, 0.26, -0.13), (0.46, -0.17, -0.12)])  # [m] hands at the start, in the torso's frame
SEATED = 0.003  # [m] that the collar may stand off the housing
ALIGNED = np.cos(np.radians(4))  # between the plug's axis and the bore's
LIFTED = 0.04  # [m] of the housing's foot over the table while it is held up
KEPT = 4  # control steps for which the assembly has to hold
RELEASED = KNOB[0] + 0.004  # [m] opening of a right hand that has let go
TOPPLED = 0.5  # cosine of a part's tilt from which it lies
FALLEN = 0.05  # [m] below the table
UP = np.array([0.0, 0.0, 1.0])


class BimanualAssembly(two_hands.TwoHanded, Task):
    """Pick up a housing with the left hand and a plug with the right one, and put them together in the air.

    Goal: the plug's collar stands on the housing, the right hand has let go, the left hand holds the housing up.

    The base stands still. All that is seen is in the torso's frame: x forward, origin between the shoulders. The
    left hand's grip is on the housing, the right hand's on the plug.

    Randomised: places of both parts, yaw of the housing, start of base, lift and hands; friction, masses, wear of
    the plug and height of the table by site.

    Success: collar within 3 mm of the housing, axes within 4 degrees, right hand open, housing in the left hand and
    40 mm over the table, for 4 control steps.
    """

    knobs = {
        "clearance": Knob(2e-3, 1.2e-3, 0.4e-3, 0.1e-3, 4e-3, "[m] diametral, of the plug in the bore"),
        "spread": Knob(0.5, 1.0, 1.4, 0.0, 1.5, "share of the default spread of where the parts stand"),
    }
    instruction = "Hold the housing up with the left hand and put the plug into it with the right hand."
    horizon = 20.0
    randomised = {
        "housing_shift": Uniform((-0.04, -0.03), (0.04, 0.03)),  # [m]
        "housing_yaw": Uniform(-0.3, 0.3),  # [rad]
        "plug_shift": Uniform((-0.04, -0.03), (0.04, 0.03)),  # [m]
        "base_shift": Uniform((-0.02, -0.02, -0.04), (0.02, 0.02, 0.04)),  # [m], [m], [rad]
        "lift_shift": Uniform(-0.02, 0.02),  # [m]
        "joint_shift": Uniform((-0.03,) * 12, (0.03,) * 12),  # [rad]
    }
    channels = (
        Channel("parts", "camera", "position", 6),
        Channel("parts_z", "camera", "direction", 6),
        Channel("housing_x", "camera", "direction"),
    )
    terms = (
        two_hands.HANDS_TO_GRIPS,
        Term("housing_tilt", "1", "housing's axis, level components", XY),
        Term("housing_flats", "1", "direction of the housing's flats", XY),
        Term("plug_tilt", "1", "plug's axis, level components", XY),
        Term("plug_to_mouth", "m", "bore's mouth less the plug's collar"),
        Term("mouth_to_hold", "m", "where the mouth is to be held less the mouth"),
        *(two_hands.AT_GRIPS, two_hands.HOLDS),
        Term("in_bore", "1", "whether the plug's shaft is in the bore", ONE),
    )
    own_measures = (
        Measure("grasps", "1", "how often both parts came to be held", "rises", "held"),
        Measure("drops", "1", "how often a hand let go before the plug was seated", "falls", "held", unless="seated"),
        Measure("insertions", "1", "how often the plug's shaft came into the bore", "rises", "in_bore"),
        Measure("deepest", "m", "greatest depth of the shaft in the bore", "highest", "depth"),
        Measure("highest_lift", "m", "greatest height of the housing's foot over the table", "highest", "height"),
        Measure("misalignment", "rad", "angle between the plug's axis and the bore's, at the end"),
    )
    stages = ("start", "grasped", "lifted", "in the bore", "seated", "done")
    reward_weights = {"reach": 0.15, "grasp": 0.2, "align": 0.3, "depth": 0.35}
    camera = "front"
    grasp = BY_GRIPS

    robot: Humanoid

    def scene(self) -> mujoco.MjSpec:
        """Robot, table, housing, plug."""
        spec = scene.new_scene()
        furniture.add_floor(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(1.35, -0.80, 1.45), target=(0.30, 0.0, 0.95))
        furniture.add_table(spec, "table")
        plug_and_housing.add_housing(spec, "housing")
        plug_and_housing.add_plug(spec, "plug")
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the parts and the table."""
        super().bind(sim)
        self._parts = Parts(sim, ["housing", "plug"])
        self._table, self._surfaces = Fixture(sim, "table"), Surfaces(sim)
        self._shaft = sim.per_simulation("geom_size")[:, sim.model.geom("shaft").id]
        self._home = self.robot.home(READY, TURNED)
        self._kept = sim.record(dtype=np.int64)
        self._stand = sim.record(3)  # where the base stands: x [m], y [m], yaw [rad]

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The parts on the table, the robot before it."""
        n, spread = len(ids), self.knob["spread"]
        table = np.array(TABLE) + sites.bench_height[:, None] * UP
        self._table.put(ids, table)
        self._surfaces.rub(ids, sites.friction)
        # wear: the bore is the nominal one, the plug thinner
        self._shaft[ids, 0] = BORE_RADIUS - self.knob["clearance"] / 2 * (1 + sites.wear)
        self._parts.weigh(ids, self._parts.masses + sites.part_mass[:, None])
        height = table[:, 2:]
        housing = np.concatenate([HOUSING_PLACE + spread * draws["housing_shift"], height + HOUSING_HEIGHT], axis=1)
        plug = np.concatenate([PLUG_PLACE + spread * draws["plug_shift"], height + SHAFT], axis=1)
        rotations = np.stack([about_z(draws["housing_yaw"]), np.tile(np.eye(3), (n, 1, 1))], axis=1)
        self._parts.put(ids, np.stack([housing, plug], axis=1), rotations)
        self._stand[ids] = draws["base_shift"]
        self.stand_ready(ids, draws, joints=self._home, height=table[:, 2] + TORSO_RISE)
        self._kept[ids] = 0

    def after_step(self, ids: Ids) -> None:
        """Count for how long each episode's parts are together."""
        self._kept[ids] = np.where(self.assembled()[ids], self._kept[ids] + 1, 0)

    @measurement
    def poses(self) -> tuple[Array, Array]:
        """Mouth of the bore and foot of the plug's collar: (n, 2, 3) [m]; rotations (n, 2, 3, 3)."""
        return self._parts.positions(), self._parts.rotations()

    def parts(self) -> Array:
        """Mouth and collar as the head's camera sees them, (n, 2, 3) [m] in the torso's frame."""
        return self.robot.in_torso(self.poses()[0])

    def parts_z(self) -> Array:
        """Likewise the axes of housing and plug (n, 2, 3)."""
        rotation = self.poses()[1]
        return self.directions_seen(rotation[:, LEFT, :, 2], rotation[:, RIGHT, :, 2])

    def housing_x(self) -> Array:
        """Likewise the direction of the housing's flats (n, 1, 3)."""
        return self.directions_seen(self.poses()[1][:, LEFT, :, 0])

    @measurement
    def hands_to_grips(self) -> Array:
        """From each hand to where it takes its part (n, 2, 3) [m]."""
        return grips(*self.poses()) - self.robot.pose()[0][:, :TORSO]

    @measurement
    def collar_in_housing(self) -> Array:
        """Where the plug's collar is from the bore's mouth, in the housing's frame (n, 3) [m]."""
        return plug_and_housing.collar_in_housing(*self.poses())

    @measurement
    def depth(self) -> Array:
        """How deep the plug's shaft is in the bore (n,) [m]; 0 where it is not inside."""
        gap = self.collar_in_housing()
        inside = np.hypot(gap[:, 0], gap[:, 1]) < BORE_RADIUS / 2
        return np.where(inside, np.clip(SHAFT - gap[:, 2], 0.0, SHAFT), 0.0)

    def in_bore(self) -> Mask:
        """Whether the plug's shaft is in the bore (n,)."""
        return self.depth() > 0

    @measurement
    def alignment(self) -> Array:
        """Cosine (n,) of the angle between the plug's axis and the bore's."""
        rotation = self.poses()[1]
        return dot(rotation[:, LEFT, :, 2], rotation[:, RIGHT, :, 2])

    def misalignment(self) -> Array:
        """That angle (n,) [rad]."""
        return np.arccos(np.clip(self.alignment(), -1.0, 1.0))

    @measurement
    def seated(self) -> Mask:
        """Whether the plug's collar stands on the housing (n,)."""
        aligned: Mask = self.alignment() > ALIGNED
        return aligned & (self.depth() > SHAFT - SEATED)

    @measurement
    def height(self) -> Array:
        """Height (n,) [m] of the housing's foot over the table."""
        return self.poses()[0][:, LEFT, 2] - HOUSING_HEIGHT - self._table.position()[:, 2]

    @measurement
    def lifted(self) -> Mask:
        """Whether the left hand holds the housing up (n,)."""
        up: Mask = self.height() > LIFTED
        return up & self.holding()[:, LEFT]

    @measurement
    def assembled(self) -> Mask:
        """Whether the parts are together, in the left hand alone (n,)."""
        return self.seated() & self.lifted() & (self.robot.openings()[:, RIGHT] > RELEASED)

    def success(self) -> Mask:
        """The parts are together, in the left hand alone, and have been for a while."""
        return self.assembled() & (self._kept >= KEPT)

    def stage(self) -> Ids:
        """Both parts held, the housing held up, the plug in its bore, seated, done."""
        return furthest(self.held(), self.lifted(), self.in_bore(), self.seated(), self.success())

    def lost(self) -> Mask:
        """A part lies on its side or has fallen off the table."""
        position, rotation = self.poses()
        down = position[..., 2] < self._table.position()[:, None, 2] - FALLEN
        lost: Mask = np.logical_or.reduce(down | (rotation[..., 2, 2] < TOPPLED), axis=1)
        return lost

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of hands and parts, holds, nearness of plug and bore while both are held, depth."""
        got = self.holding() | self.seated()[:, None]
        return {
            "reach": (1 - np.tanh(5 * norm(self.hands_to_grips())) * ~got).mean(axis=1),
            "grasp": got.mean(axis=1),
            "align": got.all(axis=1) * (1 - np.tanh(5 * norm(self.collar_in_housing()))),
            "depth": self.depth() / SHAFT,
        }

    def observe(self, readings: Readings) -> Terms:
        """Ways and directions from the readings, so that an error of a reading is an error of the observation."""
        mouth, collar = readings["parts"][:, :3], readings["parts"][:, 3:]
        axis, plug_axis = readings["parts_z"][:, :3], readings["parts_z"][:, 3:]
        places = np.stack([mouth + HOUSING_GRIP[2] * axis, collar + PLUG_GRIP[2] * plug_axis], axis=1)
        gap = mouth - collar
        along = dot(gap, axis)
        aside = norm(gap - along[:, None] * axis)
        return {
            **self.grips_seen(places, readings),
            "housing_tilt": axis[:, :2],
            "housing_flats": readings["housing_x"][:, :2],
            "plug_tilt": plug_axis[:, :2],
            "plug_to_mouth": gap,
            "mouth_to_hold": HOLD - mouth,
            "in_bore": ((aside < BORE_RADIUS / 2) & (along > -SHAFT)).astype(float),
        }

    def phases(self) -> Sequence[Phase]:
        """Take both parts, hold the housing up, bring the plug over it, push it in, let the plug go."""
        held, to = self.held, PlugHandling(self.robot, self.poses, self._stand)
        return (
            Phase("grasp", to.at_parts, OPEN, speed=0.6, until=self.at_grips, patience=80),
            Phase("grasp", to.at_parts, CLOSED, speed=0.3, until=held, dwell=5, patience=30),
            Phase("work", to.together, CLOSED, 0.6, until=self.seated, holds=held, patience=250),
            Phase("work", to.stay, (CLOSED, OPEN), 0.3, until=self.assembled, dwell=8),
            Phase("work", to.stay, (CLOSED, OPEN), 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=8),
        )
