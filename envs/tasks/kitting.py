"""Kitting: put three parts of different shape into the matching pockets of a kit tray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import Expert, bringing, pick_and_place
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench, Fixture, Parts, add_part
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import DOWN, STROKE, ParallelGripper
from shopfloor.envs.rotations import about_z, norm, sine_cosine, wrapped, yaw
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Array, Ids, Knob, Mask, Task, measurement

PARTS = ("bush", "block", "hexagon")  # turned bush, milled block, hexagon blank; each is gripped along its y
HEIGHT = 0.036  # [m] of every part
BUSH_RADIUS = 0.017  # [m]
BLOCK = (0.022, 0.013)  # [m] half length and half width
HEXAGON = 0.015  # [m] half width across flats
GRIPPED = np.array([BUSH_RADIUS, BLOCK[1], HEXAGON])  # [m] half widths between the pads
MASSES = np.array([0.088, 0.111, 0.076])  # [kg], aluminium
TURNED = np.array([0.0, 1.0, 1.0])  # 0: a turn does not show
PERIODS = np.array([2 * np.pi, np.pi, np.pi / 3])  # [rad] after which a turned part looks the same
COLOURS = ((0.80, 0.62, 0.25, 1), (0.25, 0.38, 0.62, 1), (0.62, 0.30, 0.28, 1))

DEPTH = 0.012  # [m] of the pockets
CHAMFER = 0.004  # [m] round their mouths: more than a hand is off
FLOOR = 0.004  # [m] thickness of the tray under the pockets
PITCH = 0.072  # [m] from pocket to pocket: the open fingers fit between two parts
CELL = (PITCH / 2, 0.042)  # [m] half sizes of the tray around one pocket
POCKETS = np.array([[-PITCH, 0.0], [0.0, 0.0], [PITCH, 0.0]])  # [m] in the tray's frame

AREA = (0.45, -0.14)  # [m] middle of the area where the parts lie
SLOTS = np.array([[-0.09, 0.035], [0.0, -0.05], [0.09, 0.035]])  # [m] in the area
SCATTER = 0.018  # [m] about each slot along x and y: the open fingers fit between two parts
STATION = (0.45, 0.14)  # [m] nominal place of the tray
READY = (0.45, 0.0, 0.16)  # [m] where the tool starts

GRASP = np.array([0.0, 0.0, 0.008])  # [m] from the part's middle to the tool: the pads stay above the tray
RELEASE = np.array([0.0, 0.0, 0.003])  # [m] over its seat a part is let go, below the chamfer
TRAVEL = 0.11  # [m] over the robot's base, height of the tool while it carries
SEATED = 0.004  # [m] over the pocket's floor: below its chamfer
ALIGNED = np.radians(15)  # [rad] of yaw
UPRIGHT = np.cos(np.radians(10))
LET_GO = 0.002  # [m] that each pad stands off a part
CLEAR = 0.04  # [m] from a part, where the hand does not touch it
OFF_BENCH = -0.05  # [m]


class Kitting(Task):
    """Fill a kit tray.

    Goal: the bush, the block and the hexagon blank each sit in their own pocket, and the hand has let go.

    Observation (base frame; p = proprioceptive). The current part is the first that is not placed yet:

    ======  =============================================================  ====
    index   meaning                                                        unit
    ======  =============================================================  ====
    0-2  p  tool centre point                                              m
    3-5  p  tool x axis                                                    1
    6-8  p  tool z axis                                                    1
    9    p  opening of each finger                                         m
    10-12 p tool: commanded less measured (what it presses)                m
    13-15   grasp point of the current part less tool centre point         m
    16-17   sine, cosine of the turn from the tool's yaw to a grasp        1
    18-20   seat of the current part less its middle                       m
    21-22   sine, cosine of the turn from the part's yaw to its pocket's   1
    23-25   tool centre point to where it puts the current part            m
    26-28   current part: bush, block, hexagon                             1
    29      the current part is in the hand                                1
    30-31   bush, block: placed                                            1
    32-40   middle of bush, block, hexagon less tool centre point          m
    41-44   sine, cosine of twice block's, of six times hexagon's yaw      1
    45-47   tray less tool centre point                                    m
    48-49   tray's x axis, level                                           1
    ======  =============================================================  ====

    Randomised: which part lies where, place and yaw of the parts, place and yaw of the tray, the arm's start;
    between sites friction, masses, bench height, station.

    Success: each part is less than 4 mm over its own pocket's floor, within the clearance of its seat, in its
    yaw and upright, and the hand has let go of it.
    """

    knobs = {
        "clearance": Knob(4e-3, 2.5e-3, 1e-3, 2e-4, 5e-3, "[m], play of a part in its pocket, wall to wall"),
        "tray_yaw": Knob(0.2, 0.5, 1.0, 0.0, 1.2, "[rad], the most that the tray is turned to either side"),
    }
    instruction = "Put each part into its pocket of the kit tray."
    horizon = 40.0
    randomised = {
        "order": Uniform((0.0,) * 3, (1.0,) * 3),  # the parts' order in it says which slot each has
        "part_shift": Uniform((-SCATTER,) * 6, (SCATTER,) * 6),  # [m]
        "part_yaw": Uniform((-np.pi,) * 3, (np.pi,) * 3),  # [rad]
        "tray_shift": Uniform((-0.03, -0.02), (0.03, 0.03)),  # [m]
        "tray_yaw": Uniform(-1.0, 1.0),  # of the most that it is turned
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad]
    }
    channels = (
        *(Channel(name, "camera", "position") for name in PARTS),
        *(Channel(f"{name}_axis", "camera", "direction") for name in PARTS),
        Channel("tray", "fixture_camera", "position"),
        Channel("tray_axis", "fixture_camera", "direction"),
    )
    scene_names = (
        *("tcp_to_grasp_x", "tcp_to_grasp_y", "tcp_to_grasp_z", "grasp_turn_sin", "grasp_turn_cos"),
        *("part_to_seat_x", "part_to_seat_y", "part_to_seat_z", "seat_turn_sin", "seat_turn_cos"),
        *("tcp_to_place_x", "tcp_to_place_y", "tcp_to_place_z"),
        *(f"current_{name}" for name in PARTS),
        "held",
        *(f"placed_{name}" for name in PARTS[:-1]),  # the last one ends the work
        *(f"tcp_to_{name}_{axis}" for name in PARTS for axis in "xyz"),
        *("block_yaw_sin", "block_yaw_cos", "hexagon_yaw_sin", "hexagon_yaw_cos"),
        *("tcp_to_tray_x", "tcp_to_tray_y", "tcp_to_tray_z", "tray_axis_x", "tray_axis_y"),
    )
    reward_weights = {"reach": 0.1, "grasp": 0.1, "carry": 0.2, "placed": 0.6}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with straight jaws that point down."""
        return Arm(ParallelGripper(tilt=0.0))

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, kit tray under a mocap body, three free parts."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.96, -0.16, 0.46), target=(0.44, 0.0, 0.05))
        scene.add_visual_box(spec.body("bench"), (0.15, 0.105, 5e-4), (*AREA, 0), (0.33, 0.36, 0.40, 1))
        self._add_tray(spec)
        bush, block, hexagon = (add_part(spec, name) for name in PARTS)
        bush.add_geom(name=PARTS[0], type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(BUSH_RADIUS, HEIGHT / 2, 0))
        block.add_geom(name=PARTS[1], type=mujoco.mjtGeom.mjGEOM_BOX, size=(*BLOCK, HEIGHT / 2))
        outline = scene.polygon(6, HEXAGON)
        scene.add_prism(spec, hexagon, PARTS[2], outline=outline, low=-HEIGHT / 2, high=HEIGHT / 2, rgba=COLOURS[2])
        for name, mass, colour in zip(PARTS, MASSES, COLOURS, strict=True):
            spec.geom(name).mass, spec.geom(name).rgba = mass, colour
        return spec

    def _add_tray(self, spec: mujoco.MjSpec) -> None:
        tray = spec.worldbody.add_body(name="tray", mocap=True, pos=(*STATION, 0))
        play = self.knob["clearance"] / 2
        x, y = BLOCK[0] + play, BLOCK[1] + play
        outlines = (
            scene.polygon(scene.WALLS, BUSH_RADIUS + play),
            ((x, y), (-x, y), (-x, -y), (x, -y)),
            scene.polygon(6, HEXAGON + play),
        )
        for name, outline, (at_x, at_y) in zip(PARTS, outlines, POCKETS, strict=True):
            scene.add_pocket(
                spec,
                tray,
                f"{name}_pocket",
                outline=outline,
                outer=CELL,
                depth=DEPTH,
                chamfer=CHAMFER,
                position=(at_x, at_y, FLOOR + DEPTH),
                rgba=(0.30, 0.33, 0.36, 1),
            )
        box = mujoco.mjtGeom.mjGEOM_BOX
        size = (3 * CELL[0], CELL[1], FLOOR / 2)
        tray.add_geom(name="tray_floor", type=box, size=size, pos=(0, 0, FLOOR / 2), rgba=(0.58, 0.60, 0.62, 1))

    def bind(self, sim: Simulation) -> None:
        """Look up the parts and the tray."""
        super().bind(sim)
        self._parts = Parts(sim, PARTS)
        self._bench, self._tray = Bench(sim), Fixture(sim, "tray")
        self._home = self.robot.home(READY, DOWN)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The parts each in a slot of the area, the tray at its station, the arm near ready."""
        n = len(ids)
        bench = self._bench.place(ids, sites)
        self._parts.weigh(ids, MASSES + np.array([[site.part_mass] for site in sites]))
        tray = np.concatenate([STATION + draws["tray_shift"], bench[:, None]], axis=1)
        tray[:, :2] += np.array([site.fixture_shift for site in sites])
        self._tray.put(ids, tray, about_z(self.knob["tray_yaw"] * draws["tray_yaw"]))
        positions = np.empty((n, len(PARTS), 3))
        positions[..., :2] = (
            AREA + SLOTS[np.argsort(draws["order"], axis=1)] + draws["part_shift"].reshape(n, len(PARTS), 2)
        )
        positions[..., 2] = bench[:, None] + HEIGHT / 2
        self._parts.put(ids, positions, about_z(draws["part_yaw"]))
        self.robot.place(ids, self._home + draws["joint_shift"], np.full(n, STROKE))

    @measurement
    def parts(self) -> tuple[Array, Array]:
        """Middles (n, 3, 3) [m] and rotations (n, 3, 3, 3) of the parts."""
        return self._parts.positions(), self._parts.rotations().copy()

    @measurement
    def seats(self) -> tuple[Array, Array]:
        """Where the parts' middles belong (n, 3, 3) [m], and the tray's yaw (n,) [rad]."""
        tray_yaw = yaw(self.sim.body_rotation("tray"))
        return _seats(self._tray.position(), tray_yaw), tray_yaw

    @measurement
    def placed(self) -> Mask:
        """Which parts sit in their own pockets, out of the hand (n, 3)."""
        positions, rotations = self.parts()
        seats, tray_yaw = self.seats()
        tcp, opening = self.robot.pose()[0], self.robot.tool.state()
        upright: Mask = rotations[..., 2, 2] > UPRIGHT
        return upright & self._placed(positions, yaw(rotations), seats, tray_yaw, tcp, opening)

    def _placed(self, positions: Array, yaws: Array, seats: Array, tray_yaw: Array, tcp: Array, opening: Array) -> Mask:
        """Which parts (k, 3) are placed, true or as read."""
        gap = positions - seats
        inside = np.hypot(gap[..., 0], gap[..., 1]) < self.knob["clearance"] + SEATED
        seated = np.abs(gap[..., 2]) < SEATED
        aligned = np.abs(_turn(tray_yaw[:, None] - yaws)) < ALIGNED
        free = (opening[:, None] > GRIPPED + LET_GO) | (norm(tcp[:, None] - positions) > CLEAR)
        placed: Mask = inside & seated & aligned & free
        return placed

    @measurement
    def current(self) -> Ids:
        """The first part that is not placed, or the last (n,)."""
        return _first_missing(self.placed())

    @measurement
    def held(self) -> Mask:
        """Which parts are between the closed pads (n, 3)."""
        return _held(self.parts()[0], self.robot.pose()[0], self.robot.tool.state())

    def success(self) -> Mask:
        """Every part is placed."""
        done: Mask = np.logical_and.reduce(self.placed(), axis=1)
        return done

    def lost(self) -> Mask:
        """A part has left the bench or the arm's reach, or lies on its side: the hand cannot set it up."""
        positions, rotations = self.parts()
        away = (positions[..., 2] < OFF_BENCH) | (np.hypot(positions[..., 0], positions[..., 1]) > 0.8)
        lost: Mask = np.logical_or.reduce(away | (rotations[..., 2, 2] < 0.5), axis=1)
        return lost

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and current part, hold, nearness of part and seat while held, share of parts placed."""
        lanes, current = np.arange(self.sim.nsim), self.current()
        part = self.parts()[0][lanes, current]
        held = self.held()[lanes, current]
        return {
            "reach": 1 - np.tanh(5 * norm(part + GRASP - self.robot.pose()[0])),
            "grasp": held.astype(float),
            "carry": held * (1 - np.tanh(5 * norm(self.seats()[0][lanes, current] - part))),
            "placed": self.placed().mean(axis=1),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        positions, rotations = self.parts()
        loose = [part.reshape(len(part), -1) for part in (positions, rotations[..., 0])]
        return np.concatenate([*loose, self._tray.position(), self.sim.body_rotation("tray")[..., 0]], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """The current part's errors to hand and pocket, progress, and where all is, from the readings."""
        r = readings
        tcp, opening, rows = r["tcp"], r["opening"], np.arange(len(r["tcp"]))
        positions = np.stack([r[name] for name in PARTS], axis=1)
        axes = np.stack([r[f"{name}_axis"] for name in PARTS], axis=1)
        yaws = np.arctan2(axes[..., 1], axes[..., 0])
        tray_yaw = np.arctan2(r["tray_axis"][:, 1], r["tray_axis"][:, 0])
        tool_yaw = np.arctan2(r["tcp_z"][:, 1], r["tcp_z"][:, 0])
        seats = _seats(r["tray"], tray_yaw)
        placed = self._placed(positions, yaws, seats, tray_yaw, tcp, opening[:, 0])
        current = _first_missing(placed)
        part, seat = positions[rows, current], seats[rows, current]
        grasp_turn = _turn(yaws - tool_yaw[:, None])[rows, current]
        seat_turn = _turn(tray_yaw[:, None] - yaws)[rows, current]
        folded = yaws[:, 1:] * (2 * np.pi / PERIODS[1:])
        return np.concatenate(
            [
                *(part + GRASP - tcp, sine_cosine(grasp_turn[:, None])),
                *(seat - part, sine_cosine(seat_turn[:, None]), seat + GRASP - tcp),
                *(np.eye(len(PARTS))[current], _held(positions, tcp, opening[:, 0])[rows, current, None]),
                *(placed[:, :-1], (positions - tcp[:, None]).reshape(len(tcp), -1), sine_cosine(folded)),
                *(r["tray"] - tcp, r["tray_axis"][:, :2]),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Part by part: reach, grasp, carry, put down, let go; the first that is not placed comes next."""
        lanes = np.arange(self.sim.nsim)

        def part() -> tuple[Array, Array]:
            positions, rotations = self.parts()
            return positions[lanes, expert.item], rotations[lanes, expert.item]

        def pick() -> tuple[Array, Array]:
            position, rotation = part()
            tool_yaw = yaw(self.robot.pose()[1] @ DOWN.T)
            turn = _turn(yaw(rotation)[:, None] - tool_yaw[:, None])[lanes, expert.item]
            return position + GRASP, about_z(tool_yaw + turn) @ DOWN

        def seat() -> tuple[Array, Array]:
            seats, tray_yaw = self.seats()
            part_yaw = yaw(part()[1])
            turn = _turn((tray_yaw - part_yaw)[:, None])[lanes, expert.item]
            return seats[lanes, expert.item] + RELEASE, about_z(part_yaw + turn)

        phases = pick_and_place(
            *(self.robot, pick, bringing(self.robot, part, seat)),
            held=lambda: self.held()[lanes, expert.item],
            travel=TRAVEL,
            aside=0.015,
        )
        expert = Expert(self.robot, phases, self.sim.nsim, choose=self.current)
        return expert


def _turn(angle: Array) -> Array:
    """The least turns (n, 3) [rad] that bring parts to the same look as turns by angle (n, 3) or (n, 1) would."""
    turn: Array = TURNED * wrapped(angle, PERIODS)
    return turn


def _seats(tray: Array, tray_yaw: Array) -> Array:
    """Middles (n, 3, 3) [m] of parts that sit in the pockets of a tray at (n, 3) [m] with yaw (n,)."""
    cosine, sine = np.cos(tray_yaw)[:, None], np.sin(tray_yaw)[:, None]
    x, y = POCKETS[:, 0], POCKETS[:, 1]
    z = np.full((len(tray), len(POCKETS)), FLOOR + HEIGHT / 2)
    offsets: Array = np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1)
    return tray[:, None] + offsets


def _held(positions: Array, tcp: Array, opening: Array) -> Mask:
    """Which parts (n, 3) are between the pads of a hand at tcp (n, 3) [m] with opening (n,) [m]."""
    held: Mask = (norm(positions - tcp[:, None]) < 0.02) & (np.abs(opening[:, None] - GRIPPED) < LET_GO)
    return held


def _first_missing(placed: Mask) -> Ids:
    """The first part (n,) that is not placed (n, 3), or the last."""
    first: Ids = np.where(placed.all(axis=1), len(PARTS) - 1, np.argmin(placed, axis=1))
    return first
