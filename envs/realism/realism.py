"""Realism: how a factory departs from the ideal, in its sensors, its command path and between its sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.drift import Drift
from shopfloor.envs.realism.sensing import DEVICES, LONGEST_LATENCY, Device, DeviceName
from shopfloor.envs.realism.sites import SiteSpread


@dataclass(frozen=True)
class Realism:
    """A named set of imperfections; the default values are none at all."""

    name: str
    command_latency: float = 0.0  # [s] from the policy's action to the servo's target
    encoder: Device = Device()  # joint angles, hence the tool centre point
    gripper: Device = Device()  # the fingers' opening
    camera: Device = Device()  # poses of loose parts
    fixture_camera: Device = Device()  # poses of fixtures
    force: Device = Device()  # forces at the tool
    lidar: Device = Device()  # distances to what stands round a mobile robot
    odometry: Device = Device()  # a mobile robot's own pose
    signal: Device = Device()  # what controllers tell of themselves: machines, tools, the order system
    sites: SiteSpread = field(default_factory=SiteSpread)
    drift: Drift = Drift()  # of a site from episode to episode

    def __post_init__(self) -> None:
        if not 0 <= self.command_latency <= LONGEST_LATENCY:
            raise ValueError(f"command latency {self.command_latency} s, want 0 to {LONGEST_LATENCY:g}")

    @property
    def devices(self) -> Mapping[DeviceName, Device]:
        """The sensors by name."""
        return {name: getattr(self, name) for name in DEVICES}


IDEAL = Realism("ideal")

# Kept equal to conf/realism/default.yaml, which names each value's source
DEFAULT = Realism(
    "default",
    command_latency=0.1,
    encoder=Device(noise=3e-5),
    gripper=Device(latency=0.01),
    camera=Device(noise=2.5e-4, angle_noise=1.75e-3, bias=5e-4, angle_bias=1.75e-3, latency=0.17, dropout=0.01),
    fixture_camera=Device(noise=2.5e-4, bias=1e-3, latency=0.17, dropout=0.01),
    force=Device(noise=1.0),
    lidar=Device(noise=0.02, latency=0.05, dropout=0.01),
    odometry=Device(noise=2e-3, angle_noise=2e-3, bias=5e-3, angle_bias=5e-3, latency=0.05),
    sites=SiteSpread(
        friction=Uniform(0.25, 1.25),
        part_mass=Uniform(-0.005, 0.005),
        wear=Uniform(0.0, 0.2),
        bench_height=Uniform(-0.01, 0.01),
        fixture_shift=Uniform(0.0, 0.02),
        camera_shift=Uniform(5e-4, 3e-3),
        camera_turn=Uniform(1.75e-3, 1.75e-2),
        payload=Uniform(0.8, 1.2),
        belt_speed=Uniform(0.8, 1.2),
        correlation=0.5,
    ),
)

REALISMS = {realism.name: realism for realism in (IDEAL, DEFAULT)}
