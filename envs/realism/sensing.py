"""Sensing: what the policy sees is a reading, with noise, bias, latency, dropout and quantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import LEVELS, PER_BLOCK, Keys, blocks, halves, normal, stream_id
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import cross, norm
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
DeviceName = Literal["encoder", "gripper", "camera", "fixture_camera", "force", "lidar", "odometry", "signal"]
Quantity = Literal["scalar", "position", "direction"]
DEVICES: tuple[DeviceName, ...] = (
    *("encoder", "gripper", "camera", "fixture_camera"),  # of a robot at a bench
    *("force", "lidar", "odometry", "signal"),
)
LONGEST_LATENCY = 10.0  # [s]: every reading of so long is kept
CAMERAS = ("camera", "fixture_camera")  # these carry the site's calibration error
SPAN = 16  # [control steps] whose errors are drawn at once
NOTHING = -0.0  # error that leaves each reading as it is to the bit, also one of -0.0
CALIBRATION_CENTRE = np.array([0.45, 0.0, 0.0])  # [m] middle of the bench, where the calibration was done


@dataclass(frozen=True)
class Device:
    """A sensor's faults; lengths in metres (a force sensor's values in newtons), angles (of direction readings)
    in radians. The default is ideal.
    """

    noise: float = 0.0  # [m or N], standard deviation, fresh in each reading
    angle_noise: float = 0.0  # [rad]
    bias: float = 0.0  # [m], standard deviation, held for an episode
    angle_bias: float = 0.0  # [rad]
    latency: float = 0.0  # [s]
    dropout: float = 0.0  # chance that a reading does not arrive, and the last one stands
    quantisation: float = 0.0  # [m], step of a scalar or position reading

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                raise ValueError(f"device {name} {value}, want a finite number of 0 or more")
        if self.dropout >= 1:
            raise ValueError(f"device dropout {self.dropout}, want less than 1")
        if self.latency > LONGEST_LATENCY:
            raise ValueError(f"device latency {self.latency} s, want at most {LONGEST_LATENCY:g}")


@dataclass(frozen=True)
class Channel:
    """One measured quantity: columns of the reading, the device that reads it."""

    name: str
    device: DeviceName
    quantity: Quantity
    size: int = 3


class Sensing:
    """The readings of n parallel episodes; each channel's noise and bias and each device's dropout has a stream of its
    own, drawn by counter for SPAN control steps at a time.
    """

    def __init__(self, channels: Sequence[Channel], devices: Mapping[DeviceName, Device], sim: Simulation) -> None:
        starts = np.cumsum([0, *(channel.size for channel in channels)])
        self.columns = {channel.name: slice(starts[i], starts[i + 1]) for i, channel in enumerate(channels)}
        self.width = width = int(starts[-1])
        device = [devices[channel.device] for channel in channels for _ in range(channel.size)]
        direction = np.repeat([c.quantity == "direction" for c in channels], [c.size for c in channels])
        position = np.repeat([c.quantity == "position" for c in channels], [c.size for c in channels])
        camera = np.repeat([c.device in CAMERAS for c in channels], [c.size for c in channels])
        noise = np.where(direction, [d.angle_noise for d in device], [d.noise for d in device])
        bias = np.where(direction, [d.angle_bias for d in device], [d.bias for d in device])

        delay = np.array([d.latency for d in device]) / CONTROL_PERIOD  # [control steps]
        self._newer = delay.astype(np.intp)
        self._late = delay - self._newer
        self._older = self._newer + (self._late > 0)
        self._recent = self._newer * width + np.arange(width)  # where each column's reading lies in a lane's past
        self._before = self._older * width + np.arange(width)  # and the one before it
        seen = np.flatnonzero(camera & position).reshape(-1, 3)  # columns of points that a camera sees
        turned = np.flatnonzero(direction & (camera | (noise > 0) | (bias > 0))).reshape(-1, 3)
        self._directions = len(turned)
        self._vectors = np.concatenate([turned, seen])  # directions, then points
        self._by_camera = camera[self._vectors[:, 0]][:, None].astype(float)
        self._are_points = (np.arange(len(self._vectors)) >= self._directions)[:, None].astype(float)
        self._centres = self._are_points * CALIBRATION_CENTRE  # [m] what they turn about
        self._erring = np.flatnonzero((noise > 0) | (bias > 0))
        error_of = np.full(width, len(self._erring))  # column of each channel's column; past the last: none
        error_of[self._erring] = np.arange(len(self._erring))
        # a direction's error turns it; a point's own is added to it, as any other's is
        self._turn_of = np.where(self._are_points > 0, len(self._erring), error_of[self._vectors])
        self._error_of = np.where(direction, len(self._erring), error_of)
        self._noise, self._bias = noise[self._erring].astype(np.float32), bias[self._erring].astype(np.float32)
        self._step_sizes = np.array([d.quantisation for d in device])
        self._rounded = np.flatnonzero(~direction & (self._step_sizes > 0))
        dropped = list(dict.fromkeys(c.device for c in channels if devices[c.device].dropout > 0))
        self._dropout = np.array([round(devices[name].dropout * LEVELS) for name in dropped])
        self._loses = np.array([c.device in dropped for c in channels for _ in range(c.size)], dtype=bool)
        of = [dropped.index(c.device) if c.device in dropped else 0 for c in channels for _ in range(c.size)]
        self._loses = np.flatnonzero(self._loses)
        self._dropper = np.array(of)[self._loses]

        erring = [channel for i, channel in enumerate(channels) if (noise[starts[i]] > 0) | (bias[starts[i]] > 0)]
        self._held = Draws({f"{channel.name}/held": channel.size for channel in erring})
        sizes = {channel.name: channel.size for channel in erring} | {f"{name}/dropout": 1 for name in dropped}
        self._fresh = Draws({name: size * SPAN for name, size in sizes.items()})
        bases = SPAN * np.cumsum([0, *sizes.values()])
        layout = [bases[i] + np.arange(SPAN * size).reshape(SPAN, size) for i, size in enumerate(sizes.values())]
        self._layout = np.concatenate(layout, axis=1) if layout else np.zeros((SPAN, 0), dtype=np.intp)

        self._keys = sim.record(2, dtype=np.uint64)
        self._offset = sim.record(len(self._erring), dtype=np.float32)  # bias, held for the episode
        self._camera_turn = sim.record(1, 3)  # [rad]
        self._shifts = sim.record(*self._vectors.shape)  # [m] of what a camera sees
        # of each control step of a span: what turns the vectors, what adds to each column, which devices lose a reading
        self._turns = sim.record(SPAN, *self._vectors.shape)
        self._errors = sim.record(SPAN, width)
        self._lost = sim.record(SPAN, len(dropped), dtype=np.bool_)
        of_a_span = self._turns, self._errors, self._lost
        self._rows = [each.reshape(sim.nsim * SPAN, *each.shape[2:]) for each in of_a_span]  # lane after lane
        self._first_rows = SPAN * np.arange(sim.nsim)  # of the lanes
        self._past = sim.record(int(self._older.max()) + 1, width)  # true values, newest first
        self._delivered = sim.record(width)

    def reset(self, ids: Ids, sites: Sites, keys: Keys, truth: Array) -> None:
        """Start episodes with keys (k, 2) at sites (k,) in lanes ids, whose true values are truth (k, width)."""
        self._keys[ids] = keys
        self._camera_turn[ids, 0] = sites.camera_turn
        self._shifts[ids] = self._are_points * sites.camera_shift[:, None]
        self._offset[ids] = self._bias * normal(self._held(keys, np.zeros(len(ids), np.int64)))
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
        seen = past[lanes].reshape(len(ids), -1)
        readings = seen.take(self._recent, axis=1)
        readings += self._late * (seen.take(self._before, axis=1) - readings)
        rows = self._first_rows[lanes] + now
        turns, errors, lost = (of_all.take(rows, axis=0) for of_all in self._rows)
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
            size = self._step_sizes[self._rounded]
            readings[:, self._rounded] = np.round(readings[:, self._rounded] / size) * size
        if len(self._dropout):
            if np.count_nonzero(lost):
                late, new = self._delivered[lanes].take(self._loses, axis=1), readings.take(self._loses, axis=1)
                readings[:, self._loses] = np.where(lost.take(self._dropper, axis=1), late, new)
            self._delivered[lanes] = readings
        return readings

    def _draw(self, ids: Ids, step: NDArray[np.int64]) -> None:
        """Draw the errors of the SPAN control steps from step (k,) on in lanes ids."""
        count = len(self._erring)
        levels = self._fresh(self._keys[ids], step // SPAN).take(self._layout, axis=1)  # (k, SPAN, count + devices)
        errors = np.full((len(ids), SPAN, count + 1), NOTHING, dtype=np.float32)
        errors[..., :count] = self._noise * normal(levels[..., :count]) + self._offset[ids, None]
        self._turns[ids] = errors.take(self._turn_of, axis=2) + self._by_camera * self._camera_turn[ids, None]
        self._errors[ids] = errors.take(self._error_of, axis=2)
        self._lost[ids] = levels[..., count:] < self._dropout
        self._lost[ids[step == 0], :1] = False  # no reading is before the first


class Draws:
    """Levels of several streams at once: names and how many numbers of each, one after the other."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        counts = [-(-size // PER_BLOCK) for size in sizes.values()]
        self._streams = np.repeat(np.array([stream_id(name) for name in sizes], dtype=np.uint64), counts)
        self._blocks = np.array([block for count in counts for block in range(count)], dtype=np.uint64)
        starts = PER_BLOCK * np.cumsum([0, *counts])
        self._used = np.array([i for s, size in zip(starts, sizes.values(), strict=False) for i in range(s, s + size)])

    def __call__(self, keys: Keys, step: NDArray[np.int64]) -> NDArray[np.intp]:
        """Levels (k, sum of sizes) under keys (k, 2) at step (k,)."""
        if not len(self._streams):
            return np.zeros((len(keys), 0), dtype=np.intp)
        levels = halves(blocks(keys, self._streams, self._blocks, step.astype(np.uint64))).reshape(len(keys), -1)
        return levels.take(self._used, axis=1)
