"""Posteriors are those that a fine grid gives."""

from __future__ import annotations

import numpy as np
import pytest
from curves_at import VOLUMES, evidence_of
from scipy.special import logsumexp

from shopfloor.study.analysis.laws import LAWS, Law
from shopfloor.study.analysis.sampling import sample

RATES = [[0.1, 0.3, 0.5, 0.7, 0.8], [0.02, 0.4, 0.7, 0.72, 0.72]]


@pytest.mark.parametrize("law", LAWS[:3], ids=lambda law: law.name)
def test_a_posterior_is_that_of_a_fine_grid(law: Law) -> None:
    evidence = evidence_of(*RATES)
    far = evidence.x(np.array([4000.0]))
    found = sample(law, evidence, np.random.default_rng(0))
    for curve in range(len(RATES)):
        one, weights = evidence.of(curve), found.weights[curve]
        middle = weights @ found.latent[curve]
        spread = np.sqrt(weights @ (found.latent[curve] - middle) ** 2)
        axes = np.linspace(middle - 7 * spread, middle + 7 * spread, {2: 200, 3: 50}[law.size]).T
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, law.size)
        density = -0.5 * (grid**2).sum(axis=1) - 0.5 * law.size * np.log(2 * np.pi)
        density = density + one.log_likelihood(law.success(one.x(VOLUMES), grid[None]))[0]
        cell = np.prod(axes[:, 1] - axes[:, 0])
        assert found.log_evidence[curve] == pytest.approx(logsumexp(density) + np.log(cell), abs=0.25)
        exact = np.exp(density - logsumexp(density))
        ours, theirs = (law.success(far[curve], points)[:, 0] for points in (found.latent[curve], grid))
        mean = exact @ theirs
        assert weights @ ours == pytest.approx(mean, abs=0.004)
        assert weights @ (ours - mean) ** 2 == pytest.approx(exact @ (theirs - mean) ** 2, rel=0.2)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_enough_points_count(law: Law) -> None:
    assert (sample(law, evidence_of(*RATES), np.random.default_rng(0)).effective > 40).all()


def test_a_curve_has_the_same_points_whatever_curves_are_beside_it() -> None:
    both, second = evidence_of(*RATES), evidence_of(RATES[1])
    for law in LAWS:
        beside = sample(law, both, np.random.default_rng(0))
        alone = sample(law, second, np.random.default_rng(0))
        np.testing.assert_allclose(beside.latent[1], alone.latent[0], rtol=1e-6)
        np.testing.assert_allclose(beside.log_evidence[1], alone.log_evidence[0], rtol=1e-6)
