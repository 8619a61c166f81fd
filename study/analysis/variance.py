"""Where success rates' variance comes from: worlds, persons and training, crossed with each other and with episodes.

Every policy learned from one draw of worlds (data) and of persons (operators) and with one draw of initialisation and
batches (training), and all are judged on the same episodes at held-out sites. What each draw contributes is the
random-effects analysis of variance of the crossing, by the method of moments (Searle, Casella and McCulloch 1992,
chapter 4), with modified large-sample limits. A share's are those shares at which the limits of what it
says, part - share x total, hold 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from shopfloor.study.analysis.mean_squares import EPISODE, MEAN, SITE, Analysis, MeanSquares
from shopfloor.study.analysis.statistics import LEVEL, Interval

FACTORS = ("data", "operators", "training")  # the first axes of outcomes
INTERACTIONS = "their interactions"
SITES, EPISODES = "sites", "episodes"
POLICY_SITES, POLICY_EPISODES = "policy x site", "policy x episode"  # the last with all that is chance
SHARES = np.linspace(0, 1, 1001)  # that are tried as limits
WIDEST = 0.5  # standard deviation of what lies in [0, 1]
MOST = 10.0  # logarithm of a factor that says that nothing is known


@dataclass(frozen=True)
class Component:
    """What one source adds to the variance of one trial. None: not varied, or no part of that variance."""

    name: str
    variance: float | None  # of success, 0 or 1; unbiased, so it may be below 0
    sd: Interval | None  # its root, as a rate
    of_policy: Interval | None  # share of the variance of one policy's true rate
    of_measured: Interval | None  # share of the variance of the rate that one policy shows in as many episodes


@dataclass(frozen=True)
class Decomposition:
    """The variance of the success of one trial of one policy, by source."""

    levels: tuple[int, ...]  # of FACTORS
    sites: int
    episodes: int
    rate: float  # over all trials
    components: tuple[Component, ...]  # FACTORS, their interactions, and four that episodes add
    policy_sd: Interval  # of one policy's true rate around the mean over policies
    measured_sd: Interval  # of the rate that one policy shows in as many episodes at as many sites


def decompose(outcomes: NDArray[np.bool_], sites: NDArray[np.int64], *, level: float = LEVEL) -> Decomposition:
    """Components of variance of outcomes (data, operators, training, episodes), the episodes at sites (episodes,).

    Of a factor with one level nothing is known, and shares are of what is; where no two episodes share a site, or all
    do, nothing is known of sites, and what they add is in the episodes' part. Raises ValueError unless a factor has two
    levels, there are two episodes, and there are both successes and failures.
    """
    if outcomes.ndim != 4 or sites.shape != outcomes.shape[3:]:
        want = "(data, operators, training, episodes) at (episodes,)"
        raise ValueError(f"outcomes {outcomes.shape} at sites {sites.shape}, want {want}")
    if max(outcomes.shape[:3]) < 2 or outcomes.shape[3] < 2:
        raise ValueError(f"outcomes {outcomes.shape}, want a factor with two levels, and two episodes")
    if outcomes.all() or not outcomes.any():
        raise ValueError(f"{outcomes.sum()} successes in {outcomes.size} trials, want both successes and failures")
    known = _Known(outcomes, sites, level)
    policy = known.weigh(dict.fromkeys((*FACTORS, INTERACTIONS), 1.0))
    measured = known.weigh(known.in_a_rate)
    return Decomposition(
        levels=outcomes.shape[:3],
        sites=len(np.unique(sites)),
        episodes=outcomes.shape[3],
        rate=known.rate,
        components=tuple(_component(name, known, policy, measured) for name in known.in_a_rate),
        policy_sd=known.root(policy),
        measured_sd=known.root(measured),
    )


def _component(name: str, known: _Known, policy: NDArray[np.float64], measured: NDArray[np.float64]) -> Component:
    if name not in known.names:
        return Component(name, None, None, None, None)
    alone = known.weigh({name: 1.0})
    return Component(
        name,
        float(alone @ known.estimates),
        known.root(alone),
        known.share(alone * policy, policy),
        known.share(alone * measured, measured),
    )


class _Known:
    """The components that outcomes tell of, as weighted sums of mean squares; vectors hold one number for each."""

    def __init__(self, outcomes: NDArray[np.bool_], sites: NDArray[np.int64], level: float) -> None:
        analysis = Analysis(outcomes.shape, sites)
        self.level, self.rate = level, float(outcomes.mean())
        self._found: MeanSquares = analysis.mean_squares(outcomes.astype(np.float64))
        of_lines = _by_source(analysis, np.eye(len(analysis.lines)))
        self.names = tuple(of_lines)
        self._lines = np.array(list(of_lines.values()))  # (components, lines)
        self.estimates = self._lines @ self._found.squares
        of_site, of_episode = analysis.episodes_at_a_site / analysis.episodes, 1 / analysis.episodes
        self.in_a_rate = {  # what each component counts in the variance of one policy's rate over all episodes
            **dict.fromkeys((*FACTORS, INTERACTIONS), 1.0),
            SITES: of_site,
            EPISODES: of_episode,
            POLICY_SITES: of_site,
            POLICY_EPISODES: of_episode,
        }
        self._factor = self._of_other_policies(analysis.levels)

    def weigh(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Weights (components,) by name; 0 where a name has none."""
        return np.array([weights.get(name, 0.0) for name in self.names])

    def root(self, weights: NDArray[np.float64]) -> Interval:
        """Root of a weighted sum of components; 0 where the sum is below, and no more than a rate can vary."""
        low, high = self._limits(weights[None])
        values = np.clip([low[0], weights @ self.estimates, high[0]], 0.0, WIDEST**2)
        lowest, middle, highest = np.sqrt(values)
        return Interval(float(middle), float(lowest), float(highest))

    def share(self, part: NDArray[np.float64], total: NDArray[np.float64]) -> Interval | None:
        """Share of a part of a weighted sum, no component below 0; None where the sum is 0 or has no such part."""
        positive = np.maximum(self.estimates, 0.0)
        if not part.any() or total @ positive <= 0:
            return None
        low, high = self._limits(part - SHARES[:, None] * total)
        estimate = float(part @ positive / (total @ positive))
        least, most = SHARES[low <= 0].min(initial=1.0), SHARES[high >= 0].max(initial=0.0)
        return Interval(estimate, min(estimate, float(least)), max(estimate, float(most)))

    def _limits(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Limits (n,) of weighted sums (n, components): those below 0 taken as they are and as 0, the wider of both."""
        sums = weights @ np.stack([self.estimates, np.maximum(self.estimates, 0.0)], axis=1)  # (n, 2)
        below, above = self._found.distances(weights @ self._lines, self.level)
        over_episodes = np.array([name not in (*FACTORS, INTERACTIONS) for name in self.names])
        changed = (weights * over_episodes) @ self.estimates * np.array([[1 - 1 / self._factor], [self._factor - 1]])
        less, more = np.where(changed[0] > 0, changed, changed[::-1])
        return sums.min(axis=1) - np.hypot(below, less), sums.max(axis=1) + np.hypot(above, more)

    def _of_other_policies(self, levels: Sequence[int]) -> float:
        """By what factor, either way, other policies may change what varies over episodes.

        That goes as rate x (1 - rate), and the mean rate over policies is as well known as their components tell.
        """
        policies = {**dict(zip(FACTORS, levels, strict=True)), INTERACTIONS: int(np.prod(levels))}
        known = [(count, self.names.index(name)) for name, count in policies.items() if name in self.names]
        count, index = (np.array(column) for column in zip(*known, strict=True))
        parts = np.maximum(self.estimates[index], 0.0) / count
        variance = float(parts.sum())
        if variance <= 0:
            return 1.0
        df = variance**2 / float((parts**2 / (count - 1)).sum())
        slope = abs(1 - 2 * self.rate) / (self.rate * (1 - self.rate))  # of the logarithm
        return float(np.exp(min(MOST, slope * np.sqrt(variance) * stats.t.ppf(0.5 + self.level / 2, df))))


def _by_source(analysis: Analysis, squares: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Components of what is known, from mean squares (lines, ...)."""
    found = analysis.variances(squares)
    policies = [effect for effect in analysis.effects if effect]
    sources = {FACTORS[effect[0]]: found[effect, MEAN] for effect in policies if len(effect) == 1}
    if len(sources) > 1:
        sources[INTERACTIONS] = np.sum([found[effect, MEAN] for effect in policies if len(effect) > 1], axis=0)
    if analysis.has_sites:
        sources[SITES] = found[(), SITE]
        sources[POLICY_SITES] = np.sum([found[effect, SITE] for effect in policies], axis=0)
    sources[EPISODES] = found[(), EPISODE]
    sources[POLICY_EPISODES] = np.sum([found[effect, EPISODE] for effect in policies], axis=0)
    return sources
