"""A loaded EUR pallet, open at its short sides as a real one is: what forks go into, and lift."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.props.parts import add_part
from shopfloor.envs.props.scene import SEEN, add_visual_box

LENGTH, WIDTH, HEIGHT = 1.2, 0.8, 0.144  # [m] EUR pallet
DECK = 0.044  # [m] boards on the blocks
POCKET = HEIGHT - DECK  # [m] height of the openings at the short side, down to the floor
SKIDS = ((-0.35, 0.100), (0.0, 0.145), (0.35, 0.100))  # [m] y and width of the rows of blocks
PALLET_MASS = 25.0  # [kg]
LOAD = (1.1, 0.74, 0.62)  # [m] of the wrapped cartons
LOAD_MASS = 250.0  # [kg], nominal
WOOD, WRAP, SEAM = (0.76, 0.60, 0.38, 1), (0.72, 0.56, 0.40, 1), (0.45, 0.34, 0.22, 1)


def add_pallet(spec: mujoco.MjSpec, name: str = "pallet") -> None:
    """A EUR pallet with cartons wrapped to it, on a free joint; its frame: middle of the underside, x lengthwise."""
    body = add_part(spec, name)
    boxes: list[tuple[str, tuple[float, float, float], tuple[float, float, float]]] = [
        (f"{name}_deck", (LENGTH / 2, WIDTH / 2, DECK / 2), (0, 0, POCKET + DECK / 2))
    ]
    for number, (y, width) in enumerate(SKIDS):
        boxes.append((f"{name}_skid_{number}", (LENGTH / 2, width / 2, POCKET / 2), (0, y, POCKET / 2)))
    for part, half_size, position in boxes:
        geom = body.add_geom(name=part, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position)
        geom.contype, geom.conaffinity, geom.group = 2, 5, SEEN  # floor and forks
        geom.mass = PALLET_MASS / len(boxes)
    cartons = body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=tuple(0.5 * np.array(LOAD)), mass=LOAD_MASS, rgba=WRAP)
    cartons.pos, cartons.contype, cartons.conaffinity = (0, 0, HEIGHT + LOAD[2] / 2), 0, 0
    board, thin = 0.0725, 0.011  # [m] half width and thickness of the boards
    for x in (board - LENGTH / 2, 0.0, LENGTH / 2 - board):
        for y, width in SKIDS:
            add_visual_box(body, (board, width / 2, 0.039), (x, y, 0.061), WOOD)
        add_visual_box(body, (board, WIDTH / 2, thin), (x, 0, POCKET + thin), WOOD)
    for y, width in SKIDS:
        add_visual_box(body, (LENGTH / 2, width / 2, thin), (0, y, thin), WOOD)
    for y, half in ((-0.3275, board), (-0.17, 0.05), (0.0, board), (0.17, 0.05), (0.3275, board)):
        add_visual_box(body, (LENGTH / 2, half, thin), (0, y, HEIGHT - thin), WOOD)
    for layer in (1, 2):
        z = HEIGHT + layer * LOAD[2] / 3
        add_visual_box(body, (LOAD[0] / 2 + 0.002, LOAD[1] / 2 + 0.002, 0.004), (0, 0, z), SEAM)
    for x in (-0.18, 0.18):
        add_visual_box(body, (0.004, LOAD[1] / 2 + 0.002, LOAD[2] / 2), (x, 0, HEIGHT + LOAD[2] / 2), SEAM)
