import mujoco
import numpy as np

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.robots import arm, kinematics, tools
from shopfloor.envs.rotations import from_rotvec, to_quaternion, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD

FRAME = tools.ParallelGripper().frame


def test_forward_kinematics_agree_with_the_simulated_arm():
    env = ShopfloorVectorEnv("PegInsertion", 5, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    joints = np.random.default_rng(0).uniform(-2, 2, (5, 6))
    env.task.robot.place(np.arange(5), joints, np.zeros(5))
    env.sim.forward(np.arange(5))
    pose = kinematics.forward_kinematics(joints, FRAME)
    np.testing.assert_allclose(pose.position, env.task.robot.pose()[0], atol=1e-9)
    np.testing.assert_allclose(pose.rotation, env.task.robot.pose()[1], atol=1e-9)


def test_flange_stands_where_the_vendors_kinematics_put_it():
    """UR5e's Denavit-Hartenberg table, multiplied out by hand for all joints at zero: flange (x, y, z)."""
    pose = kinematics.forward_kinematics(np.zeros((1, 6)), FRAME)
    flange = pose.position[0] - FRAME.reach * (pose.rotation[0] @ FRAME.rotation.T)[:, 2]
    np.testing.assert_allclose(flange, [0.425 + 0.3922, 0.1333 + 0.0996, 0.1625 - 0.0997], atol=1e-9)


def test_inverse_kinematics_follow_a_straight_line():
    joints = np.tile(arm.HOME, (2, 1))
    start = pose = kinematics.forward_kinematics(joints, FRAME)
    step = np.array([0.01, -0.005, -0.01, 0.0, 0.0, 0.05])
    for _ in range(10):
        joints = kinematics.inverse_kinematics_step(joints, pose, np.tile(step, (2, 1)))
        pose = kinematics.forward_kinematics(joints, FRAME)
    np.testing.assert_allclose(pose.position - start.position, np.tile(10 * step[:3], (2, 1)), atol=3e-3)
    turned = to_rotvec(pose.rotation @ np.swapaxes(start.rotation, 1, 2))
    np.testing.assert_allclose(turned, np.tile(10 * step[3:], (2, 1)), atol=2e-2)


def test_no_step_exceeds_the_joints_speed():
    joints = np.tile(arm.HOME, (1, 1))
    moved = kinematics.inverse_kinematics_step(
        joints, kinematics.forward_kinematics(joints, FRAME), np.full((1, 6), 1.0)
    )
    np.testing.assert_allclose(np.abs(moved - joints).max(), arm.JOINT_SPEED * CONTROL_PERIOD)


def test_servos_hold_the_commanded_pose():
    env = ShopfloorVectorEnv("PegInsertion", 3, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    for _ in range(10):
        env.step(np.tile([0.5, 0.5, -0.2, 0, 0, 0.3, 1.0], (3, 1)))
    for _ in range(10):
        env.step(np.tile([0, 0, 0, 0, 0, 0, 1.0], (3, 1)))
    robot = env.task.robot
    assert np.abs(robot.pose()[0] - robot.commanded_pose()[0]).max() < 2e-4


def test_gripper_opens_and_closes_within_its_stroke():
    env = ShopfloorVectorEnv("PegInsertion", 1, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    for action, opening in ((-1.0, 0.0), (1.0, tools.STROKE)):
        for _ in range(20):
            env.step(np.array([[0, 0, 0, 0, 0, 0, action]]))
        np.testing.assert_allclose(env.task.robot.tool.state(), opening, atol=5e-4)


def test_rotation_helpers_agree_with_mujoco():
    rng = np.random.default_rng(1)
    rotvecs = rng.uniform(-1.7, 1.7, (50, 3))
    matrices = from_rotvec(rotvecs)
    np.testing.assert_allclose(to_rotvec(matrices), rotvecs, atol=1e-9)
    for matrix, quaternion in zip(matrices, to_quaternion(matrices), strict=True):
        expected = np.empty(4)
        mujoco.mju_mat2Quat(expected, matrix.ravel())
        np.testing.assert_allclose(np.abs(quaternion @ expected), 1, atol=1e-12)
