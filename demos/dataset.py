"""Demonstrations in memory: flat frame arrays with episode bounds, and nested volumes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_PER_FRAME = ("observations", "actions", "rewards", "success")
_PER_EPISODE = ("sites", "operators")
_KINDS: dict[str, tuple[type[np.generic], int]] = {  # type and dimensions of every array
    "observations": (np.float32, 2),
    "actions": (np.float32, 2),
    "rewards": (np.float32, 1),
    "success": (np.bool_, 1),
    "bounds": (np.int64, 1),
    "sites": (np.int64, 1),
    "operators": (np.int64, 1),
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Episodes laid end to end; arrays are read-only. Raises ValueError where types are others or shapes disagree.

    observations   (frames, obs_dim) float32, what the sensors said: state_dim proprioceptive columns, then the rest
    actions        (frames, act_dim) float32 in [-1, 1]
    rewards        (frames,) float32
    success        (frames,) bool, the label after the frame's action (it may be wrong: labels carry noise)
    bounds         (episodes + 1,) int64; episode e is frames bounds[e]:bounds[e + 1]
    sites          (episodes,) int64, index of the site where it was recorded
    operators      (episodes,) int64, index of the operator in the fleet
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    success: NDArray[np.bool_]
    bounds: NDArray[np.int64]
    sites: NDArray[np.int64]
    operators: NDArray[np.int64]
    state_dim: int
    fps: int  # [Hz]
    task: str  # the task's text, one sentence
    robot_type: str

    def __post_init__(self) -> None:
        for name, (kind, dimensions) in _KINDS.items():
            array = getattr(self, name)
            if array.dtype != kind or array.ndim != dimensions:
                got, want = f"{array.dtype} of shape {array.shape}", f"{np.dtype(kind)} of {dimensions} dimensions"
                raise ValueError(f"{name} {got}, want {want}")
        if self.fps < 1:
            raise ValueError(f"fps {self.fps}, want 1 or more")
        lengths = {name: len(getattr(self, name)) for name in _PER_FRAME}
        if len(self.bounds) == 0 or self.bounds[0] != 0 or (np.diff(self.bounds) < 1).any():
            raise ValueError(f"episode bounds {self.bounds[:5]} ..., want to rise from 0")
        if set(lengths.values()) != {int(self.bounds[-1])}:
            raise ValueError(f"frames {lengths}, want {self.bounds[-1]} of each: the last bound")
        if not len(self.sites) == len(self.operators) == len(self):
            raise ValueError(f"{len(self.sites)} sites, {len(self.operators)} operators, want {len(self)} of each")
        if not 0 <= self.state_dim <= self.obs_dim:
            raise ValueError(f"state_dim {self.state_dim}, want 0 to obs_dim {self.obs_dim}")
        for name in _KINDS:
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def empty(cls, *, obs_dim: int, act_dim: int, state_dim: int, fps: int, task: str, robot_type: str) -> Self:
        """No episode at all, of known dimensions."""
        return cls(
            observations=np.zeros((0, obs_dim), np.float32),
            actions=np.zeros((0, act_dim), np.float32),
            rewards=np.zeros(0, np.float32),
            success=np.zeros(0, bool),
            bounds=np.zeros(1, np.int64),
            sites=np.zeros(0, np.int64),
            operators=np.zeros(0, np.int64),
            state_dim=state_dim,
            fps=fps,
            task=task,
            robot_type=robot_type,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The episodes of all parts, in order. Raises ValueError on no parts or parts of different tasks."""
        if not parts:
            raise ValueError("no datasets to join, want one or more")
        first = parts[0]
        for part in parts:
            if part._kind != first._kind:
                raise ValueError(f"dataset of {part._kind}, want {first._kind} like the first")
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(p, name) for p in parts]) for name in (*_PER_FRAME, *_PER_EPISODE)
        }
        lengths = np.concatenate([np.diff(part.bounds) for part in parts])
        return replace(first, bounds=_bounds_of(lengths), **joined)

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.bounds) - 1

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.bounds[-1])

    @property
    def obs_dim(self) -> int:
        """Width of an observation."""
        return int(self.observations.shape[1])

    @property
    def act_dim(self) -> int:
        """Width of an action."""
        return int(self.actions.shape[1])

    @property
    def robot_hours(self) -> float:
        """Recorded time of the robot [h]."""
        return self.frames / self.fps / 3600

    @property
    def episode_success(self) -> NDArray[np.bool_]:
        """The label of each episode's last frame (episodes,)."""
        return self.success[self.bounds[1:] - 1]

    def require_sound(self) -> None:
        """Raise ValueError, naming the first frame, on NaN or infinity, or an action outside [-1, 1]."""
        columns = {"observations": self.observations, "actions": self.actions, "rewards": self.rewards[:, None]}
        for name, values in columns.items():
            self._require(np.isfinite(values).all(axis=1), f"{name} hold NaN or infinity, want finite numbers")
        self._require(np.abs(self.actions).max(axis=1, initial=0) <= 1, "actions leave [-1, 1], want them inside")

    def take(self, n: int, *, order_seed: int | None = None) -> Self:
        """The first n episodes, which hold the first n - 1: as recorded, or in an order drawn by order_seed.

        Episodes are independent draws, so any prefix is a fair sample. Raises ValueError unless 0 <= n <= len.
        """
        if not 0 <= n <= len(self):
            raise ValueError(f"take {n} episodes of a dataset of {len(self)}, want 0 to {len(self)}")
        if order_seed is not None:
            return self._gather(np.random.default_rng(order_seed).permutation(len(self))[:n])
        end = self.bounds[n]
        shorter = {name: getattr(self, name)[:end] for name in _PER_FRAME}
        return replace(self, bounds=self.bounds[: n + 1], sites=self.sites[:n], operators=self.operators[:n], **shorter)

    def select(self, mask: NDArray[np.bool_]) -> Self:
        """The episodes where mask (episodes,) is true."""
        if mask.shape != (len(self),):
            raise ValueError(f"mask of shape {mask.shape}, want ({len(self)},)")
        return self._gather(np.flatnonzero(mask))

    def pick(self, episodes: NDArray[np.intp]) -> Self:
        """The episodes of these numbers (k,), in their order."""
        return self._gather(episodes)

    def prune(self, kept: NDArray[np.bool_]) -> Self:
        """The frames where kept (frames,) is true. Raises ValueError where an episode would be left without any."""
        if kept.shape != (self.frames,) or kept.dtype != bool:
            raise ValueError(f"frames kept {kept.dtype} of shape {kept.shape}, want a bool for each of {self.frames}")
        lengths = np.diff(np.concatenate([[0], np.cumsum(kept)])[self.bounds])
        if (lengths < 1).any():
            raise ValueError(f"episode {int(np.argmin(lengths))} would keep no frame, want one or more of each")
        return replace(self, bounds=_bounds_of(lengths), **{name: getattr(self, name)[kept] for name in _PER_FRAME})

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over every array's type, shape and bytes and over the other fields, 64 hex digits."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                digest.update(f"{field.name} {value.dtype} {value.shape} ".encode())
                digest.update(np.ascontiguousarray(value).data if value.size else b"")
            else:
                digest.update(f"{field.name} {value!r} ".encode())
        return digest.hexdigest()

    @property
    def _kind(self) -> tuple[int, int, int, int, str, str]:
        return self.obs_dim, self.act_dim, self.state_dim, self.fps, self.task, self.robot_type

    def _require(self, sound: NDArray[np.bool_], fault: str) -> None:
        if not sound.all():
            frame = int(np.argmin(sound))
            episode = int(np.searchsorted(self.bounds, frame, side="right")) - 1
            raise ValueError(f"episode {episode}, frame {frame - self.bounds[episode]}: {fault}")

    def _gather(self, episodes: NDArray[np.intp]) -> Self:
        lengths = np.diff(self.bounds)[episodes]
        bounds = _bounds_of(lengths)
        frames = np.arange(bounds[-1]) + np.repeat(self.bounds[episodes] - bounds[:-1], lengths)
        gathered = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        per_episode = {name: getattr(self, name)[episodes] for name in _PER_EPISODE}
        return replace(self, bounds=bounds, **gathered, **per_episode)


def _bounds_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
