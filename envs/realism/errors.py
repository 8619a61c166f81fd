"""Errors: by what each column of a reading is off, from noise, what is held by a site or an episode, and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Keys, Purpose, keys, normal
from shopfloor.envs.realism.devices import Channel, Device
from shopfloor.envs.realism.draws import SPAN, Draws, SpanDraws, once
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Ids = NDArray[np.intp]
Floats = NDArray[np.float32]

NOTHING = -0.0  # error that leaves each reading as it is to the bit, also one of -0.0


class _Spread(NamedTuple):
    """Standard deviations of a channel's errors, in its own unit; drift per root of a second."""

    noise: float
    site: float
    episode: float
    drift: float


class Errors:
    """Errors of n parallel episodes, in the channels' units, of directions [rad] about each axis.

    `of` (width,) is the column of each reading's column among these; `nothing` is the last one, where there is none.
    """

    def __init__(self, channels: Sequence[Channel], devices: Sequence[Device], sim: Simulation) -> None:
        """devices: of each channel."""
        spreads = [_spread(channel, device) for channel, device in zip(channels, devices, strict=True)]
        erring = [i for i, spread in enumerate(spreads) if any(spread)]
        sizes = [channel.size for channel in channels]
        columns = np.repeat([any(spread) for spread in spreads], sizes)
        self.nothing = int(columns.sum())
        self.of = np.where(columns, np.cumsum(columns) - 1, self.nothing)
        of_each = np.repeat([spreads[i] for i in erring], [sizes[i] for i in erring], axis=0).reshape(-1, 4)
        self._noise, self._by_site, self._held, drift = of_each.T.astype(np.float32)
        self._drift = np.float32(np.sqrt(SPAN * CONTROL_PERIOD)) * drift
        names = {channels[i].name: sizes[i] for i in erring}
        self._fresh, self._of_episode = SpanDraws(names), Draws({f"{name}/held": size for name, size in names.items()})
        self._of_site = Draws({f"{name}/site": size for name, size in names.items() if self._by_site.any()})
        self._way = Draws({f"{name}/drift": size for name, size in names.items() if drift.any()})
        self._shares = (np.arange(SPAN) / SPAN).astype(np.float32)[:, None]
        self._offset = sim.record(self.nothing, dtype=np.float32)  # held, and drifted up to the present span

    def start(self, ids: Ids, sites: NDArray[np.int64], episodes: Keys) -> None:
        """Begin episodes with keys (k, 2) at the sites of numbers (k,) in lanes ids."""
        self._offset[ids] = self._held * normal(self._of_episode(episodes, once(len(ids))))
        if self._by_site.any():
            self._offset[ids] += self._by_site * normal(self._of_site(keys(Purpose.SITE, sites), once(len(ids))))

    def draw(self, ids: Ids, episodes: Keys, step: NDArray[np.int64]) -> Floats:
        """Errors (k, SPAN, columns + 1) of the SPAN control steps from step (k,) on in lanes ids, under keys (k, 2)."""
        errors = np.full((len(ids), SPAN, self.nothing + 1), NOTHING, dtype=np.float32)
        errors[..., :-1] = self._noise * normal(self._fresh(episodes, step)) + self._offset[ids, None]
        if self._drift.any():
            way = self._drift * normal(self._way(episodes, step // SPAN))
            errors[..., :-1] += self._shares * way[:, None]
            self._offset[ids] += way
        return errors


def _spread(channel: Channel, device: Device) -> _Spread:
    offset = device.offset
    if channel.quantity == "direction":
        return _Spread(device.angle_noise, offset.angle_site, offset.angle_episode, offset.angle_drift)
    return _Spread(device.noise, offset.site, offset.episode, offset.drift)
