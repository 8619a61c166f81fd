"""What the verbs that Hydra composes are asked: their keys and types. conf/*.yaml has the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from shopfloor.demos.exchange.recordings import Recorded
from shopfloor.envs.realism import workload
from shopfloor.study.running.evaluation import Evaluation
from shopfloor.study.running.offline import Offline

Node = Mapping[str, Any]  # a config group's choice: a name, a _target_ and its arguments
Threads = Annotated[int, Field(ge=0, le=4096)]
Hours = Annotated[float, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
Actions = Literal["as_is", "scaled"]
Part = Annotated[str, Field(pattern=r"^\d+/\d+$")]  # as "2/8"
Imbalance = Annotated[float, Field(ge=0, le=workload.MOST)]


@dataclass(frozen=True)
class Learning:
    """What a cell learns from: of the demonstrations of a fleet's people at some sites, a selection."""

    sites: PositiveInt
    imbalance: Imbalance = 0.0
    episodes: NonNegativeInt | None = None
    successful_episodes: PositiveInt | None = None
    robot_hours: Hours | None = None
    operators: PositiveInt | None = None
    pool: PositiveInt | None = None
    horizon: Seconds | None = None
    filters: Node = field(default_factory=dict)  # by name


@dataclass(frozen=True)
class PoolSeeds:
    """Of what a pool draws: worlds and what happens in them, the fleet's persons."""

    data: NonNegativeInt
    fleet: NonNegativeInt


@dataclass(frozen=True)
class Seeds(PoolSeeds):
    """Of what a cell draws: its pool, and the agent's training."""

    training: NonNegativeInt


@dataclass(frozen=True)
class TrainOptions:
    """Of one cell of a study."""

    task: Node
    realism: Node
    fleet: Node
    agent: Node
    data: Learning | Recorded
    evaluation: Evaluation | Offline
    seeds: Seeds
    results: Path
    datasets: Path
    threads: Threads
    keep_agents: bool
    seed: NonNegativeInt = 0  # what seeds are where they are not given
    time_limit: Hours | None = None  # [h]


@dataclass(frozen=True)
class CollectOptions:
    """Of a dataset of demonstrations."""

    task: Node
    realism: Node
    fleet: Node
    episodes: PositiveInt
    sites: PositiveInt
    imbalance: Imbalance
    operators: PositiveInt | None
    horizon: Seconds | None
    seeds: PoolSeeds
    seed: NonNegativeInt
    datasets: Path
    threads: Threads


@dataclass(frozen=True)
class PartOptions(CollectOptions):
    """Of a dataset, or of a part of one."""

    part: Part | None


@dataclass(frozen=True)
class LookOptions(CollectOptions):
    """Of demonstrations that are looked at: a pool's, or those of a folder."""

    root: Path | None
    state: str
    action: str
    path: list[NonNegativeInt] | None
    command: list[NonNegativeInt] | None
    resamples: PositiveInt
    out: Path | None


@dataclass(frozen=True)
class FidelityOptions(LookOptions):
    """Of demonstrations that are put beside real recordings."""

    device: str | None


@dataclass(frozen=True)
class ExportOptions(CollectOptions):
    """Of demonstrations in another format: a pool's, or those of a folder or file."""

    root: Path | None
    format: Literal["lerobot", "minari", "hdf5", "card"]
    out: Path
    name: str | None
    license: str
    actions: Actions


@dataclass(frozen=True)
class CourtOptions(CollectOptions):
    """Of scores that are judged: by demonstrations of a pool, or by the rows of a folder."""

    scores: Mapping[str, Any]  # by name
    results: Path | None
    target: Annotated[float, Field(gt=0, lt=1)] | None
    resamples: PositiveInt
    out: Path | None


@dataclass(frozen=True)
class ReplayOptions:
    """Of pictures of held-out episodes."""

    task: Node
    realism: Node
    agent: Node
    evaluation: Evaluation
    episodes: int | str | list[Any]
    count: PositiveInt
    out: Path
    camera: str | None
    width: PositiveInt
    height: PositiveInt
    threads: Threads


@dataclass(frozen=True)
class EvaluateOptions:
    """Of an agent's evaluation on held-out episodes."""

    task: Node
    realism: Node
    agent: Node
    evaluation: Evaluation
    threads: Threads
