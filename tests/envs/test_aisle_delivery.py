import numpy as np
import pytest
from playing import played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props.hall import DOCK, PARTS, route
from shopfloor.envs.props.walking import FASTEST
from shopfloor.envs.props.warehouse import PERSON_RADIUS
from shopfloor.envs.robots import mobile
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.tasks import aisle_delivery
from shopfloor.envs.tasks.aisle_delivery import YAW_GOAL, AisleDelivery


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
    place[:, :2] = env.task.station()
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


def test_people_walk_on_stand_at_their_stops_and_walk_on_again():
    env = hall(32, people=1, standing=0.5)
    traffic, zero = env.task._traffic, np.zeros(env.action_space.shape)
    speeds, stands = [], []
    for _ in range(300):
        env.step(zero)
        speeds.append(np.hypot(*traffic.velocities()[:, 0].T))
        stands.append((traffic._standing[0] > 0).copy())
    speeds, stands = np.array(speeds), np.array(stands)
    settled = stands & np.roll(stands, 10, axis=0) & (np.arange(300) > 10)[:, None]
    assert settled.any()
    assert np.median(speeds[settled]) < 0.02
    assert 0.3 < stands.mean() < 0.7
    assert (np.diff(stands.astype(int), axis=0) == 1).any()
    assert (np.diff(stands.astype(int), axis=0) == -1).any()
    walking = speeds[~stands & ~np.roll(stands, 20, axis=0)]
    assert 0.9 < walking.mean() < 1.6
    assert not (hall(people=1, standing=0.0).task._traffic._stops < np.inf).any()


def test_people_walk_at_their_pace_and_wait_for_a_robot_right_before_them():
    env = hall()
    zero = np.zeros(env.action_space.shape)
    for _ in range(40):
        env.step(zero)
    speed = np.hypot(*np.moveaxis(env.task._traffic.velocities(), -1, 0))
    assert speed.max() <= FASTEST + 0.4  # the servo overshoots after a corner
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
        point, left, part = route(place, station, lane)
        lefts.append(left[0])
        parts.append(part[0])
        place = place + 0.1 * (point - place)
    assert (np.diff(lefts) < 1e-2).all()
    assert lefts[-1] < 0.05
    assert sorted(set(parts)) == [0, 1, 2, 3]
    assert (np.diff(parts) >= 0).all()


@pytest.mark.parametrize("knob", ["people", "pace", "standing", "aisle_width", "tolerance"])
def test_each_knob_changes_the_task(knob):
    bounds = {"people": (0, 3), "pace": (0.5, 1.5), "standing": (0.0, 0.3)}
    low, high = {**bounds, "aisle_width": (1.8, 2.6), "tolerance": (0.1, 0.3)}[knob]
    few, many = hall(**{knob: low}), hall(**{knob: high})
    if knob == "people":
        assert many.sim.model.nv - few.sim.model.nv == 9
    elif knob == "pace":
        np.testing.assert_allclose(3 * few.task._traffic._pace, many.task._traffic._pace)
    elif knob == "standing":
        assert np.isinf(few.task._traffic._stops).all()
        assert not np.isinf(many.task._traffic._stops[:-1, :-1]).any()
    elif knob == "aisle_width":
        y = [env.sim.model.geom("rack_1").pos[1] for env in (few, many)]
        assert y[1] > y[0]
    else:
        stand(few, docked(few, (-0.2, 0, 0)))
        stand(many, docked(many, (-0.2, 0, 0)))
        assert not few.task.success().any()
        assert many.task.success().all()


def test_measures_and_stages_of_an_experts_episode_are_plausible():
    env = ShopfloorVectorEnv(AisleDelivery(), 4, autoreset_mode="Disabled")
    work = played(env, watch=env.task.robot.place_in_hall)
    done = env.task.success()
    assert done.sum() >= 3
    np.testing.assert_array_equal(work.solved, done)
    np.testing.assert_array_equal(work.stage[-1] == len(PARTS), done)
    ways = np.linalg.norm(np.diff(work.watched, axis=0), axis=-1).sum(axis=0)
    for end, solved, way in zip(work.measures, done, ways, strict=True):
        assert list(end) == [measure.name for measure in env.task.measures()]
        assert end["way_driven"] == pytest.approx(way, rel=0.02)
        assert end["way_driven"] > 11  # from the left of the hall to its right
        assert 0.3 < end["peak_acceleration"] < 2.5 * mobile.DRIVE.acceleration
        assert end["contacts"] == (not solved)
        assert end["closest_person"] < 5
        assert end["time_too_close"] < 2.0
        if solved:
            assert end["distance_to_station"] < env.task.knob["tolerance"]
            assert end["yaw_to_station"] < YAW_GOAL
            assert end["closest_person"] > 0


def test_a_stage_is_where_the_robot_is_whoever_drives():
    env = hall()
    assert (env.task.stage() == 0).all()
    for stage, x in ((1, 0.0), (2, DOCK - 0.8)):
        stand(env, np.concatenate([np.full((4, 1), x), env.task.lane(), np.zeros((4, 1))], axis=1))
        rows = np.abs(env.task.lane()[:, 0] - env.task.station()[:, 1]) > 0.4  # else it is docking there
        assert (env.task.stage() == stage)[rows].all()
    stand(env, docked(env, (-0.5, 0, 0)))
    assert (env.task.stage() == 3).all()
    stand(env, docked(env))
    assert (env.task.stage() == 4).all()


def test_the_closest_person_is_measured_from_skin_to_skin():
    env = hall()
    people = env.task._traffic.places()[:, :2, :2]
    ahead = people[:, 0] - [mobile.HALF_LENGTH + PERSON_RADIUS + 0.4, 0.1]
    stand(env, np.concatenate([ahead, np.zeros((4, 1))], axis=1))
    alone = np.hypot(*(people[:, 0] - people[:, 1]).T) > 3
    np.testing.assert_allclose(env.task.closest_person()[alone], 0.4, atol=1e-9)
    aside = people[:, 0] - [0.1, mobile.HALF_WIDTH + PERSON_RADIUS + 0.2]
    stand(env, np.concatenate([aside, np.zeros((4, 1))], axis=1))
    np.testing.assert_allclose(env.task.closest_person()[alone], 0.2, atol=1e-9)
    assert (env.task.time_too_close() == 0).all()
    env.sim.qvel[:, 0] = 1.0  # takes 0.33 m to stop
    env.sim.forward(np.arange(4))
    np.testing.assert_allclose(env.task.time_too_close()[alone], CONTROL_PERIOD)
    assert (hall(people=0).task.closest_person() == aisle_delivery.ROUTE_LENGTH).all()


def test_an_episode_goes_on_the_same_from_a_saved_state():
    env, other = hall(), hall()
    actions = np.tile([0.4, 0.1], (4, 1))
    for _ in range(31):
        env.step(actions)
    saved = env.state()
    later = [env.step(actions) for _ in range(20)]
    other.restore(saved)
    for step in later:
        again = other.step(actions)
        np.testing.assert_array_equal(step[0], again[0])
        np.testing.assert_array_equal(step[1], again[1])
    np.testing.assert_array_equal(env.task._traffic.places(), other.task._traffic.places())
