"""Kinematics of the UR5e over a batch: where the tool is, and which joint step moves it as asked.

Shoulder, elbow and first wrist turn about parallel axes, so that the arm works in an upright plane that the base joint
turns: pose and Jacobian are short in that plane's own axes (out, beside, up). Lanes lie last, where numpy's inner loops
run. Nothing is left to BLAS or LAPACK, whose kernels differ from processor to processor: every sum is in a fixed order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rotations import compose, from_rotvec, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD

Array = NDArray[np.float64]

# Denavit-Hartenberg (a [m], d [m], alpha [quarter turns]) of the UR5e, vendor's figures
DH = (
    (0.0, 0.1625, 1),
    (-0.425, 0.0, 0),
    (-0.3922, 0.0, 0),
    (0.0, 0.1333, 1),
    (0.0, 0.0997, -1),
    (0.0, 0.0996, 0),
)
D1, A2, A3, D4, D5, D6 = DH[0][1], DH[1][0], DH[2][0], DH[3][1], DH[4][1], DH[5][1]
JOINT_SPEED = np.pi  # [rad/s]
IK_DAMPING = 0.01  # of the least squares, in which 1 m weighs as much as 1 rad
BASE = from_rotvec(np.array([0.0, 0.0, np.pi]))  # mounted so that the arm reaches along +x
DIAGONAL = np.arange(6)
SOLVER_STEPS = 200  # of solve: each is as far as a joint turns in a control period


@dataclass(frozen=True)
class ToolFrame:
    """Flange -> tool centre point: `reach` [m] along the flange's z, then turned by `rotation` (3, 3)."""

    reach: float
    rotation: Array


@dataclass(frozen=True)
class Kinematics:
    """A batch of arm poses in the base frame, whose x points to where the arm reaches."""

    position: Array  # (n, 3) [m] of the tool centre point
    rotation: Array  # (n, 3, 3) of the tool
    jacobian: Array  # (6 joints, 6, n) of the tool's velocity and turning along (out, beside, up)
    plane: Array  # (2, n) cosine and sine of the base joint: where out is


def forward_kinematics(joints: Array, tool: ToolFrame) -> Kinematics:
    """Joint angles (n, 6) [rad] -> the arm's pose."""
    n, length = len(joints), D6 + tool.reach
    angles = joints.T.copy()
    np.cumsum(angles[1:4], axis=0, out=angles[1:4])  # shoulder, elbow, first wrist: from level
    cosine, sine = np.cos(angles), np.sin(angles)
    upper, fore = A2 * cosine[1], A3 * cosine[2]
    upper_rise, fore_rise = A2 * sine[1], A3 * sine[2]
    frame = np.zeros((4, 3, n))  # position, then the flange's axes; out, beside, up
    position, x, y, z = frame
    z[0], z[1], z[2] = -sine[4] * cosine[3], cosine[4], -sine[4] * sine[3]
    across, lift = cosine[4] * cosine[3], cosine[4] * sine[3]  # of x before the last joint turns it
    c6, s6 = cosine[5], sine[5]
    x[0], x[1], x[2] = c6 * across - s6 * sine[3], c6 * sine[4], c6 * lift + s6 * cosine[3]
    y[0], y[1], y[2] = -s6 * across - c6 * sine[3], -s6 * sine[4], c6 * cosine[3] - s6 * lift
    wrist, wrist_rise = D5 * sine[3] + length * z[0], length * z[2] - D5 * cosine[3]  # from the first wrist to the tool
    position[0], position[1] = upper + fore + wrist, D4 + length * z[1]
    position[2] = upper_rise + fore_rise + wrist_rise + D1

    jacobian = np.zeros((6, 6, n))
    jacobian[0, 0], jacobian[0, 1], jacobian[0, 5] = position[1], -position[0], 1.0
    jacobian[3, 0], jacobian[3, 2] = -wrist_rise, wrist
    jacobian[2, 0], jacobian[2, 2] = -(fore_rise + wrist_rise), fore + wrist
    jacobian[1, 0], jacobian[1, 2] = D1 - position[2], position[0]
    jacobian[1:4, 4] = 1.0
    jacobian[4, 0], jacobian[4, 1], jacobian[4, 2] = -length * across, -length * sine[4], -length * lift
    jacobian[4, 3], jacobian[4, 5] = sine[3], -cosine[3]
    jacobian[5, 3:] = z
    plane = np.stack([cosine[0], sine[0]])
    frame = _in_base(frame, plane).transpose(2, 0, 1)
    axes = np.swapaxes(frame[:, 1:], 1, 2)
    return Kinematics(np.ascontiguousarray(frame[:, 0]), compose(axes, tool.rotation), jacobian, plane)


def inverse_kinematics_step(joints: Array, pose: Kinematics, twist: Array) -> Array:
    """Joint angles after one damped-least-squares step: joints (n, 6) [rad], twist (n, 6) [m, rad] -> (n, 6).

    pose: forward_kinematics(joints). Scaled down as a whole where a joint would exceed its speed.
    """
    jacobian = pose.jacobian
    wanted = _in_base(twist.T.reshape(2, 3, -1), pose.plane).reshape(6, -1)
    augmented = np.empty((6, 7, len(joints)))
    np.sum(jacobian[:, :, None] * jacobian[:, None], axis=0, out=augmented[:, :6])
    augmented[DIAGONAL, DIAGONAL] += IK_DAMPING**2
    augmented[:, 6] = wanted
    step = (jacobian * solve_symmetric(augmented)).sum(axis=1).T
    excess = np.abs(step).max(axis=-1, keepdims=True) / (JOINT_SPEED * CONTROL_PERIOD)
    moved: Array = joints + step / np.maximum(excess, 1.0)
    return moved


def solve_symmetric(augmented: Array) -> Array:
    """x (k, n) of A x = b for A | b (k, k + 1, n), A symmetric and positive definite; eliminates in place."""
    size = len(augmented)
    for row in range(size):
        augmented[row, row + 1 :] /= augmented[row, row]
        if row:
            augmented[:row, row + 1 :] -= augmented[:row, row, None] * augmented[row, row + 1 :]
        if row < size - 1:
            augmented[row + 1 :, row + 1 :] -= augmented[row + 1 :, row, None] * augmented[row, row + 1 :]
    return augmented[:, -1]


def solve(start: Array, tool: ToolFrame, position: Array, rotation: Array) -> Array:
    """Joint angles (n, 6) [rad] that hold the tool at a pose, found from start (n, 6).

    position (n, 3) [m], rotation (n, 3, 3), base frame. Raises ValueError on a pose that the arm does not reach.
    """
    joints = np.array(start, dtype=np.float64)
    for _ in range(SOLVER_STEPS):
        pose = forward_kinematics(joints, tool)
        turn = to_rotvec(compose(rotation, np.swapaxes(pose.rotation, -1, -2)))
        twist = np.concatenate([position - pose.position, turn], axis=-1)
        joints = inverse_kinematics_step(joints, pose, twist)
    if np.abs(twist).max() > 1e-3:
        raise ValueError(f"pose {np.abs(twist).max():.3f} m or rad out of the arm's reach at {position}, want within")
    return joints


def _in_base(vectors: Array, plane: Array) -> Array:
    """Vectors (k, 3, n) along (out, beside, up) of the arm's plane in the base frame, or the other way round.

    out is (-c, -s, 0) and beside (-s, c, 0) there: a reflection, its own inverse.
    """
    cosine, sine = plane
    turned = vectors.copy()
    turned[:, 0] = -(vectors[:, 0] * cosine + vectors[:, 1] * sine)
    turned[:, 1] = vectors[:, 1] * cosine - vectors[:, 0] * sine
    return turned
