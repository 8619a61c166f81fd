"""Commands: how late and how unevenly a robot's servos get to know what the policy wants, and what they never hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import LEVELS, Keys, exponential
from shopfloor.envs.realism.arrivals import MOST
from shopfloor.envs.realism.devices import LONGEST_LATENCY, checked
from shopfloor.envs.realism.draws import SPAN, SpanDraws
from shopfloor.envs.simulation import TIMESTEP, Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]


@dataclass(frozen=True)
class Commands:
    """The faults of the way from the policy to the servos; what a servo itself takes comes on top of its delay."""

    latency: float = 0.0  # [s] pure delay to the servos that move the robot
    gripper_latency: float = 0.0  # [s] and to those of its tools
    jitter: float = 0.0  # [s] mean and spread of what is added to each command's latency, exponential
    dropout: float = 0.0  # chance that a command does not arrive, and the last one stands for another period

    def __post_init__(self) -> None:
        checked("commands", vars(self))
        for name in ("latency", "gripper_latency", "jitter"):
            if getattr(self, name) > LONGEST_LATENCY:
                raise ValueError(f"commands {name} {getattr(self, name)} s, want at most {LONGEST_LATENCY:g}")
        if self.dropout >= 1:
            raise ValueError(f"commands dropout {self.dropout}, want less than 1")

    def latencies(self, servos: Sequence[str], tool_servos: Sequence[str]) -> dict[str, float]:
        """Name of each servo -> its delay [s] without jitter."""
        return {name: self.gripper_latency if name in tool_servos else self.latency for name in servos}

    def delay(self, spec: mujoco.MjSpec, servos: Sequence[str], tool_servos: Sequence[str]) -> None:
        """Delay servos of a scene, some of which are tools' own, before it is compiled."""
        for name, latency in self.latencies(servos, tool_servos).items():
            longest = latency + MOST * self.jitter
            if longest > 0:
                servo = spec.actuator(name)
                servo.delay, servo.nsample = latency, int(np.ceil(longest / TIMESTEP))


class CommandPath:
    """What arrives of the commands to n parallel episodes; draws by counter, for SPAN control steps at a time."""

    def __init__(
        self,
        commands: Commands,
        sim: Simulation,
        *,
        servos: Sequence[str],
        tool_servos: Sequence[str],
        act_dim: int,
    ) -> None:
        self._jitter, self._dropout = commands.jitter, round(commands.dropout * LEVELS)
        self.perfect = not (self._jitter or self._dropout)
        """Whether all commands arrive evenly."""
        self._fresh = SpanDraws({"commands/jitter": 1, "commands/dropout": 1})
        self._levels = sim.record(SPAN, 2, dtype=np.intp)
        self._keys = sim.record(2, dtype=np.uint64)
        self._last = sim.record(act_dim)
        self._latency = np.array(list(commands.latencies(servos, tool_servos).values()))
        self._servos = sim.actuator_columns(servos)
        self._delays = sim.per_simulation("actuator_delay") if self._jitter else None

    def start(self, ids: Ids, keys: Keys) -> None:
        """Begin episodes with keys (k, 2) in lanes ids."""
        self._keys[ids] = keys

    def arrived(self, actions: Array, ids: Ids, steps: NDArray[np.int64]) -> Array:
        """Actions (n, act_dim) that robots take up at steps (n,), of those that the policy sends; lanes ids play."""
        if self.perfect:
            return actions
        now = steps[ids] % SPAN
        fresh = ids[now == 0]
        if len(fresh):
            self._levels[fresh] = self._fresh(self._keys[fresh], steps[fresh])
        late, dropped = self._levels[ids, now].T
        if self._delays is not None:
            more = self._jitter * np.minimum(exponential(late), MOST)
            self._delays[ids[:, None], self._servos] = self._latency + more[:, None]
        lost = ids[(dropped < self._dropout) & (steps[ids] > 0)]
        taken = actions.copy()
        taken[lost] = self._last[lost]
        self._last[ids] = taken[ids]
        return taken
