"""Small goods that a parallel gripper can take: cartons, tins and tubes, each a loose item of its own colour."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.props.parts import add_part
from shopfloor.envs.rotations import from_rotvec

BOX, CYLINDER, CAPSULE = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_CAPSULE
SHAPES = (BOX, BOX, BOX, CYLINDER, CYLINDER, CAPSULE, CAPSULE)
HALF_SIZES = np.array(  # [m] of a box round each item: small goods in cartons, tins and tubes
    [
        *([0.014, 0.018, 0.012], [0.012, 0.016, 0.015], [0.011, 0.0185, 0.013]),
        *([0.013, 0.013, 0.017], [0.016, 0.016, 0.012]),
        *([0.012, 0.012, 0.0185], [0.011, 0.011, 0.018]),
    ]
)
MASSES = np.array([0.036, 0.035, 0.032, 0.054, 0.058, 0.040, 0.031])  # [kg]
COLOURS = np.array(
    [
        *([0.78, 0.20, 0.18, 1], [0.20, 0.40, 0.75, 1], [0.90, 0.75, 0.20, 1]),
        *([0.25, 0.60, 0.35, 1], [0.90, 0.50, 0.15, 1]),
        *([0.50, 0.30, 0.62, 1], [0.20, 0.65, 0.68, 1]),
    ]
)
N = len(SHAPES)
ITEMS = tuple(f"item_{i}" for i in range(N))
ROUND = np.array([shape != BOX for shape in SHAPES])
KINDS = np.array([[shape == kind for kind in (BOX, CYLINDER, CAPSULE)] for shape in SHAPES], dtype=float)
ROLLING = 2e-4  # [m] rolling resistance of tins and tubes
FACES = np.stack([np.eye(3), *(from_rotvec(np.array([[0.5 * np.pi, 0, 0], [0, 0.5 * np.pi, 0]])))])  # z, y, x up


def add_goods(spec: mujoco.MjSpec) -> None:
    """One of each, on free joints and in geoms named as ITEMS says."""
    for name, shape, half, mass, colour in zip(ITEMS, SHAPES, HALF_SIZES, MASSES, COLOURS, strict=True):
        size = half if shape == BOX else (half[0], half[2] - (half[0] if shape == CAPSULE else 0.0), 0)
        geom = add_part(spec, name).add_geom(name=name, type=shape, size=size, mass=mass, rgba=colour)
        if shape != BOX:
            geom.condim, geom.friction = 6, (0.4, 1e-3, ROLLING)
