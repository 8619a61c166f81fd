"""Realism: how a factory departs from the ideal, in its sensors, its command path and between its sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.commands import Commands
from shopfloor.envs.realism.devices import DEVICES, Device, DeviceName, Link, Offset
from shopfloor.envs.realism.drift import Drift
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.realism.sites import SiteSpread


@dataclass(frozen=True)
class Realism:
    """A named set of imperfections; the default values are none at all."""

    name: str
    commands: Commands = Commands()  # from the policy's action to the servos' targets
    frames: Frames = Frames()  # the loop that observes and records
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

    @property
    def devices(self) -> Mapping[DeviceName, Device]:
        """The sensors by name."""
        return {name: getattr(self, name) for name in DEVICES}


IDEAL = Realism("ideal")

# Kept equal to conf/realism/default.yaml, which names each value's source
_CAMERA_LINK = Link(latency=0.17, jitter=0.005, skew=0.025, dropout=0.01, stalls=0.002, stall_time=0.2)
DEFAULT = Realism(
    "default",
    commands=Commands(latency=0.05, gripper_latency=0.05),
    frames=Frames(jitter=1.2e-3, repeats=0.02),
    encoder=Device(noise=3e-5, quantisation=2.4e-5, link=Link(latency=1e-4)),
    gripper=Device(quantisation=1e-5, link=Link(latency=0.01)),
    camera=Device(
        noise=2.5e-4,
        angle_noise=1.75e-3,
        quantisation=1e-4,
        offset=Offset(episode=5e-4, angle_episode=1.75e-3),
        link=_CAMERA_LINK,
    ),
    fixture_camera=Device(noise=2.5e-4, quantisation=1e-4, offset=Offset(episode=1e-3), link=_CAMERA_LINK),
    force=Device(noise=0.05, quantisation=0.05, offset=Offset(site=1.0, episode=2.0, drift=0.05)),
    lidar=Device(noise=0.02, quantisation=1e-3, offset=Offset(site=0.03), link=Link(latency=0.05, dropout=0.01)),
    odometry=Device(
        noise=2e-3,
        angle_noise=2e-3,
        quantisation=1e-3,
        offset=Offset(episode=5e-3, drift=1e-3, angle_episode=5e-3, angle_drift=1e-3),
        link=Link(latency=0.05),
    ),
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
