"""Simulated curves whose truth is known, and the ways in which a study measures them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import expit, logit

from shopfloor.study.analysis.laws import Array

VOLUMES = np.array([10.0, 30.0, 100.0, 300.0, 1000.0])  # [demonstrations] that are measured
NODES = 61  # of the quadrature over effects


@dataclass(frozen=True)
class Truth:
    """A curve: rate(volumes (n,)) -> mean success rate (n,) over seeds, episodes and sites."""

    name: str
    rate: Callable[[Array], Array]
    law: str = ""  # of LAWS, that an oracle would fit; empty where no law is the truth
    plateau: bool = False
    fails: bool = False  # known to be forecast badly, and shown for that

    def reaches(self, target: float, limit: float) -> float:
        """The volume that first has the target rate, from the smallest measured; inf if none to limit has."""
        grid = np.geomspace(VOLUMES[0], limit, 20_000)
        reached = self.rate(grid) >= target
        return float(grid[reached.argmax()]) if reached.any() else np.inf


@dataclass(frozen=True)
class Design:
    """How a curve is measured: every seed at every volume, on the same episodes; effects are on the log-odds."""

    name: str
    seeds: int
    episodes: int
    seed_sd: float = 0.3
    seed_correlation: float = 0.0  # of one seed's effects at two volumes
    episode_sd: float = 0.0  # of an episode's effect, the same at all volumes and for all seeds
    site_sd: float = 0.0
    sites: int = 1

    @property
    def site(self) -> NDArray[np.int64] | None:
        """Site of each episode (episodes,), or None where there is one."""
        return np.arange(self.episodes) % self.sites if self.sites > 1 else None

    def simulate(self, rates: Array, curves: int, rng: np.random.Generator) -> Array:
        """Outcomes (curves, volumes, seeds, episodes), 0 or 1, whose means over all effects are rates (volumes,)."""
        volumes = len(rates)
        shape = (curves, volumes, self.seeds)
        both = rng.standard_normal((curves, 1, self.seeds)), rng.standard_normal(shape)
        of_seed = np.sqrt(self.seed_correlation) * both[0] + np.sqrt(1 - self.seed_correlation) * both[1]
        of_episode = self.episode_sd * rng.standard_normal((curves, 1, 1, self.episodes))
        of_site = self.site_sd * rng.standard_normal((curves, 1, 1, self.sites))
        odds = centres(rates, self.spread)[:, None, None] + self.seed_sd * of_seed[..., None] + of_episode
        odds = odds + of_site[..., np.arange(self.episodes) % self.sites]
        return np.asarray(rng.random(odds.shape) < expit(odds), dtype=np.float64)

    def new_policies(self, rate: float, curves: int, rng: np.random.Generator) -> Array:
        """Rates (curves,) that new policies of this mean rate show on new episodes."""
        return np.asarray(self.simulate(np.array([rate]), curves, rng)[:, 0, 0].mean(axis=-1))

    @property
    def spread(self) -> float:
        """Standard deviation of all effects together."""
        return float(np.sqrt(self.seed_sd**2 + self.episode_sd**2 + self.site_sd**2))


def centres(rates: Array, spread: float) -> Array:
    """Log-odds (n,) around which normal effects of this spread have mean rates (n,)."""
    nodes, weights = hermegauss(NODES)
    grid = np.linspace(-40, 40, 4001)
    means = expit(grid[:, None] + spread * nodes) @ weights / weights.sum()
    return np.interp(logit(np.clip(rates, 1e-9, 1 - 1e-9)), logit(np.clip(means, 1e-12, 1 - 1e-12)), grid)


def _x(volumes: Array) -> Array:
    return np.log(volumes / 100)


def _power(volumes: Array) -> Array:
    failure = np.exp(-0.8 - 0.5 * _x(volumes))
    return np.asarray(1 - (1 + failure**-6) ** (-1 / 6))


def _hard_power(volumes: Array) -> Array:
    return np.asarray(1 - np.minimum(1, np.exp(-0.7 - 0.5 * _x(volumes))))


def _saturating(volumes: Array) -> Array:
    return np.asarray(expit(0.5 + 1.2 * _x(volumes)))


def _broken(volumes: Array) -> Array:
    return np.asarray(expit(0.5 + np.where(volumes < 100, 1.5, 0.3) * _x(volumes)))


def _two_steps(volumes: Array) -> Array:
    return np.asarray(0.55 * expit(3 * (_x(volumes) + 1.2)) + 0.4 * expit(4 * (_x(volumes) - 3.2)))


def _peak(volumes: Array) -> Array:
    return np.asarray(_saturating(volumes) * (1 - 0.4 * expit(3 * (_x(volumes) - 2.5))))


TRUTHS = (
    Truth("power, hard cap", _hard_power, "power law"),
    Truth("power", _power, "power law"),
    Truth("power, floor .15", lambda n: 0.85 * _power(n), "power law with ceiling", plateau=True),
    Truth("logit-linear", lambda n: expit(0.2 + 0.8 * _x(n)), "logit-linear"),
    Truth("plateau .80", lambda n: 0.8 * _saturating(n), "logit-linear with ceiling", plateau=True),
    Truth("plateau .885", lambda n: 0.885 * _saturating(n), "logit-linear with ceiling", plateau=True),
    Truth("plateau .93", lambda n: 0.93 * _saturating(n), "logit-linear with ceiling", plateau=True),
    Truth("broken slope", _broken, "broken logit-linear"),
    Truth("easy", lambda n: expit(2.5 + 0.9 * _x(n)), "logit-linear"),
    Truth("slow", lambda n: expit(-2.2 + 0.6 * _x(n)), "logit-linear"),
    Truth("Weibull", lambda n: 0.95 * -np.expm1(-((n / 400) ** 0.6)), fails=True),
    Truth("linear in ln N", lambda n: 0.05 + 0.13 * np.log(n / 10), fails=True),
    Truth("second rise", _two_steps, fails=True),
    Truth("drop after a peak", _peak, fails=True),
)

DESIGNS = (
    *(
        Design(f"{seeds} x {episodes}{name}", seeds, episodes, seed_correlation=correlation, episode_sd=episode_sd)
        for name, correlation, episode_sd in (("", 0.0, 0.0), (", shared", 0.5, 1.5))
        for seeds, episodes in ((3, 100), (3, 128), (5, 100))
    ),
    Design("3 x 128, sites", 3, 128, seed_correlation=0.5, episode_sd=1.0, site_sd=0.8, sites=16),
)
