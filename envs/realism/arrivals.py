"""Arrivals: of which moment each device's reading is, and whether it is the last one again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import LEVELS, Keys, exponential
from shopfloor.envs.realism.devices import DeviceName, Link
from shopfloor.envs.realism.draws import SPAN, Draws, SpanDraws, once
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

MOST = 6.0  # means of an exponential delay, beyond which it is cut off: 1 in 400
LEAST = 1e-9  # [control steps] by which a reading has to be overtaken by the one before


class Arrivals:
    """The links of devices over n parallel episodes, and the loop that looks at what has arrived.

    names, links: of each of the devices, in one order, as in the arrays' last axis.
    """

    def __init__(self, names: Sequence[DeviceName], links: Sequence[Link], frames: Frames, sim: Simulation) -> None:
        self._latency = (
            np.array([link.latency for link in links]) / CONTROL_PERIOD
        )  # [control steps], as all times here
        self._jitter = np.array([link.jitter for link in links]) / CONTROL_PERIOD
        self._skew = np.array([link.skew for link in links]) / CONTROL_PERIOD
        self._frame_jitter, self._stretch = frames.jitter / CONTROL_PERIOD, 1 / frames.rate
        self._dropout = np.array([round(link.dropout * LEVELS) for link in links], dtype=np.intp)
        self._stalls = np.array([round(link.stalls * LEVELS) for link in links], dtype=np.intp)
        self._stall_time = np.array([link.stall_time for link in links]) / CONTROL_PERIOD
        self._repeats = round(frames.repeats * LEVELS)
        self.oldest = float((self._latency + self._skew + MOST * self._jitter).max(initial=0.0))
        """[control steps] before now that a reading may be of."""
        if frames.jitter > 0:
            self.oldest += 1
        self.loses = np.array([link.loses or frames.repeats > 0 for link in links], dtype=bool)
        """Which devices' (devices,) readings may be the last ones again."""
        self._delayed = [i for i, link in enumerate(links) if link.jitter > 0]
        self._dropping = [i for i, link in enumerate(links) if link.dropout > 0]
        self._stalling = [i for i, link in enumerate(links) if link.stalls > 0]
        self._skewed = [i for i, link in enumerate(links) if link.skew > 0]
        self._vary = frames.jitter > 0 or any(link.uneven for link in links)
        sizes = {f"{names[i]}/jitter": 1 for i in self._delayed} | {f"{names[i]}/dropout": 1 for i in self._dropping}
        sizes |= {f"{names[i]}/stalls": 2 for i in self._stalling}  # whether, how long
        sizes |= {"frames/jitter": 1} if frames.jitter > 0 else {}
        sizes |= {"frames/repeats": 1} if frames.repeats > 0 else {}
        self._fresh, self._held = SpanDraws(sizes), Draws({f"{names[i]}/skew": 1 for i in self._skewed})
        self._draws_any = bool(sizes)

        devices = len(names)
        self._ages = sim.record(SPAN, devices)  # how old a reading is when it is looked at
        self._lost = sim.record(SPAN, devices, dtype=np.bool_)
        self._early = sim.record(SPAN)  # by how much a frame is before its time
        of_a_span = self._ages, self._lost
        self._rows = [each.reshape(sim.nsim * SPAN, devices) for each in of_a_span]  # lane after lane
        self._lag = sim.record(devices)  # of an episode, without jitter
        self._newest = sim.record(devices)  # step of which the newest reading was, at the span's end
        self._stands = sim.record(devices)  # step up to which a stalled reading stands

    def start(self, ids: Ids, keys: Keys) -> None:
        """Begin episodes with keys (k, 2) in lanes ids."""
        self._lag[ids] = self._latency
        if len(self._skewed):
            shares = (2 * self._held(keys, once(len(ids))) + 1) / LEVELS - 1
            lag = self._latency[self._skewed] + self._skew[self._skewed] * shares
            self._lag[ids[:, None], np.array(self._skewed)] = np.maximum(lag, 0.0)
        self._newest[ids], self._stands[ids] = -np.inf, -1.0
        if not self._vary:
            self._ages[ids] = self._lag[ids, None]

    def draw(self, ids: Ids, keys: Keys, step: NDArray[np.int64]) -> None:
        """Draw what happens in the SPAN control steps from step (k,) on in lanes ids, under keys (k, 2)."""
        if not self._draws_any and not self._vary:
            return
        levels = np.moveaxis(self._fresh(keys, step), 2, 0)  # (numbers, k, SPAN)
        counts = (len(self._delayed), len(self._dropping), 2 * len(self._stalling), int(self._frame_jitter > 0))
        late, dropped, stalled, early, repeated = np.split(levels, np.cumsum(counts))
        now = step[:, None] + np.arange(SPAN)  # (k, SPAN)
        if self._vary:
            self._time(ids, now, late, early)
        lost = np.zeros((len(ids), SPAN, len(self._latency)), dtype=bool)
        for device, level in zip(self._dropping, dropped, strict=True):
            lost[..., device] = level < self._dropout[device]
        for device, (whether, long) in zip(self._stalling, stalled.reshape(-1, 2, *now.shape), strict=True):
            lost[..., device] |= self._stalled(ids, device, now, whether, long)
        for level in repeated:
            lost |= (level < self._repeats)[..., None]
        lost[now == 0] = False  # no reading is before the first
        self._lost[ids] = lost

    def _time(self, ids: Ids, now: NDArray[np.int64], late: NDArray[np.intp], early: NDArray[np.intp]) -> None:
        """Set the ages of readings in lanes ids at steps now (k, SPAN), from levels (numbers, k, SPAN)."""
        ages = np.repeat(self._lag[ids, None], SPAN, axis=1)
        for device, level in zip(self._delayed, late, strict=True):
            ages[..., device] += self._jitter[device] * np.minimum(exponential(level), MOST)
        for level in early:
            before = np.minimum(self._frame_jitter * exponential(level), 1.0)
            before[now == 0] = 0.0
            self._early[ids] = before
            ages += before[..., None]
        seen = np.maximum(now[..., None] - ages, self._newest[ids, None])  # what is overtaken is not looked at
        np.maximum.accumulate(seen, axis=1, out=seen)
        self._newest[ids] = seen[:, -1]
        overtaken = now[..., None] - seen
        self._ages[ids] = np.where(overtaken < ages - LEAST, overtaken, ages)

    def _stalled(
        self, ids: Ids, device: int, now: NDArray[np.int64], whether: NDArray[np.intp], long: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Where (k, SPAN) an earlier reading of a device stands, from levels (k, SPAN)."""
        until = now + np.ceil(self._stall_time[device] * exponential(long))
        until[whether >= self._stalls[device]] = -1.0
        before = np.concatenate([self._stands[ids, device, None], until], axis=1)
        np.maximum.accumulate(before, axis=1, out=before)
        self._stands[ids, device] = before[:, -1]
        stalled: NDArray[np.bool_] = before[:, :-1] >= now
        return stalled

    def at(self, rows: Ids) -> tuple[Array, NDArray[np.bool_]]:
        """Of rows (k,), SPAN * lane + step % SPAN: how old the readings are [control steps], which are the last again.

        Both are (k, devices).
        """
        ages, lost = (of_all.take(rows, axis=0) for of_all in self._rows)
        return ages, lost

    def times(self, steps: NDArray[np.int64]) -> Array:
        """When the present frames were taken (n,) [s] at steps (n,) of all lanes, by the loop's own clock."""
        early = self._early[np.arange(len(steps)), steps % SPAN]
        return np.asarray((steps - early) * self._stretch)
