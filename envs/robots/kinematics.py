"""Kinematics of the UR5e over a batch: where the tool is, and which joint step moves it as asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rotations import cross, from_rotvec, to_rotvec
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
JOINT_SPEED = np.pi  # [rad/s]
IK_DAMPING = 0.01  # of the least squares, in which 1 m weighs as much as 1 rad
BASE = from_rotvec(np.array([0.0, 0.0, np.pi]))  # mounted so that the arm reaches along +x
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
    axes: Array  # (n, 6, 3), unit vector of each joint
    anchors: Array  # (n, 6, 3) [m], a point on each joint's axis


def forward_kinematics(joints: Array, tool: ToolFrame) -> Kinematics:
    """Joint angles (n, 6) [rad] -> the arm's pose.

    The frame's axes are carried along one by one: a link's twist is a multiple of a quarter turn, which only
    swaps them.
    """
    n = len(joints)
    cosine, sine = np.cos(joints)[..., None], np.sin(joints)[..., None]
    x, y, z = (np.tile(axis, (n, 1)) for axis in BASE.T)
    position = np.zeros((n, 3))
    axes, anchors = np.empty((n, 6, 3)), np.empty((n, 6, 3))
    for i, (a, d, quarter_turns) in enumerate(DH):
        axes[:, i], anchors[:, i] = z, position
        x, y = cosine[:, i] * x + sine[:, i] * y, cosine[:, i] * y - sine[:, i] * x
        position = position + d * z
        if a:
            position = position + a * x
        if quarter_turns:
            y, z = quarter_turns * z, -quarter_turns * y
    position = position + tool.reach * z
    return Kinematics(position, np.stack([x, y, z], axis=-1) @ tool.rotation, axes, anchors)


def inverse_kinematics_step(joints: Array, pose: Kinematics, twist: Array) -> Array:
    """Joint angles after one damped-least-squares step: joints (n, 6) [rad], twist (n, 6) [m, rad] -> (n, 6).

    pose: forward_kinematics(joints). Scaled down as a whole where a joint would exceed its speed.
    """
    lever = pose.position[:, None] - pose.anchors
    jacobian = np.concatenate([cross(pose.axes, lever), pose.axes], axis=-1)  # (n, 6 joints, 6)
    gram = np.swapaxes(jacobian, -1, -2) @ jacobian + IK_DAMPING**2 * np.eye(6)
    step = (jacobian @ np.linalg.solve(gram, twist[..., None]))[..., 0]
    excess = np.abs(step).max(axis=-1, keepdims=True) / (JOINT_SPEED * CONTROL_PERIOD)
    moved: Array = joints + step / np.maximum(excess, 1.0)
    return moved


def solve(start: Array, tool: ToolFrame, position: Array, rotation: Array) -> Array:
    """Joint angles (n, 6) [rad] that hold the tool at a pose, found from start (n, 6).

    position (n, 3) [m], rotation (n, 3, 3), base frame. Raises ValueError on a pose that the arm does not reach.
    """
    joints = np.array(start, dtype=np.float64)
    for _ in range(SOLVER_STEPS):
        pose = forward_kinematics(joints, tool)
        turn = to_rotvec(rotation @ np.swapaxes(pose.rotation, -1, -2))
        twist = np.concatenate([position - pose.position, turn], axis=-1)
        joints = inverse_kinematics_step(joints, pose, twist)
    if np.abs(twist).max() > 1e-3:
        raise ValueError(f"pose {np.abs(twist).max():.3f} m or rad out of the arm's reach at {position}, want within")
    return joints
