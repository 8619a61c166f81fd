"""Bimanual assembly: one hand holds a housing up in the air, the other puts a plug into its bore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Phase
from shopfloor.envs.props import furniture, plug_and_housing, scene
from shopfloor.envs.props.parts import Fixture, Parts, Surfaces
from shopfloor.envs.props.plug_and_housing import BORE_RADIUS, HOUSING_GRIP, HOUSING_HEIGHT, KNOB, PLUG_GRIP, SHAFT
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.humanoid import LEFT, RIGHT, SHOULDERS, TORSO, Humanoid
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import about_z, cross, dot, from_rotvec, norm, rotate, unrotate
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

TABLE = (0.62, 0.0, 0.80)  # [m] nominal middle of the table's top
TORSO_RISE = 0.24  # [m] of the torso's frame over the table
HOUSING_PLACE, PLUG_PLACE = (0.46, 0.17), (0.46, -0.17)  # [m] nominal, before the robot
HOLD = np.array([0.46, 0.03, -0.08])  # [m] where the left hand holds the bore's mouth, in the torso's frame
READY = np.array([(0.46, 0.26, -0.13), (0.46, -0.17, -0.12)])  # [m] hands at the start, likewise
LEANING = from_rotvec(np.array([-np.pi / 3, 0.0, 0.0])) @ about_z(np.array(np.pi / 2))
SIDEWAYS = about_z(np.array(np.pi / 2))
GRASPS = np.stack(
    [LEANING, SIDEWAYS]
)  # (2, 3, 3) left hand from the left, 30 degrees from above; right hand from above
UP = np.array([0.0, 0.0, 1.0])

SEATED = 0.003  # [m] that the collar may stand off the housing
ALIGNED = np.cos(np.radians(4))  # between the plug's axis and the bore's
LIFTED = 0.04  # [m] of the housing's foot over the table while it is held up
KEPT = 4  # control steps for which the assembly has to hold
RELEASED = KNOB[0] + 0.004  # [m] opening of a right hand that has let go
BACK_OFF, APPROACH = 0.07, 0.003  # [m] a hand keeps back by 3 times what it is more than APPROACH aside, to BACK_OFF
OVER, CENTRED = 0.05, 0.0025  # [m] a plug stays over the bore until it is CENTRED, at most OVER
BESIDE = 0.08  # [m] from the bore's axis, a plug that is still too low keeps
PRESS = 0.003  # [m] that the hand goes on as the collar stands on the housing
TOPPLED = 0.5  # cosine of a part's tilt from which it lies
FALLEN = 0.05  # [m] below the table


class BimanualAssembly(Task):
    """Pick up a housing with the left hand and a plug with the right one, and put them together in the air.

    Goal: the plug's collar stands on the housing, the right hand has let go, the left hand holds the housing up.

    Observation (frame of the torso: x forward, origin between the shoulders; p = proprioceptive):

    ======  ===================================================  ========
    index   meaning                                              unit
    ======  ===================================================  ========
    0-12 p  left hand: position, x axis, z axis, what it         m, 1, m
            presses, opening
    13-25 p right hand, likewise                                 m, 1, m
    26   p  lift over its lower end                              m
    27-29 p base's speed: forward, to the left, turning left     m/s, rad/s
    30-32   housing's grip less left hand                        m
    33-35   plug's grip less right hand                          m
    36-37   housing's axis, level components: its tilt           1
    38-39   direction of the housing's flats, x and y            1
    40-41   plug's axis, level components                        1
    42-44   bore's mouth less the plug's collar                  m
    45-47   where the mouth is to be held less the mouth         m
    48-49   whether housing, plug is between the open pads       1
    50-51   whether left, right hand is closed on its part       1
    52      whether the plug's shaft is in the bore              1
    ======  ===================================================  ========

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
        Channel("housing", "camera", "position"),
        Channel("housing_x", "camera", "direction"),
        Channel("housing_z", "camera", "direction"),
        Channel("plug", "camera", "position"),
        Channel("plug_z", "camera", "direction"),
    )
    scene_names = (
        *(f"left_hand_to_housing_{axis}" for axis in "xyz"),
        *(f"right_hand_to_plug_{axis}" for axis in "xyz"),
        *("housing_tilt_x", "housing_tilt_y", "housing_flats_x", "housing_flats_y", "plug_tilt_x", "plug_tilt_y"),
        *(f"{way}_{axis}" for way in ("plug_to_mouth", "mouth_to_hold") for axis in "xyz"),
        *("left_at_housing", "right_at_plug", "left_holds", "right_holds", "in_bore"),
    )
    reward_weights = {"reach": 0.15, "grasp": 0.2, "align": 0.3, "depth": 0.35}
    camera = "front"

    robot: Humanoid

    def make_robot(self) -> Humanoid:
        """The wheeled humanoid; its base stands still in this work."""
        return Humanoid()

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
        self._home = self.robot.home(READY, GRASPS)
        self._kept = np.zeros(sim.nsim, dtype=np.int64)
        self._stand = np.zeros((sim.nsim, 3))  # where the base stands

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The parts on the table, the robot before it."""
        n, spread = len(ids), self.knob["spread"]
        table = np.array(TABLE) + np.array([site.bench_height for site in sites])[:, None] * UP
        self._table.put(ids, table)
        self._surfaces.rub(ids, np.array([site.friction for site in sites]))
        # wear: the bore is the nominal one, the plug thinner
        self._shaft[ids, 0] = BORE_RADIUS - self.knob["clearance"] / 2 * (1 + np.array([site.wear for site in sites]))
        self._parts.weigh(ids, self._parts.masses + np.array([[site.part_mass] for site in sites]))
        height = table[:, 2:]
        housing = np.concatenate([HOUSING_PLACE + spread * draws["housing_shift"], height + HOUSING_HEIGHT], axis=1)
        plug = np.concatenate([PLUG_PLACE + spread * draws["plug_shift"], height + SHAFT], axis=1)
        rotations = np.stack([about_z(draws["housing_yaw"]), np.tile(np.eye(3), (n, 1, 1))], axis=1)
        self._parts.put(ids, np.stack([housing, plug], axis=1), rotations)
        self._stand[ids] = draws["base_shift"]
        lift = table[:, 2] + TORSO_RISE - SHOULDERS + draws["lift_shift"]
        joints = self._home + draws["joint_shift"].reshape(n, 2, 6)
        self.robot.place(ids, joints, opening=STROKE, base=draws["base_shift"], lift=lift)
        self._kept[ids] = 0

    def after_step(self, ids: Ids) -> None:
        """Count for how long each episode's parts are together."""
        self._kept[ids] = np.where(self.assembled()[ids], self._kept[ids] + 1, 0)

    @measurement
    def parts(self) -> tuple[Array, Array]:
        """Mouth of the bore and foot of the plug's collar: (n, 2, 3) [m]; rotations (n, 2, 3, 3)."""
        return self._parts.positions(), self._parts.rotations()

    @measurement
    def tools(self) -> tuple[Array, Array]:
        """Left hand, right hand, torso: positions (n, 3, 3) [m] and rotations (n, 3, 3, 3)."""
        return self.robot.pose()

    @measurement
    def hands_to_grips(self) -> Array:
        """From each hand to where it takes its part (n, 2, 3) [m]."""
        return plug_and_housing.grips(*self.parts()) - self.tools()[0][:, :TORSO]

    @measurement
    def holding(self) -> Mask:
        """Whether each hand (n, 2) is closed on its part."""
        return plug_and_housing.hold(self.hands_to_grips(), self.robot.openings())

    @measurement
    def held(self) -> Mask:
        """Whether both hands hold their parts (n,)."""
        both: Mask = np.logical_and.reduce(self.holding(), axis=1)
        return both

    @measurement
    def at_parts(self) -> Mask:
        """Whether both hands take their parts if they close (n,)."""
        both: Mask = np.logical_and.reduce(plug_and_housing.take(self.hands_to_grips()), axis=1)
        return both

    @measurement
    def collar_in_housing(self) -> Array:
        """Where the plug's collar is from the bore's mouth, in the housing's frame (n, 3) [m]."""
        position, rotation = self.parts()
        return unrotate(rotation[:, 0], position[:, 1] - position[:, 0])

    @measurement
    def depth(self) -> Array:
        """How deep the plug's shaft is in the bore (n,) [m]; 0 where it is not inside."""
        gap = self.collar_in_housing()
        inside = np.hypot(gap[:, 0], gap[:, 1]) < BORE_RADIUS / 2
        return np.where(inside, np.clip(SHAFT - gap[:, 2], 0.0, SHAFT), 0.0)

    @measurement
    def seated(self) -> Mask:
        """Whether the plug's collar stands on the housing (n,)."""
        rotation = self.parts()[1]
        aligned: Mask = dot(rotation[:, 0, :, 2], rotation[:, 1, :, 2]) > ALIGNED
        return aligned & (self.depth() > SHAFT - SEATED)

    @measurement
    def lifted(self) -> Mask:
        """Whether the left hand holds the housing up (n,)."""
        foot = self.parts()[0][:, 0, 2] - HOUSING_HEIGHT - self._table.position()[:, 2]
        up: Mask = foot > LIFTED
        return up & self.holding()[:, LEFT]

    @measurement
    def assembled(self) -> Mask:
        """Whether the parts are together, in the left hand alone (n,)."""
        return self.seated() & self.lifted() & (self.robot.openings()[:, RIGHT] > RELEASED)

    def success(self) -> Mask:
        """The parts are together, in the left hand alone, and have been for a while."""
        return self.assembled() & (self._kept >= KEPT)

    def lost(self) -> Mask:
        """A part lies on its side or has fallen off the table."""
        position, rotation = self.parts()
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

    def truth(self) -> Array:
        """True values of the scene's channels, in the torso's frame, as the head's camera sees them."""
        position, rotation = self.parts()
        place = self.robot.in_torso(position)
        axes = np.stack([rotation[:, 0, :, 0], rotation[:, 0, :, 2], rotation[:, 1, :, 2]], axis=1)
        axes = unrotate(self.tools()[1][:, TORSO][:, None], axes)
        return np.concatenate([place[:, 0], axes[:, 0], axes[:, 1], place[:, 1], axes[:, 2]], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Ways and directions from the readings, so that an error of a reading is an error of the observation."""
        r = readings
        mouth, flats, axis, collar, plug_axis = (r[channel.name] for channel in self.channels)
        grips = np.stack([mouth + HOUSING_GRIP[2] * axis, collar + PLUG_GRIP[2] * plug_axis], axis=1)
        to_grips = grips - np.stack([r["left_hand"], r["right_hand"]], axis=1)
        opening = np.concatenate([r["left_opening"], r["right_opening"]], axis=1)
        gap = mouth - collar
        along = dot(gap, axis)
        aside = norm(gap - along[:, None] * axis)
        in_bore = (aside < BORE_RADIUS / 2) & (along > -SHAFT)
        return np.concatenate(
            [
                *(to_grips.reshape(-1, 6), axis[:, :2], flats[:, :2], plug_axis[:, :2], gap, HOLD - mouth),
                *(plug_and_housing.take(to_grips), plug_and_housing.hold(to_grips, opening), in_bore[:, None]),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Take both parts, hold the housing up, bring the plug over it, push it in, let the plug go."""
        held = self.held
        return Expert(
            self.robot,
            (
                Phase("grasp", self._at_parts, OPEN, speed=0.6, until=self.at_parts, patience=80),
                Phase("grasp", self._at_parts, CLOSED, speed=0.3, until=held, dwell=5, patience=30),
                Phase("work", self._together, CLOSED, 0.6, until=self.seated, holds=held, patience=250),
                Phase("work", self._stay, (CLOSED, OPEN), 0.3, until=self.assembled, dwell=8),
                Phase("work", self._stay, (CLOSED, OPEN), 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=8),
            ),
            self.sim.nsim,
        )

    def _goal(self, hands: Array, rotations: Array) -> tuple[Array, Array]:
        """A goal for the hands (n, 2, 3) [m], (n, 2, 3, 3) in the world; the torso stays."""
        torso = np.concatenate([self._stand[:, :2], self.tools()[0][:, TORSO, 2:]], axis=1)
        heading = about_z(self._stand[:, 2])
        return (
            np.concatenate([hands, torso[:, None]], axis=1),
            np.concatenate([rotations, heading[:, None]], axis=1),
        )

    def _at_parts(self) -> tuple[Array, Array]:
        """Hands at their parts, or back from them by as much as they are still aside."""
        _, rotation = self.parts()
        turned = np.stack([rotation[:, 0] @ LEANING, np.tile(SIDEWAYS, (len(rotation), 1, 1))], axis=1)
        back = turned[..., 2]  # the way a hand comes from
        gap = self.hands_to_grips()
        aside = norm(gap - dot(gap, back)[..., None] * back)
        off = np.clip(3 * (aside - APPROACH), 0.0, BACK_OFF)
        return self._goal(plug_and_housing.grips(*self.parts()) + off[..., None] * back, turned)

    def _together(self) -> tuple[Array, Array]:
        """The housing where it is to be held; the plug into its bore, from over it, where it keeps until in line."""
        torso, about = self.tools()[0][:, TORSO], self.tools()[1][:, TORSO]
        position, rotation = self.parts()
        gap = self.collar_in_housing()
        aside = np.hypot(gap[:, 0], gap[:, 1])
        height = np.clip(20 * (aside - CENTRED), 0.0, SHAFT + OVER) - PRESS
        # too low to come over the housing, it keeps beside that
        beside = BESIDE * np.clip((aside - 0.01) / 0.02, 0, 1) * np.clip((SHAFT + OVER - gap[:, 2]) / OVER, 0, 1)
        goal = gap * (beside / np.maximum(aside, 1e-9))[:, None] * (1, 1, 0) + height[:, None] * UP
        mouth, collar = torso + rotate(about, HOLD), position[:, 0] + rotate(rotation[:, 0], goal)
        return self._bringing(np.stack([mouth, collar], axis=1), np.stack([about, rotation[:, 0]], axis=1))

    def _stay(self) -> tuple[Array, Array]:
        """The left hand holds the housing where it is to be; the right one stays where it is."""
        position, rotation = self._together()
        position[:, RIGHT], rotation[:, RIGHT] = self.tools()[0][:, RIGHT], self.tools()[1][:, RIGHT]
        return position, rotation

    def _bringing(self, places: Array, rotations: Array) -> tuple[Array, Array]:
        """Hands that bring both parts to places (n, 2, 3) [m], each by the least turn that sets its axis as asked.

        rotations (n, 2, 3, 3): of the parts at their goals; the plug's turn about its own axis is left as it is.
        """
        position, rotation = self.parts()
        hands, turned = self.tools()[0][:, :TORSO], self.tools()[1][:, :TORSO]
        turn = from_rotvec(cross(rotation[..., 2], rotations[..., 2]))
        turn[:, LEFT] = rotations[:, LEFT] @ np.swapaxes(rotation[:, LEFT], -1, -2)
        return self._goal(places + rotate(turn, hands - position), turn @ turned)
