import copy

import mujoco
import numpy as np
import pytest
from playing import expert_of, played

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.experts.tote_handling import HANDLE_HELD
from shopfloor.envs.props.totes import HANDLE_GRIP
from shopfloor.envs.rotations import from_rotvec, to_quaternion
from shopfloor.envs.tasks import tote_transfer as tote
from shopfloor.envs.tasks.tote_transfer import ToteTransfer

N = 2


def env_of(n=N, *, realism="ideal", **arguments):
    env = ShopfloorVectorEnv(ToteTransfer(**arguments), n, realism=realism, autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def put_tote(env, shift=(0.0, 0.0, 0.0), tilt=0.0):
    """Put every tote with its loads at shift (3,) [m] from its place in the tray, tilted [rad] about its depth."""
    sim, task = env.sim, env.task
    (before, turned), (tray, rotation) = task.tote_pose(), task.tray_pose()
    goal = rotation @ from_rotvec(np.array([tilt, 0.0, 0.0]))
    position = tray + (rotation @ np.array(shift))
    for name in ("load_0", "load_1"):
        load = sim.body_position(name) - before
        columns = sim.free_joint_columns(name)
        moved = goal @ np.swapaxes(turned, 1, 2)
        sim.qpos[:, columns[:3]] = position + (moved @ load[..., None])[..., 0]
        sim.qpos[:, columns[3:]] = to_quaternion(moved @ sim.body_rotation(name))
    columns = sim.free_joint_columns("tote")
    sim.qpos[:, columns[:3]], sim.qpos[:, columns[3:]] = position, to_quaternion(goal)
    sim.forward(np.arange(env.num_envs))


@pytest.mark.parametrize(
    ("shift", "tilt", "success"),
    [
        ((0.0, 0.0, 0.0), 0.0, True),
        ((0.015, -0.015, 0.0), 0.0, True),  # within the tray's walls
        ((0.03, 0.0, 0.0), 0.0, False),  # on a wall
        ((0.0, 0.0, 0.02), 0.0, False),  # over the tray
        ((0.0, 0.0, 0.0), 0.08, False),  # not level
    ],
)
def test_success_is_a_tote_that_stands_level_in_the_tray(shift, tilt, success):
    env = env_of()
    put_tote(env, shift, tilt)
    assert (env.task.success() == success).all()


def test_a_tote_still_in_the_hands_is_no_success():
    env = env_of()
    put_tote(env)
    for gripper in env.task.robot.grippers:
        gripper.place(np.arange(N), np.full(N, HANDLE_HELD))
    env.sim.forward(np.arange(N))
    assert not env.task.success().any()


def test_a_tote_that_once_tilted_too_far_is_no_success_and_ends_the_episode():
    env = env_of()
    put_tote(env, (0.0, 0.0, 0.3), tote.LEVEL_LIMIT + 0.05)
    _, _, terminated, _, info = env.step(np.zeros((N, 18)))
    assert terminated.all()
    assert info["lost"].all()
    put_tote(env)
    assert not env.task.success().any()
    env.reset(seed=0)  # the next episode starts with a clean record
    put_tote(env)
    assert env.task.success().all()


def test_a_load_out_of_the_tote_is_lost():
    env = env_of()
    put_tote(env)
    env.sim.qpos[:, env.sim.free_joint_columns("load_1")[2]] += 0.3
    env.sim.forward(np.arange(N))
    assert not env.task.success().any()
    assert env.task.lost().all()


def test_the_tote_rests_on_the_shelf_with_its_loads():
    env = env_of(4, realism="default")
    before = env.task.tote_pose()[0]
    for _ in range(40):
        env.step(np.zeros((4, 18)))
    assert np.abs(env.task.tote_pose()[0] - before).max() < 2e-3
    assert np.degrees(env.task.tilt().max()) < 0.2


def test_the_loads_weigh_what_knob_and_payload_say():
    for load in (1.0, 4.0):
        env = env_of(8, realism="default", load=load)
        masses = env.sim.per_simulation("body_mass")[:, env.task._loads.bodies].sum(axis=1)
        assert np.ptp(masses) > 0.05 * load
        assert (np.abs(masses / load - 1) < 0.6).all()


def test_the_tray_has_the_play_that_the_knob_says():
    for play in (0.01, 0.03):
        env = env_of(1, play=play)
        for share, touches in ((0.9, False), (1.1, True)):
            put_tote(env, (share * play, 0.0, 0.002))
            model, data = copy.copy(env.sim.model), mujoco.MjData(env.sim.model)
            env.sim.copy_to(0, model, data)
            mujoco.mj_forward(model, data)
            names = [{env.sim.model.geom(g).name for g in contact.geom} for contact in data.contact]
            hits = any(any("tote" in a for a in pair) and any("cart_wall" in a for a in pair) for pair in names)
            assert hits == touches


def test_the_load_hangs_under_the_handles_lips_and_not_by_friction():
    """With pads that hardly rub, a raised tote hangs by the lips of its handles."""
    env = env_of(1, load=4.0)
    sim, task = env.sim, env.task
    friction = sim.per_simulation("geom_friction")
    pads = [i for i in range(sim.model.ngeom) if "pad_" in sim.model.geom(i).name]
    expert = expert_of(env)
    while expert.phase[0] < 2:
        env.step(expert.act())
    friction[:, pads, 0] = 0.05
    start = task.tote_pose()[0][0, 2]
    for _ in range(25):
        env.step(expert.act())
    assert task.tote_pose()[0][0, 2] > start + 0.05
    np.testing.assert_allclose(task.hands_to_grips()[..., 2], -HANDLE_GRIP + 0.01, atol=4e-3)


def test_an_experts_episodes_pass_every_stage_and_measure_what_they_did():
    env = env_of(4, realism="default")
    work = played(env, watch=env.task.tilt)
    assert work.solved.all()
    assert work.passed == [set(work.stages)] * 4
    for measured, tilt in zip(work.measures, work.watched.T, strict=True):
        assert measured["grasps"] >= 1
        assert measured["drops"] <= measured["grasps"] - 1  # the last grasp ended in the tray
        assert measured["largest_tilt"] == tilt.max() > 0
        assert measured["distance_to_tray"] < 2 * env.task.knob["play"]
        assert 0.1 < measured["way_driven"] < 3.0


def test_a_tote_let_go_before_the_tray_is_a_drop():
    env = ShopfloorVectorEnv(ToteTransfer(), N, realism="ideal", autoreset_mode="Disabled", max_episode_steps=120)
    _, info = env.reset(seed=0)
    expert = expert_of(env)
    raised = env.task.stages.index("raised")
    while info["stage"].min() < raised:
        info = env.step(expert.act())[-1]
    let_go = np.zeros((N, 18))
    let_go[:, 16:] = 1.0
    measures = np.zeros((N, 2))
    while not env.over.all():
        info = env.step(let_go)[-1]
        ended = info["ended_by"] > 0
        measures[ended] = np.stack([info["measures"][name] for name in ("grasps", "drops")], axis=1)[ended]
        assert (info["stage"] == raised).all()  # the furthest
        assert not info["success"].any()
    np.testing.assert_array_equal(measures, 1)
    assert (env.task.stage() == 0).all()


@pytest.mark.parametrize("arguments", [{"play": 0.0}, {"load": 10.0}, {"spread": -1.0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        ToteTransfer(**arguments)
