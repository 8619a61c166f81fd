"""The court's table: each score against each fault, at any and at equal length."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "demos"))
from known_toy import planted

from shopfloor.demos.curation.action_variance import ActionVariance
from shopfloor.demos.curation.score import Random
from shopfloor.demos.curation.true_outcome import TrueOutcome
from shopfloor.study.court import OUTCOME, detections
from shopfloor.study.showing.court_words import detections_text


@dataclass(frozen=True)
class Drawn(Random):
    """Random scores, others for each number."""

    number: int = 0

    def __call__(self, dataset, rng):
        return rng.spawn(self.number + 1)[-1].random(len(dataset))


@pytest.fixture(scope="module")
def found():
    scores = {
        **{f"random {i}": Drawn(number=i) for i in range(20)},
        "action_variance": ActionVariance(),
        "true_outcome": TrueOutcome(),
    }
    return detections(planted(180), scores, resamples=100)


def test_each_score_meets_each_fault(found):
    assert [(one.fault, one.score) for one in found[20:22]] == [
        (OUTCOME, "action_variance"),
        (OUTCOME, "true_outcome"),
    ]
    assert {one.fault for one in found} == {OUTCOME, "tremor", "detour", "pause"}
    assert len(found) == 4 * 22


def test_random_tells_nothing_and_the_ceiling_tells_the_outcome(found):
    by = {(one.fault, one.score): one for one in found}
    for fault in (OUTCOME, "tremor", "detour", "pause"):
        drawn = [by[fault, f"random {i}"].any_length for i in range(20)]
        assert sum(one.low <= 0.5 <= one.high for one in drawn) >= 17
    assert by[OUTCOME, "true_outcome"].any_length.low == 1
    assert by["tremor", "action_variance"].any_length.low > 0.6


def test_the_table_names_each_fault_once_with_how_often_it_is_there(found):
    lines = detections_text(found).splitlines()
    assert lines[0].split() == ["fault", "score", "any", "length", "equal", "length"]
    assert lines[1].startswith("true outcome (30 of 180)  random")
    assert lines[2].startswith(" " * 10)
    assert sum(line.startswith("tremor (30 of 180)") for line in lines) == 1
