"""Sensing: what the policy sees is a reading, with noise, bias, latency, dropout and quantisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import cross, norm
from shopfloor.envs.simulation import CONTROL_PERIOD

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
DeviceName = Literal["encoder", "gripper", "camera", "fixture_camera", "force", "lidar", "odometry", "signal"]
Quantity = Literal["scalar", "position", "direction"]
DEVICES: tuple[DeviceName, ...] = (
    *("encoder", "gripper", "camera", "fixture_camera"),  # of a robot at a bench
    *("force", "lidar", "odometry", "signal"),
)
CAMERAS = ("camera", "fixture_camera")  # these carry the site's calibration error
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
            if value < 0:
                raise ValueError(f"device {name} {value}, want 0 or more")
        if self.dropout >= 1:
            raise ValueError(f"device dropout {self.dropout}, want less than 1")


@dataclass(frozen=True)
class Channel:
    """One measured quantity: columns of the reading, the device that reads it."""

    name: str
    device: DeviceName
    quantity: Quantity
    size: int = 3


class Sensing:
    """The readings of n parallel episodes; every fault is drawn at reset, from the episode's own stream."""

    def __init__(self, channels: Sequence[Channel], devices: Mapping[DeviceName, Device], n: int, steps: int) -> None:
        self._channels = channels
        self._devices = devices
        starts = np.cumsum([0, *(channel.size for channel in channels)])
        self.columns = {c.name: slice(starts[i], starts[i + 1]) for i, c in enumerate(channels)}
        self.width = width = int(starts[-1])
        self._error = np.zeros((n, steps + 1, width), dtype=np.float32)  # noise and bias
        self._used = [name for name in DEVICES if any(channel.device == name for channel in channels)]
        self._dropped = np.zeros((n, steps + 1, len(self._used)), dtype=bool)
        self._shift = np.zeros((n, 3))
        self._turn = np.zeros((n, 3))
        self._groups = _grouped(channels)
        longest = max(devices[name].latency for name in self._used) / CONTROL_PERIOD  # [control steps]
        self._past = np.zeros((n, int(np.ceil(longest)) + 1, width))  # true values, newest first
        self._delivered = np.zeros((n, width))

    def reset(self, ids: Ids, sites: Sites, keys: Sequence[tuple[int, ...]], truth: Array) -> None:
        """Start episodes with streams `keys` at `sites` in lanes ids, whose true values are truth (k, width)."""
        dropout = np.array([self._devices[name].dropout for name in self._used])
        noise, bias = self._scales("noise", "angle_noise"), self._scales("bias", "angle_bias")
        self._shift[ids], self._turn[ids] = sites.camera_shift, sites.camera_turn
        for lane, key in zip(ids, keys, strict=True):
            rng = stream(Purpose.SENSORS, *key)
            fresh = rng.standard_normal(self._error.shape[1:], dtype=np.float32)
            held = rng.standard_normal(self._error.shape[2], dtype=np.float32)
            self._error[lane] = noise * fresh + bias * held
            self._dropped[lane] = rng.random(self._dropped.shape[1:]) < dropout
        self._dropped[ids, 0] = False
        self._past[ids] = truth[:, None]

    def read(self, ids: Ids, truth: Array, step: NDArray[np.int64]) -> Array:
        """Readings (k, width) of lanes ids at control step (k,) of their episodes, given the true values (k, width)."""
        everywhere = len(ids) == len(self._past)
        lanes = slice(None) if everywhere else ids  # views where all lanes are read
        past = np.concatenate([truth[:, None], self._past[lanes, :-1]], axis=1)
        if everywhere:
            self._past = past
        else:
            self._past[ids] = past
        errors, dropped = self._error[ids, step], self._dropped[ids, step]
        shift, turn = self._shift[lanes, None], self._turn[lanes, None]
        readings = np.empty_like(truth)
        for name, quantity, columns in self._groups:
            device = self._devices[name]
            camera = name in CAMERAS
            value = _delayed(past[:, :, columns], device.latency / CONTROL_PERIOD)
            if quantity == "direction":
                if camera or device.angle_noise or device.angle_bias:
                    vectors, error = value.reshape(len(ids), -1, 3), errors[:, columns].astype(float)
                    vectors = vectors + cross(error.reshape(vectors.shape) + (turn if camera else 0.0), vectors)
                    value = (vectors / norm(vectors)[..., None]).reshape(value.shape)
            else:
                if camera and quantity == "position":
                    points = value.reshape(len(ids), -1, 3)
                    value = (points + shift + cross(turn, points - CALIBRATION_CENTRE)).reshape(value.shape)
                if device.noise or device.bias:
                    value = value + errors[:, columns]
                if device.quantisation:
                    value = np.round(value / device.quantisation) * device.quantisation
            if device.dropout:
                lost = dropped[:, self._used.index(name), None]
                value = np.where(lost, self._delivered[lanes, columns], value)
            readings[:, columns] = value
        self._delivered[lanes] = readings
        return readings

    def _scales(self, length: str, angle: str) -> NDArray[np.float32]:
        scales = []
        for channel in self._channels:
            device = self._devices[channel.device]
            name = angle if channel.quantity == "direction" else length
            scales += [getattr(device, name)] * channel.size
        return np.array(scales, dtype=np.float32)


def _grouped(channels: Sequence[Channel]) -> list[tuple[DeviceName, Quantity, slice]]:
    """Device, quantity and columns of each run of channels that are read alike, so that they are read at once."""
    groups = []
    start = 0
    for (device, quantity), run in groupby(channels, key=lambda channel: (channel.device, channel.quantity)):
        stop = start + sum(channel.size for channel in run)
        groups.append((device, quantity, slice(start, stop)))
        start = stop
    return groups


def _delayed(past: Array, delay: float) -> Array:
    """Values `delay` control steps ago, interpolated between the two nearest; past (k, steps, width), newest first."""
    whole = int(delay)
    newer = past[:, whole]
    return newer if delay == whole else newer + (delay - whole) * (past[:, whole + 1] - newer)
