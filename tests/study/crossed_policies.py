"""Policies with known effects of data, operators and training, on episodes at sites."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FACTORS = ("data", "operators", "training")
EPISODES, SITES = 128, 16
AT = np.arange(EPISODES) % SITES


class Policies:
    """Log-odds of success are normal: a level, and an effect of every factor, interaction, site and episode."""

    def __init__(self, level: float, **sds: float) -> None:
        self.level, self.sds = level, sds
        self.variance = sum(sd**2 for sd in sds.values())

    def outcomes(self, levels: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
        logits = np.full((*levels, EPISODES), self.level)
        for name, sd in self.sds.items():
            named = name.split("_")
            policies = [n if factor in named else 1 for n, factor in zip(levels, FACTORS, strict=True)]
            if "site" in named:
                logits = logits + sd * rng.normal(size=(*policies, SITES))[..., AT]
            else:
                logits = logits + sd * rng.normal(size=(*policies, EPISODES if "episode" in named else 1))
        return rng.random(logits.shape) < expit(logits)

    def alike(self, *shared: str) -> float:
        """Expected product of two trials that share these factors, a site or an episode; quadrature."""
        own = sum(sd**2 for name, sd in self.sds.items() if set(name.split("_")) <= set(shared))
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        weights = weights / weights.sum()
        rest = np.sqrt(max(0.0, self.variance - own))
        given = expit(self.level + np.sqrt(own) * nodes[:, None] + rest * nodes) @ weights
        return float(weights @ given**2)

    def components(self) -> dict[str, float]:
        """The true components of variance of one trial."""
        square = self.alike()
        rate = float(np.sqrt(square)) if self.variance == 0 else self.rate()
        single = {name: self.alike(name) - square for name in FACTORS}
        policy = self.alike(*FACTORS)
        site, episode = self.alike("site") - square, self.alike("site", "episode") - self.alike("site")
        at_site = self.alike(*FACTORS, "site") - policy - site
        return {
            **single,
            "their interactions": policy - square - sum(single.values()),
            "sites": site,
            "episodes": episode,
            "policy x site": at_site,
            "policy x episode": rate * (1 - rate) - (policy - square) - site - episode - at_site,
        }

    def rate(self) -> float:
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        return float(expit(self.level + np.sqrt(self.variance) * nodes) @ weights / weights.sum())


def by_pairs(outcomes: NDArray[np.bool_], sites: NDArray[np.int64]) -> dict[tuple[bool, ...], float]:
    """Mean product of two trials by what they share: the three factors, the site, the episode. Slow and plain."""
    sums: dict[tuple[bool, ...], list[float]] = {}
    trials = list(product(*map(range, outcomes.shape)))
    for a, b in product(trials, trials):
        shared = (*(x == y for x, y in zip(a[:3], b[:3], strict=True)), bool(sites[a[3]] == sites[b[3]]), a[3] == b[3])
        sums.setdefault(shared, []).append(float(outcomes[a]) * float(outcomes[b]))
    return {shared: float(np.mean(products)) for shared, products in sums.items()}
