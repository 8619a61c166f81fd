import mujoco
import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props import kit
from shopfloor.envs.props.kit import PARTS
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import about_z, from_rotvec, to_quaternion
from shopfloor.envs.tasks import kitting
from shopfloor.envs.tasks.kitting import Kitting

BUSH, BLOCK, HEXAGON = range(3)
HALF = kit.HEIGHT / 2


def env_of(n, **arguments):
    env = ShopfloorVectorEnv(Kitting(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def seat_parts(env, part=None, offset=(0.0, 0.0, 0.0), yaw=0.0, tilt=0.0):
    """Put every part on its seat with the tray's yaw, `part` off it [m], turned and tilted [rad]."""
    seats, tray_yaw = env.task.seats()
    for index, name in enumerate(PARTS):
        moved = np.asarray(offset) if index == part else np.zeros(3)
        turn = about_z(tray_yaw + (yaw if index == part else 0.0))
        lean = from_rotvec(np.array([[tilt if index == part else 0.0, 0.0, 0.0]]))
        columns = env.sim.free_joint_columns(name)
        env.sim.qpos[:, columns[:3]] = seats[:, index] + moved
        env.sim.qpos[:, columns[3:]] = to_quaternion(turn @ lean)
    env.sim.forward(np.arange(env.num_envs))


@pytest.mark.parametrize(
    ("part", "error", "success"),
    [
        (None, {}, True),
        (BUSH, {"yaw": 1.0}, True),  # a turn of a round part does not show
        (BLOCK, {"yaw": np.pi}, True),
        (HEXAGON, {"yaw": -np.pi / 3}, True),
        (BLOCK, {"yaw": np.pi / 2}, False),
        (HEXAGON, {"yaw": np.pi / 6}, False),
        (BLOCK, {"offset": (0.0, 0.0, kit.DEPTH - kit.CHAMFER)}, False),  # stands on the chamfer
        (BUSH, {"offset": (kit.PITCH, 0.0, 0.0)}, False),  # in its neighbour's place
        (HEXAGON, {"tilt": 0.3}, False),
    ],
)
def test_success_is_every_part_seated_in_its_own_pocket(part, error, success):
    env = env_of(4)
    seat_parts(env, part, **error)
    assert (env.task.success() == success).all()


def test_a_part_that_the_hand_still_holds_is_not_placed():
    env, both = env_of(2), np.arange(2)
    tray = env.sim.model.body("tray").mocapid[0]
    env.sim.mocap_pos[:, tray] += env.task.robot.pose()[0] - env.task.seats()[0][:, HEXAGON] - kitting.GRASP
    env.sim.forward(both)
    seat_parts(env)  # the hexagon now where the tool is
    for opening, placed in ((STROKE, True), (kit.HEXAGON, False)):
        env.task.robot.tool.place(both, np.full(2, opening))
        env.sim.forward(both)
        np.testing.assert_array_equal(env.task.placed(), [[True, True, placed]] * 2)
        assert (env.task.current() == HEXAGON).all()


@pytest.mark.parametrize("clearance", [1e-3, 2.5e-3, 4e-3])
@pytest.mark.parametrize("part", [BUSH, BLOCK, HEXAGON])
def test_a_pocket_has_the_play_that_its_knob_says(clearance, part):
    env = env_of(1, clearance=clearance, tray_yaw=0.0)
    for shift, touches in ((0.45 * clearance, False), (0.60 * clearance, True)):
        yaw = env.task.seats()[1][0]  # the parts are widest along the tray's y
        seat_parts(env, part, (-shift * np.sin(yaw), shift * np.cos(yaw), 1e-3))
        data = mujoco.MjData(env.sim.model)
        env.sim.copy_to(0, env.sim.model, data)
        mujoco.mj_forward(env.sim.model, data)
        names = [{env.sim.model.geom(g).name for g in contact.geom} for contact in data.contact if contact.dist < 0]
        hit = any(PARTS[part] in pair and any("pocket" in name for name in pair) for pair in names)
        assert hit == touches, names


def test_a_part_a_little_off_its_pocket_slides_down_the_chamfer_into_it():
    env = env_of(4)
    seat_parts(env, BUSH, (0.0015, 0.001, kit.DEPTH))  # more than its play
    for _ in range(20):
        env.step(np.zeros((4, 7)))
    assert env.task.placed()[:, BUSH].all()


def test_the_parts_start_clear_of_one_another_and_rest():
    env = env_of(64)
    before = env.task.parts()
    gaps = np.linalg.norm(before[:, :, None, :2] - before[:, None, :, :2], axis=-1)
    assert gaps[:, ~np.eye(3, dtype=bool)].min() > 0.06  # the open fingers fit between
    for _ in range(20):
        env.step(np.zeros((64, 7)))
    assert np.abs(env.task.parts() - before).max() < 1e-3


def test_a_part_that_is_knocked_over_ends_the_episode_as_a_failure():
    env = env_of(2)
    seat_parts(env, BLOCK, (0.0, 0.0, 0.1), tilt=np.pi / 2)
    _, _, terminated, _, info = env.step(np.zeros((2, 7)))
    assert terminated.all()
    assert info["lost"].all()


def test_the_knob_turns_the_tray():
    spans = [np.ptp(env_of(64, tray_yaw=yaw).task.seats()[1]) for yaw in (0.1, 1.0)]
    assert spans[0] < 0.2 < 1.0 < spans[1]


def test_an_episode_of_the_expert_goes_through_the_stages_and_is_accounted_for():
    work = played(env_of(2))
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 2
    for end in work.measures:
        assert end["parts_placed"] == len(PARTS) <= end["grasps"]
        assert end["drops"] == 0
        assert 0 < end["largest_tilt"] < 0.1
        assert 0 < end["peak_force"] < 500


def test_a_part_let_go_beside_its_pocket_is_a_drop():
    env = env_of(1)
    expert = expert_of(env)
    while not (env.task.held().any() and env.task.robot.pose()[0][0, 2] > 0.1):
        env.step(expert.act())
    action = np.array([[0, 0, 0, 0, 0, 0, 1.0]])
    for _ in range(10):
        env.step(action)
    assert env._tallies.values()["drops"][0] == env._tallies.values()["grasps"][0] == 1
