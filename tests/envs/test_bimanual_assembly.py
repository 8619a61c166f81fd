import copy

import mujoco
import numpy as np
import pytest
from playing import played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.experts import plug_handling
from shopfloor.envs.props import plug_and_housing
from shopfloor.envs.robots.humanoid import LEFT, RIGHT
from shopfloor.envs.rotations import from_rotvec, rotate, to_quaternion
from shopfloor.envs.tasks import bimanual_assembly as assembly
from shopfloor.envs.tasks.bimanual_assembly import BimanualAssembly

N = 2
LANES = np.arange(N)


def env_of(n=N, *, realism="ideal", **arguments):
    env = ShopfloorVectorEnv(BimanualAssembly(**arguments), n, realism=realism, autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_part(env, name, position, rotation):
    columns = env.sim.free_joint_columns(name)
    env.sim.qpos[:, columns[:3]], env.sim.qpos[:, columns[3:]] = position, to_quaternion(rotation)
    env.sim.forward(LANES)


def assemble(env, *, stand_off=0.0, aside=0.0, tilt=0.0, openings=(plug_and_housing.HOUSING, 0.025)):
    """Housings in the left hands, each with its plug in it: stand_off, aside [m], tilt [rad] of the plug."""
    task = env.task
    for gripper, opening in zip(task.robot.grippers, openings, strict=True):
        gripper.place(LANES, np.full(env.num_envs, opening))
    env.sim.forward(LANES)
    hand = task.robot.pose()[0][:, LEFT]
    turned = np.tile(np.eye(3), (env.num_envs, 1, 1))
    put_part(env, "housing", hand - plug_handling.HOUSING_GRIP, turned)
    plug = turned @ from_rotvec(np.array([tilt, 0.0, 0.0]))
    put_part(env, "plug", task.poses()[0][:, 0] + rotate(turned, np.array([aside, 0.0, stand_off])), plug)


@pytest.mark.parametrize(
    ("state", "assembled"),
    [
        ({}, True),
        ({"stand_off": 0.002}, True),
        ({"stand_off": 0.008}, False),  # not deep enough
        ({"aside": 0.02}, False),  # beside the bore
        ({"tilt": 0.15}, False),  # not in line
        ({"openings": (0.025, 0.025)}, False),  # nobody holds the housing
        ({"openings": (plug_and_housing.HOUSING, plug_and_housing.KNOB[0])}, False),  # the plug is not let go
    ],
)
def test_parts_are_assembled_in_the_left_hand_alone(state, assembled):
    env = env_of()
    assemble(env, **state)
    assert (env.task.assembled() == assembled).all()


def test_success_asks_that_the_assembly_holds_for_a_while():
    env = env_of()
    assemble(env)
    for step in range(1, assembly.KEPT + 1):
        assert not env.task.success().any()
        env.task.after_step(np.array([0]))
        assert env.task.success()[0] == (step >= assembly.KEPT)
    assert not env.task.success()[1]  # its steps were not counted


def test_an_assembly_on_the_table_is_no_success():
    env = env_of()
    mouth = env.task.poses()[0][:, 0]
    put_part(env, "plug", mouth, np.tile(np.eye(3), (N, 1, 1)))
    env.task.robot.grippers[RIGHT].place(LANES, np.full(N, 0.025))
    env.sim.forward(LANES)
    assert env.task.seated().all()
    assert not env.task.assembled().any()


@pytest.mark.parametrize("name", ["housing", "plug"])
def test_a_part_that_lies_or_falls_ends_the_episode(name):
    env = env_of()
    position = env.sim.body_position(name)
    put_part(
        env, name, position + np.array([0.0, 0.0, 0.05]), np.tile(from_rotvec(np.array([1.5, 0.0, 0.0])), (N, 1, 1))
    )
    assert env.task.lost().all()
    put_part(env, name, position - (0.3, 0.0, 0.2), np.tile(np.eye(3), (N, 1, 1)))
    assert env.task.lost().all()


def test_parts_rest_where_they_stand():
    env = env_of(N, realism="default")
    before = env.task.poses()[0]
    for _ in range(40):
        env.step(np.zeros((N, 18)))
    assert np.abs(env.task.poses()[0] - before).max() < 1e-3
    assert (env.task.poses()[1][..., 2, 2] > 0.9999).all()


@pytest.mark.parametrize("clearance", [0.4e-3, 2e-3])
def test_the_bore_has_the_play_that_the_knob_says(clearance):
    env = env_of(N, clearance=clearance)
    for shift, touches in ((0.45 * clearance, False), (0.6 * clearance, True)):
        assemble(env, stand_off=0.004, aside=shift)
        model, data = copy.copy(env.sim.model), mujoco.MjData(env.sim.model)
        env.sim.copy_to(0, model, data)
        mujoco.mj_forward(model, data)
        names = [{env.sim.model.geom(g).name for g in contact.geom} for contact in data.contact if contact.dist < 0]
        hits = any("shaft" in pair and any("bore_wall" in name for name in pair) for pair in names)
        assert hits == touches


def test_the_left_hand_alone_carries_the_assembly():
    env = env_of()
    played(env)
    assert env.task.assembled().all()
    height = env.task.poses()[0][:, LEFT, 2]
    for _ in range(20):
        actions = np.zeros((N, 18))
        actions[:, 16:] = (-1.0, 1.0)
        env.task.robot.command(actions)
        env.sim.step(LANES)
    assert env.task.assembled().all()
    np.testing.assert_allclose(env.task.poses()[0][:, LEFT, 2], height, atol=3e-3)


def test_an_experts_episodes_pass_every_stage_and_measure_what_they_did():
    work = played(env_of(4, realism="default"))
    assert work.solved.all()
    # a step may pass a stage by: as it comes to be seated, it may be in the bore for less than one
    assert all(stages >= {"start", "grasped", "lifted", "done"} for stages in work.passed)
    for measured in work.measures:
        assert measured["grasps"] >= 1
        assert measured["drops"] <= measured["grasps"] - 1  # the last grasp ended in an assembly
        assert measured["insertions"] >= 1
        assert plug_and_housing.SHAFT - assembly.SEATED < measured["deepest"] <= plug_and_housing.SHAFT
        assert assembly.LIFTED < measured["highest_lift"] < 0.5
        assert 0 <= measured["misalignment"] < np.arccos(assembly.ALIGNED)
        assert measured["way_driven"] < 0.1


@pytest.mark.parametrize("arguments", [{"clearance": 0.0}, {"clearance": 0.01}, {"spread": 3.0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        BimanualAssembly(**arguments)
