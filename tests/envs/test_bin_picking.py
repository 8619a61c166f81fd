import mujoco
import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props.picking_bin import TOTE
from shopfloor.envs.props.small_goods import COLOURS, ITEMS
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.tasks import bin_picking
from shopfloor.envs.tasks.bin_picking import BinPicking

ORDERED, OTHER = 2, 5


def env_of(n, **arguments):
    env = ShopfloorVectorEnv(BinPicking(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_items(env, places):
    """Put each item of places {number: (3,) [m]} there, the others in two loose rows; item ORDERED is ordered."""
    task = env.task
    task._station.order[:] = ORDERED
    origin = env.sim.mocap_pos[:, env.sim.model.body("bin").mocapid[0]]
    for index, name in enumerate(ITEMS):
        columns = env.sim.free_joint_columns(name)
        row = origin + np.array([0.09 * (index % 4 - 1.5), 0.045 - 0.09 * (index // 4), 0.02])
        env.sim.qpos[:, columns[:3]] = places.get(index, row)
        env.sim.qpos[:, columns[3:]] = (1.0, 0.0, 0.0, 0.0)
    env.sim.qvel[:] = 0.0
    env.sim.forward(np.arange(env.num_envs))


def tote_of(env):
    return env.sim.body_position("tote") + np.array([0.0, 0.0, 0.02])


@pytest.mark.parametrize(
    ("where", "success"),
    [
        ({ORDERED: (0.0, 0.0, 0.0)}, True),
        ({}, False),
        ({OTHER: (0.0, 0.0, 0.0)}, False),
        ({ORDERED: (0.03, 0.0, 0.0), OTHER: (-0.03, 0.0, 0.0)}, False),  # another one lies there too
        ({ORDERED: (0.0, TOTE[1] + 0.005, 0.0)}, False),  # beside the wall
        ({ORDERED: (0.0, 0.0, TOTE[2])}, False),  # above the rim
    ],
)
def test_success_is_the_ordered_item_alone_in_the_tote(where, success):
    env = env_of(2)
    put_items(env, {item: tote_of(env) + np.array(offset) for item, offset in where.items()})
    assert (env.task.success() == success).all()


def test_an_item_that_moves_or_is_at_the_hand_is_not_delivered():
    env = env_of(2)
    put_items(env, {ORDERED: tote_of(env)})
    dof = env.sim.model.joint(ITEMS[ORDERED]).dofadr[0]
    env.sim.qvel[0, dof] = 2 * bin_picking.STILL
    env.sim.forward(np.arange(2))
    np.testing.assert_array_equal(env.task.success(), [False, True])
    tote = env.sim.model.body("tote").mocapid[0]
    env.sim.mocap_pos[0, tote] += env.task.robot.pose()[0][0] - tote_of(env)[0]
    env.sim.forward(np.arange(2))
    put_items(env, {ORDERED: tote_of(env)})
    np.testing.assert_array_equal(env.task.success(), [False, True])


def test_an_item_is_in_the_hand_where_the_pads_have_closed_on_it():
    env = env_of(2)
    put_items(env, {ORDERED: env.task.robot.pose()[0]})
    env.task.robot.tool.place(np.array([0]), np.array([0.011]))
    env.sim.forward(np.arange(2))
    np.testing.assert_array_equal(env.task.held()[:, ORDERED], [True, False])


def test_an_item_dropped_outside_ends_the_episode_as_a_failure():
    env = env_of(2)
    put_items(env, {ORDERED: tote_of(env) + np.array([0.15, 0.0, 0.0])})
    assert env.task.lost().all()
    assert (env.task.spilled() == 1).all()
    put_items(env, {OTHER: tote_of(env) + np.array([0.15, 0.0, 0.0])})  # another item may lie about
    assert not env.task.lost().any()


def test_what_lies_on_the_ordered_item_is_taken_first_and_a_wrong_item_comes_back():
    env = env_of(1)
    put_items(env, {})
    assert env.task.plan()[0][0] == ORDERED
    middle = env.task.item_places()[:, ORDERED]
    put_items(env, {OTHER: middle + np.array([0.0, 0.0, 0.03])})
    assert env.task.plan()[0][0] == OTHER
    put_items(env, {OTHER: tote_of(env)})
    assert env.task.plan()[0][0] == OTHER


def test_the_expert_turns_to_another_item_where_the_heap_slides_before_the_hand_closes():
    env = env_of(1)
    put_items(env, {})
    expert = expert_of(env)
    for _ in range(3):
        env.step(expert.act())
    assert expert.item[0] == ORDERED
    put_items(env, {OTHER: env.task.item_places()[:, ORDERED] + np.array([0.0, 0.0, 0.03])})
    expert.act()
    assert expert.item[0] == OTHER


def test_the_fingers_close_slowly():
    env = env_of(1)
    hand = env.sim.model.joint("finger_left").dofadr[0]
    env.task.robot.command(np.array([[0, 0, 0, 0, 0, 0, -1.0]]))
    speeds = []
    for _ in range(30):
        env.sim._batch.step(nstep=1)
        speeds.append(-env.sim.qvel[0, hand])
    assert max(speeds) < 0.15  # [m/s]
    assert 0.05 < max(speeds[10:]) < 0.095  # from 50 ms on, as they meet the items


def test_the_arm_gives_way_as_its_stiffness_says(monkeypatch):
    moved = []
    for stiffness in (0.4, 1.0):
        monkeypatch.setattr(bin_picking, "STIFFNESS", stiffness)
        env = env_of(1)
        before = env.task.robot.pose()[0][0, 2]
        env.sim._batch.bind("xfrc_applied")[0, env.sim.model.body("gripper").id, 2] = 40.0  # [N]
        for _ in range(20):
            env.task.robot.command(np.array([[0, 0, 0, 0, 0, 0, 1.0]]))
            env.sim.step(np.arange(1))
        moved.append(env.task.robot.pose()[0][0, 2] - before)
    assert moved[0] == pytest.approx(moved[1] / 0.4, rel=0.1), f"{moved} m"


def heap_columns(env):
    return np.concatenate([env.sim.free_joint_columns(name) for name in ITEMS])


@pytest.mark.parametrize("pitch", [0.054, None])
def test_the_heap_lies_at_rest_in_the_bin_from_the_start(pitch):
    env = env_of(32, pitch=pitch)
    start = env.task.item_places()
    assert env.task._station.in_bin().all()
    assert not env.task._station.goods.velocities().any()
    for _ in range(10):  # 0.5 s
        env.step(np.zeros((32, 7)))
        assert np.abs(env.task.item_places() - start).max() < 1e-3
        assert np.abs(env.task._station.goods.velocities()[..., :3]).max() < 0.05
    assert not env.task.lost().any()


def test_items_do_not_start_in_one_another():
    env = env_of(16)
    data, goods = mujoco.MjData(env.sim.model), {env.sim.model.geom(name).id for name in ITEMS}
    for lane in range(16):
        env.sim.copy_to(lane, env.sim.model, data)
        mujoco.mj_forward(env.sim.model, data)
        depths = [-contact.dist for contact in data.contact if goods & set(contact.geom)]
        assert 0 < max(depths) < 0.15e-3  # [m]: what their weight presses in, measured up to 0.08 mm


def test_settling_moves_the_items_alone(monkeypatch):
    settled = ShopfloorVectorEnv("BinPicking", 3, realism="default", autoreset_mode="Disabled")
    settled.reset(seed=4)
    with monkeypatch.context() as patched:
        patched.setattr(Simulation, "settle", lambda *_: None)
        placed = ShopfloorVectorEnv("BinPicking", 3, realism="default", autoreset_mode="Disabled")
        placed.reset(seed=4)
    columns = heap_columns(placed)
    assert np.abs(settled.sim.qpos - placed.sim.qpos)[:, columns].max() > 0.01
    placed.sim.qpos[:, columns] = settled.sim.qpos[:, columns]
    placed.sim.forward(np.arange(3))
    np.testing.assert_array_equal(settled.sim.physics, placed.sim.physics)  # robot, time, controls, delays
    np.testing.assert_array_equal(settled.task.robot.commanded_pose()[0], placed.task.robot.commanded_pose()[0])
    np.testing.assert_array_equal(*(env.task.robot.contact_force() for env in (settled, placed)))
    usual = settled.sim.model.opt.timestep
    assert (settled.sim.per_simulation("opt.timestep") == usual).all()
    assert not settled.sim.state(np.arange(3)).warnings.any()


def test_a_start_depends_on_no_other_lane_and_disturbs_none():
    many, one = env_of(5), env_of(1)
    starts = many.sim.physics.copy()
    for lane, episode in ((0, 3), (0, 1)):
        one.reset(seed=0, options={"episodes": np.array([episode])})
        np.testing.assert_array_equal(one.sim.physics[lane], starts[episode])
    for _ in range(3):
        many.step(np.full((5, 7), 0.3))
    before = many.sim.physics.copy()
    mask = np.array([False, True, False, False, True])
    many.reset(options={"reset_mask": mask, "episodes": np.array([0, 3, 0, 0, 2])})
    np.testing.assert_array_equal(many.sim.physics[~mask], before[~mask])
    np.testing.assert_array_equal(many.sim.physics[mask], starts[[3, 2]])


def test_every_item_is_ordered_at_times_and_the_lamp_shows_which():
    env = env_of(64)
    assert (env.task.ordered().sum(axis=0) > 0).all()
    lamp = env.sim.per_simulation("geom_rgba")[:, env.sim.model.geom("lamp").id]
    np.testing.assert_allclose(lamp, env.task.ordered() @ COLOURS, atol=1e-6)


def test_the_knobs_change_heap_sizes_and_bin(monkeypatch):
    def spread(pitch):
        return np.ptp(env_of(16, pitch=pitch, size_spread=0.0).task.item_places()[..., :2], axis=1).mean()

    assert spread(0.07) > 1.1 * spread(0.054)  # tubes have rolled
    with monkeypatch.context() as patched:
        patched.setattr(Simulation, "settle", lambda *_: None)
        assert spread(0.07) > 1.15 * spread(0.054)
    sizes = [np.ptp(env_of(16, size_spread=share).task._station.scales) for share in (0.0, 0.1)]
    assert sizes[0] == 0 < 0.15 < sizes[1]
    depths = [2 * env_of(1, bin_depth=depth).sim.model.geom("bin_wall_0").size[2] for depth in (0.04, 0.07)]
    np.testing.assert_allclose(depths, (0.04, 0.07))


def test_an_episode_of_the_expert_goes_through_the_stages_and_is_accounted_for():
    env = env_of(4)
    work = played(env, watch=env.task.spilled)
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 4
    assert (work.watched == 0).all()
    for end in work.measures:
        assert end["grasps"] >= 1 + end["other_grasps"]
        assert end["mistakes"] == end["spilled"] == 0
        assert 0 < end["peak_force"] < 500


def test_measures_count_wrong_items_and_drops():
    env = env_of(1)
    put_items(env, {OTHER: tote_of(env)})
    still = np.array([[0, 0, 0, 0, 0, 0, 1.0]])
    env.step(still)
    assert env._tallies.values()["mistakes"][0] == 1
    put_items(env, {ORDERED: env.task.robot.pose()[0]})  # between the pads, high over the bench
    for grip, steps in ((-1.0, 10), (1.0, 10)):
        for _ in range(steps):
            env.step(grip * still)
    counted = {name: values[0] for name, values in env._tallies.values().items()}
    assert counted["grasps"] == counted["drops"] == 1
    assert counted["other_grasps"] == 0
