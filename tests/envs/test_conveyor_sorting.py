import copy

import mujoco
import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv, simulation
from shopfloor.envs.tasks import conveyor_sorting as sorting
from shopfloor.envs.tasks.conveyor_sorting import PARCELS, ConveyorSorting
from shopfloor.envs.tasks.palletizing import Palletizing

DEEPEST = 2e-3  # [m] that one thing may ever be in another: reached are 1.5 mm, of a lip of rubber as it lands
FLAT = np.tile(np.eye(3), (2, PARCELS, 1, 1))


def env_of(n=2, *, realism="ideal", **arguments):
    env = ShopfloorVectorEnv(ConveyorSorting(**arguments), n, realism=realism, autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def lay_in_chutes(env, classes):
    """Lay every parcel at rest on the floor of the chute of class `classes` (n, parcels)."""
    task, lanes = env.task, np.arange(env.num_envs)
    floors = task.chutes()[:, None] + sorting.CHUTES
    positions = np.take_along_axis(floors, classes[..., None], axis=1)
    positions[..., 2] += task.tops()[..., 2] - task.parcels()[..., 2]
    task.items.put(lanes, positions, FLAT)
    task.items.drive(lanes, np.zeros((env.num_envs, PARCELS, 6)))
    env.sim.forward(lanes)
    return positions


def test_success_is_every_parcel_at_rest_in_the_chute_of_its_class():
    env = env_of()
    assert not env.task.success().any()
    lay_in_chutes(env, env.task._class)
    assert env.task.success().all()
    assert not env.task.lost().any()
    env.task.items.drive(np.arange(2), np.full((2, PARCELS, 6), 0.1))
    env.sim.forward(np.arange(2))
    assert not env.task.success().any()


def test_a_parcel_in_anothers_chute_ends_the_episode_as_a_failure():
    env = env_of()
    classes = env.task._class.copy()
    classes[:, [0, 1]] = classes[:, [1, 0]]
    lay_in_chutes(env, classes)
    _, _, terminated, _, info = env.step(np.zeros((2, 7)))
    assert terminated.all()
    assert info["lost"].all()
    assert not info["success"].any()


def test_a_parcel_under_the_cups_is_not_sorted_yet():
    env = env_of()
    position = lay_in_chutes(env, env.task._class)[:, 0]
    joints = env.task.robot.home((position[0, 0], position[0, 1], env.task.tops()[0, 0, 2]))
    env.task.robot.place(np.arange(2), np.tile(joints, (2, 1)), np.zeros(2))
    env.sim.forward(np.arange(2))
    assert not env.task.done()[0, 0]
    assert not env.task.success()[0]


@pytest.mark.parametrize("realism", ["ideal", "default"])
def test_the_belt_carries_the_parcels_at_its_speed(realism):
    env = env_of(8, realism=realism)
    before = env.task.parcels()
    for _ in range(40):
        env.step(np.zeros((8, 7)))
    moved = env.task.parcels() - before
    want = -2.0 * np.tile(env.task._belt.speed()[:, None], (1, PARCELS))
    np.testing.assert_allclose(moved[..., 1], want, rtol=0.01)
    assert np.abs(moved[..., [0, 2]]).max() < 1e-3


def test_a_parcel_that_is_left_alone_is_lost_at_the_belts_end():
    env = env_of(2, belt_speed=0.5)
    left = played(env, lambda: np.zeros((2, 7)))
    assert left.terminated[-1].any()
    assert left.lost[-1].any()


def test_difficulty_moves_belt_speed_and_spacing():
    easy, hard = (env_of(difficulty=difficulty).task for difficulty in ("easy", "hard"))
    assert (hard._belt.speed() > easy._belt.speed()).all()
    spacings = [np.diff(task.parcels()[..., 1], axis=1) for task in (easy, hard)]
    assert (spacings[0] > spacings[1]).all()


def test_there_is_one_parcel_of_each_class_in_an_order_of_its_own():
    classes = env_of(32).task._class
    np.testing.assert_array_equal(np.sort(classes, axis=1), np.tile(np.arange(PARCELS), (32, 1)))
    assert len(np.unique(classes, axis=0)) > 3


def test_a_line_is_sorted_to_its_last_parcel_and_its_measures_say_how():
    env = env_of(4, realism="default")
    expert = expert_of(env)
    work = played(env, expert.act)
    assert work.solved.all()
    assert (expert.item == PARCELS - 1).all()
    for end in work.measures:
        assert end["done"] == PARCELS <= end["grasps"]
        assert end["missorted"] == end["drops"] == 0
        assert end["belt_left"] > 0.2  # the arm takes every parcel well before the belt's end
        assert end["fastest_fall"] < 0.4  # set down, not dropped: the tool itself comes down at 0.25


def test_measures_tell_a_parcel_in_anothers_chute():
    env = env_of()
    classes = env.task._class.copy()
    classes[:, [0, 1]] = classes[:, [1, 0]]
    lay_in_chutes(env, classes)
    _, _, _, _, info = env.step(np.zeros((2, 7)))
    assert (info["measures"]["missorted"] == 2).all()
    assert (info["measures"]["done"] == 1).all()


@pytest.mark.parametrize("kind", [ConveyorSorting, Palletizing])
def test_nothing_lands_deep_in_anything_in_any_step_of_the_physics(kind, monkeypatch):
    n = 2
    env = ShopfloorVectorEnv(kind(), n, realism="default", autoreset_mode="Disabled")
    env.reset(seed=0)
    task, sim, lanes = env.task, env.sim, np.arange(n)
    expert, model, data = expert_of(env), copy.copy(env.model), mujoco.MjData(env.model)
    monkeypatch.setattr(simulation, "SUBSTEPS", 1)  # a blow lasts for a step or two, and falls between control steps
    for _ in range(task.horizon_steps):
        task.robot.command(expert.act())
        for _ in range(round(simulation.CONTROL_PERIOD / simulation.TIMESTEP)):
            assert not sim.step(lanes).any()
            for lane in lanes:
                sim.copy_to(lane, model, data)
                for contact in np.flatnonzero(data.contact.dist < -DEEPEST):
                    names = [model.geom(geom).name for geom in data.contact.geom[contact]]
                    pytest.fail(f"{names} {-1e3 * data.contact.dist[contact]:.2f} mm in one another")
        task.robot.after_step(lanes)
        task.after_step(lanes)
        if task.success().all():
            return
    pytest.fail("the expert did not finish")
