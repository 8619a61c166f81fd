"""Selection: how far a pool is read, and which of its episodes count; nested along every axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.known import unseen, with_truth_of
from shopfloor.demos.dataset import Dataset

Mask = NDArray[np.bool_]
Order = NDArray[np.intp]


@runtime_checkable
class Filter(Protocol):
    """Judges, orders or prunes demonstrations; one of your own plugs in with `+data.filters.mine._target_=my_pkg.Mine`.

    More of the dataset may only append to what a filter gives: what becomes of an episode depends on no later one. A
    filter that must see all of a pool first says so with a class attribute `whole = True`; it is used with a pool
    alone. None sees ground truth, but for one that says `sees_truth = True`.
    """

    def __call__(self, dataset: Dataset) -> Mask | Order | Dataset:
        """Which episodes (episodes,) are kept; or their numbers, in a new order; or all of them with fewer frames."""
        ...


@dataclass(frozen=True)
class Labelled:
    """Episodes that are labelled a success, or a failure; labels may be wrong."""

    success: bool = True

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        return np.asarray(dataset.episode_success == self.success)


@dataclass(frozen=True)
class Shorter:
    """Episodes of at most `seconds` [s]."""

    seconds: float

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        return np.asarray(np.diff(dataset.bounds) <= self.seconds * dataset.fps)


@dataclass(frozen=True)
class AtSites:
    """Episodes recorded at one of these sites."""

    sites: Sequence[int]

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        return np.isin(dataset.sites, self.sites)


@dataclass(frozen=True)
class ByOperators:
    """Episodes of one of these operators, who are numbered as the fleet deals them."""

    operators: Sequence[int]

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        return np.isin(dataset.operators, self.operators)


@dataclass(frozen=True)
class OfText:
    """Episodes for which this text was written down, word for word; by default that of the dataset's own task."""

    text: str | None = None

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        wanted = dataset.task if self.text is None else self.text
        return np.array([text == wanted for text in dataset.task_texts], np.bool_)[dataset.task_index]


@dataclass(frozen=True)
class Selection:
    """The first episodes that pass all filters, one after the other, up to whichever of the bounds is met first.

    episodes: so many; successful_episodes: until so many are labelled a success; robot_hours: as many whole ones as
    last so long [h] together. More of any holds all that less of it held. pool: the filters see the first so many
    demonstrations and no others, all that are wanted by default. ValueError without a bound, on one below 0, and where
    a filter must see all of a pool and none is given.
    """

    episodes: int | None = None
    successful_episodes: int | None = None
    robot_hours: float | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    pool: int | None = None

    def __post_init__(self) -> None:
        bounds = {name: getattr(self, name) for name in ("episodes", "successful_episodes", "robot_hours")}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        if not given:
            raise ValueError(f"no bound on the demonstrations, want one or more of {', '.join(bounds)}")
        for name, bound in given.items():
            if not bound >= 0:
                raise ValueError(f"{name} {bound}, want 0 or more")
        if self.pool is not None and self.pool < 1:
            raise ValueError(f"pool of {self.pool} demonstrations, want 1 or more")
        whole = [name for name, judge in self.filters.items() if getattr(judge, "whole", False)]
        if whole and self.pool is None:
            raise ValueError(f"filter {whole[0]} compares demonstrations with later ones, want pool, how many it sees")

    def of(self, pool: Dataset) -> tuple[Dataset, float]:
        """What is selected of a pool, and how near that is to all that is wanted: 1 where it is all, else less.

        Raises ValueError where a filter gives none of what a filter may give.
        """
        if self.pool is not None and len(pool) < self.pool:
            return pool.take(0), len(pool) / self.pool
        kept = self._passing(pool if self.pool is None else pool.take(self.pool))
        lengths = np.diff(kept.bounds) / kept.fps / 3600  # [h]
        cuts = [
            _cut(np.arange(1.0, len(kept) + 1), self.episodes),
            _cut(np.cumsum(kept.episode_success, dtype=np.float64), self.successful_episodes),
            _cut(np.cumsum(lengths), self.robot_hours, whole=True),
        ]
        return kept.take(min(cut for cut, _ in cuts)), max(share for _, share in cuts)

    def _passing(self, pool: Dataset) -> Dataset:
        """What is left after each filter has looked at what those before it left."""
        for name, judge in self.filters.items():
            found = judge(pool if getattr(judge, "sees_truth", False) else unseen(pool))
            if isinstance(found, Dataset):
                if len(found) != len(pool):
                    got = f"filter {name} gave {len(found)} episodes"
                    raise ValueError(f"{got}, want all {len(pool)}, or their numbers")
                pool = with_truth_of(found, pool)
                continue
            kept: NDArray[Any] = np.asarray(found)
            if kept.ndim == 1 and np.issubdtype(kept.dtype, np.integer) and _are_numbers(kept, len(pool)):
                pool = pool.pick(kept.astype(np.intp))
                continue
            if kept.shape != (len(pool),) or kept.dtype != bool:
                got = f"{kept.dtype} of shape {kept.shape}"
                want = f"a bool for each of {len(pool)} episodes, or numbers of some, each once"
                raise ValueError(f"filter {name} gave {got}, want {want}")
            pool = pool if kept.all() else pool.select(kept)
        return pool


def _are_numbers(found: NDArray[np.integer], episodes: int) -> bool:
    """Whether they are numbers of episodes, each at most once."""
    return bool((found >= 0).all() and (found < episodes).all() and len(np.unique(found)) == len(found))


def _cut(so_far: NDArray[np.float64], bound: float | None, *, whole: bool = False) -> tuple[int, float]:
    """After how many episodes so_far (episodes,) meets the bound, and the share of it that there is, 1 where it does.

    whole: the episode in which the bound is passed is left out, as no part of an episode is taken.
    """
    if bound is None:
        return len(so_far), 0.0
    if bound == 0:
        return 0, 1.0
    met = so_far > bound * (1 + 1e-12) if whole else so_far >= bound
    if met.any():
        return int(met.argmax()) + (not whole), 1.0
    return len(so_far), min(1 - 1e-9, float(so_far[-1]) / bound) if len(so_far) else 0.0
