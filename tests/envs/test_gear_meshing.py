import numpy as np
import pytest
from playing import played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props.gear_train import INPUT, MIDDLE, OUTPUT, TORQUE
from shopfloor.envs.props.gears import Gear, turn_to_mesh
from shopfloor.envs.rotations import about_z, to_quaternion
from shopfloor.envs.tasks import gear_meshing
from shopfloor.envs.tasks.gear_meshing import GearMeshing


def env_of(n, **arguments):
    env = ShopfloorVectorEnv(GearMeshing(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_gear(env, offset=(0.0, 0.0, 0.0), turn=0.0):
    """Put every gear offset (3,) [m] from its seat, in mesh with the driven gear but for a turn [rad].

    The output gear is put in mesh with it.
    """
    task, sim = env.task, env.sim
    line = np.arctan2(task.line()[:, 1], task.line()[:, 0])
    driven, output = sim.joint_columns(("input",)), sim.joint_columns(("output",))
    frame = line - np.pi / 2  # [rad] of the gearbox, in which the outer gears' angles are
    angle = turn_to_mesh(MIDDLE, 0 * line, INPUT, sim.qpos[:, driven[0]] + frame, line) + turn
    sim.qpos[:, output[0]] += turn_to_mesh(OUTPUT, sim.qpos[:, output[0]] + frame, MIDDLE, angle, line)
    columns = sim.free_joint_columns("gear")
    sim.qpos[:, columns[:3]] = task.seat() + offset
    sim.qpos[:, columns[3:]] = to_quaternion(about_z(angle))
    sim.forward(np.arange(env.num_envs))


def watch(env, *, steps=40, hand=1.0):
    """Let the machine run with the hand still; success (n,) at any time."""
    action = np.zeros(env.action_space.shape)
    action[:, -1] = hand
    success = np.zeros(env.num_envs, dtype=bool)
    for _ in range(steps):
        success |= env.step(action)[-1]["success"]
    return success


def test_a_gear_in_mesh_drives_the_output_at_the_ratio_of_the_teeth():
    env = env_of(8)
    put_gear(env)
    columns = env.sim.joint_columns(("input", "output"))
    settled = None
    for step in range(120):
        env._over[:] = False  # the machine runs on after success
        env.step(np.tile([0.0, 0, 0, 0, 0, 0, 1], (8, 1)))
        if step == 40:
            settled = env.sim.qpos[:, columns].copy()
    driven, output = (env.sim.qpos[:, columns] - settled).T
    assert (driven > 1.0).all()
    np.testing.assert_allclose(output / driven, INPUT.teeth / OUTPUT.teeth, rtol=0.08)


def test_success_needs_the_gear_seated_let_go_and_turning():
    env = env_of(8)
    put_gear(env)
    assert not env.task.success().any()  # not yet for half a second
    assert watch(env).all()

    env = env_of(8)
    put_gear(env, offset=(0.0, 0.2, -0.033))  # beside the gearbox
    assert not watch(env).any()

    env = env_of(8)
    put_gear(env)
    assert not watch(env, hand=-1.0).any()  # the hand is closed

    env = env_of(8)
    env.sim.ctrl[:, env.sim.actuator_columns(("drive",))] = 0.0
    put_gear(env)
    assert not watch(env).any()  # nothing turns


def test_the_output_stands_still_without_the_gear():
    env = env_of(4)
    before = env.sim.qpos[:, env.sim.joint_columns(("output",))].copy()
    watch(env)
    np.testing.assert_allclose(env.sim.qpos[:, env.sim.joint_columns(("output",))], before, atol=1e-6)


def test_the_drive_turns_at_the_speed_that_its_knob_says():
    speeds = []
    for speed in (0.2, 0.8):
        env = env_of(8, drive_speed=speed)
        watch(env, steps=10)
        speeds.append(env.task.speeds()[:, 0].mean())
    np.testing.assert_allclose(speeds, (0.2, 0.8), rtol=0.15)


def test_a_tight_bore_holds_the_gear_nearer_to_the_middle():
    shift = []
    for clearance in (0.1e-3, 2e-3):
        env = env_of(8, clearance=clearance)
        put_gear(env)
        watch(env)
        shift.append(np.hypot(*env.task.gear_to_seat()[:, :2].T).max())
    assert shift[0] < 0.3e-3 < shift[1]


def test_a_tooth_that_faces_a_tooth_is_half_a_pitch_from_meshing():
    large, small, zero = Gear(14, 4e-3, 0.01), Gear(10, 4e-3, 0.01), np.zeros(1)
    turn = turn_to_mesh(large, zero, small, zero, zero)  # an even number of teeth: one points back to the large gear
    np.testing.assert_allclose(np.abs(turn), large.pitch_angle / 2)
    np.testing.assert_allclose(turn_to_mesh(large, turn, small, zero, zero), 0, atol=1e-12)


@pytest.mark.parametrize("arguments", [{"clearance": 0.0}, {"clearance": 0.01}, {"drive_speed": 5.0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        GearMeshing(**arguments)


def test_an_episode_of_the_expert_goes_through_the_stages_and_is_accounted_for():
    work = played(env_of(2))
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 2
    for end in work.measures:
        assert end["grasps"] >= 1
        assert end["drops"] == 0
        assert end["off_seat"] < gear_meshing.SEATED
        assert 0 < end["peak_torque"] <= TORQUE + 1e-9
        assert end["output_share"] == pytest.approx(1.0, abs=0.4)
        assert end["stalled"] < 1.0


def test_a_drive_that_is_held_counts_as_stalled():
    env = env_of(2)
    watch(env, steps=20)
    running = env._tallies.values()["stalled"].copy()
    env.sim.per_simulation("dof_frictionloss")[:, env.sim.speed_columns(("input",))] = 10.0
    watch(env, steps=20)
    assert (running < 0.2).all()
    np.testing.assert_allclose(env._tallies.values()["stalled"] - running, 1.0, atol=0.1)
