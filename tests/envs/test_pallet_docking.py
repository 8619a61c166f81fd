import numpy as np
import pytest

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
    position, rotation = env.task.bay()
    env.task._parts.put(ids, (position + np.array(shift))[:, None], (rotation @ about_z(np.array(turn)))[:, None])
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
    position, rotation = env.task.bay()
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
    assert np.abs(env.task._parts.velocities()).max() < 1e-3
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
    for _ in range(50):
        env.step(np.tile([0.0, 0.0, -1.0], (3, 1)))
    lifted = env.task.pallet()[0][:, 2]
    sunk = env.task.robot.height() + forklift.FORK_LOW - POCKET - lifted
    assert (lifted > 0.12).all()
    assert np.abs(sunk).max() < 1e-3
    force = env.sim.batch.bind("actuator_force")[:, env.sim.model.actuator("forks").id]
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
    assert (env.task._slid > SLIDE_LIMIT).all()


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
