"""Bin picking: take the ordered item out of a cluttered bin into a tote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts import grasps
from shopfloor.envs.experts.expert import Expert, pick_and_place
from shopfloor.envs.experts.grasps import Heap
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench, Fixture, Parts
from shopfloor.envs.props.small_goods import COLOURS, FACES, HALF_SIZES, ITEMS, KINDS, MASSES, ROUND, N, add_goods
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import DOWN, PAD, STROKE, ParallelGripper
from shopfloor.envs.rotations import about_z, cross, norm, sine_cosine, unrotate, yaw
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Array, Ids, Knob, Mask, Task, measurement

BIN = (0.18, 0.12)  # [m] half sizes of the bin's hollow
TOTE = (0.075, 0.06, 0.07)  # [m] half sizes and depth of the tote's
WALL = 0.004  # [m] of both
BIN_AT, TOTE_AT = (0.45, -0.13), (0.45, 0.14)  # [m] nominal places
PILE = 0.055  # [m] from the bin's middle to that of the heap
LAYOUT = np.array([[-1, -0.5], [0, -0.5], [1, -0.5], [-0.5, 0.5], [0.5, 0.5], [-0.5, 0], [0.5, 0]])  # last two: on top
ASIDE = np.array([[x, y] for x in (-0.12, -0.06, 0.0, 0.06, 0.12) for y in (-0.06, 0.06)])  # [m] in the bin
READY = (0.45, 0.0, 0.18)  # [m] where the tool starts
TRAVEL = 0.15  # [m] over the robot's base, height of the tool while it carries
DROP = 0.006  # [m] over the floor an item is let go
NEAR = 0.018  # [m] from tool to the middle of an item that is held
HELD = (0.006, 0.0215)  # [m] opening of the pads on an item
WIDE = 0.9 * STROKE  # [m] opening of a hand that is open
TOUCH = 0.0  # [m] of room that a finger needs beside a neighbour
HEAP = 0.075  # [m] from the ordered item, within which others may have to make way
STIFFNESS = 0.4  # of the arm's usual one: where a finger lands on a neighbour, the arm gives way
DAMPING = 2400.0  # [N s/m] of the fingers' drive: after 0.15 m/s in the first 35 ms they close at 0.09 m/s and less
CLEAR = 0.03  # [m] from an item that the hand has left
STILL = 0.05  # [m/s]


class BinPicking(Task):
    """Pick the ordered item.

    Goal: the ordered item, and no other, lies in the tote.

    Observation (base frame; p = proprioceptive). The current item is the one in the hand; else one that is in the
    tote by mistake; else the ordered one, or one near it that goes aside in the bin where it is not free to take:

    ======  =============================================================  ====
    index   meaning                                                        unit
    ======  =============================================================  ====
    0-2  p  tool centre point                                              m
    3-5  p  tool x axis                                                    1
    6-8  p  tool z axis                                                    1
    9    p  opening of each finger                                         m
    10-12 p tool: commanded less measured (what it presses)                m
    13-15   grasp point of the current item less tool centre point         m
    16-17   sine, cosine of the turn from the tool's yaw to the grasp's    1
    18-20   where the current item goes less its middle                    m
    21-23   tool centre point to where it lets the current item go         m
    24      the current item is the ordered one                            1
    25      the current item is in the hand                               1
    26-28   current item: box, cylinder, capsule                           1
    29      longest half size of the current item                          m
    30-32   the ordered item's colour: red, green, blue                    1
    33-35   middle of the ordered item less tool centre point              m
    36-56   middles of the items less tool centre point                    m
    57-59   bin less tool centre point                                     m
    60-61   bin's x axis, level                                            1
    62-64   tote less tool centre point                                    m
    ======  =============================================================  ====

    Randomised: which item is ordered, which lies where, on which side and in which direction, the items' sizes,
    the end of the bin where they lie, place and yaw of the bin, place of the tote, the arm's start; between
    sites friction, masses, bench height, station.

    Success: the ordered item alone is inside the tote's walls, below its rim, slow, and 30 mm from the hand.
    """

    knobs = {
        "pitch": Knob(0.068, 0.062, 0.056, 0.054, 0.07, "[m] from item to item: the less, the denser the heap"),
        "size_spread": Knob(0.05, 0.08, 0.1, 0.0, 0.1, "share by which items are larger or smaller than usual"),
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
        "size": Uniform((-1.0,) * N, (1.0,) * N),  # of the spread
        "end": Uniform(-1.0, 1.0),  # the heap is at the bin's far end where this is above 0
        "bin_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "bin_yaw": Uniform(-0.15, 0.15),  # [rad]
        "tote_shift": Uniform((-0.04, -0.01), (0.04, 0.03)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad]
    }
    channels = (
        *(Channel(name, "camera", "position") for name in ITEMS),
        *(Channel(f"{name}_{axis}", "camera", "direction") for name in ITEMS for axis in "xz"),
        Channel("lengths", "camera", "scalar", N),
        Channel("bin", "fixture_camera", "position"),
        Channel("bin_axis", "fixture_camera", "direction"),
        Channel("tote", "fixture_camera", "position"),
        Channel("order", "gripper", "scalar", N),  # from the order system: certain
    )
    scene_names = (
        *("tcp_to_grasp_x", "tcp_to_grasp_y", "tcp_to_grasp_z", "grasp_turn_sin", "grasp_turn_cos"),
        *("item_to_goal_x", "item_to_goal_y", "item_to_goal_z", "tcp_to_goal_x", "tcp_to_goal_y", "tcp_to_goal_z"),
        *("current_is_ordered", "held", "current_box", "current_cylinder", "current_capsule", "current_length"),
        *("ordered_red", "ordered_green", "ordered_blue"),
        *("tcp_to_ordered_x", "tcp_to_ordered_y", "tcp_to_ordered_z"),
        *(f"tcp_to_{name}_{axis}" for name in ITEMS for axis in "xyz"),
        *("tcp_to_bin_x", "tcp_to_bin_y", "tcp_to_bin_z", "bin_axis_x", "bin_axis_y"),
        *("tcp_to_tote_x", "tcp_to_tote_y", "tcp_to_tote_z"),
    )
    reward_weights = {"reach": 0.1, "grasp": 0.15, "carry": 0.25, "tote": 0.5}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm, set soft, with straight jaws that point down and close slowly."""
        return Arm(ParallelGripper(tilt=0.0, damping=DAMPING), stiffness=STIFFNESS)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, bin and tote under mocap bodies, seven free items; a lamp shows the ordered one's colour."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(1.0, -0.1, 0.55), target=(0.44, 0.0, 0.04))
        box = spec.worldbody.add_body(name="bin", mocap=True, pos=(*BIN_AT, WALL))
        inside = (2 * BIN[0], 2 * BIN[1], self.knob["bin_depth"])
        scene.add_open_box(box, "bin", inside=inside, wall=WALL, rgba=(0.42, 0.46, 0.50, 1))
        tote = spec.worldbody.add_body(name="tote", mocap=True, pos=(*TOTE_AT, WALL))
        hollow = (2 * TOTE[0], 2 * TOTE[1], TOTE[2])
        scene.add_open_box(tote, "tote", inside=hollow, wall=WALL, rgba=(0.20, 0.36, 0.58, 1))
        scene.add_visual_box(tote, (0.001, 0.03, 0.02), (TOTE[0] + WALL + 0.002, 0, 0.035), (1, 1, 1, 1))
        tote.geoms[-1].name = "lamp"
        add_goods(spec)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the items, the bin and the tote; each simulation has its own order and sizes."""
        super().bind(sim)
        self._items = Parts(sim, ITEMS)
        self._bench, self._bin, self._tote = Bench(sim), Fixture(sim, "bin"), Fixture(sim, "tote")
        self._lamp = sim.per_simulation("geom_rgba")[:, sim.model.geom("lamp").id]
        self._home = self.robot.home(READY, DOWN)
        self._order = np.zeros(sim.nsim, dtype=np.intp)
        self._scales = np.ones((sim.nsim, N))

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """A heap of two layers at one end of the bin, bin and tote at their stations, the arm near ready."""
        n = len(ids)
        self._order[ids] = order = np.minimum(draws["order"] * N, N - 1).astype(np.intp)
        self._lamp[ids] = COLOURS[order]
        self._scales[ids] = scales = 1 + self.knob["size_spread"] * draws["size"]
        self._items.resize(ids, scales, MASSES * scales**3 + np.array([[site.part_mass] for site in sites]))
        floor = self._bench.place(ids, sites) + WALL
        station = np.array([site.fixture_shift for site in sites])
        middle = np.concatenate([BIN_AT + draws["bin_shift"] + station, floor[:, None]], axis=1)
        turn = about_z(draws["bin_yaw"])
        self._bin.put(ids, middle, turn)
        self._tote.put(ids, np.concatenate([TOTE_AT + draws["tote_shift"] + station, floor[:, None]], axis=1))
        face = np.minimum(draws["face"] * 3, 2).astype(np.intp)
        face = np.where(KINDS[:, 2] == 1, 1 + face % 2, face)
        rotation = about_z(draws["yaw"]) @ FACES[face]
        height = (np.abs(rotation[..., 2, :]) * HALF_SIZES).sum(axis=-1) * scales  # half of each item's
        slot = np.argsort(draws["slots"], axis=1)
        free = self.knob["pitch"] - 0.0525
        local = np.empty((n, N, 3))
        local[..., :2] = self.knob["pitch"] * LAYOUT[slot] + free * draws["shift"].reshape(n, N, 2)
        local[..., :2] *= np.where(draws["end"] > 0, 1.0, -1.0)[:, None, None]
        local[..., 0] += PILE * np.where(draws["end"] > 0, 1.0, -1.0)[:, None]
        on_top = slot >= N - 2
        layer = 2 * np.where(on_top, 0.0, height).max(axis=1)
        local[..., 2] = height + np.where(on_top, layer[:, None] + 0.001, 0.0)
        positions = middle[:, None] + np.swapaxes(turn @ np.swapaxes(local, 1, 2), 1, 2)
        self._items.put(ids, positions, turn[:, None] @ rotation)
        self.robot.place(ids, self._home + draws["joint_shift"], np.full(n, STROKE))

    @measurement
    def items(self) -> Array:
        """Middles (n, items, 3) [m]."""
        return self._items.positions()

    @measurement
    def in_tote(self) -> Mask:
        """Which items are inside the tote's walls and below its rim (n, items)."""
        return _inside(self.items(), self._tote.position()[:, None], TOTE)

    @measurement
    def held(self) -> Mask:
        """Which items are between the closed pads (n, items)."""
        return _held(self.items(), self.robot.pose()[0], self.robot.tool.state())

    @measurement
    def ordered(self) -> Array:
        """One-hot number of the ordered item (n, items)."""
        return np.eye(N)[self._order]

    def success(self) -> Mask:
        """The ordered item alone lies in the tote, at rest, and the hand has let go and left it."""
        lanes = np.arange(self.sim.nsim)
        alone: Mask = np.logical_and.reduce(self.in_tote() == (self.ordered() == 1), axis=1)
        alone &= norm(self._items.velocities()[lanes, self._order, :3]) < STILL
        return alone & (norm(self.items()[lanes, self._order] - self.robot.pose()[0]) > CLEAR)

    def lost(self) -> Mask:
        """The ordered item lies on the bench or fell off it."""
        item = self.items()[np.arange(self.sim.nsim), self._order]
        in_bin = unrotate(self.sim.body_rotation("bin"), item - self._bin.position())
        inside = _inside(in_bin, np.zeros(3), (*BIN, np.inf)) | _inside(item, self._tote.position(), TOTE)
        return (in_bin[:, 2] < 0.025) & ~inside

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and ordered item, hold, nearness of item and tote while held, item in the tote."""
        lanes = np.arange(self.sim.nsim)
        item, held = self.items()[lanes, self._order], self.held()[lanes, self._order]
        tote = self.in_tote()[lanes, self._order].astype(float)
        return {
            "reach": 1 - np.tanh(5 * norm(item - self.robot.pose()[0])),
            "grasp": np.maximum(held, tote),
            "carry": np.maximum(held * (1 - np.tanh(5 * norm(item - self._tote.position()))), tote),
            "tote": tote,
        }

    def _heap_and_boxes(self) -> tuple[Heap, Array, Array, Array]:
        heap = _heap(self.items(), self._items.rotations(), self._scales)
        return heap, self._bin.position(), self.sim.body_rotation("bin")[:, :2, 0], self._tote.position()

    @measurement
    def plan(self) -> tuple[Ids, Array, Array]:
        """True `_plan` of each simulation."""
        return _plan(*self._heap_and_boxes(), self.robot.pose()[0], self.robot.tool.state(), self.ordered())

    def truth(self) -> Array:
        """True values of the scene's channels."""
        n = self.sim.nsim
        axes = np.moveaxis(self._items.rotations()[..., ::2], -1, -2)
        bin_axis, lengths = self.sim.body_rotation("bin")[..., 0], self._scales * HALF_SIZES.max(axis=1)
        loose = [self.items().reshape(n, -1), axes.reshape(n, -1), lengths]
        return np.concatenate([*loose, self._bin.position(), bin_axis, self._tote.position(), self.ordered()], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """What to take next and where to, and where all is, from the readings."""
        r = readings
        tcp, opening, rows = r["tcp"], r["opening"][:, 0], np.arange(len(r["tcp"]))
        items = np.stack([r[name] for name in ITEMS], axis=1)
        x, z = (np.stack([r[f"{name}_{axis}"] for name in ITEMS], axis=1) for axis in "xz")
        heap = _heap(items, np.stack([x, cross(z, x), z], axis=-1), r["lengths"] / HALF_SIZES.max(axis=1))
        tool_yaw = np.arctan2(r["tcp_z"][:, 1], r["tcp_z"][:, 0])
        fixtures = r["bin"], r["bin_axis"][:, :2], r["tote"]
        current, grasp, yaws = _plan(heap, *fixtures, tcp, opening, r["order"])
        order = r["order"].argmax(axis=1)
        item, ordered = items[rows, current], current == order
        goal = _goal(heap, *fixtures, current, ordered) - item
        flags = np.stack([ordered, _held(items, tcp, opening)[rows, current]], axis=1)
        return np.concatenate(
            [
                *(grasp[rows, current] - tcp, sine_cosine(yaws[rows, current, None] - tool_yaw[:, None]), goal),
                *(item + goal - tcp, flags, KINDS[current], r["lengths"][rows, current, None]),
                *(COLOURS[order, :3], items[rows, order] - tcp, (items - tcp[:, None]).reshape(len(tcp), -1)),
                *(r["bin"] - tcp, r["bin_axis"][:, :2], r["tote"] - tcp),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Clear what is in the way into a free place of the bin, then put the ordered item into the tote."""
        lanes = np.arange(self.sim.nsim)

        def pick() -> tuple[Array, Array]:
            (_, grasp, yaws), (position, rotation) = self.plan(), self.robot.pose()
            closing = (self.robot.tool.state() < WIDE)[:, None]  # then the hand stays, even if the item gives way
            at = np.where(closing, position, grasp[lanes, expert.item])
            return at, np.where(closing[..., None], rotation, about_z(yaws[lanes, expert.item]) @ DOWN)

        def place() -> tuple[Array, Array]:
            goal = _goal(*self._heap_and_boxes(), expert.item, expert.item == self._order)
            position, rotation = self.robot.pose()
            return goal + position - self.items()[lanes, expert.item], about_z(yaw(rotation @ DOWN.T)) @ DOWN

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


def _heap(items: Array, rotations: Array, scales: Array) -> Heap:
    return Heap(items, grasps.levelled(rotations, ROUND), scales[..., None] * HALF_SIZES)


def _inside(items: Array, box: Array, inside: tuple[float, float, float]) -> Mask:
    """Which items (n, items) are in an open box that stands along x and y, below its rim."""
    gap = items - box
    within: Mask = (np.abs(gap[..., 0]) < inside[0]) & (np.abs(gap[..., 1]) < inside[1])
    return within & (gap[..., 2] < inside[2]) & (gap[..., 2] > -WALL)


def _held(items: Array, tcp: Array, opening: Array) -> Mask:
    """Which items (n, items) are between the pads of a hand at tcp (n, 3) [m] with opening (n,) [m]."""
    closed = (opening > HELD[0]) & (opening < HELD[1])
    return closed[:, None] & (norm(items - tcp[:, None]) < NEAR)


def _goal(heap: Heap, box: Array, box_axis: Array, tote: Array, item: Ids, to_tote: Mask) -> Array:
    """Where an item's middle goes (n, 3) [m]: into the tote's middle, or to the freest place in the bin."""
    along, across = box_axis[:, None], np.stack([-box_axis[:, 1], box_axis[:, 0]], axis=1)[:, None]
    spots = box[:, None, :2] + ASIDE[:, :1] * along + ASIDE[:, 1:] * across
    level = np.where(to_tote[:, None], tote[:, :2], grasps.freest(spots, heap, item))
    height = box[:, 2] + heap.half_heights[np.arange(len(item)), item] + DROP
    return np.concatenate([level, height[:, None]], axis=1)


def _plan(
    heap: Heap, box: Array, box_axis: Array, tote: Array, tcp: Array, opening: Array, order: Array
) -> tuple[Ids, Array, Array]:
    """What to take next (n,); where the tool takes each item: (n, items, 3) [m], and at which yaw (n, items) [rad]."""
    rows, ordered = np.arange(len(order)), order.argmax(axis=1)
    heights = grasps.grasp_heights(heap, box[:, 2:])
    directions, usable = grasps.ways(heap, box_axis)
    others = grasps.room_beside_others(heap, directions, heights - PAD[0])
    room = np.minimum(others.min(axis=-1), grasps.room_inside(heap, directions, box, box_axis, BIN))
    in_tote = _inside(heap.positions, tote[:, None], TOTE)
    room = np.where(in_tote[..., None], grasps.room_inside(heap, directions, tote, np.eye(2)[:1], TOTE[:2]), room)
    yaws, room = grasps.best_ways(directions, usable, room)
    carries = grasps.resting_on(heap)
    covered = carries.any(axis=-1)
    free = (room >= TOUCH) & ~covered & ~in_tote
    in_way = ((others.min(axis=2, where=usable[..., None], initial=1.0) < TOUCH) | carries)[rows, ordered]
    distance = norm(heap.positions - heap.positions[rows, ordered][:, None])
    access = np.where(free & (distance < HEAP), room.clip(max=grasps.PLENTY) + in_way - distance, -np.inf)
    current = np.where(~free[rows, ordered] & np.isfinite(access).any(axis=1), access.argmax(axis=1), ordered)
    for first in (in_tote & (order < 0.5), _held(heap.positions, tcp, opening)):  # by mistake there; in the hand
        current = np.where(first.any(axis=1), first.argmax(axis=1), current)
    return current, np.concatenate([heap.positions[..., :2], heights[..., None]], axis=-1), yaws
