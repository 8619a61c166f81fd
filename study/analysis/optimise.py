"""Newton ascent of many small smooth problems at once: a bootstrap's refits in one array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP = 1e-3  # of the finite differences; parameters are taken to be of order 1
LONGEST_STEP = 1.0  # in any parameter
MAX_ITERATIONS = 60
DONE = 1e-7  # promised gain of a step below which a problem is solved


def maximise(objective: Callable[[Array, NDArray[np.intp]], Array], starts: Array) -> Array:
    """Local maxima (problems, p) of independent problems from starts (problems, p).

    objective(points (k, m, p), which (k,)) -> (k, m) gives problem which[i] at m points. scipy's optimisers
    take one problem at a time, a hundred times slower here; the tests hold the two against each other.
    """
    size = starts.shape[1]
    stencil = _stencil(size)
    here = starts.copy()
    damping = np.full(len(here), 1e-3)
    active = np.arange(len(here))
    for _ in range(MAX_ITERATIONS):
        values = objective(here[active, None, :] + stencil, active)
        gradient, hessian = _derivatives(values, size)
        step = _damped_step(gradient, hessian, damping[active])
        trial = here[active] + step
        better = objective(trial[:, None, :], active)[:, 0] > values[:, 0]
        here[active[better]] = trial[better]
        damping[active] *= np.where(better, 0.1, 10.0)
        active = active[(gradient * step).sum(axis=1) > DONE]
        if not active.size:
            break
    return here


def _damped_step(gradient: Array, hessian: Array, damping: Array) -> Array:
    """Newton step (k, p) with eigenvalues made positive (it always climbs) and Levenberg's damping (k,)."""
    eigenvalues, axes = np.linalg.eigh(-hessian)
    sizes = np.abs(eigenvalues)
    curvature = sizes + damping[:, None] * (1 + sizes.max(axis=1, keepdims=True))
    step = np.einsum("bij,bj->bi", axes, np.einsum("bji,bj->bi", axes, gradient) / curvature)
    return np.asarray(step / np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / LONGEST_STEP))


def _stencil(size: int) -> Array:
    """Offsets (1 + 2p + p(p-1)/2, p): the centre, every +e_i, every -e_i, then +e_i+e_j for i < j."""
    unit = np.eye(size) * STEP
    first, second = np.triu_indices(size, k=1)
    return np.concatenate([np.zeros((1, size)), unit, -unit, unit[first] + unit[second]])


def _derivatives(values: Array, size: int) -> tuple[Array, Array]:
    """Gradients (k, p) and Hessians (k, p, p) from the values (k, stencil)."""
    centre, plus, minus, both = np.split(values, [1, 1 + size, 1 + 2 * size], axis=1)
    hessian = np.empty((len(values), size, size))
    diagonal = np.arange(size)
    hessian[:, diagonal, diagonal] = (plus - 2 * centre + minus) / STEP**2
    first, second = np.triu_indices(size, k=1)
    mixed = (both - plus[:, first] - plus[:, second] + centre) / STEP**2
    hessian[:, first, second] = hessian[:, second, first] = mixed
    return (plus - minus) / (2 * STEP), hessian
