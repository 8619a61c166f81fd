"""Expert episodes of every task are physically plausible."""

import mujoco
import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.simulation import CONTROL_PERIOD

GRAVITY = 9.81  # [m/s^2]
DEEPEST = 1e-3  # [m] that one thing may be in another when the work is done
MACHINE_SPEED = 0.6  # [m/s] of the fastest thing on the floor beside the robot: a belt


def loose_bodies(model):
    """Body, first qpos and first dof of each free joint that is not the robot's own."""
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    return [(model.jnt_bodyid[j], model.jnt_qposadr[j], model.jnt_dofadr[j]) for j in free]


def test_expert_episodes_are_physically_plausible(task):
    """No part deep in another at success; joints keep their speed; no energy from nowhere.

    A loose part is never faster than what the tools, a belt and its fall can have given it.
    """
    n = 12
    env = ShopfloorVectorEnv(task, n, realism="default", autoreset_mode="Disabled")
    env.reset(seed=0)
    model, robot = env.sim.model, env.task.robot
    expert = env.task.expert()
    expert.reset(np.arange(n))
    dofs = {name: model.joint(name).dofadr[0] for name in robot.speed_limits}
    loose = loose_bodies(model)
    heights = np.array([[env.sim.qpos[:, qpos + 2]] for _, qpos, _ in loose]).reshape(len(loose), n)
    tool_speed = np.zeros(n)
    before = robot.pose()[0].reshape(n, -1, 3)
    data = mujoco.MjData(model)
    while not env.over.all():
        moving = ~env.over
        _, _, _, _, info = env.step(expert.act())
        for name, limit in robot.speed_limits.items():
            fastest = np.abs(env.sim.qvel[moving, dofs[name]]).max()
            assert fastest <= 1.02 * limit, f"{name} at {fastest:.2f}, want at most {limit:.2f}"
        now = robot.pose()[0].reshape(n, -1, 3)
        tool_speed = np.maximum(tool_speed, np.sqrt(((now - before) ** 2).sum(-1)).max(axis=1) / CONTROL_PERIOD)
        before = now
        for i, (body, qpos, dof) in enumerate(loose):
            height = env.sim.qpos[:, qpos + 2]
            heights[i] = np.maximum(heights[i], height)
            speed = np.sqrt((env.sim.qvel[:, dof : dof + 3] ** 2).sum(axis=1))
            fall = np.sqrt(2 * GRAVITY * (heights[i] - height))
            excess = (speed - 1.5 * np.maximum(tool_speed, MACHINE_SPEED) - fall)[moving]
            assert excess.max() < 0, f"{model.body(body).name}: {excess.max():.2f} m/s from nowhere"
        for lane in np.flatnonzero(info["success"]):
            env.sim.batch.get_data(lane, data)
            for contact in data.contact:
                names = [model.geom(geom).name for geom in contact.geom]
                assert -contact.dist < DEEPEST, f"{names} {-1e3 * contact.dist:.2f} mm in one another"


def test_no_pad_presses_with_more_than_twice_the_grip(task):
    """As it stands at the end of each control step; the blow of a closing finger may fall between two."""
    n = 24
    env = ShopfloorVectorEnv(task, n, realism="default", autoreset_mode="Disabled")
    model, robot = env.sim.model, env.task.robot
    pads = [geom for geom in range(model.ngeom) if "pad_" in model.geom(geom).name]
    if not pads:
        pytest.skip("nothing that grips")
    env.reset(seed=0)
    expert = env.task.expert()
    expert.reset(np.arange(n))
    data, force = mujoco.MjData(model), np.zeros(6)
    hardest, where = 0.0, ""
    while not env.over.all():
        moving = ~env.over
        env.step(expert.act())
        for lane in np.flatnonzero(moving):
            env.sim.batch.get_data(lane, data)
            touching = np.flatnonzero(np.isin(data.contact.geom, pads).any(axis=1))
            if not len(touching):
                continue
            own = env.sim.batch.get_model(lane)
            mujoco.mj_forward(own, data)  # after a step, the contacts are new and their forces are not yet
            for index in touching:
                mujoco.mj_contactForce(own, data, index, force)
                if force[0] > hardest:
                    names = [model.geom(geom).name for geom in data.contact.geom[index]]
                    hardest, where = force[0], f"{names} in lane {lane}"
    assert hardest < 2 * robot.grip_force, f"{where} press with {hardest:.0f} N"
