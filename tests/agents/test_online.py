"""Online agents learn from interaction alone, spend no more of it than they may, and train through the adapter."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from shopfloor.agents import Budget
from shopfloor.agents.features import Features
from shopfloor.agents.ppo import ProximalPolicy
from shopfloor.agents.sac import SoftActorCritic
from shopfloor.agents.sb3 import FeatureView, VectorEnvAdapter
from shopfloor.agents.td3 import TwinDelayed
from shopfloor.agents.tqc import TruncatedQuantileCritics

QUICK: dict[str, Any] = {"num_envs": 4, "hidden": (8,), "looking_around": 8, "fine": ()}
REPLAY = {"batch_size": 8, "learning_starts": 8, "gradient_steps": 1}
SMALL: dict[Any, dict[str, Any]] = {
    SoftActorCritic: QUICK | REPLAY,
    TwinDelayed: QUICK | REPLAY,
    TruncatedQuantileCritics: QUICK | REPLAY,
    ProximalPolicy: QUICK | {"batch_size": 8, "rollout": 4},
}
OTHERS: dict[str, Any] = {  # argument -> another value than the small one
    **{"history": 2, "fine": (0.1,), "num_envs": 2, "hidden": (16,), "learning_rate": 1e-2, "discount": 0.5},
    **{"looking_around": 16, "batch_size": 16, "buffer_size": 8, "learning_starts": 20, "gradient_steps": 2},
    **{"exploration": 0.5, "rollout": 2, "passes": 2, "clip": 0.001, "entropy": 1.0},
}
ARGUMENTS = [(kind, field.name) for kind in SMALL for field in fields(kind) if field.name not in kind.changes_no_bit]


def fitted(kind: Any, reach: Any, toy_demos: Any, *, amount: int = 40, **changes: Any) -> Any:
    agent = kind(**{**SMALL[kind], **changes})
    agent.fit(toy_demos(1), Budget("interactions", amount), np.random.default_rng(0), env_factory=reach)
    agent.reset(np.ones(3, bool))
    return agent


@pytest.mark.parametrize(
    ("kind", "amount", "arguments"),
    [
        (SoftActorCritic, 1000, {"learning_starts": 200}),
        pytest.param(TwinDelayed, 1600, {"learning_starts": 200}, marks=pytest.mark.slow),
        pytest.param(TruncatedQuantileCritics, 1000, {"learning_starts": 200}, marks=pytest.mark.slow),
        pytest.param(ProximalPolicy, 12000, {"rollout": 16, "num_envs": 16, "passes": 10}, marks=pytest.mark.slow),
    ],
)
def test_it_learns_to_reach(kind: Any, amount: int, arguments: dict[str, Any], toy_demos: Any, reach: Any) -> None:
    common: dict[str, Any] = {"num_envs": 8, "hidden": (32, 32), "batch_size": 128, "learning_rate": 3e-3}
    agent = kind(**{**common, "looking_around": 100, "fine": (), **arguments})
    agent.fit(toy_demos(1), Budget("interactions", amount), np.random.default_rng(0), env_factory=reach)
    targets = np.random.default_rng(1).uniform(-0.8, 0.8, (200, 4)).astype(np.float32)
    agent.reset(np.ones(200, bool))
    assert np.abs(agent.act(targets) - targets[:, :2]).mean() < 0.2  # standing still: 0.4


def test_its_budget_bounds_the_interactions(toy_demos: Any, reach: Any, tmp_path: Path) -> None:
    envs = []
    agent = SoftActorCritic(**QUICK, batch_size=8, learning_starts=12, gradient_steps=2, log_folder=str(tmp_path))
    record = agent.fit(
        toy_demos(1),
        Budget("interactions", 43),
        np.random.default_rng(0),
        env_factory=lambda n: envs.append(reach(n)) or envs[0],
    )
    assert record.interactions == envs[0].steps_taken == 40
    assert record.gradient_steps == 10  # two after each of the five steps past the look around and learning_starts
    assert envs[0].closed
    assert (tmp_path / "progress.csv").read_text()


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.label)
def test_no_kind_takes_more_than_its_budget(kind: Any, toy_demos: Any, reach: Any) -> None:
    env = reach(4)
    agent = kind(**SMALL[kind])
    record = agent.fit(toy_demos(1), Budget("interactions", 47), np.random.default_rng(0), env_factory=lambda n: env)
    assert 40 <= record.interactions == env.steps_taken <= 47  # a rollout of ppo is 16, and taken whole


@pytest.mark.parametrize(("kind", "name"), ARGUMENTS, ids=lambda value: getattr(value, "label", value))
def test_every_argument_changes_the_actions(kind: Any, name: str, toy_demos: Any, reach: Any) -> None:
    observations = np.random.default_rng(2).uniform(-1, 1, (4, 3, 4)).astype(np.float32)
    results = []
    for changes in ({}, {name: OTHERS[name]}):
        agent = fitted(kind, reach, toy_demos, amount=48, **changes)
        results.append(np.stack([agent.act(frame) for frame in observations]))
    assert not np.array_equal(*results)


def test_verbose_prints_the_log(toy_demos: Any, reach: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for verbose, printed in ((False, False), (True, True)):
        fitted(SoftActorCritic, reach, toy_demos, verbose=verbose)
        assert ("ep_rew_mean" in capsys.readouterr().out) == printed


def test_what_it_cannot_train_on_is_refused(toy_demos: Any, reach: Any) -> None:
    agent, rng = SoftActorCritic(**QUICK), np.random.default_rng(0)
    with pytest.raises(ValueError, match="gradient_steps, want 12 interactions or more"):
        agent.fit(toy_demos(1), Budget("gradient_steps", 10), rng, env_factory=reach)
    with pytest.raises(ValueError, match="no env_factory"):
        agent.fit(toy_demos(1), Budget("interactions", 100), rng)

    def pendulum(num_envs: int) -> Any:
        return gymnasium.make_vec("Pendulum-v1", num_envs, vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})

    with pytest.raises(ValueError, match=r"action space Box\(-2.*want a Box in \[-1, 1\]"):
        agent.fit(toy_demos(1), Budget("interactions", 100), rng, env_factory=pendulum)


def test_it_sees_what_one_sees_that_learns_from_demonstrations(reach: Any) -> None:
    """While it trains, as when it acts: windows of the lane's own episode, normalised, a last observation too."""
    env = reach(2, length=3)
    observed = [env.reset(seed=4)[0]]
    for _ in range(3):
        observations, *_, info = env.step(np.zeros((2, 2), np.float32))
        observed.append(observations)
    last = info["final_obs"]
    features = Features(np.full(8, 0.25, np.float32), np.full(8, 2.0, np.float32), (0.1,))
    adapter = VectorEnvAdapter(reach(2, length=3))
    adapter.seed(4)
    view = FeatureView(adapter, features, 2)

    def seen(before: Any, now: Any) -> Any:
        return features(np.concatenate([before, now], axis=1))

    np.testing.assert_array_equal(view.reset(), seen(observed[0], observed[0]))
    for step in range(1, 4):
        got, _, dones, infos = view.step(np.zeros((2, 2), np.float32))
        before = observed[step - 1] if step < 3 else observed[step]  # a new episode begins with its first frame
        np.testing.assert_array_equal(got, seen(before, observed[step]))
    assert dones.all()
    want = seen(observed[2], last)
    np.testing.assert_array_equal([info["terminal_observation"] for info in infos], want)


def test_without_its_extra_tqc_says_what_to_install(toy_demos: Any, reach: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    with pytest.raises(ModuleNotFoundError, match=r"tqc needs sb3-contrib: pip install 'shopfloor\[contrib\]'"):
        fitted(TruncatedQuantileCritics, reach, toy_demos)


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
