"""The engine's own promises: bad input, divergence, episode numbering."""

import os
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from shopfloor.envs import IDEAL, ShopfloorVectorEnv


@pytest.fixture
def env():
    env = ShopfloorVectorEnv("PegInsertion", 4, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((4, 6)), r"actions of shape \(4, 6\), want \(4, 7\)"),
        (np.zeros(7), r"actions of shape \(7,\), want \(4, 7\)"),
        (np.full((4, 7), np.nan), "in lane 0, want finite"),
    ],
)
def test_a_bad_action_is_one_clear_error_and_changes_nothing(env, actions, message):
    before = env.sim.qpos.copy()
    with pytest.raises(ValueError, match=message):
        env.step(actions)
    np.testing.assert_array_equal(env.sim.qpos, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "Nope"}, "task 'Nope', want one of .*PegInsertion"),
        ({"task": "nope:Nope"}, "task 'nope:Nope', want module:Class that can be imported: No module named 'nope'"),
        ({"realism": "nope"}, "realism 'nope', want one of default, ideal"),
        ({"num_envs": 0}, "0 environments, want 1 or more"),
        ({"reward_type": "nope"}, "reward type 'nope', want"),
        ({"obs_type": "nope"}, "observation type 'nope', want one of state, pixels, pixels_agent_pos"),
        ({"image_size": (0, 4)}, r"image size \(0, 4\), want height and width of 1 pixel or more"),
        ({"render_mode": "human"}, "render mode 'human', want"),
        ({"sites": []}, "no sites, want"),
    ],
)
def test_a_bad_argument_is_one_clear_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShopfloorVectorEnv(**{"task": "PegInsertion", "num_envs": 1, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed -1, want 0 or more"),
        ({"options": {"nope": 1}}, "reset options \\['nope'\\], want"),
        ({"options": {"reset_mask": np.zeros(4, bool)}}, "want \\(4,\\) with one lane or more"),
        ({"options": {"episodes": np.arange(3)}}, "want \\(4,\\) numbers of 0 or more"),
    ],
)
def test_a_bad_reset_is_one_clear_error(env, arguments, message):
    with pytest.raises(ValueError, match=message):
        env.reset(**arguments)


def test_step_before_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded):
        ShopfloorVectorEnv("PegInsertion", 1).step(np.zeros((1, 7)))


def test_a_diverging_simulation_costs_its_own_episode_only(env):
    calm = ShopfloorVectorEnv("PegInsertion", 4, realism="ideal", autoreset_mode="Disabled")
    calm.reset(seed=0)
    env.sim.qvel[2] = np.inf
    observations, _, terminated, _, info = env.step(np.zeros((4, 7)))
    assert info["diverged"].tolist() == terminated.tolist() == [False, False, True, False]
    assert not info["success"].any()
    assert np.isfinite(observations).all()
    others = [0, 1, 3]
    np.testing.assert_array_equal(observations[others], calm.step(np.zeros((4, 7)))[0][others])
    for _ in range(3):
        after, calm_after = env.step(np.zeros((4, 7)))[0], calm.step(np.zeros((4, 7)))[0]
    np.testing.assert_array_equal(after[others], calm_after[others])
    assert np.isfinite(env.reset(options={"reset_mask": np.arange(4) == 2})[0]).all()


def test_episodes_are_numbered_lane_by_lane_and_a_seed_starts_them_anew(env):
    assert env.reset(seed=3)[1]["episode"].tolist() == [0, 1, 2, 3]
    first = env.reset(seed=3)[0]
    assert env.reset()[1]["episode"].tolist() == [4, 5, 6, 7]
    np.testing.assert_array_equal(env.reset(seed=3)[0], first)


def test_a_partial_reset_leaves_the_other_lanes_as_they_are(env):
    env.step(np.full((4, 7), 0.5))
    before = env.sim.qpos.copy()
    mask = np.array([False, True, False, False])
    _, info = env.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(env.sim.qpos[~mask], before[~mask])
    assert info["episode"].tolist() == [0, 5, 2, 3]
    assert env.steps.tolist() == [1, 0, 1, 1]


def test_actions_beyond_the_range_are_clipped(env):
    other = ShopfloorVectorEnv("PegInsertion", 4, realism=IDEAL, autoreset_mode="Disabled")
    other.reset(seed=0)
    np.testing.assert_array_equal(env.step(np.full((4, 7), 9.0))[0], other.step(np.ones((4, 7)))[0])


def played_without_gl(obs_type):
    code = (
        "import sys, numpy\n"
        "from shopfloor.envs import ShopfloorVectorEnv\n"
        f"env = ShopfloorVectorEnv('PegInsertion', 1, obs_type={obs_type!r})\n"
        "env.reset(seed=0)\n"
        "env.step(numpy.zeros((1, 7)))\n"
        "print({'OpenGL', 'glfw', 'shopfloor.envs.rendering'} & set(sys.modules))\n"
    )
    without = os.environ | {"MUJOCO_GL": "disable"}
    return subprocess.run([sys.executable, "-c", code], env=without, capture_output=True, text=True)


def test_the_state_needs_no_gl_and_pictures_without_it_are_one_clear_error():
    assert played_without_gl("state").stdout.strip() == "set()"
    error = played_without_gl("pixels").stderr.strip().splitlines()[-1]
    assert "GraphicsError: no GL to draw with" in error
    assert error.endswith("want MUJOCO_GL=egl or MUJOCO_GL=osmesa where there is no screen")
