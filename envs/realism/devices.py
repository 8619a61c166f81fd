"""Devices: which sensors there are, what one measures, and the faults of one; each fault is nothing at 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DeviceName = Literal["encoder", "gripper", "camera", "fixture_camera", "force", "lidar", "odometry", "signal"]
Quantity = Literal["scalar", "position", "direction"]
DEVICES: tuple[DeviceName, ...] = (
    *("encoder", "gripper", "camera", "fixture_camera"),  # of a robot at a bench
    *("force", "lidar", "odometry", "signal"),
)
CAMERAS = ("camera", "fixture_camera")  # these carry the site's calibration error
LONGEST_LATENCY = 10.0  # [s]: every reading of so long is kept


def checked(what: str, values: Mapping[str, Any]) -> None:
    """Raise ValueError, with its name, on a value of a fault that is no finite number of 0 or more."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{what} {name} {value}, want a finite number of 0 or more")


@dataclass(frozen=True)
class Channel:
    """One measured quantity: columns of the reading, the device that reads it."""

    name: str
    device: DeviceName
    quantity: Quantity
    size: int = 3


@dataclass(frozen=True)
class Offset:
    """What readings are off by for long: standard deviations, in the device's unit, or [rad] of directions."""

    site: float = 0.0  # held by a site, as a mounting or a calibration is
    episode: float = 0.0  # held for an episode
    drift: float = 0.0  # after 1 s, of a slow random walk within an episode, whose spread grows with the root of time
    angle_site: float = 0.0  # [rad]
    angle_episode: float = 0.0  # [rad]
    angle_drift: float = 0.0  # [rad]

    def __post_init__(self) -> None:
        checked("offset", vars(self))


@dataclass(frozen=True)
class Link:
    """The way of a device's readings to the policy: how late, how uneven, and which do not arrive."""

    latency: float = 0.0  # [s] of a reading
    jitter: float = 0.0  # [s] mean and spread of what is added to each reading's latency, exponential
    skew: float = (
        0.0  # [s] by which the device's clock is off at the most, either way, even chance; held for an episode
    )
    dropout: float = 0.0  # chance that a reading does not arrive, and the last one stands for a step
    stalls: float = 0.0  # chance that the stream stalls with a reading, which stands for stall_time
    stall_time: float = 0.0  # [s] mean of a stall, exponential

    def __post_init__(self) -> None:
        checked("link", vars(self))
        for name in ("dropout", "stalls"):
            if getattr(self, name) >= 1:
                raise ValueError(f"link {name} {getattr(self, name)}, want less than 1")
        for name in ("latency", "jitter", "skew", "stall_time"):
            if getattr(self, name) > LONGEST_LATENCY:
                raise ValueError(f"link {name} {getattr(self, name)} s, want at most {LONGEST_LATENCY:g}")
        if self.stalls > 0 and not self.stall_time > 0:
            raise ValueError(f"link stalls {self.stalls} of stall_time {self.stall_time} s, want longer ones")

    @property
    def loses(self) -> bool:
        """Whether a reading may be the last one again."""
        return self.dropout > 0 or self.stalls > 0

    @property
    def uneven(self) -> bool:
        """Whether its latency varies."""
        return self.jitter > 0 or self.skew > 0


@dataclass(frozen=True)
class Device:
    """A sensor's faults; lengths in metres (a force sensor's values in newtons), angles (of direction readings)
    in radians. The default is ideal.
    """

    noise: float = 0.0  # [m or N], standard deviation, fresh in each reading
    angle_noise: float = 0.0  # [rad]
    quantisation: float = 0.0  # [m or N], step of a scalar or position reading
    offset: Offset = Offset()
    link: Link = Link()

    def __post_init__(self) -> None:
        checked("device", {name: getattr(self, name) for name in ("noise", "angle_noise", "quantisation")})
