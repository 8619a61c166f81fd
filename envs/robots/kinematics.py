"""Kinematics of the UR5e over a batch: where the tool is, and which joint step moves it as asked.

Shoulder, elbow and first wrist turn about parallel axes, so that the arm works in an upright plane that the base joint
turns: pose and Jacobian are short in that plane's own axes (out, beside, up). Lanes lie last, where numpy's inner loops
run. Nothing is left to BLAS or LAPACK, whose kernels differ from processor to processor: every sum is in a fixed order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rotations import compose, from_rotvec, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD

Array = NDArray[np.float64]
Numbers = Any  # floats, or arrays (n,)

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
FARTHEST = JOINT_SPEED * CONTROL_PERIOD  # [rad] that a joint turns in a control period
FEW = 3  # arms, up to which plain floats are quicker than arrays
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
    if n <= FEW:
        return _few_forward(joints, length, tool.rotation)
    angles = joints.T.copy()
    angles[1:4].cumsum(axis=0, out=angles[1:4])  # shoulder, elbow, first wrist: from level
    cosine, sine = np.cos(angles), np.sin(angles)
    plane = np.empty((2, n))
    plane[0], plane[1] = cosine[0], sine[0]
    axes, columns = _in_plane(cosine, sine, length)
    frame, jacobian = np.array(axes), np.zeros((6, 6, n))
    for column, entries in zip(jacobian, columns, strict=True):
        for row, value in entries.items():
            column[row] = value
    frame = _in_base(frame, plane)
    turned = compose(tool.rotation.T, frame[1:].reshape(3, -1)).reshape(3, 3, n)  # the tool's axes
    return Kinematics(frame[0].T.copy(), turned.transpose(2, 1, 0).copy(), jacobian, plane)


def inverse_kinematics_step(joints: Array, pose: Kinematics, twist: Array) -> Array:
    """Joint angles after one damped-least-squares step: joints (n, 6) [rad], twist (n, 6) [m, rad] -> (n, 6).

    pose: forward_kinematics(joints). Scaled down as a whole where a joint would exceed its speed.
    """
    jacobian = pose.jacobian
    if len(joints) <= FEW:
        arms = zip(jacobian.transpose(2, 0, 1).tolist(), twist.tolist(), pose.plane.T.tolist(), strict=True)
        steps: Array = np.array([_step_of_one(*arm) for arm in arms])
        return joints + steps
    wanted = _in_base(twist.T.reshape(2, 3, -1), pose.plane).reshape(6, -1)
    columns = np.empty((7, 6, len(joints)))
    np.add.reduce(jacobian[:, :, None] * jacobian[:, None], axis=0, out=columns[:6])
    columns[:6].reshape(36, -1)[::7] += IK_DAMPING**2  # the diagonal
    columns[6] = wanted
    step = (jacobian * solve_symmetric(columns)).sum(axis=1).T
    excess = np.abs(step).max(axis=-1, keepdims=True) / FARTHEST
    moved: Array = joints + step / np.maximum(excess, 1.0)
    return moved


def solve_symmetric(columns: Array) -> Array:
    """x (k, n) of A x = b for the columns (k + 1, k, n) of A | b, A symmetric and positive definite; in place."""
    for row, done in enumerate(columns[:-1]):
        rest = columns[row + 1 :]
        parts = rest[:, row, None]
        parts /= done[row]
        done[row] = 0.0  # so that of the row itself nothing is taken
        rest -= parts * done
    solution: Array = columns[-1]
    return solution


def _in_plane(c: Numbers, s: Numbers, length: float) -> tuple[Numbers, Sequence[Mapping[int, Numbers]]]:
    """Along (out, beside, up): the tool's position and the flange's axes; each joint's part of the Jacobian, by row.

    c, s: six cosines and sines, the middle ones from level; floats of one arm, or arrays (n,) of a batch: what is
    said here once holds for both, to the bit.
    """
    upper, fore, upper_rise, fore_rise = A2 * c[1], A3 * c[2], A2 * s[1], A3 * s[2]
    z = -s[4] * c[3], c[4], -s[4] * s[3]
    across, lift = c[4] * c[3], c[4] * s[3]  # of x before the last joint turns it
    x = c[5] * across - s[5] * s[3], c[5] * s[4], c[5] * lift + s[5] * c[3]
    y = -s[5] * across - c[5] * s[3], -s[5] * s[4], c[5] * c[3] - s[5] * lift
    wrist, wrist_rise = D5 * s[3] + length * z[0], length * z[2] - D5 * c[3]  # from the first wrist to the tool
    position = upper + fore + wrist, D4 + length * z[1], upper_rise + fore_rise + wrist_rise + D1
    columns: Sequence[Mapping[int, Numbers]] = (
        {0: position[1], 1: -position[0], 5: 1.0},
        {0: D1 - position[2], 2: position[0], 4: 1.0},
        {0: -(fore_rise + wrist_rise), 2: fore + wrist, 4: 1.0},
        {0: -wrist_rise, 2: wrist, 4: 1.0},
        {0: -length * across, 1: -length * s[4], 2: -length * lift, 3: s[3], 5: -c[3]},
        {3: z[0], 4: z[1], 5: z[2]},
    )
    return (position, x, y, z), columns


# One arm or a few are quicker in plain floats than in numpy, whose calls cost more than the numbers do. Each number
# comes about by the same operations in the same order as in a batch, so that both give the same bits.


def _few_forward(joints: Array, length: float, tool: Array) -> Kinematics:
    angles = [[a, b, b + c, b + c + d, e, f] for a, b, c, d, e, f in joints.tolist()]
    cosine, sine = np.cos(angles), np.sin(angles)
    plane = np.array([cosine[:, 0], sine[:, 0]])
    turn = tool.T.tolist()
    arms = [_pose_of_one(c, s, length, turn) for c, s in zip(cosine.tolist(), sine.tolist(), strict=True)]
    whole = np.array(arms)  # (n, 48)
    position, rotation = whole[:, :3].copy(), whole[:, 3:12].reshape(-1, 3, 3)
    return Kinematics(position, rotation, whole[:, 12:].reshape(-1, 6, 6).transpose(1, 2, 0), plane)


def _pose_of_one(c: list[float], s: list[float], length: float, tool: list[list[float]]) -> list[float]:
    """Position (3), the tool's rotation (9) and the Jacobian (36) of one arm, one after the other; tool: by column."""
    axes, columns = _in_plane(c, s, length)
    position, *flange = [(-(out * c[0] + beside * s[0]), beside * c[0] - out * s[0], up) for out, beside, up in axes]
    rotation = [x * a + y * b + z * d for x, y, z in zip(*flange, strict=True) for a, b, d in tool]
    return [*position, *rotation, *(entries.get(row, 0.0) for entries in columns for row in range(6))]


def _step_of_one(jacobian: list[list[float]], twist: list[float], plane: list[float]) -> list[float]:
    """How far each joint of one arm turns (6,) [rad]."""
    (c, s), (x, y, z, rx, ry, rz) = plane, twist
    wanted = [-(x * c + y * s), y * c - x * s, z, -(rx * c + ry * s), ry * c - rx * s, rz]
    rows = list(zip(*jacobian, strict=True))
    columns = [
        [a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 + a4 * b4 + a5 * b5 for b0, b1, b2, b3, b4, b5 in rows]
        for a0, a1, a2, a3, a4, a5 in rows
    ]
    for i, column in enumerate(columns):
        column[i] += IK_DAMPING**2
    columns.append(wanted)
    for i in range(6):  # the elimination of solve_symmetric, each time without the column that is done with
        done, *columns = columns
        first, (a0, a1, a2, a3, a4, a5) = done[i], done
        for column in columns:
            part = column[i] / first
            b0, b1, b2, b3, b4, b5 = column
            column[:] = b0 - a0 * part, b1 - a1 * part, b2 - a2 * part, b3 - a3 * part, b4 - a4 * part, b5 - a5 * part
            column[i] = part
    ((x, y, z, rx, ry, rz),) = columns
    step = [a * x + b * y + d * z + e * rx + f * ry + g * rz for a, b, d, e, f, g in jacobian]
    excess = max(max(map(abs, step)) / FARTHEST, 1.0)
    return [angle / excess for angle in step]


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
    turned, out, beside = vectors.copy(), vectors[:, 0], vectors[:, 1]
    np.negative(out * cosine + beside * sine, out=turned[:, 0])
    np.subtract(beside * cosine, out * sine, out=turned[:, 1])
    return turned
