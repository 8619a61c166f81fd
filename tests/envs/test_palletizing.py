import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.rotations import about_z, from_rotvec
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.tasks import palletizing as pallet
from shopfloor.envs.tasks.palletizing import BOXES, Palletizing

LANES = np.arange(2)
FLAT = np.tile(np.eye(3), (2, BOXES, 1, 1))


def env_of(n=2, *, realism="ideal", **arguments):
    env = ShopfloorVectorEnv(Palletizing(**arguments), n, realism=realism, autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def stack(env, shift=(0.0, 0.0, 0.0), rotation=None, box=0):
    """Stand all boxes in their places, but for one that is moved by shift [m] and turned."""
    task = env.task
    positions = task.goals().copy()
    positions[..., 2] -= task.items.half_sizes[..., 2]
    positions[:, box] += shift
    rotations = FLAT.copy()
    if rotation is not None:
        rotations[:, box] = rotation
    task.items.put(LANES, positions, rotations)
    env.sim.forward(LANES)


def stand_still(env, seconds):
    for _ in range(round(seconds * CONTROL_RATE)):
        env.step(np.zeros((2, 7)))


def test_a_finished_layer_is_a_success_once_it_has_rested():
    env = env_of()
    stack(env)
    assert env.task.done().all()
    stand_still(env, pallet.SETTLED - 0.1)
    assert not env.task.success().any()
    stand_still(env, 0.2)
    assert env.task.success().all()


@pytest.mark.parametrize(
    ("shift", "rotation"),
    [
        ((pallet.IN_PLACE + 0.001, 0, 0), None),  # beside its place
        ((0, 0, pallet.ON_DECK + 0.001), None),  # on something
        ((0, 0, 0), about_z(np.full(2, pallet.SQUARE + 0.01))),  # askew
        ((0, 0, 0), from_rotvec(np.tile([0.06, 0, 0], (2, 1)))),  # tilted
    ],
)
def test_a_box_beside_on_top_askew_or_tilted_is_not_in_its_place(shift, rotation):
    env = env_of()
    stack(env, shift, rotation)
    assert not env.task.done()[:, 0].any()
    assert env.task.done()[:, 1:].all()


def test_a_box_under_the_cups_is_not_let_go_yet():
    env = env_of()
    stack(env)
    joints = env.task.robot.home(tuple(env.task.tops()[0, 2]))
    env.task.robot.place(LANES, np.tile(joints, (2, 1)), np.zeros(2))
    env.sim.forward(LANES)
    assert env.task.in_place()[0, 2]
    assert not env.task.done()[0, 2]


def test_overhang_is_measured_at_the_boxs_corners():
    env = env_of()
    stack(env)
    edge = env.task.pallet()[:, 1] + pallet.PALLET[1] / 2
    turned = about_z(np.full(2, np.pi / 4))
    half = env.task.items.half_sizes[:, 1]
    positions = env.task.boxes().copy()
    reach = half[:, :2].sum(axis=1) / np.sqrt(2)
    positions[:, 1, 1] = edge - reach + 0.004
    rotations = FLAT.copy()
    rotations[:, 1] = turned
    env.task.items.put(LANES, positions, rotations)
    env.sim.forward(LANES)
    np.testing.assert_allclose(env.task.overhang()[:, 1], 0.004, atol=1e-6)


@pytest.mark.parametrize("gap", [0.005, 0.03])
def test_the_pattern_leaves_the_gap_between_boxes_and_stays_on_the_pallet(gap):
    task = env_of(32, realism="default", gap=gap).task
    goals, half = task.goals(), task.items.half_sizes
    for one, other, axis in ((0, 1, 1), (2, 3, 1), (0, 2, 0), (1, 3, 0)):
        between = np.abs(goals[:, one, axis] - goals[:, other, axis]) - half[:, one, axis] - half[:, other, axis]
        np.testing.assert_allclose(between, gap, atol=1e-9)
    reach = np.abs(goals - task.pallet()[:, None])[..., :2] + half[..., :2]
    assert (reach < np.array(pallet.PALLET[:2]) / 2).all()


def test_boxes_that_arrive_rest_on_the_rollers_and_do_not_touch():
    env = env_of(2, realism="default", turn=0.5)
    before = env.task.boxes()
    stand_still(env, 1.0)
    assert np.abs(env.task.boxes() - before).max() < 2e-3


def test_a_box_that_falls_down_ends_the_episode_as_a_failure():
    env = env_of()
    stack(env, (0.6, 0.0, 0.0))
    stand_still(env, 1.0)
    assert env.over.all()
    assert env.task.lost().all()


def test_the_share_of_the_turn_is_the_tasks():
    turns = [np.abs(env_of(16, turn=turn).task.items.rotations()[..., 1, 0]).max() for turn in (0.0, 0.5)]
    assert turns[0] < 1e-9
    assert turns[1] > 0.3


def test_a_layer_is_built_of_all_boxes_and_its_measures_say_how():
    env = env_of(3, realism="default")
    expert = expert_of(env)
    work = played(env, expert.act, watch=lambda: expert.item)
    assert work.solved.all()
    assert [set(items) for items in work.watched[1:].T] == [set(range(BOXES))] * 3
    for end in work.measures:
        assert end["done"] == BOXES <= end["grasps"]
        assert end["drops"] == 0
        assert end["farthest_off"] < pallet.IN_PLACE
        assert end["most_askew"] < pallet.SQUARE
        assert end["largest_tilt"] < 0.3
