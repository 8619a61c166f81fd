import numpy as np
import pytest

from shopfloor.envs.props import scene
from shopfloor.envs.robots import humanoid
from shopfloor.envs.robots.humanoid import TORSO, Humanoid
from shopfloor.envs.rotations import about_z, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

N = 3
HANDS = np.array([(0.5, 0.25, -0.15), (0.5, -0.25, -0.15)])  # [m] in the torso's frame
STILL = np.array([*[0.0] * 16, 1.0, 1.0])


def robot_of(*, base=(0.3, -0.2, 0.7), lift=0.1):
    """A robot on its own, its hands before it: the robot and a function that plays an action for some steps."""
    robot, spec = Humanoid(), scene.new_scene()
    robot.add_to(spec)
    sim = Simulation(spec.compile(), N)
    robot.bind(sim)
    lanes = np.arange(N)
    sim.reset(lanes)
    joints = np.tile(robot.home(HANDS), (N, 1, 1))
    robot.place(lanes, joints, opening=0.025, base=np.tile(base, (N, 1)), lift=np.full(N, lift))
    sim.forward(lanes)

    def play(action, steps):
        for _ in range(steps):
            robot.command(np.tile(action, (N, 1)))
            sim.step(lanes)

    return robot, play


def action_of(**elements):
    """An action that holds the grippers open and does what is named."""
    action = STILL.copy()
    for name, value in elements.items():
        action[humanoid.Humanoid.action_names.index(name)] = value
    return action


def test_both_hands_stand_where_the_kinematics_say_wherever_the_base_is():
    robot, _ = robot_of()
    commanded = robot.commanded_hands()
    hands, turned = robot.hand_poses()
    np.testing.assert_allclose(hands, commanded[0], atol=1e-9)
    np.testing.assert_allclose(turned, commanded[1], atol=1e-9)
    np.testing.assert_allclose(hands[0], HANDS, atol=1e-4)
    np.testing.assert_allclose(turned[0], np.tile(np.eye(3), (2, 1, 1)), atol=1e-3)


def test_the_torso_is_over_the_base_at_the_lifts_height():
    robot, _ = robot_of(base=(0.3, -0.2, 0.7), lift=0.1)
    position, rotation = robot.pose()
    np.testing.assert_allclose(position[0, TORSO], (0.3, -0.2, humanoid.SHOULDERS + 0.1), atol=1e-9)
    np.testing.assert_allclose(rotation[0, TORSO], about_z(np.array(0.7)), atol=1e-9)


def test_hands_keep_their_place_before_the_torso_while_base_and_lift_move():
    robot, play = robot_of()
    start = robot.pose()[0]
    for _ in range(30):
        play(action_of(base_forward=0.8, base_left=0.5, base_turn=0.6, lift=0.5), 1)
        hands, turned = robot.hand_poses()
        assert np.abs(hands - HANDS).max() < 5e-3
        assert np.abs(to_rotvec(turned)).max() < 0.02
    assert np.hypot(*(robot.pose()[0] - start)[0, TORSO, :2]) > 0.3
    assert (robot.pose()[0] - start)[0, TORSO, 2] > 0.1


def test_each_hand_moves_alone_in_the_torsos_frame():
    robot, play = robot_of()
    play(action_of(left_dx=0.4, right_dz=0.6), 10)
    play(STILL, 10)
    moved = robot.hands()[0] - HANDS
    way = 10 * CONTROL_PERIOD * 0.25
    np.testing.assert_allclose(moved, [(0.4 * way, 0, 0), (0, 0, 0.6 * way)], atol=3e-3)


def test_the_way_made_adds_up_to_the_way_between_two_places():
    robot, play = robot_of(base=(0.0, 0.0, 0.4))
    way = np.zeros(N)
    for action in [action_of(base_forward=0.5, base_left=-0.5)] * 40 + [STILL] * 20:
        play(action, 1)
        way += robot.way_made()
    driven = np.hypot(*robot.base.place_now()[0, :2])
    assert driven > 0.4
    np.testing.assert_allclose(way, driven, atol=0.01)


def test_the_base_drives_in_its_own_axes_and_stops():
    robot, play = robot_of(base=(0.0, 0.0, np.pi / 2))
    play(action_of(base_forward=0.5), 40)
    np.testing.assert_allclose(robot.base.velocity()[0], (0.5 * humanoid.DRIVE.speed, 0, 0), atol=0.01)
    play(STILL, 20)
    assert np.abs(robot.base.velocity()).max() < 0.01
    x, y, _ = robot.base.place_now()[0]
    assert y > 0.4
    assert abs(x) < 0.01


@pytest.mark.parametrize(("action", "height"), [(1.0, humanoid.LIFT), (-1.0, 0.0)])
def test_the_lift_stops_at_its_ends(action, height):
    robot, play = robot_of(lift=0.2)
    play(action_of(lift=action), 60)
    np.testing.assert_allclose(robot.lift(), height, atol=2e-3)


def test_each_gripper_obeys_its_own_action():
    robot, play = robot_of()
    play(action_of(left_gripper=-1.0), 15)
    np.testing.assert_allclose(robot.openings()[0], (0.0, 0.025), atol=1e-3)


def test_steering_brings_all_three_tools_to_a_goal():
    robot, _ = robot_of()
    sim = robot.sim
    hands = np.tile(np.add(HANDS, [(0.05, 0.02, 0.06), (0.0, -0.03, 0.08)]), (N, 1, 1))
    rotations = np.tile(about_z(np.array([0.3, -0.2])), (N, 1, 1, 1))
    torso, heading = np.tile((0.5, 0.1, humanoid.SHOULDERS + 0.25), (N, 1)), np.full(N, 1.2)
    goal = robot.reaching(hands, rotations, torso, heading)
    for _ in range(80):
        motions = robot.steer(*goal, gain=np.full(N, 0.6), speed=np.ones(N))
        assert np.abs(motions).max() <= 1 + 1e-9
        robot.command(np.concatenate([motions, np.ones((N, 2))], axis=1))
        sim.step(np.arange(N))
    position, rotation = robot.pose()
    np.testing.assert_allclose(position, goal[0], atol=3e-3)
    np.testing.assert_allclose(rotation, goal[1], atol=1e-2)


def test_a_pose_out_of_reach_is_refused():
    with pytest.raises(ValueError, match="reach"):
        Humanoid().home(np.add(HANDS, (1.5, 0.0, 0.0)))
