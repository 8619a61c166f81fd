"""Rotation matrices over a batch: the few operations that controllers and tasks share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEXT = np.array([1, 2, 0])  # the axis after x, y, z


def cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis, (..., 3); several times quicker than np.cross on small batches."""
    turned = a * b.take(NEXT, axis=-1) - a.take(NEXT, axis=-1) * b  # z, x, y of the product
    product: Array = turned.take(NEXT, axis=-1)
    return product


def dot(a: Array, b: Array) -> Array:
    """Inner product over the last axis, (..., 3) -> (...); summed in a fixed order, so batch size never matters."""
    products = a * b
    product: Array = products[..., 0] + products[..., 1] + products[..., 2]
    return product


def norm(a: Array) -> Array:
    """Euclidean length over the last axis, (..., 3) -> (...)."""
    return np.sqrt(dot(a, a))


def compose(a: Array, b: Array) -> Array:
    """Product of matrices (..., 3, 3) over the batch, summed in a fixed order: `@` would leave that to BLAS."""
    product: Array = a[..., :, 0:1] * b[..., 0:1, :]
    product = product + a[..., :, 1:2] * b[..., 1:2, :]
    product += a[..., :, 2:3] * b[..., 2:3, :]
    return product


def about_z(angle: Array) -> Array:
    """Rotation by angle (n,) [rad] about z -> (n, 3, 3)."""
    rotvec = np.zeros((*np.shape(angle), 3))
    rotvec[..., 2] = angle
    return from_rotvec(rotvec)


def yaw(matrix: Array) -> Array:
    """Angle (...) [rad] about z of the x axis of matrices (..., 3, 3), seen from above."""
    angle: Array = np.arctan2(matrix[..., 1, 0], matrix[..., 0, 0])
    return angle


def wrapped(angle: Array, period: float | Array = 2 * np.pi) -> Array:
    """Angles [rad] moved by multiples of period into [-period / 2, period / 2): the least turn of a symmetric part."""
    moved: Array = (angle + period / 2) % period - period / 2
    return moved


def sine_cosine(angles: Array) -> Array:
    """Sine and cosine (n, 2 k) of angles (n, k) [rad], pair by pair: an angle without a jump, to observe."""
    pairs: Array = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(len(angles), -1)
    return pairs


def from_rotvec(rotvec: Array) -> Array:
    """Rotation vectors (n, 3) [rad] -> matrices (n, 3, 3), by Rodrigues' formula."""
    angle = norm(rotvec)[..., None, None]
    # sin(a)/a and (1 - cos(a))/a^2 through sinc, which is exact at zero
    k = skew(rotvec)
    half = np.sinc(angle / (2 * np.pi))
    matrix: Array = np.eye(3) + np.sinc(angle / np.pi) * k + 0.5 * half * half * compose(k, k)
    return matrix


def skew(v: Array) -> Array:
    """The matrices (n, 3, 3) that take the cross product with v (n, 3)."""
    matrix = np.zeros((*v.shape, 3))
    matrix[..., 0, 1], matrix[..., 0, 2] = -v[..., 2], v[..., 1]
    matrix[..., 1, 0], matrix[..., 1, 2] = v[..., 2], -v[..., 0]
    matrix[..., 2, 0], matrix[..., 2, 1] = -v[..., 1], v[..., 0]
    return matrix


def to_rotvec(matrix: Array) -> Array:
    """Matrices (n, 3, 3) -> rotation vectors (n, 3) [rad], of length at most pi.

    Within 1e-3 rad of a half turn the axis is ill-defined and may be off by that much.
    """
    axis_times_2_sine = np.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        axis=-1,
    )
    trace = matrix[..., 0, 0] + matrix[..., 1, 1] + matrix[..., 2, 2]
    sine = 0.5 * norm(axis_times_2_sine)
    angle = np.arctan2(sine, 0.5 * (trace - 1))
    rotvec: Array = axis_times_2_sine * (0.5 / np.sinc(angle / np.pi).clip(1e-3))[..., None]
    return rotvec


def to_quaternion(matrix: Array) -> Array:
    """Matrices (n, 3, 3) -> MuJoCo's scalar-first unit quaternions (n, 4), by the largest of the four divisors."""
    m = matrix
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    candidates = np.stack(
        [
            np.stack([1 + xx + yy + zz, x, y, z], axis=-1),
            np.stack([x, 1 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([y, xy, 1 - xx + yy - zz, yz], axis=-1),
            np.stack([z, xz, yz, 1 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    diagonal = np.diagonal(candidates, axis1=-2, axis2=-1)
    best = np.argmax(diagonal, axis=-1)
    quaternion = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    unit: Array = quaternion / np.sqrt((quaternion * quaternion).sum(-1, keepdims=True))
    return unit


def rotate(matrix: Array, vector: Array) -> Array:
    """matrix (n, 3, 3) @ vector (n, 3) or (3,) -> (n, 3), summed in a fixed order."""
    x, y, z = vector[..., 0:1], vector[..., 1:2], vector[..., 2:3]
    rotated: Array = matrix[..., :, 0] * x + matrix[..., :, 1] * y + matrix[..., :, 2] * z
    return rotated


def unrotate(matrix: Array, vector: Array) -> Array:
    """matrix.T @ vector over the batch: a world vector in the matrix's frame, (n, 3)."""
    return rotate(np.swapaxes(matrix, -1, -2), vector)


def seen_along(vector: Array, heading: Array) -> Array:
    """Level vectors (n, 2) as seen by who looks along a unit vector heading (n, 2): ahead, and to the left."""
    x, y = heading.T
    ahead, left = vector[:, 0] * x + vector[:, 1] * y, x * vector[:, 1] - y * vector[:, 0]
    return np.array([ahead, left]).T
