import numpy as np
import pytest
from playing import played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props.pallet import LOAD_MASS, PALLET_MASS, POCKET, SKIDS
from shopfloor.envs.robots import forklift
from shopfloor.envs.rotations import about_z
from shopfloor.envs.tasks.pallet_docking import OUT, SLIDE_LIMIT, YAW_GOAL, PalletDocking


def yard(n=3, **knobs):
    env = ShopfloorVectorEnv(PalletDocking(**knobs), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put(env, shift=(0.0, 0.0, 0.0), turn=0.0):
    """Put the pallet into the bay, but for a shift [m] and a turn [rad]."""
    ids = np.arange(env.num_envs)
    position, rotation = env.task.bay_pose()
    env.task._pallet.put(ids, (position + np.array(shift))[:, None], (rotation @ about_z(np.array(turn)))[:, None])
    env.sim.forward(ids)


def test_success_needs_the_pallet_in_the_bay_on_the_floor_and_the_forks_out():
    env = yard()
    assert not env.task.success().any()
    put(env)
    assert env.task.success().all()
    tolerance = env.task.knob["tolerance"]
    for shift, turn in (((1.1 * tolerance, 0, 0), 0.0), ((0, 0, 0.05), 0.0), ((0, 0, 0), 1.1 * YAW_GOAL)):
        put(env, shift, turn)
        assert not env.task.success().any()
    put(env)
    position, rotation = env.task.bay_pose()
    back = position - (forklift.CENTRE + OUT - 0.05) * rotation[..., 0]
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    env.task.robot.place(np.arange(env.num_envs), np.column_stack([back[:, :2], yaw]))
    env.sim.forward(np.arange(env.num_envs))
    assert not env.task.success().any()


def test_the_forks_fit_into_the_pallet():
    pocket = (SKIDS[1][1] / 2, SKIDS[2][0] - SKIDS[2][1] / 2)  # [m] from the middle
    fork = (forklift.FORK_GAUGE / 2 - forklift.FORK_WIDTH / 2, forklift.FORK_GAUGE / 2 + forklift.FORK_WIDTH / 2)
    assert fork[0] - pocket[0] > 0.02
    assert pocket[1] - fork[1] > 0.02
    assert forklift.FORK_LOW < POCKET


def test_a_loaded_pallet_rests_and_weighs_what_it_should():
    env = yard()
    before = env.task.pallet()[0].copy()
    for _ in range(40):
        env.step(np.tile([0.0, 0.0, 1.0], (3, 1)))
    assert np.abs(env.task.pallet()[0] - before).max() < 2e-4
    assert np.abs(env.task._pallet.velocities()).max() < 1e-3
    masses = env.sim.per_simulation("body_mass")[:, env.sim.model.body("pallet").id]
    assert (masses > PALLET_MASS + 0.39 * LOAD_MASS).all()
    assert (masses < PALLET_MASS + 1.61 * LOAD_MASS).all()


def test_lifting_carries_the_whole_weight_and_bends_nothing_through():
    env = yard()
    position, rotation = env.task.pallet()
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    base = position - forklift.CENTRE * rotation[..., 0]
    env.task.robot.place(np.arange(3), np.column_stack([base[:, :2], yaw]))
    env.sim.forward(np.arange(3))
    forces = env.sim.left_by_step("actuator_force")
    for _ in range(50):
        env.step(np.tile([0.0, 0.0, -1.0], (3, 1)))
    lifted = env.task.pallet()[0][:, 2]
    sunk = env.task.robot.height() + forklift.FORK_LOW - POCKET - lifted
    assert (lifted > 0.12).all()
    assert np.abs(sunk).max() < 1e-3
    force = forces[:, env.sim.model.actuator("forks").id]
    masses = env.sim.per_simulation("body_mass")[:, env.sim.model.body("pallet").id]
    np.testing.assert_allclose(force, 9.81 * masses, rtol=0.02)


def test_a_pallet_that_is_pushed_over_the_floor_is_lost():
    env = yard(load=0.1)  # a heavy one is more than the drive can push
    position, rotation = env.task.pallet()
    base = position - (forklift.TIP + 0.65) * rotation[..., 0] + forklift.FORK_GAUGE / 2 * rotation[..., 1]
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    env.task.robot.place(np.arange(3), np.column_stack([base[:, :2], yaw]))  # a fork before the middle blocks
    env.sim.forward(np.arange(3))
    lost = np.zeros(3, dtype=bool)
    for _ in range(80):
        lost |= env.step(np.tile([0.4, 0.0, 1.0], (3, 1)))[-1]["lost"]
    assert lost.all()
    assert (env.task._pallet.pushed() > SLIDE_LIMIT).all()


@pytest.mark.parametrize("knob", ["yaw_spread", "tolerance", "load"])
def test_each_knob_changes_the_task(knob):
    low, high = {"yaw_spread": (0.1, 0.4), "tolerance": (0.05, 0.2), "load": (0.5, 1.2)}[knob]
    few, many = yard(**{knob: low}), yard(**{knob: high})
    if knob == "yaw_spread":
        yaws = [np.arcsin(env.task.pallet()[1][:, 1, 0]) for env in (few, many)]
        np.testing.assert_allclose(4 * yaws[0], yaws[1])
    elif knob == "load":
        masses = [env.sim.per_simulation("body_mass")[:, env.sim.model.body("pallet").id] for env in (few, many)]
        assert (masses[1] > 1.5 * masses[0]).all()
    else:
        put(few, (0.1, 0, 0))
        put(many, (0.1, 0, 0))
        assert not few.task.success().any()
        assert many.task.success().all()


def test_measures_and_stages_of_an_experts_episode_are_plausible():
    env = ShopfloorVectorEnv(PalletDocking(), 3, autoreset_mode="Disabled")
    work = played(env)
    assert work.solved.all()
    assert env.task.success().all()
    for end in work.measures:
        assert list(end) == [measure.name for measure in env.task.measures()]
        assert (end["lifts"], end["drops"]) == (1, 0)
        assert end["pushed"] < 0.05
        assert end["distance_to_bay"] < env.task.knob["tolerance"]
        assert end["yaw_to_bay"] < YAW_GOAL
        assert 6 < end["way_driven"] < 40
        assert 0.1 < end["peak_acceleration"] < 3 * forklift.DRIVE.acceleration


def test_a_stage_is_where_the_pallet_is_whoever_drives():
    env = yard()
    ids = np.arange(3)
    assert (env.task.stage() == 0).all()
    position, rotation = env.task.pallet()
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    env.task.robot.place(ids, np.column_stack([(position - forklift.CENTRE * rotation[..., 0])[:, :2], yaw]))
    env.sim.forward(ids)
    assert (env.task.stage() == 1).all()
    env.task._pallet.put(ids, (position + np.array([0.0, 0.0, 0.1]))[:, None], rotation[:, None])
    env.sim.forward(ids)
    assert (env.task.stage() == 2).all()
    bay, turned = env.task.bay_pose()
    yaw = np.arctan2(turned[:, 1, 0], turned[:, 0, 0])
    env.task.robot.place(ids, np.column_stack([(bay - forklift.CENTRE * turned[..., 0])[:, :2], yaw]))
    put(env, (0.0, 0.0, 0.1))
    assert (env.task.stage() == 3).all()
    put(env)
    assert (env.task.stage() == 4).all()
    env.task.robot.place(ids, np.tile([-2.0, 0.0, 0.0], (3, 1)))
    env.sim.forward(ids)
    assert (env.task.stage() == 5).all()


def test_a_pallet_set_down_outside_the_bay_counts_as_a_drop():
    env = yard()
    ids, up = np.arange(3), np.array([0.0, 0.0, 0.1])
    zero = np.zeros((3, 3))
    position, rotation = env.task.pallet()
    env.task._pallet.put(ids, (position + up)[:, None], rotation[:, None])
    env.sim.forward(ids)
    env.step(zero)
    put(env, (1.0, 0.0, 0.0))
    env.step(zero)
    counts = env._tallies.values()
    assert (counts["lifts"] == 1).all()
    assert (counts["drops"] == 1).all()
    put(env, (0.0, 0.0, 0.1))
    env.step(zero)
    put(env)
    env.step(zero)
    counts = env._tallies.values()
    assert (counts["lifts"] == 2).all()
    assert (counts["drops"] == 1).all()


def test_how_far_the_pallet_was_pushed_is_part_of_the_state():
    env, other = yard(), yard()
    env.task._pallet._pushed[:] = 0.1
    other.restore(env.state())
    np.testing.assert_array_equal(other.task._pallet.pushed(), 0.1)
    np.testing.assert_array_equal(other.task.bay_pose()[1], env.task.bay_pose()[1])
