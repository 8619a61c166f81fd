"""Picking from a heap: which item to take next, how, and where to, so that the ordered one comes into the tote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts import grasps
from shopfloor.envs.experts.grasps import Heap
from shopfloor.envs.props.picking_bin import BIN, TOTE, inside
from shopfloor.envs.props.small_goods import HALF_SIZES, ROUND
from shopfloor.envs.robots.tools import PAD
from shopfloor.envs.rotations import norm

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

ASIDE = np.array([[x, y] for x in (-0.12, -0.06, 0.0, 0.06, 0.12) for y in (-0.06, 0.06)])  # [m] in the bin
DROP = 0.006  # [m] over the floor an item is let go
NEAR = 0.018  # [m] from tool to the middle of an item that is held
HELD = (0.006, 0.0215)  # [m] opening of the pads on an item
TOUCH = 0.0  # [m] of room that a finger needs beside a neighbour
HEAP = 0.075  # [m] from the ordered item, within which others may have to make way


@dataclass(frozen=True)
class View:
    """A picking station, true or as read: the heap of small goods; bin and tote (n, 3) [m], bin's x axis (n, 2)."""

    heap: Heap
    bin: Array
    bin_axis: Array
    tote: Array


def heap_seen(items: Array, rotations: Array, scales: Array) -> Heap:
    """The small goods at items (n, N, 3) [m] with rotations (n, N, 3, 3), scales (n, N) of their usual sizes."""
    return Heap(items, grasps.levelled(rotations, ROUND), scales[..., None] * HALF_SIZES)


def held(items: Array, tcp: Array, opening: Array) -> Mask:
    """Which items (n, items) are between the pads of a hand at tcp (n, 3) [m] with opening (n,) [m]."""
    closed = (opening > HELD[0]) & (opening < HELD[1])
    return closed[:, None] & (norm(items - tcp[:, None]) < NEAR)


def goal(view: View, item: Ids, to_tote: Mask) -> Array:
    """Where an item's middle goes (n, 3) [m]: into the tote's middle, or to the freest place in the bin."""
    heap, along = view.heap, view.bin_axis[:, None]
    across = np.stack([-view.bin_axis[:, 1], view.bin_axis[:, 0]], axis=1)[:, None]
    spots = view.bin[:, None, :2] + ASIDE[:, :1] * along + ASIDE[:, 1:] * across
    level = np.where(to_tote[:, None], view.tote[:, :2], grasps.freest(spots, heap, item))
    height = view.bin[:, 2] + heap.half_heights[np.arange(len(item)), item] + DROP
    return np.concatenate([level, height[:, None]], axis=1)


def plan(view: View, tcp: Array, opening: Array, ordered: Array) -> tuple[Ids, Array, Array]:
    """What to take next (n,); where the tool takes each item: (n, items, 3) [m], and at which yaw (n, items) [rad].

    tcp (n, 3) [m] and opening (n,) [m] of the hand; ordered (n, items), one-hot.
    """
    heap, box, box_axis, tote = view.heap, view.bin, view.bin_axis, view.tote
    rows, order = np.arange(len(ordered)), ordered.argmax(axis=1)
    heights = grasps.grasp_heights(heap, box[:, 2:])
    directions, usable = grasps.ways(heap, box_axis)
    others = grasps.room_beside_others(heap, directions, heights - PAD[0])
    room = np.minimum(others.min(axis=-1), grasps.room_inside(heap, directions, box, box_axis, BIN))
    in_tote = inside(heap.positions, tote[:, None], TOTE)
    room = np.where(in_tote[..., None], grasps.room_inside(heap, directions, tote, np.eye(2)[:1], TOTE[:2]), room)
    yaws, room = grasps.best_ways(directions, usable, room)
    carries = grasps.resting_on(heap)
    free = (room >= TOUCH) & ~carries.any(axis=-1) & ~in_tote
    in_way = ((others.min(axis=2, where=usable[..., None], initial=1.0) < TOUCH) | carries)[rows, order]
    distance = norm(heap.positions - heap.positions[rows, order][:, None])
    access = np.where(free & (distance < HEAP), room.clip(max=grasps.PLENTY) + in_way - distance, -np.inf)
    current = np.where(~free[rows, order] & np.isfinite(access).any(axis=1), access.argmax(axis=1), order)
    for first in (in_tote & (ordered < 0.5), held(heap.positions, tcp, opening)):  # by mistake there; in the hand
        current = np.where(first.any(axis=1), first.argmax(axis=1), current)
    return current, np.concatenate([heap.positions[..., :2], heights[..., None]], axis=-1), yaws
