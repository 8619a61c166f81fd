"""Grasps from above among clutter: which ways a parallel gripper can close on each item, and what is in its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.tools import PAD, STROKE
from shopfloor.envs.rotations import cross, norm, wrapped

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

WAYS = 5  # across an item's three axes, and along both of a box's walls
FINGER = (0.007, 0.009)  # [m] half sizes of a finger seen from above: along the closing axis, and across
FINGER_AT = STROKE + FINGER[0]  # [m] from the tool's middle to that of an open finger
WIDEST = 0.0205  # [m] half width that open fingers pass with room to spare
WIDEST_ASKEW = 0.0225  # [m] likewise, of an item that lies askew between them
LEVEL = 0.35  # sine of the most by which a closing axis of an item may be out of level
BITE = 0.012  # [m] from an item's top down to the tool's middle: the pads take hold whole
PLENTY = 0.003  # [m] of room, more is no better
ASKEW = np.array([0.0, 0.0, 0.0, 0.005, 0.005])  # [m] of room that closing across an item's own axis is worth
TURN = 0.001  # [m/rad] of room that a hand turned less from straight ahead is worth
RESTS_ON = 0.006  # [m] higher, and over the other's outline: an item rests on the other


@dataclass(frozen=True)
class Heap:
    """Items as boxes round them: positions (n, items, 3) [m], axes (n, items, 3, 3) in columns, half sizes [m].

    Lanes vary fastest in memory (Fortran order), here and in what follows: there numpy's inner loops run.
    """

    positions: Array
    axes: Array
    half_sizes: Array

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, np.asfortranarray(value))

    @property
    def half_heights(self) -> Array:
        """Half of each item's height as it lies (n, items) [m]."""
        heights: Array = (np.abs(self.axes[..., 2, :]) * self.half_sizes).sum(axis=-1)
        return heights


def levelled(rotations: Array, round_items: Mask) -> Array:
    """Axes (n, items, 3, 3) of items: round ones (items,) turned about their own z until x is level."""
    z = rotations[..., 2]
    level = np.stack([-z[..., 1], z[..., 0], 0 * z[..., 0]], axis=-1)
    lies = round_items & (norm(level) > LEVEL)
    x = np.where(lies[..., None], level / np.maximum(norm(level), LEVEL)[..., None], rotations[..., 0])
    return np.stack([x, cross(z, x), z], axis=-1)


def grasp_heights(heap: Heap, floor: Array) -> Array:
    """Heights (n, items) [m] of the tool that takes each item: pads whole on it, clear of its floor (n, items)."""
    middle = heap.positions[..., 2]
    return np.maximum(np.maximum(middle, middle + heap.half_heights - BITE), floor + PAD[0] + 0.002)


def ways(heap: Heap, box_axis: Array) -> tuple[Array, Mask]:
    """Closing directions (n, items, WAYS, 2), level unit vectors; which of them the hand can use (n, items, WAYS).

    Across each of an item's three axes, then along and across the walls of the box, whose x axis is box_axis
    (n, 2), level: there the pads turn an item that lies askew as they close.
    """
    across = np.moveaxis(heap.axes[..., :2, :], -1, -2)
    length = np.sqrt(_dot(across, across))[..., None]
    usable = (np.abs(heap.axes[..., 2, :]) < LEVEL) & (heap.half_sizes < WIDEST)
    walls = np.stack([box_axis, np.stack([-box_axis[:, 1], box_axis[:, 0]], axis=1)], axis=1)[:, None]
    extent = np.abs(_dot(_sides(heap)[0][:, :, None], walls[..., None, :])).sum(-1)
    directions = np.concatenate([across / np.maximum(length, 1e-6), walls + 0 * across[:, :, :2]], axis=2)
    return np.asfortranarray(directions), np.concatenate([usable, extent < WIDEST_ASKEW], axis=2)


def room_beside_others(heap: Heap, directions: Array, tips: Array) -> Array:
    """Room [m] of the open fingers for each item, way and other item (n, items, WAYS, items); negative where they meet.

    directions as from `ways`; tips (n, items) [m]: height of the fingers' lower ends when they hold each item.
    Exact for boxes that stand level: the largest gap along the normals of all edges seen from above.
    """
    outline, normal = _sides(heap)  # (n, other, 3, 2) each
    gap = heap.positions[:, :, None, :2] - heap.positions[:, None, :, :2]
    gap, along = gap[:, :, None], directions[:, :, :, None]  # (n, item, 1, other, 2), (n, item, way, 1, 2)
    extent = _sum(np.abs(_dot(outline[:, :, None], normal[:, :, :, None])))[:, None, None]  # (n, 1, 1, other, 3)
    outline, normal, way = outline[:, None, None], normal[:, None, None], along[..., None, :]
    ahead, beside = _dot(gap, along), np.abs(_cross(along, gap))
    reach, width = _sum(np.abs(_dot(outline, way))), _sum(np.abs(_cross(way, outline)))
    turned, middle = _dot(normal, way), _dot(gap[..., None, :], normal)
    finger = FINGER[0] * np.abs(turned) + FINGER[1] * np.abs(_cross(way, normal)) + extent
    room = np.full((*ahead.shape,), np.inf)
    for at in (FINGER_AT, -FINGER_AT):
        own = np.maximum(np.abs(ahead + at) - FINGER[0] - reach, beside - FINGER[1] - width)
        room = np.minimum(room, np.maximum(own, _largest(np.abs(middle + at * turned) - finger)))
    tops = heap.positions[..., 2] + heap.half_heights
    items = np.arange(room.shape[1])
    low = tops[:, None, :] < tips[:, :, None]
    low[:, items, items] = True
    higher = np.where(low, np.inf, -np.inf)[:, :, None]
    return np.maximum(room, higher)


def room_inside(heap: Heap, directions: Array, box: Array, box_axis: Array, inside: tuple[float, float]) -> Array:
    """Room [m] of the open fingers for each item and way (n, items, WAYS) to the walls of a box that all lie in.

    box (n, 3) [m]: its middle; box_axis (n, 2): its x axis, level; inside: half sizes [m] of its hollow.
    """
    gap = heap.positions[..., None, :2] - box[:, None, None, :2]
    axis = box_axis[:, None, None]
    along, across = np.abs(_dot(directions, axis)), np.abs(_cross(axis, directions))
    x = inside[0] - np.abs(_dot(gap, axis)) - (FINGER_AT + FINGER[0]) * along - FINGER[1] * across
    y = inside[1] - np.abs(_cross(axis, gap)) - (FINGER_AT + FINGER[0]) * across - FINGER[1] * along
    return np.minimum(x, y)


def best_ways(directions: Array, usable: Mask, room: Array) -> tuple[Array, Array]:
    """The best way to take each item: the hand's yaw (n, items) [rad], and the room it has [m], as `room_...` give it.

    The yaw depends on how the items lie alone, not on the hand's: a hand on its way never changes its mind.
    """
    yaws = wrapped(np.arctan2(directions[..., 1], directions[..., 0]) - np.pi / 2, np.pi)
    value = np.where(usable, np.minimum(room, PLENTY) - TURN * np.abs(yaws) - ASKEW, -1.0)
    best = value.argmax(axis=-1)[..., None]
    return np.take_along_axis(yaws, best, axis=-1)[..., 0], np.take_along_axis(room, best, axis=-1)[..., 0]


def freest(spots: Array, heap: Heap, item: Ids) -> Array:
    """Of spots (n, spots, 2) [m] the one (n, 2) that is farthest from every item other than item (n,)."""
    rows = np.arange(len(item))
    gap = spots[:, :, None] - heap.positions[:, None, :, :2]
    distance = np.sqrt(_dot(gap, gap))
    distance[rows, :, item] = np.inf
    chosen: Array = spots[rows, distance.min(axis=-1).argmax(axis=-1)]
    return chosen


def resting_on(heap: Heap) -> Mask:
    """Which item (n, item, other) carries which other: the other is higher, and over its outline."""
    outline, normal = _sides(heap)
    normal = normal[:, :, None]  # (n, item, 1, 3, 2)
    gap = heap.positions[:, None, :, :] - heap.positions[:, :, None, :]
    own = _sum(np.abs(_dot(outline[:, :, None, None], normal[..., None, :])))
    others = _sum(np.abs(_dot(outline[:, None, :, None], normal[..., None, :])))
    apart = _largest(np.abs(_dot(gap[..., None, :2], normal)) - own - others)
    rests: Mask = (np.maximum(apart, np.swapaxes(apart, 1, 2)) < -0.004) & (gap[..., 2] > RESTS_ON)
    return rests


def _sides(heap: Heap) -> tuple[Array, Array]:
    """Of each item's outline from above: half sides (n, items, 3, 2) [m], and their unit normals."""
    half = np.moveaxis(heap.axes[..., :2, :] * heap.half_sizes[..., None, :], -1, -2)
    length = np.sqrt(_dot(half, half))[..., None]
    normal = np.stack([-half[..., 1], half[..., 0]], axis=-1) / np.maximum(length, 1e-6)
    normal = np.where(length > 1e-3, normal, np.array([1.0, 0.0]))  # an upright side shows no length
    return np.asfortranarray(half), np.asfortranarray(normal)


def _dot(a: Array, b: Array) -> Array:
    product: Array = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1]
    return product


def _cross(a: Array, b: Array) -> Array:
    product: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _sum(sides: Array) -> Array:
    """Sum over the last axis, of three: numpy's own is made for long ones, and took a third of the plan's time."""
    total: Array = sides[..., 0] + sides[..., 1] + sides[..., 2]
    return total


def _largest(sides: Array) -> Array:
    """Likewise the largest of three."""
    largest: Array = np.maximum(np.maximum(sides[..., 0], sides[..., 1]), sides[..., 2])
    return largest
