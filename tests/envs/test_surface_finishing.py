import copy

import mujoco
import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.experts.expert import OPEN
from shopfloor.envs.props import curved_panel as panels
from shopfloor.envs.robots import finisher
from shopfloor.envs.rotations import rotate
from shopfloor.envs.tasks import surface_finishing as finishing
from shopfloor.envs.tasks.surface_finishing import SurfaceFinishing


def env_of(n=2, **arguments):
    env = ShopfloorVectorEnv(SurfaceFinishing(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def copies(env):
    """A model and data of the test's own, for functions of MuJoCo's."""
    model = copy.copy(env.model)
    return model, mujoco.MjData(model)


def work(env, steps, *, motor=True, deeper=0.0):
    """The expert's work; without the motor, or with a constant push along -z."""
    expert = expert_of(env)
    for _ in range(steps):
        actions = expert.act()
        actions[:, 2] -= deeper * (env.task.robot.tool.state() > 5)
        actions[:, 6] = actions[:, 6] if motor else OPEN
        env.step(actions)


@pytest.mark.parametrize(
    ("finished", "over", "success", "lost"),
    [
        (panels.CELLS, 0, True, False),
        (panels.CELLS - 2, finishing.OVER, True, False),
        (panels.CELLS - 3, 0, False, False),
        (panels.CELLS, finishing.OVER + 1, False, True),
    ],
)
def test_success_is_a_finished_panel_that_was_not_pressed_too_hard_for_long(finished, over, success, lost):
    env = env_of()
    env.task._dose[:, :finished] = finishing.DOSE
    env.task._over[:] = over
    assert (env.task.success() == success).all()
    assert (env.task.lost() == lost).all()


def test_the_spring_reads_the_force_of_the_contact():
    env = env_of()
    work(env, 90)
    model, data = copies(env)
    for lane in range(2):
        env.sim.copy_to(lane, model, data)
        mujoco.mj_forward(model, data)
        assert data.ncon == 1
        force = np.zeros(6)
        mujoco.mj_contactForce(model, data, 0, force)
        assert force[0] == pytest.approx(env.task.robot.tool.state()[lane], rel=0.15)


def test_the_bonnet_touches_where_the_task_says():
    env = env_of()
    work(env, 90)
    model, data = copies(env)
    for lane in range(2):
        env.sim.copy_to(lane, model, data)
        mujoco.mj_forward(model, data)
        position, rotation = env.task._panel.panel()[lane], env.task._panel.rotation()[lane]
        touched = rotation.T @ (data.contact[0].pos - position)
        np.testing.assert_allclose(touched[:2], env.task.bonnet()[lane, :2], atol=1e-3)


def test_cells_are_finished_in_turn_and_look_so_until_the_next_episode():
    env = env_of()
    work(env, 150)
    tasks_own = env.task.finished()
    count = tasks_own.sum(axis=1)
    assert (count > 5).all()
    assert all(tasks_own[lane, panels.ORDER[: count[lane]]].all() for lane in range(2))
    colours = env.sim.per_simulation("geom_rgba")[:, env.task._panel._tiles]
    np.testing.assert_allclose(colours[tasks_own], np.tile(panels.POLISHED, (count.sum(), 1)), atol=1e-6)
    env.reset(seed=0)
    assert not env.task.finished().any()
    assert not env.task.time_over().any()
    raw = env.sim.per_simulation("geom_rgba")[:, env.task._panel._tiles]
    np.testing.assert_allclose(raw, np.broadcast_to(panels.RAW, raw.shape), atol=1e-6)


def test_nothing_is_finished_with_the_motor_off():
    env = env_of()
    work(env, 150, motor=False)
    assert (env.task.robot.tool.state() > 5).all()
    assert not env.task.finished().any()


def test_pressing_hard_ends_the_episode_as_a_failure():
    env = env_of()
    work(env, 120, deeper=0.4)
    assert env.over.all()
    assert env.task.lost().all()
    assert not env.task.success().any()


def test_the_way_goes_from_cell_to_neighbouring_cell():
    middles = panels.MIDDLES[panels.ORDER]
    np.testing.assert_allclose(np.abs(np.diff(middles, axis=0)).sum(axis=1), panels.CELL)
    assert len(np.unique(panels.ORDER)) == panels.CELLS


def test_the_tiles_lie_on_the_ellipsoid_that_the_bonnet_touches():
    env = env_of(8)
    axes = env.task._panel._semi_axes[:, None]
    middles = env.sim.per_simulation("geom_pos")[:, env.task._panel._tiles]
    points, normals = panels.surface(np.broadcast_to(panels.MIDDLES, middles[..., :2].shape), axes)
    np.testing.assert_allclose(points - panels.TILE[2] * normals, middles, atol=1e-9)
    np.testing.assert_allclose((((points + [0, 0, 1] * axes) / axes) ** 2).sum(axis=-1), 1.0)
    assert np.ptp(env.sim.per_simulation("geom_size")[:, env.task._panel._dome], axis=0).min() > 5e-3


def test_the_motor_reaches_its_speed_and_keeps_it():
    env = env_of()
    actions = np.zeros((2, 7))
    actions[:, 6] = -1.0
    for _ in range(20):
        env.step(actions)
        assert (np.abs(env.task.robot.tool.motor()) < 1.02).all()
    assert (env.task.robot.tool.motor() > finisher.RUNNING).all()


def test_the_knobs_lean_and_arch_the_panel():
    leans = [np.abs(env_of(8, tilt=tilt).task._panel.rotation()[:, 2, :2]).max() for tilt in (0.0, 0.1, 0.3)]
    assert leans[0] < 1e-9 < leans[1] < leans[2]
    flat, arched = (env_of(curvature=share).task._panel._semi_axes[:, 2] for share in (0.5, 1.0))
    np.testing.assert_allclose(arched, 2 * flat)


@pytest.mark.parametrize("arguments", [{"window": 0.0}, {"tilt": 1.0}, {"curvature": 0.0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        SurfaceFinishing(**arguments)


def test_a_finished_panel_has_gone_through_all_stages_and_its_measures_say_how():
    env = env_of()
    work = played(env)
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 2
    for end in work.measures:
        assert end["coverage"] >= finishing.COVERAGE
        assert 0 <= end["time_over"] <= 0.05 * finishing.OVER
        assert 0 <= end["overpolish"] < end["cycle_time"] - 0.05 * panels.CELLS
        assert finishing.FORCE - env.task.knob["window"] < end["peak_press"] < finishing.GOUGE
        assert end["lifts"] == 0


def test_what_is_kept_of_an_episode_is_in_its_state():
    env, twin = env_of(), env_of()
    work(env, 150)
    env.task._over[:] = 3
    twin.restore(env.state())
    for name in ("finished", "time_over", "overpolish", "coverage", "stage"):
        np.testing.assert_array_equal(getattr(twin.task, name)(), getattr(env.task, name)())
    colours = [each.sim.per_simulation("geom_rgba") for each in (env, twin)]
    np.testing.assert_array_equal(*colours)


def test_the_next_cell_is_the_first_that_is_not_finished_whoever_has_asked_before():
    """What was measured before the record went on must not be taken for what is so after it."""
    env = env_of()
    expert = expert_of(env)
    for _ in range(150):
        env.step(expert.act())
        first = panels.ORDER[np.argmin(env.task.finished()[:, panels.ORDER], axis=1)]
        cell = panels.surface(panels.MIDDLES[first], env.task._panel.semi_axes())[0]
        aim = rotate(env.task._panel.rotation(), cell) + env.task._panel.panel()
        np.testing.assert_allclose(env.task._way()[2], aim, atol=1e-12)
    assert (env.task.finished().sum(axis=1) > 5).all()
