import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props import screwed_housing as housing
from shopfloor.envs.robots.screwdriver import SPINDLE_SPEED, SPRING
from shopfloor.envs.tasks import screw_driving as sd
from shopfloor.envs.tasks.screw_driving import ScrewDriving


def env_of(n, **arguments):
    env = ShopfloorVectorEnv(ScrewDriving(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def turn_screw(env, windup):
    """Put every screw at windup [rad] beyond the moment at which its head sits."""
    angle, travel = env.sim.joint_columns(("screw_turn", "screw_travel"))
    env.sim.qpos[:, angle] = housing.SNUG_ANGLE + windup
    env.sim.qpos[:, travel] = (housing.SNUG_ANGLE + windup) * housing.PITCH / (2 * np.pi)
    env.sim.forward(np.arange(env.num_envs))


def windup_for(env, torque):
    """Turn (n,) [rad] beyond the seat that tightens each screw to a torque [N m]."""
    turn_screw(env, 1e-9)
    return (torque - env.task.tightened()) / housing.JOINT_RATE


def drive(env, *, press, spindle=-0.3, steps=60):
    """Let the expert put the bit on the screw, then press with a force [N] and turn; highest angle (n,) [rad]."""
    task, robot = env.task, env.task.robot
    expert = expert_of(env)
    while (expert.phase < 2).any():
        env.step(expert.act())
    gain, speed = np.full(env.num_envs, 0.6), np.full(env.num_envs, 0.15)
    for step in range(40 + steps):
        position, rotation = task._at_recess()
        goal = position - press / SPRING * sd.UP
        grip = np.full((env.num_envs, 1), spindle if step >= 40 else 0.0)
        env.step(np.concatenate([robot.steer(goal, rotation, gain=gain, speed=speed), grip], axis=1))
    return env.sim.qpos[:, env.sim.joint_columns(("screw_turn",))[0]].copy()


@pytest.mark.parametrize(
    ("torque", "success", "lost"),
    [(-0.1, False, False), (0.1, True, False), (0.5, True, False), (0.7, False, True)],
)
def test_success_is_a_torque_within_the_window_and_beyond_it_the_thread_is_lost(torque, success, lost):
    env = env_of(4, window=0.6)
    turn_screw(env, windup_for(env, sd.SEATING + torque))
    assert (env.task.success() == success).all()
    assert (env.task.lost() == lost).all()


def test_success_needs_the_bit_out_of_the_screw():
    env = env_of(4)
    work = played(env, watch=lambda: (env.task.engaged(), ~env.over & (env.task.tightened() >= sd.SEATING)))
    engaged, tight = np.moveaxis(work.watched, 1, 0)
    assert (engaged & tight).any(axis=0).all()
    assert not (engaged & work.success).any()


def test_the_screw_sinks_by_its_pitch_in_a_turn():
    env = env_of(4, thread_friction=0.1)
    height, angle = env.task.head_over_seat(), env.sim.joint_columns(("screw_turn",))[0]
    start = env.sim.qpos[:, angle].copy()
    turned = drive(env, press=50.0) - start
    assert (turned > 4.0).all()
    sunk = height - env.task.head_over_seat()
    np.testing.assert_allclose(sunk, turned * housing.PITCH / (2 * np.pi), atol=2e-4)


def test_without_enough_press_the_bit_slips():
    turned = []
    for press in (8.0, 50.0):  # [N]; 0.035 m of 8 N is less than the thread's friction
        env = env_of(4, thread_friction=0.6)
        start = env.sim.qpos[:, env.sim.joint_columns(("screw_turn",))[0]].copy()
        turned.append(drive(env, press=press) - start)
    assert (turned[0] < 0.3 * turned[1]).all()


def test_a_tightened_screw_stays_when_the_driver_is_off():
    env = env_of(4)
    turn_screw(env, windup_for(env, sd.SEATING + 0.1))
    before = env.task.tightened()
    env.task.after_step(np.arange(4))
    for _ in range(20):
        env._over[:] = False  # the world goes on after success
        env.step(np.zeros(env.action_space.shape))
    np.testing.assert_allclose(env.task.tightened(), before, atol=0.02)


def test_the_force_reading_is_what_presses_the_screw():
    env = env_of(4)
    drive(env, press=40.0, spindle=0.0, steps=1)
    np.testing.assert_allclose(env.task._driver.force(), 40.0, rtol=0.25)


def test_full_speed_into_the_seat_strips_the_thread():
    env = env_of(4)
    expert = expert_of(env)

    def hasty():
        action = expert.act()
        action[expert.phase >= 3, -1] = sd.FAST
        return action

    assert played(env, hasty).lost.any(axis=0).all()


def test_an_idle_spindle_takes_up_the_speed_that_is_asked():
    env = env_of(2)
    for _ in range(20):
        env.step(np.tile([0.0, 0, 0, 0, 0, 0, -0.5], (2, 1)))
    np.testing.assert_allclose(env.task._driver.spindle_speed(), 0.5 * SPINDLE_SPEED, rtol=0.02)


@pytest.mark.parametrize("arguments", [{"window": 0.0}, {"thread_friction": 2.0}, {"spread": 0.5}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        ScrewDriving(**arguments)


def test_a_driven_screw_has_gone_through_all_stages_and_its_measures_say_how():
    env = env_of(4)
    work = played(env)
    assert work.solved.all()
    for end in work.measures:
        assert sd.SEATING <= end["tightened"] <= sd.SEATING + env.task.knob["window"]
        assert abs(end["head_over_seat"]) < 1e-3
        assert end["nearest"] < sd.ENGAGED[0]
        assert end["slips"] == 0
        assert end["peak_torque"] > 0.5 * sd.SEATING
        assert end["peak_press"] > sd.PRESSED


def test_what_is_kept_of_an_episode_is_in_its_state():
    env, twin = env_of(2), env_of(2)
    expert = expert_of(env)
    while (env.task.tightened() < 0.5 * sd.SEATING).any():
        env.step(expert.act())
    twin.restore(env.state())
    for name in ("tightened", "success", "stage"):
        np.testing.assert_array_equal(getattr(twin.task, name)(), getattr(env.task, name)())
    np.testing.assert_array_equal(twin.task._driver.peak_torque(), env.task._driver.peak_torque())
    assert (twin.task._driver.peak_torque() > 0).all()
