"""Checks of a task before it is used: what it declares, and what it gives, fit each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopfloor.envs.task import Task
from shopfloor.envs.vector import ShopfloorVectorEnv

LANES = 2


def check_task(task: Task) -> None:
    """Play two steps of two episodes of a fresh equal task; costs about a second.

    Raises ValueError on the first thing that does not fit: a term or a channel of another size than declared,
    reward terms without a weight or the other way round, a stage, success or loss that is not one value a lane,
    actions of its expert of a wrong shape, and what an environment refuses.
    """
    name = type(task).__name__
    env = ShopfloorVectorEnv(task.fresh(), LANES, realism="ideal", autoreset_mode="Disabled", threads=1)
    played = env.task
    readings: dict[str, Any] = {}
    for part in played.observed:
        where = name if part is played else f"{name}'s {type(part).__name__}"
        for channel in part.channels:
            values = getattr(part, channel.name)()
            if np.size(values) != LANES * channel.size:
                raise ValueError(f"{where}.{channel.name}() is {np.shape(values)}, want {(LANES, channel.size)}")
            readings[channel.name] = np.reshape(values, (LANES, -1))
    for part in played.observed:
        where = name if part is played else f"{name}'s {type(part).__name__}"
        seen = part.observe(readings)
        for term in part.terms:
            if term.name not in seen or np.size(seen[term.name]) != LANES * term.size:
                got = np.shape(seen[term.name]) if term.name in seen else "missing"
                raise ValueError(f"{where}.observe()[{term.name!r}] is {got}, want {(LANES, term.size)}")
    for method, kind in (("success", np.bool_), ("lost", np.bool_), ("stage", np.integer)):
        _want(f"{name}.{method}()", getattr(played, method)(), (LANES,), kind)
    terms = played.reward_terms()
    if set(terms) != set(played.reward_weights):
        weights = sorted(played.reward_weights)
        raise ValueError(f"{name}.reward_terms() {sorted(terms)}, want those of reward_weights: {weights}")
    for reward, values in terms.items():
        _want(f"{name}.reward_terms()[{reward!r}]", values, (LANES,))
    env.reset(seed=0)
    expert = played.expert()
    expert.reset(np.arange(LANES))
    for _ in range(2):
        _want(f"{name}'s expert's act()", expert.act(), (LANES, len(played.robot.action_names)))
        observations, *_ = env.step(np.zeros((LANES, len(played.robot.action_names))))
        if not np.isfinite(observations).all():
            raise ValueError(f"{name} observes NaN or infinity at its start, want finite numbers")
    env.close()


def _want(what: str, got: Any, shape: tuple[int, ...], kind: type = np.number) -> None:
    values = np.asarray(got)
    if values.shape != shape or not np.issubdtype(values.dtype, kind):
        raise ValueError(f"{what} is {values.dtype} {values.shape}, want {kind.__name__.rstrip('_')} {shape}")
