"""Builders that scenes share: the physics options, the bench, lights and cameras, a bored block."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from shopfloor.envs.rotations import norm
from shopfloor.envs.simulation import TIMESTEP

WALLS = 8  # flat walls of a bore; a round part touches them where it would touch a round bore
CONTACT_TIME = 2 * TIMESTEP  # [s], the stiffest contact that the time step allows
BENCH_FOOT = -0.85  # [m], where the bench stands
SEEN = 3  # group of the geoms that a lidar sees: those that collide, which are not drawn; the others are to look at
GREY, DARK = (0.75, 0.76, 0.78, 1.0), (0.16, 0.17, 0.19, 1.0)  # of machines
BEECH, STEEL = (0.79, 0.77, 0.72, 1), (0.50, 0.52, 0.54, 1)


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
    spec.visual.headlight.ambient = [0.40, 0.40, 0.42]
    spec.visual.headlight.diffuse = [0.1, 0.1, 0.1]
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 2048, 8
    spec.visual.map.shadowclip = 0.5  # of the scene's extent: finer shadows
    sky = spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT
    )
    sky.rgb1, sky.rgb2, sky.width, sky.height = [0.93, 0.95, 0.97], [0.72, 0.77, 0.82], 64, 64 * 6
    directional = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL  # lights a hall as it does a bench
    for direction, brightness, shadow in (((0.25, 0.45, -1.0), 0.52, True), ((-0.6, -0.5, -1.0), 0.2, False)):
        light = spec.worldbody.add_light(type=directional, pos=np.multiply(direction, -2), dir=direction)
        light.diffuse, light.specular, light.castshadow = [brightness] * 3, [0.3 * brightness] * 3, shadow
    return spec


def add_bench(spec: mujoco.MjSpec) -> None:
    """A bench top at height 0 under a mocap body `bench`, so that each site can set its own height."""
    bench = spec.worldbody.add_body(name="bench", mocap=True)
    bench.add_geom(name="bench", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(2, 2, 0.1), rgba=(0.55, 0.57, 0.58, 0))
    length, width, middle = 0.55, 0.6, 0.35  # [m] half sizes of the top, and its middle along x
    add_visual_box(bench, (length, width, 0.01), (middle, 0, -0.0101), BEECH)
    add_visual_box(bench, (length - 0.01, width - 0.01, 0.02), (middle, 0, -0.0402), STEEL)
    for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        foot = (middle + x * (length - 0.05), y * (width - 0.05), (BENCH_FOOT - 0.06) / 2)
        add_visual_box(bench, (0.025, 0.025, -(BENCH_FOOT + 0.06) / 2), foot, STEEL)
    _add_tiles(spec, BENCH_FOOT)


def _add_tiles(spec: mujoco.MjSpec, height: float) -> None:
    """A tiled floor at a height [m], to look at."""
    flat, checker = mujoco.mjtTexture.mjTEXTURE_2D, mujoco.mjtBuiltin.mjBUILTIN_CHECKER
    tiles = spec.add_texture(name="tiles", type=flat, builtin=checker, width=512, height=512)
    tiles.rgb1, tiles.rgb2 = [0.44, 0.48, 0.52], [0.40, 0.44, 0.48]
    tiles.mark, tiles.markrgb = mujoco.mjtMark.mjMARK_EDGE, [0.36, 0.40, 0.44]
    material = spec.add_material(name="tiles", texrepeat=(2, 2), texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "tiles"
    floor = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(6, 6, 0.1), pos=(0, 0, height))
    floor.material, floor.contype, floor.conaffinity = "tiles", 0, 0


def add_camera(
    spec: mujoco.MjSpec, name: str, *, eye: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    """A fixed camera at eye [m] that looks at target [m], world z up."""
    forward = np.subtract(target, eye)
    forward = forward / norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / norm(right)
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


def polygon(sides: int, apothem: float) -> tuple[tuple[float, float], ...]:
    """Corners (x, y) [m] of a regular polygon, counter-clockwise, with a flat side apothem [m] away along +y."""
    angles = 2 * np.pi / sides * (np.arange(sides) + 0.5) + np.pi / 2
    radius = apothem / np.cos(np.pi / sides)
    return tuple((float(radius * np.cos(angle)), float(radius * np.sin(angle))) for angle in angles)


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


def add_pocket(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    *,
    outline: Sequence[tuple[float, float]],
    outer: tuple[float, float],
    depth: float,
    chamfer: float,
    position: tuple[float, float, float],
    rgba: tuple[float, float, float, float],
) -> None:
    """The sides of a chamfered pocket along -z, whose mouth has its middle at position [m] of the body's frame.

    outline: convex, counter-clockwise round the middle, (x, y) [m]; outer: half sizes [m] of the rectangle that
    the sides fill up to; depth and chamfer [m], the latter where the outline is nearest to the middle.
    Each side of the outline is one convex geom, `name_0` ..., so that the pocket is exact.
    """
    corners = np.asarray(outline)
    following = np.roll(corners, -1, axis=0)
    edges = following - corners
    doubled_areas = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
    widened = 1 + chamfer / (doubled_areas / np.hypot(edges[:, 0], edges[:, 1])).min()
    frame = np.array([(x * outer[0], y * outer[1]) for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))])
    for side, (start, end) in enumerate(zip(corners, following, strict=True)):
        # the sector between the rays through the two corners, from the outline out to the rectangle
        rim = [corner / np.abs(corner / outer).max() for corner in (start, end)]
        between = (start[0] * frame[:, 1] - start[1] * frame[:, 0] > 1e-9) & (
            frame[:, 0] * end[1] - frame[:, 1] * end[0] > 1e-9
        )
        rim += list(frame[between])
        inner = [(*corner, z) for corner in (start, end) for z in (-depth, -chamfer)]
        inner += [(*(corner * widened), 0.0) for corner in (start, end)]
        mesh = spec.add_mesh(name=f"{name}_{side}")
        mesh.uservert = np.ravel(inner + [(*corner, z) for corner in rim for z in (-depth, 0.0)])
        wall = body.add_geom(name=f"{name}_{side}", type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"{name}_{side}")
        wall.pos, wall.rgba = position, rgba


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
