import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props import blank
from shopfloor.envs.props import machine_tool as machine
from shopfloor.envs.rotations import about_z
from shopfloor.envs.tasks.machine_tending import MachineTending

UP = np.array([0.0, 0.0, 1.0])
STILL = np.zeros((2, 7))
STILL[:, 6] = 1.0  # the hand stays open


def env_of(n=2, **arguments):
    env = ShopfloorVectorEnv(MachineTending(**arguments), n, realism="ideal", autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_part(env, foot, turn=0.0):
    """Stand every part with its foot at foot (n, 3) [m], turned [rad] from the machine's x axis."""
    task, ids = env.task, np.arange(env.num_envs)
    rotation = task._machine.rotation() @ about_z(np.full(len(ids), turn))
    middle = foot + task._blank._size[:, 2:] * UP
    task._blank._boxes.put(ids, middle[:, None], rotation[:, None])
    env.sim.forward(ids)


def press(env):
    """The button is down where the machine looks at it."""
    ids = np.arange(env.num_envs)
    env.sim.qpos[:, env.task._machine._button] = machine.BUTTON_TRAVEL
    env.sim.forward(ids)
    env.task.after_step(ids)


def states_after_the_button(env, steps=120):
    press(env)
    seen = [env.task._machine.state()]
    for _ in range(steps):
        env.step(STILL)
        seen.append(env.task._machine.state())
    return np.array(seen)


@pytest.mark.parametrize(
    ("offset", "turn", "seated"),
    [
        ((0, 0, 0), 0.0, True),
        ((0, 0, 0), np.pi, True),  # a blank has no front and back
        ((0, 0.9 * machine.OFF_CENTRE, 0), 0.0, True),
        ((0, 1.2 * machine.OFF_CENTRE, 0), 0.0, False),  # out at the jaws' end
        ((0, 0, 1.5 * machine.OFF_FLOOR), 0.0, False),  # not down on the vice's floor
        ((0, 0, 0), np.pi / 2, False),  # crosswise
        ((-0.1, 0, 0), 0.0, False),
    ],
)
def test_a_part_is_seated_on_the_floor_of_the_vice_square_between_the_jaws(offset, turn, seated):
    env = env_of()
    put_part(env, env.task._machine.pose(np.array(offset))[0], turn)
    assert (env.task.seated() == seated).all()


def test_the_cycle_of_a_seated_part_goes_through_all_states_and_mills_it():
    env = env_of()
    put_part(env, env.task._machine.seat())
    seen = states_after_the_button(env)
    assert np.array_equal(np.unique(seen[:, 0]), [machine.CLOSING, machine.MACHINING, machine.OPENING, machine.DONE])
    assert (np.diff(seen, axis=0) >= 0).all()
    assert (np.sum(seen == machine.MACHINING, axis=0) >= 20 * machine.MACHINING_TIME).all()
    assert env.task._machine.machined().all()
    assert env.task.seated().all()


def test_the_vice_presses_with_its_force_and_the_part_yields_less_than_half_a_millimetre():
    env = env_of()
    forces = env.sim.left_by_step("actuator_force")
    put_part(env, env.task._machine.seat())
    press(env)
    for _ in range(30):
        env.step(STILL)
    assert (env.task._machine.state() == machine.MACHINING).all()
    np.testing.assert_allclose(forces[:, env.task._machine._clamp], machine.CLAMP_FORCE)
    assert np.abs(env.task._machine.gap() - 2 * env.task._blank._size[:, 0]).max() < 5e-4


@pytest.mark.parametrize("beside", [True, False])
def test_the_machine_does_not_run_without_a_seated_part(beside):
    env = env_of()
    if beside:
        put_part(env, env.task._machine.pose(np.array([-0.10, 0, 0.0]))[0])
    assert (states_after_the_button(env, 20) == machine.IDLE).all()


def test_the_cycle_breaks_off_where_the_part_is_taken_out():
    env = env_of()
    put_part(env, env.task._machine.seat())
    press(env)
    for _ in range(30):
        env.step(STILL)
    assert (env.task._machine.state() == machine.MACHINING).all()
    put_part(env, env.task._tray.tray())
    for _ in range(40):
        env.step(STILL)
    assert (env.task._machine.state() == machine.IDLE).all()
    assert not env.task._machine.machined().any()
    assert not env.task.success().any()


@pytest.mark.parametrize("milled", [True, False])
def test_success_is_a_milled_part_at_rest_in_the_tray(milled):
    env = env_of()
    env.task._machine._machined[:] = milled
    put_part(env, env.task._tray.tray())
    assert (env.task.success() == milled).all()
    put_part(env, env.task._tray.tray() + np.array([0.0, 0.12, 0.0]))
    assert not env.task.success().any()


def test_a_milled_part_looks_so_until_the_next_episode():
    env = env_of()
    colour = env.sim.per_simulation("geom_rgba")[:, env.sim.model.geom("part").id]
    env.task._machine._machined[:] = True
    env.step(STILL)
    np.testing.assert_allclose(colour, np.tile(blank.MILLED, (2, 1)), atol=1e-6)
    env.reset(seed=0)
    np.testing.assert_allclose(colour, np.tile(blank.ROUGH, (2, 1)), atol=1e-6)


def test_the_knobs_set_the_play_of_the_vice_and_the_blanks_turn():
    np.testing.assert_allclose(env_of(clearance=5e-3).task._machine.gap(), blank.DEPTH + 5e-3)
    turns = [np.abs(env_of(8, yaw=yaw).task._blank.rotation()[:, 1, 0]).max() for yaw in (0.0, 0.2, 1.0)]
    assert turns[0] < 1e-9 < turns[1] <= np.sin(0.2) < turns[2]


@pytest.mark.parametrize("arguments", [{"clearance": 0.0}, {"clearance": 0.05}, {"yaw": -0.1}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        MachineTending(**arguments)


def test_a_tended_part_has_gone_through_all_stages_and_its_measures_say_how():
    work = played(env_of())
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 2
    for end in work.measures:
        assert (end["grasps"], end["drops"], end["cycles"], end["broken_off"]) == (2, 0, 1, 0)
        assert end["way_left"] < 0.02
        assert machine.MACHINING_TIME < end["cycle_time"] - end["machine_waits"] < 3 * machine.MACHINING_TIME


def test_a_broken_cycle_and_a_drop_are_counted():
    env = env_of()
    put_part(env, env.task._machine.seat())
    press(env)
    for _ in range(30):
        env.step(STILL)
    put_part(env, env.task._tray.tray())
    tallies = env._tallies
    for _ in range(5):
        env.step(STILL)
    assert (tallies.values()["cycles"] == 1).all()
    assert (tallies.values()["broken_off"] == 1).all()
    env.reset(seed=0)
    expert = expert_of(env)
    while not env.task.held().all():
        env.step(expert.act())
    for _ in range(10):
        env.step(STILL)
    assert (tallies.values()["drops"] == 1).all()


def test_what_is_kept_of_an_episode_is_in_its_state():
    env, twin = env_of(), env_of()
    put_part(env, env.task._machine.seat())
    press(env)
    for _ in range(40):
        env.step(STILL)
    twin.restore(env.state())
    for name in ("state", "machined", "progress", "gap"):
        np.testing.assert_array_equal(getattr(twin.task._machine, name)(), getattr(env.task._machine, name)())
    assert (env.task._machine.progress() > 0).all()
    for _ in range(60):
        env.step(STILL)
        twin.step(STILL)
        np.testing.assert_array_equal(twin.task._machine.state(), env.task._machine.state())
    assert (env.task._machine.state() == machine.DONE).all()
