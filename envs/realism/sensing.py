"""Sensing: what the policy sees is a reading: as old as its way to the policy, off by its errors, rounded, or lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Keys
from shopfloor.envs.realism.arrivals import Arrivals
from shopfloor.envs.realism.devices import CAMERAS, DEVICES, Channel, Device, DeviceName
from shopfloor.envs.realism.draws import SPAN
from shopfloor.envs.realism.errors import Errors
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import cross, norm
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

EVEN = Frames()
CALIBRATION_CENTRE = np.array([0.45, 0.0, 0.0])  # [m] middle of the bench, where the calibration was done


class Sensing:
    """The readings of n parallel episodes; each fault of each channel or device has a stream of its own, drawn by
    counter for SPAN control steps at a time.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        devices: Mapping[DeviceName, Device],
        sim: Simulation,
        *,
        frames: Frames = EVEN,
    ) -> None:
        starts = np.cumsum([0, *(channel.size for channel in channels)])
        self.columns = {channel.name: slice(starts[i], starts[i + 1]) for i, channel in enumerate(channels)}
        self.width = width = int(starts[-1])
        sizes = [channel.size for channel in channels]
        direction = np.repeat([c.quantity == "direction" for c in channels], sizes)
        position = np.repeat([c.quantity == "position" for c in channels], sizes)
        camera = np.repeat([c.device in CAMERAS for c in channels], sizes)
        self._errors_of_channels = errors = Errors(channels, [devices[c.device] for c in channels], sim)

        used = [name for name in DEVICES if any(c.device == name for c in channels)]
        self._device = np.repeat([used.index(c.device) for c in channels], sizes)  # of each column
        self._arrivals = arrivals = Arrivals(used, [devices[name].link for name in used], frames, sim)
        self._loses = np.flatnonzero(arrivals.loses[self._device])
        self._loser = self._device[self._loses]

        seen = np.flatnonzero(camera & position).reshape(-1, 3)  # columns of points that a camera sees
        turned = np.flatnonzero(direction & (camera | (errors.of < errors.nothing))).reshape(-1, 3)
        self._directions = len(turned)
        self._vectors = np.concatenate([turned, seen])  # directions, then points
        self._by_camera = camera[self._vectors[:, 0]][:, None].astype(float)
        self._are_points = (np.arange(len(self._vectors)) >= self._directions)[:, None].astype(float)
        self._centres = self._are_points * CALIBRATION_CENTRE  # [m] what they turn about
        # a direction's error turns it; a point's own is added to it, as any other's is
        self._turn_of = np.where(self._are_points > 0, errors.nothing, errors.of[self._vectors])
        self._error_of = np.where(direction, errors.nothing, errors.of)
        steps = np.repeat([devices[c.device].quantisation for c in channels], sizes)
        self._rounded = np.flatnonzero(~direction & (steps > 0))
        self._steps = steps[self._rounded]

        self._keys = sim.record(2, dtype=np.uint64)
        self._camera_turn = sim.record(1, 3)  # [rad]
        self._shifts = sim.record(*self._vectors.shape)  # [m] of what a camera sees
        # of each control step of a span: what turns the vectors, what adds to each column
        self._turns = sim.record(SPAN, *self._vectors.shape)
        self._errors = sim.record(SPAN, width)
        of_a_span = self._turns, self._errors
        self._rows = [each.reshape(sim.nsim * SPAN, *each.shape[2:]) for each in of_a_span]  # lane after lane
        self._first_rows = SPAN * np.arange(sim.nsim)  # of the lanes
        depth = int(np.ceil(arrivals.oldest)) + 1
        self._past = sim.record(depth, width)  # true values, newest first
        self._flat = self._past.reshape(-1)
        self._first_columns = depth * width * np.arange(sim.nsim)[:, None] + np.arange(width)  # of the lanes' newest
        self._delivered = sim.record(width)

    def reset(self, ids: Ids, sites: Sites, keys: Keys, truth: Array) -> None:
        """Start episodes with keys (k, 2) at sites (k,) in lanes ids, whose true values are truth (k, width)."""
        self._keys[ids] = keys
        self._camera_turn[ids, 0] = sites.camera_turn
        self._shifts[ids] = self._are_points * sites.camera_shift[:, None]
        self._errors_of_channels.start(ids, sites.index, keys)
        self._arrivals.start(ids, keys)
        self._past[ids] = truth[:, None]

    def read(self, ids: Ids, truth: Array, step: NDArray[np.int64]) -> Array:
        """Readings (k, width) of lanes ids at control step (k,) of their episodes, given the true values (k, width)."""
        everywhere = len(ids) == len(self._past)
        lanes = slice(None) if everywhere else ids  # views where all lanes are read
        now = step % SPAN
        if np.count_nonzero(now) < len(ids):  # on few lanes several times quicker than all()
            fresh = now == 0
            self._draw(ids[fresh], step[fresh])
        past = self._past
        past[lanes, 1:] = past[lanes, :-1]
        past[lanes, 0] = truth
        rows = self._first_rows[lanes] + now
        turns, errors = (of_all.take(rows, axis=0) for of_all in self._rows)
        ages, lost = self._arrivals.at(rows)
        readings = self._past_of(lanes, ages)
        if len(self._vectors):
            vectors = readings.take(self._vectors, axis=1)
            turned = cross(turns, vectors - self._centres)
            vectors += self._shifts[lanes]
            vectors += turned
            directions = vectors[:, : self._directions]
            directions /= norm(directions)[..., None]
            readings[:, self._vectors] = vectors
        readings += errors
        if len(self._rounded):
            rounded = readings.take(self._rounded, axis=1)
            rounded /= self._steps
            np.rint(rounded, out=rounded)
            rounded *= self._steps
            readings[:, self._rounded] = rounded
        if len(self._loses):
            if np.count_nonzero(lost):
                late, new = self._delivered[lanes].take(self._loses, axis=1), readings.take(self._loses, axis=1)
                readings[:, self._loses] = np.where(lost.take(self._loser, axis=1), late, new)
            self._delivered[lanes] = readings
        return readings

    def times(self, steps: NDArray[np.int64]) -> Array:
        """When the present frames were taken (n,) [s] since their episodes' starts, at steps (n,) of all lanes."""
        return self._arrivals.times(steps)

    def _past_of(self, lanes: Ids | slice, ages: Array) -> Array:
        """True values (k, width) of lanes, ages (k, devices) [control steps] ago; between steps, in proportion."""
        newer = ages.astype(np.intp)
        late = (ages - newer).take(self._device, axis=1)  # share of the step before
        newer *= self.width
        at = newer.take(self._device, axis=1)
        at += self._first_columns[lanes]
        values = self._flat.take(at)
        at += (late > 0) * self.width
        before = self._flat.take(at)
        before -= values
        before *= late
        values += before
        return values

    def _draw(self, ids: Ids, step: NDArray[np.int64]) -> None:
        """Draw the faults of the SPAN control steps from step (k,) on in lanes ids."""
        errors = self._errors_of_channels.draw(ids, self._keys[ids], step)
        self._turns[ids] = errors.take(self._turn_of, axis=2) + self._by_camera * self._camera_turn[ids, None]
        self._errors[ids] = errors.take(self._error_of, axis=2)
        self._arrivals.draw(ids, self._keys[ids], step)
