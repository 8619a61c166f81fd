"""A law's fit is the most probable one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from shopfloor.study.analysis.laws import LAWS, SPREAD_PRIOR, Law, Observations, log_likelihood, most_probable


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_fit_finds_the_optimum_that_scipy_finds(law: Law) -> None:
    observations = Observations(
        np.repeat([10.0, 30.0, 100.0, 300.0, 1000.0], 3),
        np.array([8.0, 20, 15, 35, 30, 39, 70, 64, 81, 98, 103, 91, 119, 120, 117]),
        np.full(15, 128.0),
    )
    mean, scale = np.array((*law.priors, SPREAD_PRIOR)).T

    def loss(parameters: NDArray[np.float64]) -> float:
        prior = 0.5 * (((parameters - mean) / scale) ** 2).sum()
        return float(prior - log_likelihood(law, parameters, observations).sum())

    ours = most_probable(law, observations)
    theirs = minimize(loss, ours + 0.3, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 5000})
    assert loss(ours) == pytest.approx(theirs.fun, abs=1e-4)
    assert ours == pytest.approx(theirs.x, abs=0.02)
