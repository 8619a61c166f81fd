"""Kitting: put three parts of different shape into the matching pockets of a kit tray."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import bringing, pick_and_place
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import kit, scene
from shopfloor.envs.props.kit import PARTS, least_turns, seats_of
from shopfloor.envs.props.parts import Bench, Fixture, Parts
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import DOWN, ParallelGripper
from shopfloor.envs.rotations import about_z, compose, norm, sine_cosine, yaw
from shopfloor.envs.task import Expert, Knob, Simulation, Sites, Task, Uniform

AREA = (0.45, -0.14)  # [m] middle of the area where the parts lie
SLOTS = np.array([[-0.09, 0.035], [0.0, -0.05], [0.09, 0.035]])  # [m] in the area
SCATTER = 0.018  # [m] about each slot along x and y: the open fingers fit between two parts
STATION = (0.45, 0.14)  # [m] nominal place of the tray
READY = (0.45, 0.0, 0.16)  # [m] where the tool starts

GRASP = np.array([0.0, 0.0, 0.008])  # [m] from the part's middle to the tool: the pads stay above the tray
RELEASE = np.array([0.0, 0.0, 0.003])  # [m] over its seat a part is let go, below the chamfer
TRAVEL = 0.11  # [m] over the robot's base, height of the tool while it carries
UPRIGHT = np.cos(np.radians(10))
LET_GO = 0.002  # [m] that each pad stands off a part
CLEAR = 0.04  # [m] from a part, where the hand does not touch it
OFF_BENCH = -0.05  # [m]
SINE_COSINE = ("sin", "cos")


class Kitting(Task):
    """Fill a kit tray.

    Goal: the bush, the block and the hexagon blank each sit in their own pocket, and the hand has let go.

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
        Channel("parts", "camera", "position", 9),
        Channel("part_axes", "camera", "direction", 9),
        Channel("tray", "fixture_camera", "position"),
        Channel("tray_axis", "fixture_camera", "direction"),
    )
    terms = (  # the current part is the first that is not placed yet
        Term("tcp_to_grasp", "m", "grasp point of the current part less tool centre point"),
        Term("grasp_turn", "1", "sine, cosine of the turn from the tool's yaw to a grasp", SINE_COSINE),
        Term("part_to_seat", "m", "seat of the current part less its middle"),
        Term("seat_turn", "1", "sine, cosine of the turn from the part's yaw to its pocket's", SINE_COSINE),
        Term("tcp_to_place", "m", "tool centre point to where it puts the current part"),
        Term("current", "1", "current part: bush, block, hexagon", PARTS),
        Term("held", "1", "the current part is in the hand", ONE),
        Term("placed", "1", "bush, block: placed; the last one ends the work", PARTS[:-1]),
        *(Term(f"tcp_to_{name}", "m", f"middle of the {name} less tool centre point") for name in PARTS),
        Term("block_yaw", "1", "sine, cosine of twice the block's yaw", SINE_COSINE),
        Term("hexagon_yaw", "1", "sine, cosine of six times the hexagon's yaw", SINE_COSINE),
        Term("tcp_to_tray", "m", "tray less tool centre point"),
        Term("tray_axis", "1", "tray's x axis, level", XY),
    )
    own_measures = (
        Measure("parts_placed", "1", "parts in their own pockets, let go"),
        Measure("grasps", "1", "how often a part was taken", "rises", "holds"),
        Measure("drops", "1", "how often one was let go outside its pocket", "falls", "holds", unless="at_pocket"),
        Measure("largest_tilt", "rad", "how far a part leant from upright", "highest", "tilt"),
    )
    stages = ("start", "grasped", "one placed", "two placed", "kitted")
    reward_weights = {"reach": 0.1, "grasp": 0.1, "carry": 0.2, "placed": 0.6}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with straight jaws that point down."""
        return Arm(ParallelGripper(tilt=0.0), home=READY, rotation=DOWN)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, kit tray under a mocap body, three free parts."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.96, -0.16, 0.46), target=(0.44, 0.0, 0.05))
        scene.add_visual_box(spec.body("bench"), (0.15, 0.105, 5e-4), (*AREA, 0), (0.33, 0.36, 0.40, 1))
        tray = spec.worldbody.add_body(name="tray", mocap=True, pos=(*STATION, 0))
        kit.add_kit_tray(spec, tray, self.knob["clearance"])
        kit.add_kit_parts(spec)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the parts and the tray."""
        super().bind(sim)
        self._parts = Parts(sim, PARTS)
        self._bench, self._tray = Bench(sim), Fixture(sim, "tray")

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The parts each in a slot of the area, the tray at its station, the arm near ready."""
        n = len(ids)
        bench = self._bench.place(ids, sites)
        self._parts.weigh(ids, kit.MASSES + sites.part_mass[:, None])
        tray = np.concatenate([STATION + draws["tray_shift"], bench[:, None]], axis=1)
        tray[:, :2] += sites.fixture_shift
        self._tray.put(ids, tray, about_z(self.knob["tray_yaw"] * draws["tray_yaw"]))
        positions = np.empty((n, len(PARTS), 3))
        slots = SLOTS[np.argsort(draws["order"], axis=1)]
        positions[..., :2] = AREA + slots + draws["part_shift"].reshape(n, len(PARTS), 2)
        positions[..., 2] = bench[:, None] + kit.HEIGHT / 2
        self._parts.put(ids, positions, about_z(draws["part_yaw"]))
        self.robot.stand_ready(ids, draws["joint_shift"])

    @measurement
    def parts(self) -> Array:
        """Middles (n, 3, 3) [m] of the parts."""
        return self._parts.positions()

    @measurement
    def part_axes(self) -> Array:
        """The parts' x axes (n, 3, 3)."""
        return self._parts.rotations()[..., 0]

    def tray(self) -> Array:
        """Middle of the tray's lower face (n, 3) [m]."""
        return self._tray.position()

    def tray_axis(self) -> Array:
        """The tray's x axis (n, 3)."""
        return self.sim.body_rotation("tray")[..., 0]

    @measurement
    def seats(self) -> tuple[Array, Array]:
        """Where the parts' middles belong (n, 3, 3) [m], and the tray's yaw (n,) [rad]."""
        tray_yaw = yaw(self.sim.body_rotation("tray"))
        return seats_of(self.tray(), tray_yaw), tray_yaw

    @measurement
    def placed(self) -> Mask:
        """Which parts sit in their own pockets, out of the hand (n, 3)."""
        rotations, tray, tray_yaw = self._parts.rotations(), self.tray(), self.seats()[1]
        upright: Mask = rotations[..., 2, 2] > UPRIGHT
        tcp, opening = self.robot.pose()[0], self.robot.tool.state()
        return upright & self._placed(self.parts(), yaw(rotations), tray, tray_yaw, tcp, opening)

    def _placed(self, parts: Array, yaws: Array, tray: Array, tray_yaw: Array, tcp: Array, opening: Array) -> Mask:
        """Which parts (k, 3) are placed, true or as read."""
        free = (opening[:, None] > kit.WIDTHS + LET_GO) | (norm(tcp[:, None] - parts) > CLEAR)
        return kit.seated(parts, yaws, tray, tray_yaw, self.knob["clearance"]) & free

    def parts_placed(self) -> Ids:
        """How many parts are placed (n,)."""
        count: Ids = np.add.reduce(self.placed(), axis=1, dtype=np.intp)
        return count

    @measurement
    def current(self) -> Ids:
        """The first part that is not placed, or the last (n,)."""
        return _first_missing(self.placed())

    @measurement
    def held(self) -> Mask:
        """Which parts are between the closed pads (n, 3)."""
        return _held(self.parts(), self.robot.pose()[0], self.robot.tool.state())

    def holds(self) -> Mask:
        """Whether any part is between the closed pads (n,)."""
        holds: Mask = np.logical_or.reduce(self.held(), axis=1)
        return holds

    def at_pocket(self) -> Mask:
        """Whether the part that is nearest to the tool is in the mouth of its own pocket or deeper (n,)."""
        gap = self.parts() - self.seats()[0]
        nearest = norm(self.parts() - self.robot.pose()[0][:, None]).argmin(axis=1)
        within = kit.in_pockets(gap, self.knob["clearance"]) & (gap[..., 2] < kit.DEPTH)
        at_pocket: Mask = within[np.arange(self.sim.nsim), nearest]
        return at_pocket

    def tilt(self) -> Array:
        """How far the part that leans most is from upright (n,) [rad]."""
        tilt: Array = np.arccos(self._parts.rotations()[..., 2, 2].min(axis=1).clip(-1.0, 1.0))
        return tilt

    def success(self) -> Mask:
        """Every part is placed."""
        done: Mask = np.logical_and.reduce(self.placed(), axis=1)
        return done

    def stage(self) -> Ids:
        """A part in the hand, then the number of parts placed."""
        placed = self.parts_placed()
        return np.where(placed > 0, placed + 1, self.holds())

    def lost(self) -> Mask:
        """A part has left the bench or the arm's reach, or lies on its side: the hand cannot set it up."""
        positions, rotations = self.parts(), self._parts.rotations()
        away = (positions[..., 2] < OFF_BENCH) | (np.hypot(positions[..., 0], positions[..., 1]) > 0.8)
        lost: Mask = np.logical_or.reduce(away | (rotations[..., 2, 2] < 0.5), axis=1)
        return lost

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and current part, hold, nearness of part and seat while held, share of parts placed."""
        lanes, current = np.arange(self.sim.nsim), self.current()
        part = self.parts()[lanes, current]
        held = self.held()[lanes, current]
        return {
            "reach": 1 - np.tanh(5 * norm(part + GRASP - self.robot.pose()[0])),
            "grasp": held.astype(float),
            "carry": held * (1 - np.tanh(5 * norm(self.seats()[0][lanes, current] - part))),
            "placed": self.placed().mean(axis=1),
        }

    def observe(self, readings: Readings) -> Terms:
        """The current part's errors to hand and pocket, progress, and where all is, from the readings."""
        tcp, opening, tray, tray_axis = (readings[name] for name in ("tcp", "opening", "tray", "tray_axis"))
        positions, axes = (readings[name].reshape(-1, len(PARTS), 3) for name in ("parts", "part_axes"))
        rows = np.arange(len(tcp))
        yaws = np.arctan2(axes[..., 1], axes[..., 0])
        tray_yaw = np.arctan2(tray_axis[:, 1], tray_axis[:, 0])
        tool_yaw = np.arctan2(readings["tool_z"][:, 1], readings["tool_z"][:, 0])
        seats = seats_of(tray, tray_yaw)
        placed = self._placed(positions, yaws, tray, tray_yaw, tcp, opening[:, 0])
        current = _first_missing(placed)
        part, seat = positions[rows, current], seats[rows, current]
        folded = yaws[:, 1:] * (2 * np.pi / kit.PERIODS[1:])
        return {
            "tcp_to_grasp": part + GRASP - tcp,
            "grasp_turn": sine_cosine(least_turns(yaws - tool_yaw[:, None])[rows, current, None]),
            "part_to_seat": seat - part,
            "seat_turn": sine_cosine(least_turns(tray_yaw[:, None] - yaws)[rows, current, None]),
            "tcp_to_place": seat + GRASP - tcp,
            "current": np.eye(len(PARTS))[current],
            "held": _held(positions, tcp, opening[:, 0])[rows, current],
            "placed": placed[:, :-1],
            **{f"tcp_to_{name}": positions[:, i] - tcp for i, name in enumerate(PARTS)},
            "block_yaw": sine_cosine(folded[:, :1]),
            "hexagon_yaw": sine_cosine(folded[:, 1:]),
            "tcp_to_tray": tray - tcp,
            "tray_axis": tray_axis[:, :2],
        }

    def expert(self) -> Expert:
        """Part by part: reach, grasp, carry, put down, let go; the first that is not placed comes next."""
        lanes = np.arange(self.sim.nsim)

        def part() -> tuple[Array, Array]:
            return self.parts()[lanes, expert.item], self._parts.rotations()[lanes, expert.item]

        def pick() -> tuple[Array, Array]:
            position, rotation = part()
            tool_yaw = yaw(compose(self.robot.pose()[1], DOWN.T))
            turn = least_turns(yaw(rotation)[:, None] - tool_yaw[:, None])[lanes, expert.item]
            return position + GRASP, compose(about_z(tool_yaw + turn), DOWN)

        def seat() -> tuple[Array, Array]:
            seats, tray_yaw = self.seats()
            part_yaw = yaw(part()[1])
            turn = least_turns((tray_yaw - part_yaw)[:, None])[lanes, expert.item]
            return seats[lanes, expert.item] + RELEASE, about_z(part_yaw + turn)

        phases = pick_and_place(
            *(self.robot, pick, bringing(self.robot, part, seat)),
            held=lambda: self.held()[lanes, expert.item],
            travel=TRAVEL,
            aside=0.015,
        )
        expert = Expert(self.robot, phases, self.sim.nsim, choose=self.current)
        return expert


def _held(positions: Array, tcp: Array, opening: Array) -> Mask:
    """Which parts (n, 3) are between the pads of a hand at tcp (n, 3) [m] with opening (n,) [m]."""
    held: Mask = (norm(positions - tcp[:, None]) < 0.02) & (np.abs(opening[:, None] - kit.WIDTHS) < LET_GO)
    return held


def _first_missing(placed: Mask) -> Ids:
    """The first part (n,) that is not placed (n, 3), or the last."""
    first: Ids = placed[:, :-1].cumprod(axis=1).sum(axis=1)
    return first
