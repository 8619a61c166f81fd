"""A dataset's card: a README.md from whose head Hugging Face's loader reads the folder, and whose text people read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.layout import ACTION, ENVIRONMENT, STATE
from shopfloor.demos.source import Source

README = "README.md"
FILES = "data/*/*.parquet"
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)  # frames, bounds of Hugging Face's size categories
DIGITS = 4  # significant, of statistics


def card(
    dataset: Dataset,
    *,
    title: str,
    licence: str,
    recipe: Mapping[str, Any],
    units: Mapping[str, str],
    command: str,
    gaps: Sequence[str] = (),
) -> str:
    """The card's text.

    licence: by Hugging Face's name, as apache-2.0; recipe: what the dataset was made by, empty if nobody knows;
    units: of elements of the observation, by name; command: that makes it; gaps: what is not verified or assumed.
    Where the dataset comes with its truth, the card says how often each fault was in it, and no episode's own.
    """
    head = {
        "license": licence,
        "task_categories": ["robotics"],
        "tags": ["LeRobot", "simulation", "shopfloor"],
        "size_categories": [_size(dataset.frames)],
        "configs": [{"config_name": "default", "data_files": FILES}],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {title}\n\n{dataset.task or 'No task is stated.'}",
        _table(("", ""), _facts(dataset, licence, recipe)),
        *([f"Made by `{command}`."] if command else []),
        *([f"Not verified, or assumed: {'; '.join(gaps)}."] if gaps else []),
        "## Features\n\n"
        + _table(("feature", "name", "unit", "mean", "spread", "least", "most"), _features(dataset, units)),
        _faults(dataset),
        *(_settings(recipe) if recipe else []),
    ]
    return "\n\n".join(parts) + "\n"


def _size(frames: int) -> str:
    names = ["1K", "10K", "100K", "1M", "10M"]
    place = int(np.searchsorted(SIZES, frames, side="right"))
    if place == 0:
        return "n<1K"
    return f"n>{names[-1]}" if place == len(SIZES) else f"{names[place - 1]}<n<{names[place]}"


def _facts(dataset: Dataset, licence: str, recipe: Mapping[str, Any]) -> list[tuple[str, ...]]:
    lengths, own = np.diff(dataset.bounds) / dataset.fps, float((dataset.task_index == 0).mean())
    shares = [(source.name.lower(), float((dataset.sources == source).mean())) for source in Source]
    named = [(kind, str(recipe[kind].get("name", "?"))) for kind in ("task", "realism", "fleet") if kind in recipe]
    return [
        ("licence", licence),
        ("robot", dataset.robot_type),
        *named,
        ("episodes", f"{len(dataset):,}"),
        ("frames", f"{dataset.frames:,} at {dataset.fps} Hz, {dataset.robot_hours:.2f} h"),
        ("an episode", f"median {np.median(lengths):.1f} s, {lengths.min():.1f} to {lengths.max():.1f} s"),
        ("labelled a success", f"{dataset.episode_success.mean():.1%}"),
        ("task texts", f"{len(set(dataset.texts))} different, the task's own in {own:.1%}"),
        ("sites", str(len(np.unique(dataset.sites)))),
        ("operators", str(len(np.unique(dataset.operators)))),
        ("actions chosen by", ", ".join(f"{name} {share:.1%}" for name, share in shares if share)),
        ("content", dataset.without_truth().content_hash[:12]),
    ]


def _features(dataset: Dataset, units: Mapping[str, str]) -> list[tuple[str, ...]]:
    cut = dataset.state_dim
    vectors = [STATE] * cut + [ENVIRONMENT] * (dataset.obs_dim - cut) + [ACTION] * dataset.act_dim
    values = [*dataset.observations.T, *dataset.actions.T]
    rows = []
    for vector, name, column in zip(vectors, dataset.feature_names, values, strict=True):
        statistics = (column.mean(dtype=np.float64), column.std(dtype=np.float64), column.min(), column.max())
        unit = "of [-1, 1]" if vector == ACTION else units.get(name, "")
        rows.append((vector, name, unit, *(f"{float(value):.{DIGITS}g}" for value in statistics)))
    return rows


def _faults(dataset: Dataset) -> str:
    if dataset.truth is None:
        return "## Faults\n\nWhat only the generator knows of faults and true outcomes is not at hand."
    truth, labels = dataset.truth, dataset.episode_success
    right = f"Labels say what was so in {(labels == truth.outcomes).mean():.1%} of the episodes; "
    right += f"{truth.outcomes.mean():.1%} did the work in truth."
    rows = [
        (name, f"{(values != 0).mean():.1%}", f"{values[values != 0].mean():.3g}" if values.any() else "-")
        for name, values in truth.faults.items()
    ]
    table = _table(("fault", "episodes with it", "mean amount there"), rows) if rows else "No fault is recorded."
    return f"## Faults\n\n{right} Of the faults that the generator knows of, over all episodes:\n\n{table}"


def _settings(recipe: Mapping[str, Any]) -> list[str]:
    shown = {name: value for name, value in recipe.items() if name != "code"}
    text = yaml.safe_dump(json.loads(json.dumps(shown)), sort_keys=False, width=110)
    return [f"## Settings\n\nAll that decides the episodes, beside the code:\n\n```yaml\n{text}```"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
