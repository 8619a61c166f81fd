"""Pictures as observations: LeRobot's layout, and the same ones in any batch."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from shopfloor.envs import DEFAULT, ShopfloorEnv, ShopfloorVectorEnv
from shopfloor.envs.rendering import Renderer
from shopfloor.envs.simulation import CONTROL_PERIOD

pytestmark = pytest.mark.usefixtures("graphics")

SIZE = (40, 48)
DELAY = round(DEFAULT.camera.link.latency / CONTROL_PERIOD)


def env_of(n=2, task="PegInsertion", **arguments):
    chosen = {"realism": "ideal", "autoreset_mode": "Disabled", "obs_type": "pixels_agent_pos", "image_size": SIZE}
    return ShopfloorVectorEnv(task, n, **{**chosen, **arguments})


def moved(env, steps, action=0.5):
    """The last observation of an episode in which every joint of the tool's motion is driven."""
    for _ in range(steps):
        observations, *_ = env.step(np.full(env.action_space.shape, action))
    return observations


@pytest.mark.parametrize("obs_type", ["pixels", "pixels_agent_pos"])
@pytest.mark.filterwarnings("ignore:.*A Box (observation|action) space.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*not within the observation space.*:UserWarning")
def test_the_single_env_passes_gymnasiums_checker(task, obs_type):
    env = ShopfloorEnv(task, obs_type=obs_type, image_size=SIZE)
    check_env(env, skip_render_check=True)
    env.close()


def test_every_camera_of_a_task_sees_something_move(task):
    env = env_of(2, task)
    first = env.reset(seed=0)[0]["pixels"]
    expert = env.task.expert()
    expert.reset(np.arange(2))
    for _ in range(15):
        last = env.step(expert.act())[0]["pixels"]
    assert set(first) == {env.task.camera, env.task.robot.camera}
    for camera, pictures in first.items():
        assert (pictures.std(axis=(1, 2, 3)) > 3).all(), f"{camera} shows one colour"
        assert all(not np.array_equal(a, b) for a, b in zip(pictures, last[camera], strict=True)), camera


def test_the_spaces_have_lerobots_layout():
    env = env_of(3, obs_type="pixels")
    picture = gymnasium.spaces.Box(0, 255, (*SIZE, 3), np.uint8)
    assert env.single_observation_space == gymnasium.spaces.Dict({"front": picture, "wrist": picture})
    both = env_of(3)
    agent = gymnasium.spaces.Box(-np.inf, np.inf, (env.task.state_dim,), np.float32)
    assert both.single_observation_space == gymnasium.spaces.Dict(
        {"pixels": env.single_observation_space, "agent_pos": agent}
    )
    for one in (env, both):
        assert one.reset(seed=0)[0] in one.observation_space
        assert one.step(one.action_space.sample())[0] in one.observation_space


def test_lanes_differ_and_agent_pos_is_the_proprioceptive_part_of_the_state():
    seen, state = env_of(3, realism="default"), env_of(3, realism="default", obs_type="state")
    for first, second in ((seen.reset(seed=4)[0], state.reset(seed=4)[0]), (moved(seen, 5), moved(state, 5))):
        np.testing.assert_array_equal(first["agent_pos"], second[:, : seen.task.state_dim])
        for pictures in first["pixels"].values():
            assert len(np.unique(pictures.reshape(3, -1), axis=0)) == 3


def test_pictures_are_the_same_in_any_lane_and_batch():
    many, few = env_of(5), env_of(2)
    order = np.array([4, 1])
    pairs = [
        (many.reset(seed=0)[0], few.reset(seed=0, options={"episodes": order})[0]),
        (moved(many, 6), moved(few, 6)),
    ]
    for seen, alone in pairs:
        for camera in seen["pixels"]:
            np.testing.assert_array_equal(seen["pixels"][camera][order], alone["pixels"][camera])


def test_pictures_come_as_late_as_the_cameras_readings():
    at_once, late = env_of(1), env_of(1, realism=DEFAULT)
    assert DELAY > 0
    ideal = Renderer(late.sim, camera="front", height=SIZE[0], width=SIZE[1], shadows=False)
    now = [late.reset(seed=0)[0]["pixels"]["front"][0]]
    true = [ideal.picture(0)]
    np.testing.assert_array_equal(now[0], true[0])
    for _ in range(DELAY + 4):
        now.append(moved(late, 1)["pixels"]["front"][0])
        true.append(ideal.picture(0))
    np.testing.assert_array_equal(now[DELAY:], true[:-DELAY])
    at_once.reset(seed=0)
    assert not np.array_equal(moved(at_once, 1)["pixels"]["front"], moved(at_once, 1)["pixels"]["front"])


def test_a_simulations_own_sizes_and_colours_are_drawn():
    env = env_of(2, obs_type="state")
    env.reset(seed=0, options={"episodes": np.zeros(2, int)})
    renderer = Renderer(env.sim, camera="front")
    before = renderer.picture(0), renderer.picture(1)
    np.testing.assert_array_equal(*before)
    env.sim.per_simulation("geom_size")[1, env.sim.model.geom("peg").id] *= 2
    np.testing.assert_array_equal(renderer.picture(0), before[0])
    assert not np.array_equal(renderer.picture(1), before[1])


def test_the_last_observation_of_an_episode_is_kept_when_the_next_starts_in_the_same_step():
    length = 3
    other = env_of(2)
    other.reset(seed=0)
    last = moved(other, length)
    start = other.reset(options={"episodes": np.array([2, 3])})[0]
    for mode in ("SameStep", "NextStep"):
        env = env_of(2, autoreset_mode=mode, max_episode_steps=length)
        env.reset(seed=0, options={"episodes": np.arange(2)})
        moved(env, length - 1)
        seen, _, _, truncated, info = env.step(np.full(env.action_space.shape, 0.5))
        assert truncated.all()
        final = info["final_obs"] if mode == "SameStep" else [{"pixels": {"wrist": p}} for p in seen["pixels"]["wrist"]]
        for lane in range(2):
            np.testing.assert_array_equal(final[lane]["pixels"]["wrist"], last["pixels"]["wrist"][lane])
        after = seen if mode == "SameStep" else moved(env, 1)
        np.testing.assert_array_equal(after["pixels"]["wrist"], start["pixels"]["wrist"])
        np.testing.assert_array_equal(after["agent_pos"], start["agent_pos"])


def test_what_was_observed_stays_as_it_was():
    env = env_of(1)
    first = env.reset(seed=0)[0]
    before = first["pixels"]["wrist"].copy()
    moved(env, 3)
    np.testing.assert_array_equal(first["pixels"]["wrist"], before)


def test_gl_is_opened_at_the_first_picture_and_given_back():
    drawn = []

    class Counted(Renderer):
        def __init__(self, *arguments, **settings):
            drawn.append("opened")
            super().__init__(*arguments, **settings)

        def close(self):
            drawn.append("closed")
            super().close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shopfloor.envs.rendering.Renderer", Counted)
        env = env_of(2, render_mode="rgb_array")
        assert drawn == []
        env.reset(seed=0)
        moved(env, 2)
        assert drawn == ["opened"]
        env.render()
        assert drawn == ["opened"] * 2  # of its own size
        env.close()
        assert drawn == ["opened"] * 2 + ["closed"] * 2


def test_render_looks_through_the_camera_that_was_asked_for():
    def shown(env):
        env.reset(seed=0)
        picture = env.render()
        env.close()
        return picture

    front, own = (shown(ShopfloorEnv("PegInsertion", render_mode="rgb_array", camera=c)) for c in ("front", None))
    wrist = shown(ShopfloorEnv("PegInsertion", render_mode="rgb_array", camera="wrist"))
    assert own.shape == (480, 640, 3)
    np.testing.assert_array_equal(own, front)
    assert not np.array_equal(wrist, front)
    many = shown(ShopfloorVectorEnv("PegInsertion", 2, render_mode="rgb_array", camera="wrist"))
    assert len(many) == 2
    np.testing.assert_array_equal(many[0], wrist)
