"""The simplest forecast that is worth beating: a straight line of the log-odds in the logarithm of the volume."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from shopfloor.study.analysis.laws import Array

RIDGE = 1e-3  # keeps a line finite where all trials fail or succeed


def line(volumes: Array, successes: Array, trials: float, at: float) -> Array:
    """Rates (curves,) at a volume, of lines fitted by maximum likelihood to successes (curves, volumes)."""
    design = np.stack([np.ones(len(volumes)), np.log(volumes / volumes[0])], axis=1)
    fitted = np.zeros((len(successes), 2))
    for _ in range(50):  # of Newton's method, in bounded steps
        rate = expit(fitted @ design.T)
        slope = (successes - trials * rate) @ design - RIDGE * fitted
        curvature = np.einsum("cv,vi,vj->cij", trials * rate * (1 - rate), design, design) + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        fitted += step / np.maximum(1, np.abs(step).max(axis=1, keepdims=True))
    return np.asarray(expit(fitted @ np.array([1.0, np.log(at / volumes[0])])))
