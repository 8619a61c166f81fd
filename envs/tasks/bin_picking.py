"""Bin picking: take the ordered item out of a cluttered bin into a tote."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from shopfloor.envs.experts import picking
from shopfloor.envs.experts.expert import pick_and_place
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import scene
from shopfloor.envs.props.goods import mass_draws
from shopfloor.envs.props.parts import Bench
from shopfloor.envs.props.picking_bin import PickingStation, add_station
from shopfloor.envs.props.small_goods import COLOURS, HALF_SIZES, ITEMS, KINDS, N
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import DOWN, STROKE, ParallelGripper
from shopfloor.envs.rotations import about_z, compose, cross, norm, sine_cosine, yaw
from shopfloor.envs.task import Expert, Knob, Simulation, Sites, Task, Uniform, furthest

READY = (0.45, 0.0, 0.18)  # [m] where the tool starts
TRAVEL = 0.15  # [m] over the robot's base, height of the tool while it carries
WIDE = 0.9 * STROKE  # [m] opening of a hand that is open
STIFFNESS = 0.4  # of the arm's usual one: where a finger lands on a neighbour, the arm gives way
DAMPING = 2400.0  # [N s/m] of the fingers' drive: after 0.15 m/s in the first 35 ms they close at 0.09 m/s and less
CLEAR = 0.03  # [m] from an item that the hand has left
STILL = 0.05  # [m/s]


class BinPicking(Task):
    """Pick the ordered item.

    Goal: the ordered item, and no other, lies in the tote.

    Randomised: which item is ordered, which lies where, on which side and in which direction, the items' sizes and
    masses, the end of the bin where they lie, place and yaw of the bin, place of the tote, the arm's start; between
    sites friction, masses, bench height, station.

    Success: the ordered item alone is inside the tote's walls, below its rim, slow, and 30 mm from the hand.
    """

    knobs = {
        "pitch": Knob(0.068, 0.062, 0.056, 0.054, 0.07, "[m] from item to item: the less, the denser the heap"),
        "size_spread": Knob(0.05, 0.08, 0.1, 0.0, 0.1, "share by which items are larger or smaller at the most"),
        "variety": Knob(0.5, 1.0, 1.2, 0.0, 1.5, "share of the measured spread of goods, cut to what fits"),
        "bin_depth": Knob(0.045, 0.055, 0.065, 0.03, 0.07, "[m] of the bin"),
    }
    instruction = "Take the ordered item out of the bin and put it into the tote."
    horizon = 40.0
    randomised = {
        "order": Uniform(0.0, 1.0),  # which item, as a share of all
        "slots": Uniform((0.0,) * N, (1.0,) * N),  # the items' order in it says where each lies
        "shift": Uniform((-0.5,) * (2 * N), (0.5,) * (2 * N)),  # of what the pitch leaves free
        "face": Uniform((0.0,) * N, (1.0,) * N),  # which axis is up, as a share of three; tubes always lie
        "yaw": Uniform((-np.pi,) * N, (np.pi,) * N),  # [rad]
        "size": mass_draws(N),
        "mass": mass_draws(N),
        "end": Uniform(-1.0, 1.0),  # the heap is at the bin's far end where this is above 0
        "bin_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "bin_yaw": Uniform(-0.15, 0.15),  # [rad]
        "tote_shift": Uniform((-0.04, -0.01), (0.04, 0.03)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad]
    }
    channels = (
        Channel("item_places", "camera", "position", 3 * N),
        Channel("item_x", "camera", "direction", 3 * N),
        Channel("item_z", "camera", "direction", 3 * N),
        Channel("lengths", "camera", "scalar", N),
        Channel("bin", "fixture_camera", "position"),
        Channel("bin_axis", "fixture_camera", "direction"),
        Channel("tote", "fixture_camera", "position"),
        Channel("ordered", "signal", "scalar", N),  # the order system's
    )
    # the current item is the one in the hand; else one that is in the tote by mistake; else the ordered one, or one
    # near it that goes aside in the bin where it is not free to take
    terms = (
        Term("tcp_to_grasp", "m", "grasp point of the current item less tool centre point"),
        Term("grasp_turn", "1", "sine, cosine of the turn from the tool's yaw to the grasp's", ("sin", "cos")),
        Term("item_to_goal", "m", "where the current item goes less its middle"),
        Term("tcp_to_goal", "m", "tool centre point to where it lets the current item go"),
        Term("current_is_ordered", "1", "the current item is the ordered one", ONE),
        Term("held", "1", "the current item is in the hand", ONE),
        Term("current", "1", "the current item's kind", ("box", "cylinder", "capsule")),
        Term("current_length", "m", "longest half size of the current item", ONE),
        Term("ordered", "1", "the ordered item's colour", ("red", "green", "blue")),
        Term("tcp_to_ordered", "m", "middle of the ordered item less tool centre point"),
        *(Term(f"tcp_to_{name}", "m", f"middle of item {i} less tool centre point") for i, name in enumerate(ITEMS)),
        Term("tcp_to_bin", "m", "bin less tool centre point"),
        Term("bin_axis", "1", "bin's x axis, level", XY),
        Term("tcp_to_tote", "m", "tote less tool centre point"),
    )
    own_measures = (
        Measure("grasps", "1", "how often an item was taken", "rises", "holds"),
        Measure("other_grasps", "1", "how often one that is not ordered was taken", "rises", "holds_other"),
        Measure("drops", "1", "how often one was let go outside bin and tote", "falls", "holds", unless="put_down"),
        Measure("mistakes", "1", "how often another item than the ordered one came into the tote", "rises", "mistaken"),
        Measure("spilled", "1", "items on the bench"),
    )
    stages = ("start", "grasped", "lifted out", "in the tote", "delivered")
    reward_weights = {"reach": 0.1, "grasp": 0.15, "carry": 0.25, "tote": 0.5}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm, set soft, with straight jaws that point down and close slowly."""
        return Arm(ParallelGripper(tilt=0.0, damping=DAMPING), home=READY, rotation=DOWN, stiffness=STIFFNESS)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, bin and tote under mocap bodies, seven free items; a lamp shows the ordered one's colour."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(1.0, -0.1, 0.55), target=(0.44, 0.0, 0.04))
        add_station(spec, self.knob["bin_depth"])
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the items, the bin and the tote."""
        super().bind(sim)
        self._bench, self._station = Bench(sim), PickingStation(sim, self.knob["bin_depth"])

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """A heap at rest in the bin, bin and tote at their stations, the arm near ready."""
        bench, knob = self._bench.place(ids, sites), self.knob
        spreads = {"size_spread": knob["size_spread"], "variety": knob["variety"]}
        self._station.place(ids, draws, sites, bench, pitch=knob["pitch"], **spreads)
        self.robot.stand_ready(ids, draws["joint_shift"])
        self.sim.settle(ids)

    @measurement
    def item_places(self) -> Array:
        """Middles (n, items, 3) [m]."""
        return self._station.goods.positions()

    @measurement
    def item_x(self) -> Array:
        """The items' x axes (n, items, 3)."""
        return self._station.goods.rotations()[..., 0]

    @measurement
    def item_z(self) -> Array:
        """The items' z axes (n, items, 3), of tins and tubes the long ones."""
        return self._station.goods.rotations()[..., 2]

    def lengths(self) -> Array:
        """Longest half size of each item (n, items) [m]."""
        lengths: Array = self._station.scales * HALF_SIZES.max(axis=1)
        return lengths

    def bin(self) -> Array:
        """Middle of the bin's floor (n, 3) [m]."""
        return self._station.bin.position()

    @measurement
    def bin_axis(self) -> Array:
        """The bin's x axis (n, 3)."""
        return self.sim.body_rotation("bin")[..., 0]

    def tote(self) -> Array:
        """Middle of the tote's floor (n, 3) [m]."""
        return self._station.tote.position()

    @measurement
    def ordered(self) -> Array:
        """One-hot number of the ordered item (n, items)."""
        ordered: Array = np.eye(N)[self._station.order]
        return ordered

    @measurement
    def in_tote(self) -> Mask:
        """Which items are inside the tote's walls and below its rim (n, items)."""
        return self._station.in_tote()

    @measurement
    def held(self) -> Mask:
        """Which items are between the closed pads (n, items)."""
        return picking.held(self.item_places(), self.robot.pose()[0], self.robot.tool.state())

    def holds(self) -> Mask:
        """Whether an item is in the hand (n,)."""
        holds: Mask = np.logical_or.reduce(self.held(), axis=1)
        return holds

    def holds_other(self) -> Mask:
        """Whether an item that is not ordered is in the hand (n,)."""
        holds: Mask = np.logical_or.reduce(self.held() & (self.ordered() < 1), axis=1)
        return holds

    def put_down(self) -> Mask:
        """Whether the item that is nearest to the tool is in the bin or in the tote, below the rim (n,)."""
        nearest = norm(self.item_places() - self.robot.pose()[0][:, None]).argmin(axis=1)
        put_down: Mask = (self._station.in_bin() | self.in_tote())[np.arange(self.sim.nsim), nearest]
        return put_down

    def mistaken(self) -> Mask:
        """Whether an item that is not ordered is in the tote, out of the hand (n,)."""
        mistaken: Mask = np.logical_or.reduce(self.in_tote() & ~self.held() & (self.ordered() < 1), axis=1)
        return mistaken

    def spilled(self) -> Ids:
        """How many items lie on the bench or fell off it (n,)."""
        count: Ids = np.add.reduce(self._station.outside(), axis=1, dtype=np.intp)
        return count

    def success(self) -> Mask:
        """The ordered item alone lies in the tote, at rest, and the hand has let go and left it."""
        its = self._station.of_ordered
        alone: Mask = np.logical_and.reduce(self.in_tote() == (self.ordered() == 1), axis=1)
        alone &= norm(its(self._station.goods.velocities())[:, :3]) < STILL
        return alone & (norm(its(self.item_places()) - self.robot.pose()[0]) > CLEAR)

    def stage(self) -> Ids:
        """The ordered item is grasped, over the bin's rim, in the tote, delivered."""
        its = self._station.of_ordered
        held, height = its(self.held()), its(self._station.over_floor())[:, 2]
        lifted = held & (height > self.knob["bin_depth"])
        return furthest(held, lifted, its(self.in_tote()), self.success())

    def lost(self) -> Mask:
        """The ordered item lies on the bench or fell off it."""
        return self._station.of_ordered(self._station.outside())

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and ordered item, hold, nearness of item and tote while held, item in the tote."""
        its = self._station.of_ordered
        item, held, tote = its(self.item_places()), its(self.held()), its(self.in_tote()).astype(float)
        return {
            "reach": 1 - np.tanh(5 * norm(item - self.robot.pose()[0])),
            "grasp": np.maximum(held, tote),
            "carry": np.maximum(held * (1 - np.tanh(5 * norm(item - self.tote()))), tote),
            "tote": tote,
        }

    def _view(self) -> picking.View:
        heap = picking.heap_seen(self.item_places(), self._station.goods.rotations(), self._station.scales)
        return picking.View(heap, self.bin(), self.bin_axis()[:, :2], self.tote())

    @measurement
    def plan(self) -> tuple[Ids, Array, Array]:
        """True `picking.plan` of each simulation."""
        return picking.plan(self._view(), self.robot.pose()[0], self.robot.tool.state(), self.ordered())

    def observe(self, readings: Readings) -> Terms:
        """What to take next and where to, and where all is, from the readings."""
        tcp, lengths, ordered = (readings[name] for name in ("tcp", "lengths", "ordered"))
        bin_, bin_axis, tote = readings["bin"], readings["bin_axis"][:, :2], readings["tote"]
        items, x, z = (readings[name].reshape(-1, N, 3) for name in ("item_places", "item_x", "item_z"))
        opening, tool_z, rows = readings["opening"][:, 0], readings["tool_z"], np.arange(len(tcp))
        heap = picking.heap_seen(items, np.stack([x, cross(z, x), z], axis=-1), lengths / HALF_SIZES.max(axis=1))
        view = picking.View(heap, bin_, bin_axis, tote)
        current, grasp, yaws = picking.plan(view, tcp, opening, ordered)
        order, item = ordered.argmax(axis=1), items[rows, current]
        goal = picking.goal(view, current, current == order) - item
        turn = yaws[rows, current] - np.arctan2(tool_z[:, 1], tool_z[:, 0])
        return {
            "tcp_to_grasp": grasp[rows, current] - tcp,
            "grasp_turn": sine_cosine(turn[:, None]),
            "item_to_goal": goal,
            "tcp_to_goal": item + goal - tcp,
            "current_is_ordered": current == order,
            "held": picking.held(items, tcp, opening)[rows, current],
            "current": KINDS[current],
            "current_length": lengths[rows, current],
            "ordered": COLOURS[order, :3],
            "tcp_to_ordered": items[rows, order] - tcp,
            **{f"tcp_to_{name}": items[:, i] - tcp for i, name in enumerate(ITEMS)},
            "tcp_to_bin": bin_ - tcp,
            "bin_axis": bin_axis,
            "tcp_to_tote": tote - tcp,
        }

    def expert(self) -> Expert:
        """Clear what is in the way into a free place of the bin, then put the ordered item into the tote."""
        lanes = np.arange(self.sim.nsim)

        def pick() -> tuple[Array, Array]:
            (_, grasp, yaws), (position, rotation) = self.plan(), self.robot.pose()
            # once the tool closes the hand stays, even if the item gives way
            closing = (expert.grip < 0) & (self.robot.tool.state() < WIDE)[:, None]
            at = np.where(closing, position, grasp[lanes, expert.item])
            return at, np.where(closing[..., None], rotation, compose(about_z(yaws[lanes, expert.item]), DOWN))

        def place() -> tuple[Array, Array]:
            goal = picking.goal(self._view(), expert.item, expert.item == self._station.order)
            position, rotation = self.robot.pose()
            return goal + position - self.item_places()[lanes, expert.item], compose(
                about_z(yaw(compose(rotation, DOWN.T))), DOWN
            )

        phases = pick_and_place(
            *(self.robot, pick, place),
            held=lambda: self.held()[lanes, expert.item],
            wanted=lambda: self.plan()[0] == expert.item,  # a heap may yet slide
            travel=TRAVEL,
            aside=0.0,  # there is no room at an item's side
            centred=(0.004, 0.04),
            place_tolerance=0.008,
        )
        expert = Expert(self.robot, phases, self.sim.nsim, choose=lambda: self.plan()[0])
        return expert
