"""SAC learns from interaction alone, spends no more of it than it may, and trains through the adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from shopfloor.agents import Budget
from shopfloor.agents.sac import SoftActorCritic
from shopfloor.agents.sb3 import VectorEnvAdapter


def test_it_learns_to_reach(toy_demos: Any, reach: Any) -> None:
    agent = SoftActorCritic(num_envs=8, hidden=(32, 32), batch_size=128, learning_rate=3e-3, learning_starts=200)
    agent.fit(toy_demos(1), Budget("interactions", 800), np.random.default_rng(0), env_factory=reach)
    targets = np.random.default_rng(1).uniform(-0.8, 0.8, (200, 4)).astype(np.float32)
    agent.reset(np.ones(200, bool))
    assert np.abs(agent.act(targets) - targets[:, :2]).mean() < 0.2  # standing still: 0.4


def test_its_budget_bounds_the_interactions(toy_demos: Any, reach: Any, tmp_path: Path) -> None:
    envs = []
    agent = SoftActorCritic(
        num_envs=4, hidden=(8,), batch_size=8, learning_starts=20, gradient_steps=2, log_folder=str(tmp_path)
    )
    record = agent.fit(
        toy_demos(1),
        Budget("interactions", 43),
        np.random.default_rng(0),
        env_factory=lambda n: envs.append(reach(n)) or envs[0],
    )
    assert record.interactions == envs[0].steps_taken == 40
    assert record.gradient_steps == 10  # two after each of the five steps past learning_starts
    assert envs[0].closed
    assert (tmp_path / "progress.csv").read_text()


@pytest.mark.parametrize(
    "change",
    [
        {"num_envs": 2},
        {"hidden": (16,)},
        {"batch_size": 16},
        {"learning_rate": 1e-2},
        {"discount": 0.5},
        {"buffer_size": 8},
        {"learning_starts": 20},
        {"gradient_steps": 1},
    ],
    ids=str,
)
def test_every_argument_changes_the_actions(change: dict[str, Any], toy_demos: Any, reach: Any) -> None:
    base: dict[str, Any] = {"num_envs": 4, "hidden": (8,), "batch_size": 8, "learning_starts": 8}
    results = []
    for arguments in (base, base | change):
        agent = SoftActorCritic(**arguments)
        agent.fit(toy_demos(1), Budget("interactions", 32), np.random.default_rng(0), env_factory=reach)
        agent.reset(np.ones(3, bool))
        results.append(agent.act(np.ones((3, 4), np.float32)))
    assert not np.array_equal(results[0], results[1])


def test_verbose_prints_the_log(toy_demos: Any, reach: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, printed in ((False, False), (True, True)):
        agent = SoftActorCritic(num_envs=4, hidden=(8,), batch_size=8, learning_starts=8, verbose=verbose)
        agent.fit(toy_demos(1), Budget("interactions", 32), np.random.default_rng(0), env_factory=reach)
        assert ("ep_rew_mean" in capsys.readouterr().out) == printed


def test_what_it_cannot_train_on_is_refused(toy_demos: Any, reach: Any) -> None:
    agent, rng = SoftActorCritic(num_envs=4), np.random.default_rng(0)
    with pytest.raises(ValueError, match="gradient_steps, want 4 interactions or more"):
        agent.fit(toy_demos(1), Budget("gradient_steps", 10), rng, env_factory=reach)
    with pytest.raises(ValueError, match="no env_factory"):
        agent.fit(toy_demos(1), Budget("interactions", 10), rng)

    def pendulum(num_envs: int) -> Any:
        return gymnasium.make_vec("Pendulum-v1", num_envs, vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})

    with pytest.raises(ValueError, match=r"action space Box\(-2.*want a Box in \[-1, 1\]"):
        agent.fit(toy_demos(1), Budget("interactions", 10), rng, env_factory=pendulum)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_the_adapter_refuses_another_autoreset(mode: AutoresetMode, reach: Any) -> None:
    with pytest.raises(ValueError, match=f"autoreset mode {mode}, want AutoresetMode.SAME_STEP"):
        VectorEnvAdapter(reach(2, mode=mode))


def test_the_adapter_hands_on_how_an_episode_ended(reach: Any) -> None:
    adapter = VectorEnvAdapter(reach(2, length=2))
    first = adapter.reset()
    _, _, dones, infos = adapter.step(np.zeros((2, 2), np.float32))
    assert not dones.any()
    assert infos == [{}, {}]
    observations, rewards, dones, infos = adapter.step(np.zeros((2, 2), np.float32))
    assert dones.all()
    np.testing.assert_array_equal([info["terminal_observation"] for info in infos], first)
    assert [info["TimeLimit.truncated"] for info in infos] == [False, True]
    assert not np.array_equal(observations, first)
    assert rewards.dtype == np.float32


def test_the_adapter_agrees_with_gymnasium_s_own_environments() -> None:
    kwargs = {"autoreset_mode": AutoresetMode.SAME_STEP}
    env, twin = (gymnasium.make_vec("Pendulum-v1", 3, vector_kwargs=kwargs, max_episode_steps=4) for _ in range(2))
    adapter = VectorEnvAdapter(env)
    adapter.seed(5)
    np.testing.assert_array_equal(adapter.reset(), twin.reset(seed=5)[0])
    for _ in range(4):
        actions = np.ones((3, 1), np.float32)
        observations, _, dones, infos = adapter.step(actions)
        want, _, _, truncations, info = twin.step(actions)
        np.testing.assert_array_equal(observations, want)
        np.testing.assert_array_equal(dones, truncations)
    np.testing.assert_array_equal([i["terminal_observation"] for i in infos], np.stack(info["final_obs"]))
