"""Late sensors: how readings of one moment are made out of those that come at different times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.measurement import Array, Channel, Ids
from shopfloor.envs.realism.devices import Device
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.vector import ShopfloorVectorEnv

Delays = Literal["ignored", "aligned", "predicted"]
"""Of sensors that are late, each by so much as is known: `ignored`, each reading counts as it comes, and where the hand
is by now is compared with where its part was a moment ago; `aligned`, the readings of the quick ones wait for those of
the slowest, and where a frame was lost, all stands as it was the moment before; `predicted`, places and directions are
then carried on to now, as all moved over the last moments.
"""

WINDOW = 4  # [control steps] over which it is seen how things move
STILL = 4.0  # standard deviations of what the noisiest sensor makes of a standing thing: by less, nothing has moved
TINY = 1e-12  # [m], [rad]: against a division by zero


class Moment:
    """Readings of one moment out of sensors of different lateness, which is known of each: a matter of calibration."""

    def __init__(self, env: ShopfloorVectorEnv, delays: Delays) -> None:
        channels = [channel for part in env.task.observed for channel in part.channels]
        sizes = [channel.size for channel in channels]
        links = [env.realism.devices[channel.device].link for channel in channels]
        latency = np.repeat([link.latency + link.jitter for link in links], sizes)  # on the mean
        moves = np.repeat([_moves(channel) for channel in channels], sizes)
        slowest = latency.max(initial=0.0)
        wait = (slowest - latency) / CONTROL_PERIOD * (delays != "ignored")  # [control steps]
        self._newer = wait.astype(np.intp)
        self._late = wait - self._newer
        self._older = self._newer + (self._late > 0)
        carried = [channel for channel in channels if _moves(channel)]
        directs = np.repeat([channel.quantity == "direction" for channel in channels], sizes)
        noise = max((env.realism.devices[channel.device].noise for channel in carried), default=0.0)
        angle_noise = max((env.realism.devices[channel.device].angle_noise for channel in carried), default=0.0)
        self._still = STILL * np.sqrt(2) * np.where(directs, angle_noise, noise)
        self._ahead = slowest / (WINDOW * CONTROL_PERIOD) * moves * (delays == "predicted")
        self._waits = delays != "ignored"
        again = env.realism.frames.repeats > 0
        telling = [_tells(channel, env.realism.devices[channel.device], again=again) for channel in channels]
        of = np.repeat([c.device if tells else "" for c, tells in zip(channels, telling, strict=True)], sizes)
        self._watched = [np.flatnonzero(of == name) for name in dict.fromkeys(of.tolist()) if name]
        lanes = env.num_envs
        self._past = np.zeros((int(self._older.max(initial=0)) + 1, lanes, len(wait)))  # readings, newest first
        self._moments = np.zeros((WINDOW + 1, lanes, len(wait)))  # what was made of them, newest first
        self._begins = np.ones(lanes, dtype=bool)

    def start(self, lanes: Ids) -> None:
        """Forget lanes (k,)."""
        self._begins[lanes] = True

    def of(self, readings: Mapping[str, NDArray[np.float32]]) -> Array:
        """What is made (n, readings) of the readings (n, size) of each channel now, and of those before."""
        past, moments, begins = self._past, self._moments, self._begins
        now = np.concatenate(list(readings.values()), axis=1)
        past[1:] = past[:-1].copy()
        lost = np.zeros(len(now), dtype=bool)
        for columns in self._watched:
            lost |= (now[:, columns] == past[0][:, columns]).all(axis=1)
        past[0] = now
        past[:, begins] = now[begins]
        every = np.arange(now.shape[1])
        newer, older = (past[waits, :, every].T for waits in (self._newer, self._older))
        moments[1:] = moments[:-1].copy()
        moments[0] = np.where((lost & ~begins & self._waits)[:, None], moments[1], newer + self._late * (older - newer))
        moments[:, begins] = moments[0, begins]
        begins[:] = False
        moved = moments[0] - moments[-1]
        share = np.clip(1 - (self._still / np.maximum(np.abs(moved), TINY)) ** 2, 0.0, 1.0)
        carried: Array = moments[0] + self._ahead * share * moved
        return carried


def _moves(channel: Channel) -> bool:
    """Whether it reads a place or a direction, which may be carried on; not, say, a signal or a force."""
    return channel.quantity != "scalar" or channel.device == "odometry"


def _tells(channel: Channel, device: Device, *, again: bool) -> bool:
    """Whether two readings of a channel are hardly ever alike, so that one which is tells that a frame was lost.

    again: whether whole frames may come again.
    """
    directs = channel.quantity == "direction"  # which are not rounded
    noise = device.angle_noise if directs else device.noise
    return (device.link.loses or again) and noise > 0 and (directs or device.quantisation < noise)
