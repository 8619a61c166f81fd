import copy
import itertools

import mujoco
import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.robots import forklift, mobile
from shopfloor.envs.robots.differential import drive_towards
from shopfloor.envs.robots.lidar import Lidar
from shopfloor.envs.simulation import CONTROL_PERIOD

DRIVES = {"AisleDelivery": mobile.DRIVE, "PalletDocking": forklift.DRIVE}


def standing(task, n=1, **arguments):
    env = ShopfloorVectorEnv(task, n, realism="ideal", autoreset_mode="Disabled", **arguments)
    env.reset(seed=0)
    return env


def drive(env, action, steps):
    """Velocities (steps, 3) of the first lane's base under a constant action."""
    trace = []
    for _ in range(steps):
        env.step(np.tile(action, (env.num_envs, 1)))
        trace.append(env.task.robot.base.velocity()[0])
    return np.array(trace)


def place_at(env, place):
    env.task.robot.place(np.arange(env.num_envs), np.tile(place, (env.num_envs, 1)))
    env.sim.forward(np.arange(env.num_envs))


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_speed_and_acceleration_stay_within_the_drive(name):
    env, limits = standing(name), DRIVES[name]
    place_at(env, [-6.0, 0.0, np.pi / 2] if name == "AisleDelivery" else [-2.0, -1.0, 0.0])
    forward = np.zeros(env.single_action_space.shape[0])
    forward[:2] = 1.0, 0.0
    speed = drive(env, forward, 20)[:, 0]
    assert speed.max() <= limits.speed
    assert speed[-1] > 0.4 * limits.speed
    gained = np.diff(speed, prepend=0.0) / CONTROL_PERIOD
    assert gained.max() <= 1.6 * limits.acceleration  # the drive is laid out for a full load, this one is lighter


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_the_base_turns_on_the_spot_and_does_not_drift_sideways(name):
    env = standing(name)
    place_at(env, [-6.0, 0.0, 0.3] if name == "AisleDelivery" else [-2.0, -1.0, 0.3])
    start = env.task.robot.base.place_now()[0]
    turn = np.zeros(env.single_action_space.shape[0])
    turn[1] = 0.5
    velocity = drive(env, turn, 40)
    moved = env.task.robot.base.place_now()[0] - start
    assert velocity[-1, 2] == pytest.approx(0.5 * DRIVES[name].turn, rel=0.05)
    assert np.hypot(*moved[:2]) < 0.03
    arc = np.zeros_like(turn)
    arc[:2] = 0.3, 0.5
    assert np.abs(drive(env, arc, 20)[:, 1]).max() < 0.05


def test_the_steering_law_reaches_a_pose_ahead_and_one_behind():
    goals = np.array([[2.0, 0.6, 0.0], [1.5, -1.0, -1.0], [-1.5, 0.2, 0.0], [0.0, 2.0, 1.57]])
    place, ones = np.zeros((4, 3)), np.ones(4)
    for _ in range(1200):  # a base that follows its commands at once
        shares = drive_towards(place, goals, drive=forklift.DRIVE, gain=0.6 * ones, speed=0.5 * ones, reverses=True)
        assert (np.abs(shares) <= 0.5 + 1e-9).all()
        forward, turn = shares[:, 0] * forklift.DRIVE.speed, shares[:, 1] * forklift.DRIVE.turn
        place[:, 0] += CONTROL_PERIOD * forward * np.cos(place[:, 2])
        place[:, 1] += CONTROL_PERIOD * forward * np.sin(place[:, 2])
        place[:, 2] += CONTROL_PERIOD * turn
    np.testing.assert_allclose(place[:, :2], goals[:, :2], atol=0.031)
    np.testing.assert_allclose(place[:, 2], goals[:, 2], atol=0.02)


def test_a_base_that_reverses_backs_up_to_what_is_behind():
    behind, ahead = np.array([[-1.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    arguments = {"drive": forklift.DRIVE, "gain": np.array([0.6]), "speed": np.ones(1)}
    assert drive_towards(np.zeros((1, 3)), behind, reverses=True, **arguments)[0, 0] < 0
    assert drive_towards(np.zeros((1, 3)), behind, reverses=False, **arguments)[0, 0] == 0
    assert drive_towards(np.zeros((1, 3)), ahead, reverses=True, **arguments)[0, 0] > 0


def test_the_lidar_agrees_with_mujocos_rays():
    env = standing("AisleDelivery", 48)
    expert = env.task.expert()
    expert.reset(np.arange(48))
    for _ in range(60):
        env.step(expert.act())
    robot, groups = env.task.robot, np.zeros(6, dtype=np.uint8)
    groups[3] = 1
    position, rotation = robot.pose()
    angle = 2 * np.pi * np.arange(mobile.BEAMS) / mobile.BEAMS
    beams = rotation[:, None, :, 0] * np.cos(angle)[:, None] + rotation[:, None, :, 1] * np.sin(angle)[:, None]
    eyes = position + np.array([0.0, 0.0, mobile.LIDAR_HEIGHT])
    distance, geom = np.zeros((48, mobile.BEAMS)), np.zeros(mobile.BEAMS, dtype=np.int32)
    model, data, chassis = copy.copy(env.sim.model), mujoco.MjData(env.sim.model), env.sim.model.body("chassis").id
    for lane in range(48):
        env.sim.copy_to(lane, model, data)
        mujoco.mj_multiRay(
            *(model, data, eyes[lane], beams[lane].ravel(), groups, 1, chassis),
            *(geom, distance[lane], None, mobile.BEAMS, mujoco.mjMAXVAL),
        )
    distance[(distance < 0) | (distance > mobile.LIDAR_RANGE)] = mobile.LIDAR_RANGE
    off = np.abs(robot.scan() - distance)
    assert off.max() < 1e-4  # where a beam grazes a wall
    assert np.mean(off < 2e-6) > 0.998


def test_the_lidar_measures_the_walls():
    env = standing("AisleDelivery")
    place_at(env, [-6.0, 0.0, np.pi])
    assert env.task.robot.scan()[0, 0] == pytest.approx(7.4 - 0.03 - 6.0, abs=2e-6)


def test_the_forks_lift_at_their_speed_and_hold_what_they_lift():
    env = standing("PalletDocking")
    robot = env.task.robot
    heights = []
    for action in [-1.0] * 40 + [0.0] * 20 + [1.0] * 40:
        env.step(np.array([[0.0, 0.0, action]]))
        heights.append(robot.height()[0])
    heights = np.array(heights)
    assert np.abs(np.diff(heights)).max() < 1.1 * forklift.LIFT_SPEED * CONTROL_PERIOD
    assert heights[39] == pytest.approx(forklift.LIFT_TOP, abs=2e-3)
    assert heights[59] == pytest.approx(heights[39], abs=1e-3)
    assert heights[-1] == pytest.approx(0.0, abs=1e-3)


def test_the_lidar_measures_once_a_turn():
    env = standing("AisleDelivery", 2)
    scans = [env.task.robot.scan()]
    for _ in range(6):
        env.step(np.ones((2, 2)))
        scans.append(env.task.robot.scan())
    fresh = [bool((after != before).any()) for before, after in itertools.pairwise(scans)]
    assert fresh == [False, True] * 3, f"fresh {fresh}, want a measurement every 0.1 s"


def test_a_lidar_has_an_even_number_of_beams():
    with pytest.raises(ValueError, match="even"):
        Lidar(beams=7, reach=8.0, period=0.1)
