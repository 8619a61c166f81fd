import copy

import mujoco
import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.rotations import from_rotvec, to_quaternion
from shopfloor.envs.tasks import peg_insertion as peg
from shopfloor.envs.tasks.peg_insertion import PegInsertion


def env_of(n, **arguments):
    env = ShopfloorVectorEnv(PegInsertion(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_peg(env, position, tilt=0.0):
    """Put every peg with its middle at position (3,) [m] from the mouth, tilted [rad] about x."""
    task = env.task
    columns = env.sim.free_joint_columns("peg")
    quaternion = to_quaternion(from_rotvec(np.array([[tilt, 0.0, 0.0]])))
    env.sim.qpos[:, columns[:3]] = task.mouth() + position
    env.sim.qpos[:, columns[3:]] = quaternion
    env.sim.forward(np.arange(env.num_envs))


@pytest.mark.parametrize(
    ("middle", "tilt", "success"),
    [
        ((0, 0, 0.025 - peg.DEPTH_GOAL - 1e-4), 0.0, True),
        ((0, 0, 0.025 - peg.DEPTH_GOAL - 1e-4), np.pi, True),  # the peg has no top and bottom
        ((0, 0, 0.025 - peg.DEPTH_GOAL + 1e-3), 0.0, False),  # not deep enough
        ((0.02, 0, -0.01), 0.0, False),  # deep, but beside the bore
        ((0, 0, 0.0), 0.3, False),  # not upright
    ],
)
def test_success_is_depth_in_the_bore_and_upright(middle, tilt, success):
    env = env_of(2)
    put_peg(env, middle, tilt)
    assert (env.task.success() == success).all()


def test_a_peg_that_leaves_the_bench_ends_the_episode_as_a_failure():
    env = env_of(2)
    put_peg(env, (0.9, 0, 0.1))
    _, _, terminated, _, info = env.step(np.zeros((2, 7)))
    assert terminated.all()
    assert info["lost"].all()
    assert not info["success"].any()


@pytest.mark.parametrize("clearance", peg.CLEARANCES)
def test_the_bore_has_the_play_that_its_grade_says(clearance):
    env = env_of(1, clearance=clearance)
    model, data = copy.copy(env.model), mujoco.MjData(env.model)
    for shift, touches in ((0.45 * clearance, False), (0.60 * clearance, True)):
        put_peg(env, (shift, 0.0, 0.01))
        env.sim.copy_to(0, model, data)
        mujoco.mj_forward(model, data)
        names = [{model.geom(g).name for g in contact.geom} for contact in data.contact if contact.dist < 0]
        assert any("peg" in pair and any("bore" in name for name in pair) for pair in names) == touches


@pytest.mark.parametrize(("lying", "upright"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_share_of_lying_pegs_is_as_asked(lying, upright):
    env = env_of(8, lying=lying)
    np.testing.assert_allclose(env.task.peg_axis()[:, 2], upright, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"clearance": 0.0}, {"clearance": 0.01}, {"lying": 1.1}, {"lying": -0.1}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        PegInsertion(**arguments)


def test_a_resting_peg_stays_where_it_lies():
    env = env_of(8)
    before = env.task.peg()
    for _ in range(40):
        env.step(np.zeros((8, 7)))
    assert np.abs(env.task.peg() - before).max() < 2e-3


def test_a_spinning_peg_of_another_mass_falls_with_gravity_alone():
    """Inertia that does not fit the mass would move a free body about by itself."""
    env = ShopfloorVectorEnv(PegInsertion(), 8, realism="default", autoreset_mode="Disabled")
    env.reset(seed=0)
    put_peg(env, (0.0, 0.3, 0.5), tilt=0.7)
    assert np.ptp(env.sim.per_simulation("body_mass")[:, env.sim.model.body("peg").id]) > 1e-3
    before = env.task.peg()
    env.sim.qvel[:, -6:] = [0.1, 0.0, 0.0, 15.0, -25.0, 30.0]
    env.step(np.zeros((8, 7)))
    moved = env.task.peg() - before
    np.testing.assert_allclose(moved, np.tile([0.1 * 0.05, 0.0, -9.81 / 2 * 0.05**2], (8, 1)), atol=2e-3)
