"""Thinking time: while a policy infers, the world goes on. What it wanted is done later than it looked."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.protocol import Policy
from shopfloor.envs.simulation import CONTROL_PERIOD

Floats = NDArray[np.float32]

OPEN = 1.0  # command of a tool that nothing was told yet
LONGEST = 60.0  # [s] of one inference


@dataclass(frozen=True)
class Thinking:
    """How long each inference takes, to the nearest control step: the sum of what is given. The default takes none.

    latency: [s], the network's way and the model's time. seconds_per_flop: [s] times the agent's own
    `flops_per_inference`. measured: whether the agent's own wall time counts, on this machine, per episode that thinks
    at once: then an evaluation is not the same twice.

    meanwhile: what the robot does. `stand`: the call blocks, as of most policy servers' clients; the robot stands,
    its tools keep what they were told last, and no frame is looked at; then the actions that were thought of are
    played up to the next inference. `go_on`: inference runs beside control, as in asynchronous inference and real-time
    chunking; what was told before is played on until what is newer is there.
    """

    latency: float = 0.0
    seconds_per_flop: float = 0.0
    measured: bool = False
    meanwhile: Literal["stand", "go_on"] = "stand"

    def __post_init__(self) -> None:
        if not 0 <= self.latency <= LONGEST:
            raise ValueError(f"thinking latency {self.latency} s, want 0 to {LONGEST:g}")
        if not 0 <= self.seconds_per_flop < math.inf:
            raise ValueError(f"thinking seconds_per_flop {self.seconds_per_flop}, want a finite number of 0 or more")
        if self.meanwhile not in ("stand", "go_on"):
            raise ValueError(f"thinking meanwhile {self.meanwhile!r}, want stand or go_on")

    @property
    def takes_time(self) -> bool:
        """Whether any inference may."""
        return self.measured or self.latency > 0 or self.seconds_per_flop > 0


class Thinker:
    """A policy whose inferences take time; lanes begin together.

    An agent says by `frames_per_inference` how many frames it plays before it infers anew, 1 if it does not, and by
    `flops_per_inference` [FLOP] what that costs it for one episode.
    """

    def __init__(self, policy: Policy, thinking: Thinking, *, grips: slice) -> None:
        """grips: columns of an action that are the tools' own. ValueError where FLOPs count and it names none."""
        self._policy, self._thinking, self._grips = policy, thinking, grips
        self._every = int(getattr(policy, "frames_per_inference", 1))
        flops = getattr(policy, "flops_per_inference", None)
        if thinking.seconds_per_flop > 0 and flops is None:
            name = type(policy).__name__
            raise ValueError(f"thinking seconds_per_flop of {name}, want one that has flops_per_inference")
        self._known = thinking.latency + thinking.seconds_per_flop * float(flops or 0.0)
        self._lanes = 0
        self._took: list[float] = []

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begin in all lanes (n,). Raises ValueError where time passes and only some begin."""
        if self._thinking.takes_time and not mask.all():
            raise ValueError(f"reset of {int(mask.sum())} of {len(mask)} lanes, want all: they think together")
        self._policy.reset(mask)
        self._lanes, self._step, self._asked, self._waits = len(mask), 0, 0, 0
        self._last: Floats | None = None
        self._coming: deque[tuple[int, Floats]] = deque()  # from which step on, and what

    def act(self, observations: Floats) -> Floats:
        """What the robots are told (n, act_dim) at this step, of what was thought of observations (n, obs_dim)."""
        if not self._thinking.takes_time:
            return self._policy.act(observations)
        told = self._blocking(observations) if self._thinking.meanwhile == "stand" else self._beside(observations)
        self._step += 1
        self._last = told
        return told

    def record(self) -> dict[str, float]:
        """What a row has of it: mean seconds of an inference as measured, if it was."""
        return {"inference_s": float(np.mean(self._took))} if self._thinking.measured and self._took else {}

    def _blocking(self, observations: Floats) -> Floats:
        if not self._coming:
            actions, steps = self._asking(observations)
            self._coming.append((self._step + steps, actions))
        ready, actions = self._coming[0]
        if self._step < ready:
            return self._still(actions)
        self._coming.popleft()
        return actions

    def _beside(self, observations: Floats) -> Floats:
        actions, self._waits = self._asking(observations, otherwise=self._waits)
        self._coming.append((self._step + self._waits, actions))
        told = self._still(actions)
        while self._coming and self._coming[0][0] <= self._step:
            told = self._coming.popleft()[1]
        return told

    def _asking(self, observations: Floats, *, otherwise: int = 0) -> tuple[Floats, int]:
        """Actions, and the steps that they take: `otherwise` where they are of an inference that was before."""
        infers = self._asked % self._every == 0
        self._asked += 1
        begun = time.perf_counter()
        actions = np.array(self._policy.act(observations), dtype=np.float32)
        if not infers:
            return actions, otherwise
        seconds = self._known
        if self._thinking.measured:
            self._took.append((time.perf_counter() - begun) / self._lanes)
            seconds += self._took[-1]
        return actions, round(seconds / CONTROL_PERIOD)

    def _still(self, actions: Floats) -> Floats:
        """No motion; tools as they were told last, let go if they never were."""
        still = np.zeros_like(actions)
        still[:, self._grips] = OPEN if self._last is None else self._last[:, self._grips]
        return still
