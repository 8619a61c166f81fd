"""Where the arm's tool is and which joint step moves it, held to MuJoCo, to finite differences and to the vendor."""

import mujoco
import numpy as np
import pytest

from shopfloor.envs.props import scene
from shopfloor.envs.robots import arm, kinematics, tools
from shopfloor.envs.rotations import to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD

TOOLS = {"gripper": tools.ParallelGripper, "suction cup": tools.SuctionCup}
FRAME = tools.ParallelGripper().frame
JOINTS = np.random.default_rng(0).uniform(-np.pi, np.pi, (40, 6))  # [rad]
STEP = 1e-6  # [rad] of finite differences
LINK_MASS = 17.7  # [kg] of the six links, vendor's dynamic parameters
UPPER_ARM_BESIDE = 0.11336  # [m] of its centre of mass from the shoulder lift's frame, along the joint's axis, likewise


def model_of(tool):
    robot, spec = arm.Arm(tool), scene.new_scene()
    robot.add_to(spec)
    return spec.compile()


@pytest.fixture(scope="module")
def model():
    return model_of(tools.ParallelGripper())


def placed(model, joints):
    """MuJoCo's data with the arm's joints at (6,) [rad]."""
    data = mujoco.MjData(model)
    for name, angle in zip(arm.JOINTS, joints, strict=True):
        data.joint(name).qpos = angle
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    return data


@pytest.mark.parametrize("tool", TOOLS)
def test_forward_kinematics_are_mujocos(tool):
    model = model_of(TOOLS[tool]())
    pose = kinematics.forward_kinematics(JOINTS, TOOLS[tool]().frame)
    for joints, position, rotation in zip(JOINTS, pose.position, pose.rotation, strict=True):
        tcp = placed(model, joints).site("tcp")
        np.testing.assert_allclose(position, tcp.xpos, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rotation, tcp.xmat.reshape(3, 3), rtol=0, atol=1e-12)


def test_flange_stands_where_the_vendors_kinematics_put_it():
    """UR5e's Denavit-Hartenberg table, multiplied out by hand for all joints at zero: flange (x, y, z)."""
    pose = kinematics.forward_kinematics(np.zeros((1, 6)), FRAME)
    flange = pose.position[0] - FRAME.reach * (pose.rotation[0] @ FRAME.rotation.T)[:, 2]
    np.testing.assert_allclose(flange, [0.425 + 0.3922, 0.1333 + 0.0996, 0.1625 - 0.0997], atol=1e-9)


def jacobians(joints):
    """(n, 6, 6): the twist of the tool in the base frame by each joint's speed, as inverse kinematics have it."""
    pose = kinematics.forward_kinematics(joints, FRAME)
    cosine, sine = pose.plane
    zero, one = np.zeros_like(cosine), np.ones_like(cosine)
    axes = np.array([(-cosine, -sine, zero), (-sine, cosine, zero), (zero, zero, one)])  # out, beside, up: (3, 3, n)
    halves = pose.jacobian.reshape(6, 2, 3, -1)  # joint; translation, rotation; axis
    return np.einsum("jhan,axn->nhxj", halves, axes).reshape(-1, 6, 6)


def test_the_jacobian_is_that_of_finite_differences():
    measured = np.empty((len(JOINTS), 6, 6))
    for joint in range(6):
        ends = [kinematics.forward_kinematics(JOINTS + way * STEP * np.eye(6)[joint], FRAME) for way in (-1, 1)]
        measured[:, :3, joint] = (ends[1].position - ends[0].position) / (2 * STEP)
        turn = to_rotvec(ends[1].rotation @ np.swapaxes(ends[0].rotation, -1, -2))
        measured[:, 3:, joint] = turn / (2 * STEP)
    np.testing.assert_allclose(jacobians(JOINTS), measured, rtol=0, atol=1e-8)


def test_the_step_is_that_of_damped_least_squares():
    twist = 1e-3 * np.random.default_rng(1).standard_normal((len(JOINTS), 6))
    step = kinematics.inverse_kinematics_step(JOINTS, kinematics.forward_kinematics(JOINTS, FRAME), twist) - JOINTS
    fastest = np.pi * CONTROL_PERIOD
    for moved, jacobian, wanted in zip(step, jacobians(JOINTS), twist, strict=True):
        square = jacobian @ jacobian.T + kinematics.IK_DAMPING**2 * np.eye(6)
        expected = jacobian.T @ np.linalg.solve(square, wanted)
        np.testing.assert_allclose(moved, expected / max(1.0, np.abs(expected).max() / fastest), rtol=1e-6, atol=1e-12)


def test_linear_systems_are_solved_as_numpy_solves_them():
    rng = np.random.default_rng(2)
    half, wanted = rng.standard_normal((50, 6, 6)), rng.standard_normal((50, 6))
    square = half @ np.swapaxes(half, 1, 2) + 0.1 * np.eye(6)
    columns = np.concatenate([square, wanted[..., None]], axis=-1).transpose(2, 1, 0).copy()
    expected = np.linalg.solve(square, wanted[..., None])[..., 0]
    np.testing.assert_allclose(kinematics.solve_symmetric(columns).T, expected, rtol=1e-9, atol=1e-9)


def test_a_batch_gives_the_bits_of_each_arm_alone():
    twist = 0.02 * np.random.default_rng(3).standard_normal((len(JOINTS), 6))

    def moved(rows):
        pose = kinematics.forward_kinematics(JOINTS[rows], FRAME)
        step = kinematics.inverse_kinematics_step(JOINTS[rows], pose, twist[rows])
        return np.concatenate([step, pose.position, pose.rotation.reshape(-1, 9)], axis=1)

    batch = moved(slice(None))
    alone = np.concatenate([moved([row]) for row in range(len(JOINTS))])
    np.testing.assert_array_equal(batch, alone)
    for few in (kinematics.FEW, kinematics.FEW + 1, 11):  # in floats, in arrays
        np.testing.assert_array_equal(moved(slice(5, 5 + few)), batch[5 : 5 + few])


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


def test_a_pose_is_found_and_one_out_of_reach_is_refused():
    robot = arm.Arm()
    pose = kinematics.forward_kinematics(robot.home((0.5, 0.1, 0.3))[None], robot.tool.frame)
    np.testing.assert_allclose(pose.position[0], (0.5, 0.1, 0.3), atol=2e-3)
    np.testing.assert_allclose(pose.rotation[0], np.eye(3), atol=2e-3)
    with pytest.raises(ValueError, match=r"out of the arm's reach .*, want within"):
        robot.home((2.0, 0.0, 0.3))


def test_the_elbow_turns_by_half_a_turn_and_the_other_joints_by_a_whole_one_to_either_side(model):
    for name in arm.JOINTS:
        turns = 1 if name == "elbow" else 2
        np.testing.assert_allclose(model.joint(name).range, (-turns * np.pi, turns * np.pi))
        np.testing.assert_allclose(model.actuator(name).actrange, (-turns * np.pi, turns * np.pi))


def test_the_links_weigh_what_the_vendor_says(model):
    masses = [float(model.body(name).mass[0]) for name in arm.JOINTS]
    assert masses == list(arm.LINK_MASS)
    assert sum(masses) == pytest.approx(LINK_MASS, abs=1e-9)


def vendors_frame(joints, link):
    """Rotation and place of the frame at a link's far end in the arm's foot: the published table, multiplied out."""
    frame = np.eye(4)
    for angle, (a, d, turns) in zip(joints[: link + 1], kinematics.DH, strict=False):
        c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(turns * np.pi / 2), np.sin(turns * np.pi / 2)
        frame = frame @ [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
    return frame[:3, :3], frame[:3, 3]


def test_centres_of_mass_and_inertias_lie_where_the_vendor_says(model):
    """Each in the frame at its link's far end, whatever the joints' angles."""
    for joints in JOINTS[:5]:
        data = placed(model, joints)
        for link, name in enumerate(arm.JOINTS):
            rotation, place = vendors_frame(joints, link)
            centre = kinematics.BASE @ (rotation @ arm.MASS_CENTRE[link] + place)
            np.testing.assert_allclose(data.body(name).xipos, centre, rtol=0, atol=1e-9)
            xx, yy, zz, xy, xz, yz = arm.INERTIA[link]
            published = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            principal = model.body(name).inertia
            np.testing.assert_allclose(np.sort(principal), np.linalg.eigvalsh(published), rtol=1e-6)
            axes = data.body(name).ximat.reshape(3, 3)
            whole = kinematics.BASE @ rotation @ published @ rotation.T @ kinematics.BASE.T
            np.testing.assert_allclose(axes @ np.diag(principal) @ axes.T, whole, rtol=0, atol=1e-8)


def test_the_upper_arms_mass_lies_beside_its_joint(model):
    upper_arm = model.body("shoulder_lift")
    assert model.joint("shoulder_lift").axis.tolist() == [0, 0, 1]
    assert upper_arm.ipos[2] == pytest.approx(UPPER_ARM_BESIDE, abs=1e-9)
