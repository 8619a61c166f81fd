"""Checks of an agent before an hour of work: its methods, and on a small rehearsal what they give."""

from __future__ import annotations

import inspect
import logging
import math
import tempfile
from collections.abc import Set
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from shopfloor.agents.protocol import Agent, Budget, EnvFactory, Source, TrainingRecord
from shopfloor.demos.dataset import Dataset

log = logging.getLogger(__name__)

LANES = 2
OPTIONAL = ("final_loss", "epochs")  # of a record: what an agent may leave out
PROTOCOL = "shopfloor.agents.protocol.Agent"
CALLS: dict[str, tuple[tuple[None, ...], dict[str, None]]] = {  # how the study calls each method
    "fit": ((None, None, None), {"env_factory": None}),
    "reset": ((None,), {}),
    "act": ((None,), {}),
    "save": ((None,), {}),
    "attach": ((None,), {}),
}
SOURCES = get_args(Source)


def checked_agent(agent: Any) -> Agent:
    """The agent. Raises ValueError where it lacks what the study calls, or cannot be called so."""
    name = type(agent).__name__
    sources = getattr(agent, "learns_from", "nothing of that name")
    if not isinstance(sources, Set) or not sources <= set(SOURCES):
        raise ValueError(f"{name}.learns_from is {sources!r}, want a set of {' and '.join(SOURCES)}, or of one or none")
    wanted = _methods(agent)
    for method in wanted:
        positional, named = CALLS[method]
        call = getattr(agent, method, None)
        if not callable(call):
            raise ValueError(f"{name} has no method {method}, want {', '.join(wanted)} as of {PROTOCOL}")
        try:
            inspect.signature(call).bind(*positional, **named)
        except TypeError as error:
            said = f"{name}.{method}{inspect.signature(call)}"
            raise ValueError(f"{said}: {error}; want it as of {PROTOCOL}") from None
    return cast(Agent, agent)


def _methods(agent: Agent) -> tuple[str, ...]:
    """What is called of an agent."""
    if hasattr(agent, "attach"):
        return ("fit", "attach")
    return ("fit", "reset", "act", "save") if agent.learns_from else ("fit", "reset", "act")


def checked_record(record: Any, agent: Agent) -> TrainingRecord:
    """What fit gave, its numbers as Python's own. Raises ValueError where it is no record or the loss is not finite."""
    said = f"{type(agent).__name__}.fit() gave"
    if not isinstance(record, TrainingRecord):
        raise ValueError(f"{said} a {type(record).__name__}, want a shopfloor.agents.TrainingRecord")
    numbers: dict[str, Any] = {}
    for field in fields(record):
        number = value.item() if isinstance(value := getattr(record, field.name), np.generic) else value
        whole = field.type == "int"
        if not (number is None and field.name in OPTIONAL):
            if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
                raise ValueError(f"{said} {field.name} {value!r}, want a {'whole ' * whole}number")
            if not math.isfinite(number):
                raise ValueError(f"{said} {field.name} {number}, want a finite number: the training diverged")
        numbers[field.name] = number
    return replace(record, **numbers)


def rehearse(agent: Agent, dataset: Dataset, budget: Budget, rng: np.random.Generator, env_factory: EnvFactory) -> None:
    """Fit, act and save once, with as little as can be; the agent is of no use afterwards.

    Raises ValueError where what comes out is not what the study needs. Where the agent itself raises, perhaps because
    two demonstrations and a budget of 1 are too little for it, that is a warning.
    """
    name = type(agent).__name__
    least = replace(budget, amount=min(budget.amount, 1))
    observations = np.zeros((LANES, dataset.obs_dim), dtype=np.float32)
    try:
        record = agent.fit(dataset, least, rng, env_factory=env_factory)
        agent.reset(np.ones(LANES, dtype=bool))
        actions = agent.act(observations)
        if agent.learns_from:
            with tempfile.TemporaryDirectory() as folder:
                agent.save(Path(folder) / "agent")
    except Exception as error:
        log.warning("a rehearsal of %s on %d demonstrations raised %r", name, len(dataset), error)
        return
    checked_record(record, agent)
    wanted = (LANES, dataset.act_dim)
    if np.shape(actions) != wanted:
        raise ValueError(f"{name}.act() of {observations.shape} observations gave {np.shape(actions)}, want {wanted}")
    if not np.issubdtype(np.asarray(actions).dtype, np.floating) or not np.isfinite(actions).all():
        raise ValueError(f"{name}.act() gave {actions!r:.80}, want finite floating-point numbers in [-1, 1]")
