"""Sensors over a number of episodes whose truth is told by the test, for tests of what they make of it."""

import mujoco
import numpy as np

from shopfloor.envs.randomness import Purpose, keys
from shopfloor.envs.realism.devices import DEVICES, Device
from shopfloor.envs.realism.frames import Frames
from shopfloor.envs.realism.sensing import Sensing
from shopfloor.envs.realism.sites import SiteSpread
from shopfloor.envs.simulation import Simulation

N = 400
ONE_SITE, EVEN = SiteSpread(), Frames()


class Sensors:
    """Sensors of n episodes, numbers 0 ... n - 1 of one seed; every sensor that is not named is ideal."""

    def __init__(self, channels, n=N, *, spread=ONE_SITE, frames=EVEN, **devices):
        self.sim = Simulation(mujoco.MjSpec().compile(), n)
        self.sensing = Sensing(channels, {**dict.fromkeys(DEVICES, Device()), **devices}, self.sim, frames=frames)
        self.n, self.spread, self.step = n, spread, np.zeros(n, dtype=np.int64)
        self.width = sum(channel.size for channel in channels)

    def start(self, ids, truth, *, episode=0):
        """Episodes ids, of the seed `episode`, begin in lanes ids."""
        sites = self.spread.sites([int(i) % 7 for i in ids])
        self.sensing.reset(ids, sites, keys(Purpose.SENSORS, episode, sites.index, ids), truth[ids])
        self.step[ids] = 0

    def read(self, truth):
        """Readings (n, width) at the next control step of all lanes."""
        readings = self.sensing.read(np.arange(self.n), truth, self.step).copy()
        self.step += 1
        return readings

    def of(self, truths):
        """Readings (steps, n, width) of truths (steps, width), the same in each episode, from their starts."""
        truth = np.broadcast_to(truths[:, None], (len(truths), self.n, self.width))
        self.start(np.arange(self.n), truth[0])
        return np.array([self.read(now) for now in truth])
