"""Expert episodes of every task are physically plausible; commands come late and forces are felt as they are."""

import copy
import functools
from dataclasses import dataclass, replace

import mujoco
import numpy as np
import pytest

from shopfloor.envs import IDEAL, ShopfloorVectorEnv
from shopfloor.envs.props import scene
from shopfloor.envs.realism.commands import Commands
from shopfloor.envs.robots.arm import JOINTS, Arm
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

GRAVITY = 9.81  # [m/s^2]
DEEPEST = 1e-3  # [m] that one thing may be in another when the work is done
MACHINE_SPEED = 0.6  # [m/s] of the fastest thing on the floor beside the robot: a belt


def loose_bodies(model):
    """Body, first qpos and first dof of each free joint that is not the robot's own."""
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    return [(model.jnt_bodyid[j], model.jnt_qposadr[j], model.jnt_dofadr[j]) for j in free]


@dataclass(frozen=True)
class Watched:
    """What an expert's episodes show at worst, of each thing by its name.

    speeds: of each joint, as a share of its limit; excess: [m/s] by which a loose part is faster than what the tools, a
    belt and its fall can have given it; depths: [m] of each contact in one another at success; presses: [N] of each
    contact of a pad, as it stands at the end of each control step (the blow of a closing finger may fall between two).
    """

    speeds: dict[str, float]
    excess: dict[str, float]
    depths: dict[str, float]
    presses: dict[str, float]
    grip_force: float  # [N] of the robot
    grips: bool  # whether it has pads


def contacts(model, data):
    return [" in ".join(model.geom(geom).name for geom in contact.geom) for contact in data.contact]


@functools.cache
def watched(task, n):
    """An expert's episodes of a task in n lanes."""
    env = ShopfloorVectorEnv(task, n, realism="default", autoreset_mode="Disabled")
    env.reset(seed=0)
    model, robot = env.sim.model, env.task.robot
    expert = env.task.expert()
    expert.reset(np.arange(n))
    dofs = {name: model.joint(name).dofadr[0] for name in robot.speed_limits}
    pads = [geom for geom in range(model.ngeom) if "pad_" in model.geom(geom).name]
    loose = loose_bodies(model)
    heights = np.array([[env.sim.qpos[:, qpos + 2]] for _, qpos, _ in loose]).reshape(len(loose), n)
    tool_speed, before = np.zeros(n), robot.pose()[0].reshape(n, -1, 3)
    own, data, force = copy.copy(model), mujoco.MjData(model), np.zeros(6)
    speeds, excess, depths, presses = ({} for _ in range(4))

    def note(worst, name, value):
        worst[name] = max(value, worst.get(name, -np.inf))

    while not env.over.all():
        moving = ~env.over
        _, _, _, _, info = env.step(expert.act())
        for name, limit in robot.speed_limits.items():
            note(speeds, name, np.abs(env.sim.qvel[moving, dofs[name]]).max() / limit)
        now = robot.pose()[0].reshape(n, -1, 3)
        tool_speed = np.maximum(tool_speed, np.sqrt(((now - before) ** 2).sum(-1)).max(axis=1) / CONTROL_PERIOD)
        before = now
        for i, (body, qpos, dof) in enumerate(loose):
            height = env.sim.qpos[:, qpos + 2]
            heights[i] = np.maximum(heights[i], height)
            speed = np.sqrt((env.sim.qvel[:, dof : dof + 3] ** 2).sum(axis=1))
            fall = np.sqrt(2 * GRAVITY * (heights[i] - height))
            given = 1.5 * np.maximum(tool_speed, MACHINE_SPEED) + fall
            note(excess, model.body(body).name, (speed - given)[moving].max())
        for lane in np.flatnonzero(moving if pads else info["success"]):
            env.sim.copy_to(lane, own, data)
            if info["success"][lane]:
                for name, contact in zip(contacts(model, data), data.contact, strict=True):
                    note(depths, name, -contact.dist)
            touching = np.flatnonzero(np.isin(data.contact.geom, pads).any(axis=1))
            if len(touching):
                mujoco.mj_forward(own, data)  # after a step, the contacts are new and their forces are not yet
                names = contacts(model, data)
            for index in touching:
                mujoco.mj_contactForce(own, data, index, force)
                note(presses, names[index], force[0])
    return Watched(speeds, excess, depths, presses, robot.grip_force if pads else 0.0, bool(pads))


FEW = pytest.mark.parametrize("n", [4, pytest.param(24, marks=pytest.mark.slow)])


@FEW
def test_in_an_experts_episodes_joints_keep_their_speed(task, n):
    assert {name: speed for name, speed in watched(task, n).speeds.items() if speed > 1.02} == {}


@FEW
def test_in_an_experts_episodes_no_loose_part_has_energy_from_nowhere(task, n):
    assert {name: excess for name, excess in watched(task, n).excess.items() if excess >= 0} == {}


@FEW
def test_at_success_no_part_is_deep_in_another(task, n):
    assert {names: depth for names, depth in watched(task, n).depths.items() if depth >= DEEPEST} == {}


@FEW
def test_no_pad_presses_with_more_than_twice_the_grip(task, n):
    work = watched(task, n)
    if not work.grips:
        pytest.skip("nothing that grips")
    assert work.presses
    assert {names: force for names, force in work.presses.items() if force >= 2 * work.grip_force} == {}


def test_command_latency_delays_the_robots_actuators_and_no_others(task):
    commands = Commands(latency=0.1, gripper_latency=0.3)
    late = ShopfloorVectorEnv(task, 1, realism=replace(IDEAL, commands=commands))
    model, servos = late.model, set(late.task.robot.servos)
    delays = {model.actuator(i).name: float(model.actuator_delay[i]) for i in range(model.nu)}
    assert servos <= delays.keys()
    tools = late.task.robot.tool_servos
    assert set(tools) <= servos
    own = pytest.approx(0.1 - late.task.robot.slower)  # slower servos are told earlier: end to end, all are as late
    assert delays == {name: 0.3 if name in tools else own if name in servos else 0.0 for name in delays}
    assert not ShopfloorVectorEnv(task, 1, realism=IDEAL).model.actuator_delay.any()


def test_an_action_shows_after_the_command_latency_and_not_before(task):
    steps = 2
    slower = ShopfloorVectorEnv(task, 1, realism=IDEAL).task.robot.slower
    late = replace(IDEAL, commands=Commands(latency=steps * CONTROL_PERIOD + slower))
    env = ShopfloorVectorEnv(task, 2, realism=late, autoreset_mode="Disabled")
    env.reset(seed=0, options={"episodes": np.zeros(2, int)})
    actions = np.zeros(env.action_space.shape)
    actions[1, : env.task.robot.grip_columns.start] = 0.5
    same = []
    for _ in range(steps + 1):
        env.step(actions)
        same.append(np.array_equal(*env.sim.qpos))
    assert same == [True] * steps + [False]


def pressed(actions_for):
    """An arm alone over the bench after actions that are chosen from it: the arm, MuJoCo's model and data."""
    arm, spec, lane = Arm(), scene.new_scene(), np.arange(1)
    scene.add_bench(spec)
    arm.add_to(spec)
    sim = Simulation(spec.compile(), 1)
    arm.bind(sim)
    arm.place(lane, arm.home((0.45, 0.0, 0.05))[None], np.zeros(1))
    sim.forward(lane)
    for action in actions_for(arm):
        arm.command(np.array([action]))
        assert not sim.step(lane).any()
    model, data = copy.copy(sim.model), mujoco.MjData(sim.model)
    sim.copy_to(0, model, data)
    mujoco.mj_forward(model, data)
    return arm, model, data


def downwards(depth):
    """Actions that bring the closed hand down until it is held back by a depth [m], and wait."""

    def actions(arm):
        while -arm.press()[0, 2] < depth:
            yield (0, 0, -0.1, 0, 0, 0, -1)
        yield from [(0, 0, 0, 0, 0, 0, -1)] * 20

    return actions


@pytest.mark.parametrize("depth", [0.002, 0.006])
def test_the_contact_sensor_feels_what_the_arm_presses_with(depth):
    """As the servos' torques give it, which hold the arm at rest against the bench and nothing else."""
    arm, model, data = pressed(downwards(depth))
    columns = [model.joint(name).dofadr[0] for name in JOINTS]
    torques = np.array([data.actuator(name).force[0] for name in JOINTS])
    jacobian = np.zeros((2, 3, model.nv))
    mujoco.mj_jacSite(model, data, *jacobian, model.site("tcp").id)
    force = np.linalg.solve(jacobian.reshape(6, -1)[:, columns].T, torques)[:3]
    assert force[2] < -20
    assert arm.contact_force()[0] == pytest.approx(np.linalg.norm(force), rel=0.02)


@pytest.mark.parametrize("grip", [-1, 1])
def test_the_contact_sensor_feels_nothing_in_the_air_whatever_the_fingers_do(grip):
    arm, _, _ = pressed(lambda arm: [(0, 0, 0.5, 0, 0, 0, -grip)] * 10 + [(0.3, 0.5, 0, 0, 0, 0, grip)] * 10)
    assert arm.contact_force().tolist() == [0.0]


def test_what_both_fingers_press_cancels_out_and_a_held_part_is_felt_by_its_weight():
    env = ShopfloorVectorEnv("PegInsertion", 3, realism=IDEAL, autoreset_mode="Disabled")
    env.reset(seed=0)
    expert = env.task.expert()
    expert.reset(np.arange(3))
    lifted = env.task.stages.index("lifted")
    info = {"stage": np.zeros(3)}
    while (info["stage"] < lifted).any():
        info = env.step(expert.act())[4]
    for _ in range(15):
        env.step(np.tile([0.0] * 6 + [-1.0], (3, 1)))
    assert env.task.held().all()
    weight = GRAVITY * env.model.body("peg").mass[0]
    np.testing.assert_allclose(env.task.robot.contact_force(), weight, rtol=0.1)
