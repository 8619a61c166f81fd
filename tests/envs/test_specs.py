"""The scenes as MuJoCo has them: mass lies where the shapes are, and the text that is written says the same model."""

import mujoco
import numpy as np

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.tasks import task_class

DIGITS = 1e-6  # MuJoCo writes six significant digits of each number
LOOSE = 1e-4  # [m] that a loose part may move otherwise in 0.5 s: its contacts magnify what is rounded off
CORNERS = np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3)


def at_rest(model):
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    return data


def is_within(model, body, root):
    """Whether a body is root, or hangs on it."""
    while body not in (0, root):
        body = model.body_parentid[body]
    return body == root


def shapes(model, data, body):
    """Corners (k, 3) [m] of the boxes round the geoms of a body, or of what hangs on it where it has none."""
    geoms = np.flatnonzero(model.geom_bodyid == body)
    if not len(geoms):
        geoms = [geom for geom in range(model.ngeom) if is_within(model, model.geom_bodyid[geom], body)]
    boxes = []
    for geom in geoms:
        middle, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        boxes.append(data.geom_xpos[geom] + (middle + CORNERS * half) @ data.geom_xmat[geom].reshape(3, 3).T)
    return np.concatenate(boxes)


def test_every_inertia_that_is_given_says_where_it_is(task):
    for body in task_class(task)().scene().bodies:
        if body.explicitinertial:
            assert np.isfinite(body.ipos).all(), f"{body.name} has no ipos: its mass lies at its pos from its frame"


def test_mass_lies_where_the_shapes_are(task):
    model = task_class(task)().scene().compile()
    data = at_rest(model)
    for body in range(1, model.nbody):
        if model.body_mass[body] == 0:
            continue
        frame = data.xmat[body].reshape(3, 3)
        corners, centre = shapes(model, data, body) @ frame, data.xipos[body] @ frame
        outside = np.maximum(corners.min(axis=0) - centre, centre - corners.max(axis=0)).max()
        assert outside < 0, f"{model.body(body).name}: {outside:.3f} m off"


def test_the_scene_as_mjcf_is_the_same_model(task):
    compiled = task_class(task)().scene().compile()
    read = mujoco.MjModel.from_xml_string(ShopfloorVectorEnv(task, 1).mjcf())
    for size in ("nq", "nv", "na", "nu", "nbody", "ngeom", "njnt", "neq", "npair", "ntendon", "nsensor", "ncam"):
        assert getattr(read, size) == getattr(compiled, size), size
    for field in ("body_mass", "body_inertia", "body_pos", "body_quat", "body_ipos"):
        np.testing.assert_allclose(
            getattr(read, field), getattr(compiled, field), rtol=DIGITS, atol=1e-6, err_msg=field
        )


def test_the_scene_as_mjcf_moves_the_same_under_the_same_controls(task):
    env = ShopfloorVectorEnv(task, 1, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    models = task_class(task)().scene().compile(), mujoco.MjModel.from_xml_string(env.mjcf())
    start = mujoco.MjData(models[0])
    env.sim.copy_to(0, task_class(task)().scene().compile(), start)
    rng = np.random.Generator(np.random.PCG64(0))
    controls = start.ctrl + 0.1 * rng.standard_normal(models[0].nu)
    ends = []
    for model in models:
        data = mujoco.MjData(model)
        for name in ("qpos", "qvel", "act", "mocap_pos", "mocap_quat"):
            getattr(data, name)[:] = getattr(start, name)
        data.ctrl[:] = controls
        mujoco.mj_step(model, data, 100)
        ends.append(data.qpos.copy())
    assert np.abs(ends[0] - start.qpos).max() > 1e-3
    driven = models[0].jnt_qposadr[models[0].jnt_type != mujoco.mjtJoint.mjJNT_FREE]
    np.testing.assert_allclose(ends[1][driven], ends[0][driven], rtol=0, atol=1e-6)
    np.testing.assert_allclose(ends[1], ends[0], rtol=0, atol=LOOSE)
