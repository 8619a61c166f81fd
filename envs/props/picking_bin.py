"""A picking station: a bin in which small goods lie in a heap, and the tote of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props import goods, scene
from shopfloor.envs.props.parts import Fixture, Parts
from shopfloor.envs.props.small_goods import COLOURS, FACES, HALF_SIZES, ITEMS, KINDS, MASSES, N, add_goods
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import about_z, compose, rotate, unrotate
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Size = tuple[float, float, float]

BIN_AT, TOTE_AT = (0.45, -0.13), (0.45, 0.14)  # [m] nominal places
BIN = (0.18, 0.12)  # [m] half sizes of the bin's hollow
TOTE = (0.075, 0.06, 0.07)  # [m] half sizes and depth of the tote's
WALL = 0.004  # [m] of both
PILE = 0.055  # [m] from the bin's middle to that of the heap
LAYOUT = np.array([[-1, -0.5], [0, -0.5], [1, -0.5], [-0.5, 0.5], [0.5, 0.5], [-0.5, 0], [0.5, 0]])  # last two: on top
WIDEST = 0.0525  # [m]: what the pitch exceeds it by, the items are free to shift
LIGHTEST, HEAVIEST = 0.01, 0.12  # [kg] of an item: what soft jaws hold
LOW = 0.025  # [m] over the bin's floor: an item that is outside and lower lies on the bench


def add_station(spec: mujoco.MjSpec, depth: float) -> None:
    """Bin and tote under mocap bodies of these names, whose origins are the middles of their floors, and free goods.

    depth: [m] of the bin. A plate `lamp` on the tote's front shows a colour.
    """
    box = spec.worldbody.add_body(name="bin", mocap=True, pos=(*BIN_AT, WALL))
    scene.add_open_box(box, "bin", inside=(2 * BIN[0], 2 * BIN[1], depth), wall=WALL, rgba=(0.42, 0.46, 0.50, 1))
    tote = spec.worldbody.add_body(name="tote", mocap=True, pos=(*TOTE_AT, WALL))
    hollow = (2 * TOTE[0], 2 * TOTE[1], TOTE[2])
    scene.add_open_box(tote, "tote", inside=hollow, wall=WALL, rgba=(0.20, 0.36, 0.58, 1))
    scene.add_visual_box(tote, (0.001, 0.03, 0.02), (TOTE[0] + WALL + 0.002, 0, 0.035), (1, 1, 1, 1))
    tote.geoms[-1].name = "lamp"
    add_goods(spec)


class PickingStation:
    """Bin, tote and goods of a simulation of add_station's scene: each has its own order and sizes."""

    def __init__(self, sim: Simulation, depth: float) -> None:
        self._sim, self._depth = sim, depth
        self.goods = Parts(sim, ITEMS)
        self.bin, self.tote = Fixture(sim, "bin"), Fixture(sim, "tote")
        self.order = sim.record(dtype=np.intp)  # number of the ordered item
        self.scales = sim.record(N, fill=1.0)  # of the items' usual sizes
        self._lamp = sim.per_simulation("geom_rgba")[:, sim.model.geom("lamp").id]

    def place(
        self,
        ids: Ids,
        draws: Mapping[str, Array],
        sites: Sites,
        bench: Array,
        *,
        pitch: float,
        size_spread: float,
        variety: float,
    ) -> None:
        """A heap of two layers at one end of the bin, bin and tote at their stations, in simulations ids.

        draws (k, ...) as BinPicking randomises them; bench (k,) [m], height of its top; pitch: [m] from item to
        item; size_spread: share by which items are at the most larger or smaller than usual; variety: share of the
        spread of goods sold.
        """
        self.order[ids] = order = np.minimum(draws["order"] * N, N - 1).astype(np.intp)
        self._lamp[ids] = COLOURS[order]
        self.scales[ids] = scales = goods.scales(draws["size"], variety, spread=size_spread)
        masses = goods.masses(draws["mass"], MASSES, scales**3, variety, low=LIGHTEST, high=HEAVIEST)
        self.goods.resize(ids, scales, masses + sites.part_mass[:, None])
        floor = bench + WALL
        middle = np.concatenate([BIN_AT + draws["bin_shift"] + sites.fixture_shift, floor[:, None]], axis=1)
        turn = about_z(draws["bin_yaw"])
        self.bin.put(ids, middle, turn)
        tote = np.concatenate([TOTE_AT + draws["tote_shift"] + sites.fixture_shift, floor[:, None]], axis=1)
        self.tote.put(ids, tote)
        local, rotations = _heap(draws, scales, pitch)
        positions = middle[:, None] + rotate(turn[:, None], local)
        self.goods.put(ids, positions, compose(turn[:, None], rotations))

    def of_ordered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of values (n, items, ...) those of the ordered item (n, ...)."""
        its: NDArray[Any] = values[np.arange(len(values)), self.order]
        return its

    def in_tote(self) -> Mask:
        """Which items are inside the tote's walls and below its rim (n, items)."""
        return inside(self.goods.positions(), self.tote.position()[:, None], TOTE)

    def over_floor(self) -> Array:
        """The items' middles less the middle of the bin's floor, in the bin's frame (n, items, 3) [m]."""
        return unrotate(self._sim.body_rotation("bin")[:, None], self.goods.positions() - self.bin.position()[:, None])

    def in_bin(self) -> Mask:
        """Which items are inside the bin's walls and below its rim (n, items)."""
        return inside(self.over_floor(), np.zeros(3), (*BIN, self._depth))

    def outside(self) -> Mask:
        """Which items lie on the bench or fell off it (n, items)."""
        item = self.over_floor()
        return (item[..., 2] < LOW) & ~(inside(item, np.zeros(3), (*BIN, np.inf)) | self.in_tote())


def inside(items: Array, box: Array, hollow: Size) -> Mask:
    """Which items (n, items) are in an open box that stands along x and y, below its rim."""
    gap = items - box
    within: Mask = (np.abs(gap[..., 0]) < hollow[0]) & (np.abs(gap[..., 1]) < hollow[1])
    return within & (gap[..., 2] < hollow[2]) & (gap[..., 2] > -WALL)


def _heap(draws: Mapping[str, Array], scales: Array, pitch: float) -> tuple[Array, Array]:
    """A heap in the bin's frame: positions (k, N, 3) [m], rotations (k, N, 3, 3); its upper layer is yet to settle."""
    n = len(scales)
    face = np.minimum(draws["face"] * 3, 2).astype(np.intp)
    face = np.where(KINDS[:, 2] == 1, 1 + face % 2, face)
    rotations = compose(about_z(draws["yaw"]), FACES[face])
    height = (np.abs(rotations[..., 2, :]) * HALF_SIZES).sum(axis=-1) * scales  # half of each item's
    slot = np.argsort(draws["slots"], axis=1)
    side = np.where(draws["end"] > 0, 1.0, -1.0)
    positions = np.empty((n, N, 3))
    positions[..., :2] = pitch * LAYOUT[slot] + (pitch - WIDEST) * draws["shift"].reshape(n, N, 2)
    positions[..., :2] *= side[:, None, None]
    positions[..., 0] += PILE * side[:, None]
    on_top = slot >= N - 2
    layer = 2 * np.where(on_top, 0.0, height).max(axis=1)
    positions[..., 2] = height + np.where(on_top, layer[:, None] + 0.001, 0.0)
    return positions, rotations
