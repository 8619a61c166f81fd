"""Demonstrations in memory: flat frame arrays with episode bounds, and nested volumes of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.source import Source
from shopfloor.demos.task_texts import in_order, joined, numbered
from shopfloor.demos.truth import Truth

_PER_FRAME: dict[str, tuple[type[np.generic], int]] = {  # type and dimensions of every array
    "observations": (np.float32, 2),
    "actions": (np.float32, 2),
    "rewards": (np.float32, 1),
    "success": (np.bool_, 1),
    "sources": (np.int8, 1),
    "times": (np.float64, 1),
}
_PER_EPISODE: dict[str, tuple[type[np.generic], int]] = {
    "sites": (np.int64, 1),
    "operators": (np.int64, 1),
    "sessions": (np.int64, 1),
    "rounds": (np.int64, 1),
    "policies": (np.int64, 1),
    "ended_by": (np.int64, 1),
    "terminated": (np.bool_, 1),
    "task_index": (np.int64, 1),
    "last_observations": (np.float32, 2),
}
_KINDS: dict[str, tuple[type[np.generic], int]] = {**_PER_FRAME, "bounds": (np.int64, 1), **_PER_EPISODE}
NOBODY = -1  # the operator, session or policy of an episode that had none

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Episodes laid end to end; arrays are read-only. Raises ValueError where types are others or shapes disagree.

    observations   (frames, obs_dim) float32, what the sensors said: state_dim proprioceptive columns, then the rest
    actions        (frames, act_dim) float32 in [-1, 1]
    rewards        (frames,) float32
    success        (frames,) bool, the label after the frame's action (it may be wrong: labels carry noise)
    sources        (frames,) int8, who chose the action: a `Source`
    times          (frames,) float64 [s] since the episode's start at which the observation was taken, as measured
    bounds         (episodes + 1,) int64; episode e is frames bounds[e]:bounds[e + 1]
    sites          (episodes,) int64, index of the site where it was recorded
    operators      (episodes,) int64, index of the operator in the fleet; NOBODY for none
    sessions       (episodes,) int64, of the operator's sessions the one it belongs to; NOBODY for none
    rounds         (episodes,) int64, how often policies had been trained before it was recorded
    policies       (episodes,) int64, index of the policy that took part; NOBODY for none
    ended_by       (episodes,) int64, an `Ending` as the label has it; 0 where nobody has said
    terminated     (episodes,) bool, whether its last frame led to a state after which there is nothing
    task_index     (episodes,) int64, the number in task_texts of the text that was written down for it: it may be wrong
    last_observations  (episodes, obs_dim) float32, what was seen after the last action
    task_texts     different texts, each a sentence: first the dataset's own, then others as the first episode has them
    feature_names  names of the observation's elements, then of the action's
    truth          what only the generator knows; None where that is kept from the reader
    """

    observations: Floats
    actions: Floats
    rewards: Floats
    success: NDArray[np.bool_]
    sources: NDArray[np.int8]
    times: NDArray[np.float64]
    bounds: Numbers
    sites: Numbers
    operators: Numbers
    sessions: Numbers
    rounds: Numbers
    policies: Numbers
    ended_by: Numbers
    terminated: NDArray[np.bool_]
    task_index: Numbers
    last_observations: Floats
    state_dim: int
    fps: int  # [Hz]
    task_texts: tuple[str, ...]
    robot_type: str
    feature_names: tuple[str, ...]
    truth: Truth | None = None

    def __post_init__(self) -> None:
        for name, (kind, dimensions) in _KINDS.items():
            array = getattr(self, name)
            if array.dtype != kind or array.ndim != dimensions:
                got, want = f"{array.dtype} of shape {array.shape}", f"{np.dtype(kind)} of {dimensions} dimensions"
                raise ValueError(f"{name} {got}, want {want}")
        if self.fps < 1:
            raise ValueError(f"fps {self.fps}, want 1 or more")
        if len(self.bounds) == 0 or self.bounds[0] != 0 or (np.diff(self.bounds) < 1).any():
            raise ValueError(f"episode bounds {self.bounds[:5]} ..., want to rise from 0")
        lengths = {name: len(getattr(self, name)) for name in _PER_FRAME}
        if set(lengths.values()) != {int(self.bounds[-1])}:
            raise ValueError(f"frames {lengths}, want {self.bounds[-1]} of each: the last bound")
        counts = {name: len(getattr(self, name)) for name in _PER_EPISODE}
        counts |= {} if self.truth is None else {"truth": len(self.truth)}
        if set(counts.values()) != {len(self)}:
            raise ValueError(f"episodes {counts}, want {len(self)} of each, as there are bounds")
        if not 0 <= self.state_dim <= self.obs_dim:
            raise ValueError(f"state_dim {self.state_dim}, want 0 to obs_dim {self.obs_dim}")
        if self.last_observations.shape[1] != self.obs_dim:
            raise ValueError(f"last observations of width {self.last_observations.shape[1]}, want {self.obs_dim}")
        if len(self.feature_names) != self.obs_dim + self.act_dim:
            want = f"{self.obs_dim} of the observation and {self.act_dim} of the action"
            raise ValueError(f"{len(self.feature_names)} feature names, want {want}")
        texts, index = in_order(self.task_texts, self.task_index)
        object.__setattr__(self, "task_texts", texts)
        object.__setattr__(self, "task_index", index)
        for name in _KINDS:
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(
        cls,
        observations: Floats,
        actions: Floats,
        *,
        bounds: Numbers,
        fps: int,
        state_dim: int | None = None,
        task: str | None = None,
        texts: Sequence[str] | None = None,
        robot_type: str = "unknown",
        feature_names: Sequence[str] | None = None,
        rewards: Floats | None = None,
        success: NDArray[np.bool_] | None = None,
        sources: NDArray[np.int8] | None = None,
        times: NDArray[np.float64] | None = None,
        sites: Numbers | None = None,
        operators: Numbers | None = None,
        sessions: Numbers | None = None,
        rounds: Numbers | None = None,
        policies: Numbers | None = None,
        ended_by: Numbers | None = None,
        terminated: NDArray[np.bool_] | None = None,
        last_observations: Floats | None = None,
        truth: Truth | None = None,
    ) -> Self:
        """A dataset of which only a part is known, as of one made by hand or of others.

        task: the dataset's own text; texts: of each episode. What is not given is: task the first episode's text, each
        text the task's, state_dim all of the observation, names numbers, times the frames' numbers over fps, the last
        observation that of the last frame, the policy nobody, and 0 or false for all else: an operator's, no success,
        no reward, at site 0, by operator 0.
        """
        own = task if task is not None else texts[0] if texts else ""
        task_texts, task_index = numbered(own, [own] * (len(bounds) - 1) if texts is None else texts)
        frames, episodes = len(observations), len(bounds) - 1
        nothing = np.zeros(episodes, np.int64)
        names = [f"observation_{i}" for i in range(observations.shape[1])]
        names += [f"action_{i}" for i in range(actions.shape[1])]
        number = np.arange(frames) - np.repeat(bounds[:-1], np.diff(bounds))
        return cls(
            observations=observations,
            actions=actions,
            rewards=np.zeros(frames, np.float32) if rewards is None else rewards,
            success=np.zeros(frames, np.bool_) if success is None else success,
            sources=np.zeros(frames, np.int8) if sources is None else sources,
            times=number / fps if times is None else times,
            bounds=bounds,
            sites=nothing if sites is None else sites,
            operators=nothing if operators is None else operators,
            sessions=nothing if sessions is None else sessions,
            rounds=nothing if rounds is None else rounds,
            policies=nothing + NOBODY if policies is None else policies,
            ended_by=nothing if ended_by is None else ended_by,
            terminated=np.zeros(episodes, np.bool_) if terminated is None else terminated,
            task_index=task_index,
            last_observations=observations[bounds[1:] - 1] if last_observations is None else last_observations,
            state_dim=observations.shape[1] if state_dim is None else state_dim,
            fps=fps,
            task_texts=task_texts,
            robot_type=robot_type,
            feature_names=tuple(names if feature_names is None else feature_names),
            truth=truth,
        )

    @classmethod
    def empty(
        cls,
        *,
        obs_dim: int,
        act_dim: int,
        state_dim: int,
        fps: int,
        task: str,
        robot_type: str,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """No episode at all, of known dimensions."""
        return cls.of(
            np.zeros((0, obs_dim), np.float32),
            np.zeros((0, act_dim), np.float32),
            bounds=np.zeros(1, np.int64),
            fps=fps,
            state_dim=state_dim,
            task=task,
            robot_type=robot_type,
            feature_names=feature_names,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The episodes of all parts, in order.

        Raises ValueError on no parts, parts of different tasks, or some with truth and some without.
        """
        if not parts:
            raise ValueError("no datasets to join, want one or more")
        first = parts[0]
        for part in parts:
            if part._kind != first._kind:
                raise ValueError(f"dataset of {part._kind}, want {first._kind} like the first")
        names = (*_PER_FRAME, *_PER_EPISODE)
        arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        lengths = np.concatenate([np.diff(part.bounds) for part in parts])
        truths = [part.truth for part in parts if part.truth is not None]
        truth = Truth.concatenate(truths) if truths else None
        texts, arrays["task_index"] = joined([(part.task_texts, part.task_index) for part in parts])
        return replace(first, bounds=_bounds_of(lengths), truth=truth, task_texts=texts, **arrays)

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
    def task(self) -> str:
        """The text of the dataset's own task, whatever was written down for its episodes."""
        return self.task_texts[0]

    @property
    def texts(self) -> list[str]:
        """The text of each episode (episodes,)."""
        return [self.task_texts[number] for number in self.task_index]

    @property
    def episode_success(self) -> NDArray[np.bool_]:
        """The label of each episode's last frame (episodes,)."""
        return self.success[self.bounds[1:] - 1]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the proprioceptive elements of the observation."""
        return self.feature_names[: self.state_dim]

    @property
    def environment_names(self) -> tuple[str, ...]:
        """Names of the other elements of the observation."""
        return self.feature_names[self.state_dim : self.obs_dim]

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the action's elements."""
        return self.feature_names[self.obs_dim :]

    def without_truth(self) -> Self:
        """What learners and filters are given: the same episodes without what only the generator knows."""
        return self if self.truth is None else replace(self, truth=None)

    def require_sound(self) -> None:
        """Raise ValueError, naming the first frame, on NaN or infinity, actions outside [-1, 1], unknown sources."""
        for name in ("observations", "actions", "rewards", "times"):
            values = getattr(self, name)
            if not math.isfinite(values.sum(dtype=np.float64)):  # takes no memory; row by row only where one is named
                sound = np.isfinite(values.reshape(self.frames, -1)).all(axis=1)
                self._require(sound, f"{name} hold NaN or infinity, want finite numbers")
        if self.actions.max(initial=0) > 1 or self.actions.min(initial=0) < -1:
            self._require(np.abs(self.actions).max(axis=1) <= 1, "actions leave [-1, 1], want them inside")
        finite = np.isfinite(self.last_observations).all(axis=1)
        if not finite.all():
            raise ValueError(f"episode {finite.argmin()}: the last observation holds NaN or infinity, want numbers")
        known = (self.sources >= 0) & (self.sources < len(Source))
        self._require(known, f"sources of another number than 0 to {len(Source) - 1}, want a Source")

    def take(self, n: int, *, order_seed: int | None = None) -> Self:
        """The first n episodes, which hold the first n - 1: as recorded, or in an order drawn by order_seed.

        Episodes are independent draws, so any prefix is a fair sample. Raises ValueError unless 0 <= n <= len.
        """
        if not 0 <= n <= len(self):
            raise ValueError(f"take {n} episodes of a dataset of {len(self)}, want 0 to {len(self)}")
        if order_seed is not None:
            return self._gather(np.random.default_rng(order_seed).permutation(len(self))[:n])
        end = self.bounds[n]
        shorter: dict[str, Any] = {name: getattr(self, name)[:end] for name in _PER_FRAME}
        shorter |= {name: getattr(self, name)[:n] for name in _PER_EPISODE}
        truth = None if self.truth is None else self.truth.of(slice(n))
        return replace(self, bounds=self.bounds[: n + 1], truth=truth, **shorter)

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
        """SHA-256 over every array's type, shape and bytes and over the other fields, truth too: 64 hex digits."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            values = {field.name: value}
            if isinstance(value, Truth):
                values = {"outcomes": value.outcomes, **{f"fault {name}": value.faults[name] for name in value.faults}}
            for name, part in values.items():
                if isinstance(part, np.ndarray):
                    digest.update(f"{name} {part.dtype} {part.shape} ".encode())
                    digest.update(np.ascontiguousarray(part).data if part.size else b"")
                else:
                    digest.update(f"{name} {part!r} ".encode())
        return digest.hexdigest()

    @property
    def _kind(self) -> tuple[Any, ...]:
        sizes, truth = (
            (self.obs_dim, self.act_dim, self.state_dim, self.fps),
            "no truth" if self.truth is None else "truth",
        )
        return *sizes, self.task, self.robot_type, truth, self.feature_names

    def _require(self, sound: NDArray[np.bool_], fault: str) -> None:
        if not sound.all():
            frame = int(np.argmin(sound))
            episode = int(np.searchsorted(self.bounds, frame, side="right")) - 1
            raise ValueError(f"episode {episode}, frame {frame - self.bounds[episode]}: {fault}")

    def _gather(self, episodes: NDArray[np.intp]) -> Self:
        lengths = np.diff(self.bounds)[episodes]
        bounds = _bounds_of(lengths)
        frames = np.arange(bounds[-1]) + np.repeat(self.bounds[episodes] - bounds[:-1], lengths)
        gathered: dict[str, Any] = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        gathered |= {name: getattr(self, name)[episodes] for name in _PER_EPISODE}
        truth = None if self.truth is None else self.truth.of(episodes)
        return replace(self, bounds=bounds, truth=truth, **gathered)


def _bounds_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
