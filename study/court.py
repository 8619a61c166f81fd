"""The curation court: scores judged by what the generator knows of each episode, and by what was learned."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from shopfloor.demos.curation.known import truth_of
from shopfloor.demos.curation.lengths import strata
from shopfloor.demos.curation.score import Score, scores_of
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Selection
from shopfloor.files import write_atomically
from shopfloor.study.analysis.detection import Detection, detection, is_bad
from shopfloor.study.analysis.saved import saved
from shopfloor.study.options import CourtOptions
from shopfloor.study.running import from_config
from shopfloor.study.running.rows import read_rows
from shopfloor.study.showing.court_words import detections_text, saved_text
from shopfloor.study.sources import pool_of

BOOTSTRAP_SEED = 0  # the same demonstrations give the same intervals
OUTCOME = "true outcome"  # as a fault: that the work was not done


def court(config: Mapping[str, Any], *, base: Path) -> str:
    """What each score tells of its pool, or saves in a study's folder; the text, and all numbers to a file if asked."""
    o = from_config.options(CourtOptions, config, base=base)
    if o.results is not None:
        found = saved(read_rows(o.results / "rows"), target=o.target)
        text, numbers = saved_text(found), [{**asdict(one), "verdict": one.verdict} for one in found]
    else:
        scores = {name: from_config.score(node, f"scores.{name}") for name, node in o.scores.items()}
        dataset = pool_of(o).load(o.datasets, Selection(episodes=o.episodes), threads=o.threads, truth=True)
        told = detections(dataset, scores, resamples=o.resamples)
        said = f"{o.task['name']}, {o.realism['name']} realism, {o.fleet['name']} fleet: {len(dataset)} demonstrations"
        text, numbers = f"{said}\n\n{detections_text(told)}", [asdict(one) for one in told]
    if o.out is not None:
        write_atomically(o.out, (json.dumps(_finite(numbers), indent=1) + "\n").encode())
    return text


def detections(dataset: Dataset, scores: Mapping[str, Score], *, resamples: int) -> list[Detection]:
    """What each score tells of the true outcome and of each fault. ValueError where the dataset holds no truth."""
    truth, lengths = truth_of(dataset), strata(np.diff(dataset.bounds))
    faults = {OUTCOME: ~truth.outcomes, **{name: is_bad(amounts) for name, amounts in truth.faults.items()}}
    values = {name: scores_of(score, dataset, seed=BOOTSTRAP_SEED) for name, score in scores.items()}
    return [
        detection(name, fault, found, bad, lengths, np.random.default_rng(BOOTSTRAP_SEED), resamples=resamples)
        for fault, bad in faults.items()
        for name, found in values.items()
    ]


def _finite(value: Any) -> Any:
    """JSON has no infinity: a bound that is open above is null."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and math.isinf(value) else value
