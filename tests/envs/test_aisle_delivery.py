import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.tasks import aisle_delivery
from shopfloor.envs.tasks.aisle_delivery import DOCK, YAW_GOAL, AisleDelivery


def hall(n=4, **knobs):
    env = ShopfloorVectorEnv(AisleDelivery(**knobs), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def stand(env, place):
    ids = np.arange(env.num_envs)
    env.task.robot.place(ids, place)
    env.sim.qvel[:, :] = 0.0
    env.sim.forward(ids)


def docked(env, shift=(0.0, 0.0, 0.0)):
    place = np.zeros((env.num_envs, 3))
    place[:, :2] = env.task._station
    return place + np.array(shift)


def test_success_needs_place_heading_and_rest():
    env = hall()
    tolerance = env.task.knob["tolerance"]
    stand(env, docked(env))
    assert env.task.success().all()
    for shift in ((-1.05 * tolerance, 0, 0), (0, 1.05 * tolerance, 0), (0, 0, 1.05 * YAW_GOAL)):
        stand(env, docked(env, shift))
        assert not env.task.success().any()
    stand(env, docked(env))
    env.sim.qvel[:, 0] = 0.1
    env.sim.forward(np.arange(env.num_envs))
    assert not env.task.success().any()


def test_touching_a_station_a_rack_or_a_person_loses_the_episode():
    env = hall()
    assert not env.task.lost().any()
    stand(env, docked(env, (aisle_delivery.GAP_AT_DOCK, 0, 0)))
    assert env.task.lost().all()
    assert not env.task.success().any()
    stand(env, np.tile([0.0, 1.5, 0.0], (env.num_envs, 1)))
    assert env.task.lost().all()
    people = env.task._traffic.places()[:, 0]
    stand(env, people + np.array([-0.70, 0.0, 0.0]) * [1, 1, 0])
    touched = env.task.lost()
    stand(env, np.concatenate([people[:, :2] - [0.75, 0.0], np.zeros((env.num_envs, 1))], axis=1))
    assert touched.any()


def test_people_walk_at_their_pace_and_wait_for_a_robot_right_before_them():
    env = hall()
    zero = np.zeros(env.action_space.shape)
    for _ in range(40):
        env.step(zero)
    speed = np.hypot(*np.moveaxis(env.task._traffic.velocities(), -1, 0))
    assert speed.max() <= 1.6
    assert speed.mean() > 0.2
    before = env.task._traffic.places()[:, 0]
    ahead = np.stack([np.cos(before[:, 2]), np.sin(before[:, 2])], axis=1)
    stand(env, np.concatenate([before[:, :2] + 1.2 * ahead, before[:, 2:]], axis=1))
    env.sim.qvel[:, :3] = 0.0
    clear = ~env.task.lost()
    for _ in range(60):
        env.step(zero)
    gone = np.hypot(*(env.task._traffic.places()[:, 0] - before)[:, :2].T)
    assert clear.any()
    assert gone[clear].max() < 0.7


def test_the_route_is_a_pure_function_that_leads_to_the_station():
    station, lane = np.array([[DOCK, 1.1]]), np.array([[-3.45]])
    place, lefts, parts = np.array([[-6.0, 2.0]]), [], []
    for _ in range(400):
        point, left, part = aisle_delivery._route(place, station, lane)
        lefts.append(left[0])
        parts.append(part[0])
        place = place + 0.1 * (point - place)
    assert (np.diff(lefts) < 1e-2).all()
    assert lefts[-1] < 0.05
    assert sorted(set(parts)) == [0, 1, 2, 3]
    assert (np.diff(parts) >= 0).all()


@pytest.mark.parametrize("knob", ["people", "pace", "aisle_width", "tolerance"])
def test_each_knob_changes_the_task(knob):
    low, high = {"people": (0, 3), "pace": (0.5, 1.5), "aisle_width": (1.8, 2.6), "tolerance": (0.1, 0.3)}[knob]
    few, many = hall(**{knob: low}), hall(**{knob: high})
    if knob == "people":
        assert many.sim.model.nv - few.sim.model.nv == 9
    elif knob == "pace":
        np.testing.assert_allclose(3 * few.task._traffic._pace, many.task._traffic._pace)
    elif knob == "aisle_width":
        y = [env.sim.model.geom("rack_1").pos[1] for env in (few, many)]
        assert y[1] > y[0]
    else:
        stand(few, docked(few, (-0.2, 0, 0)))
        stand(many, docked(many, (-0.2, 0, 0)))
        assert not few.task.success().any()
        assert many.task.success().all()
