"""Builders that scenes share: the physics options, the bench, lights and cameras, a bored block."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from shopfloor.envs.simulation import TIMESTEP

WALLS = 8  # flat walls of a bore; a round part touches them where it would touch a round bore
CONTACT_TIME = 2 * TIMESTEP  # [s], the stiffest contact that the time step allows


def new_scene() -> mujoco.MjSpec:
    """An empty scene with the physics options that all tasks share, a floor and lights."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    option = spec.option
    option.timestep = TIMESTEP
    # stiff servos and a light part between pads: under implicitfast, parts creep out of the grip
    option.integrator = mujoco.mjtIntegrator.mjINT_DISCRETE
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10
    spec.default.geom.solref = [CONTACT_TIME, 1.0]
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.35, 0.35, 0.35]
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1280, 960
    spec.visual.quality.shadowsize = 4096
    sky = spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT
    )
    sky.rgb1, sky.rgb2, sky.width, sky.height = [0.93, 0.95, 0.97], [0.72, 0.77, 0.82], 64, 64 * 6
    spec.worldbody.add_light(pos=(0.2, -0.6, 1.8), dir=(0.1, 0.3, -1), diffuse=(0.5, 0.5, 0.5), castshadow=True)
    spec.worldbody.add_light(pos=(1.2, 0.8, 1.6), dir=(-0.5, -0.5, -1), diffuse=(0.3, 0.3, 0.3), castshadow=False)
    return spec


def add_bench(spec: mujoco.MjSpec) -> None:
    """A bench top at height 0 under a mocap body `bench`, so that each site can set its own height."""
    bench = spec.worldbody.add_body(name="bench", mocap=True)
    bench.add_geom(name="bench", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(2, 2, 0.1), rgba=(0.55, 0.57, 0.58, 0))
    visual = bench.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.55, 0.6, 0.02), pos=(0.35, 0, -0.0201))
    visual.rgba, visual.contype, visual.conaffinity = [0.80, 0.80, 0.78, 1], 0, 0


def add_camera(
    spec: mujoco.MjSpec, name: str, *, eye: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    """A fixed camera at eye [m] that looks at target [m], world z up."""
    forward = np.subtract(target, eye)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    up = np.cross(right, forward)
    spec.worldbody.add_camera(name=name, pos=eye, xyaxes=(*right, *up), fovy=40)


def add_visual_box(
    body: mujoco.MjsBody,
    half_size: tuple[float, float, float],
    position: tuple[float, float, float],
    rgba: tuple[float, float, float, float],
) -> None:
    """A box to look at, which neither weighs nor collides."""
    box = body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position, rgba=rgba, mass=0)
    box.contype, box.conaffinity = 0, 0


def add_open_box(
    body: mujoco.MjsBody,
    name: str,
    *,
    inside: tuple[float, float, float],
    wall: float,
    rgba: tuple[float, float, float, float],
    density: float = 1000.0,
) -> None:
    """A box without a lid: a bin, tote or tray. The body's origin is the middle of its floor's upper face.

    inside: length, width, depth of the hollow [m]; wall: thickness of walls and floor [m]; density [kg/m^3].
    Geoms are `name_floor` and `name_wall_0` ... `name_wall_3`.
    """
    length, width, depth = inside
    thick, middle = wall / 2, depth / 2
    sides = {
        f"{name}_floor": ((length / 2 + wall, width / 2 + wall, thick), (0, 0, -thick)),
        f"{name}_wall_0": ((thick, width / 2 + wall, middle), (length / 2 + thick, 0, middle)),
        f"{name}_wall_1": ((thick, width / 2 + wall, middle), (-length / 2 - thick, 0, middle)),
        f"{name}_wall_2": ((length / 2, thick, middle), (0, width / 2 + thick, middle)),
        f"{name}_wall_3": ((length / 2, thick, middle), (0, -width / 2 - thick, middle)),
    }
    for side, (half_size, position) in sides.items():
        geom = body.add_geom(name=side, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position, rgba=rgba)
        geom.density = density


def add_prism(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    *,
    outline: Sequence[tuple[float, float]],
    low: float,
    high: float,
    rgba: tuple[float, float, float, float],
) -> mujoco.MjsGeom:
    """A convex outline (x, y) [m] drawn out from z = low to z = high [m], as a mesh geom `name` of the body."""
    mesh = spec.add_mesh(name=name)
    mesh.uservert = np.ravel([(x, y, z) for z in (low, high) for x, y in outline])
    return body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, rgba=rgba)


def add_bored_block(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    *,
    bore_radius: float,
    chamfer: float,
    depth: float,
    half_size: float,
    pedestal: float,
    rgba: tuple[float, float, float, float],
) -> None:
    """A block with a chamfered blind bore along -z; the body's origin is the middle of the bore's mouth.

    bore_radius, chamfer, depth, half_size (to the outer wall), pedestal (height of the rim over the bench): [m].
    Each wall is one convex wedge, so that the bore is exact: a round part has bore_radius - radius of play.
    """
    profile = np.array(  # (radius, z), convex: bore, chamfer, top, outer wall
        [
            (bore_radius, -depth),
            (bore_radius, -chamfer),
            (bore_radius + chamfer, 0.0),
            (half_size, 0.0),
            (half_size, -depth),
        ]
    )
    half_angle = np.pi / WALLS
    for wall in range(WALLS):
        middle = 2 * half_angle * wall
        corners = []
        for radius, z in profile:
            for angle in (middle - half_angle, middle + half_angle):
                corners.append(
                    (radius / np.cos(half_angle) * np.cos(angle), radius / np.cos(half_angle) * np.sin(angle), z)
                )
        name = f"bore_wall_{wall}"
        mesh = spec.add_mesh(name=name)
        mesh.uservert = np.ravel(corners)
        body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, rgba=rgba)
    floor = (pedestal - depth) / 2
    body.add_geom(
        name="bore_floor",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=(half_size / np.cos(half_angle), floor, 0),
        pos=(0, 0, -depth - floor),
        rgba=rgba,
    )
