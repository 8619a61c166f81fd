import mujoco
import numpy as np

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.robots import tools
from shopfloor.envs.rotations import from_rotvec, to_quaternion, to_rotvec

FRAME = tools.ParallelGripper().frame


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
