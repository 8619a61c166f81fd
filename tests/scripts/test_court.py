"""`shopfloor court`, and cells that choose by a score, from the command line."""

import json

import pytest
from forked import run

from shopfloor.study.running.rows import read_rows

SMALL = ("agent=knn", "evaluation.episodes=8", "evaluation.sites=2", "data.sites=2", "data.pool=12", "threads=1")
SHORT = ("data.horizon=2", "evaluation.horizon=0.2")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("court")
    scores = "score@data.filters.keep.score=random,action_variance"
    done = run("train", "+study=curation", *SMALL, *SHORT, scores, "data.episodes=3,6", "seed=0", cwd=folder)
    return folder, done


def test_a_study_chooses_the_best_of_one_pool(study):
    folder, done = study
    assert done.returncode == 0, done.stderr
    rows = read_rows(folder / "outputs/curation/rows")
    assert sorted(row["data"]["episodes"] for row in rows) == [3, 3, 6, 6]
    assert len({row["data"]["hash"] for row in rows}) == 4
    assert {row["cell"]["data"]["filters"]["keep"]["score"]["name"] for row in rows} == {"random", "action_variance"}
    assert len(list((folder / "outputs/datasets").glob("PegInsertion-*"))) == 1


def test_the_court_says_what_each_score_saves(study):
    folder, _ = study
    done = run("court", "results=outputs/curation", "target=0.5", "out=saved.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PegInsertion (default), knn, at any length:\n  open   how many times")
    (one,) = json.loads((folder / "saved.json").read_text())
    assert (one["score"], one["verdict"]) == ("action_variance", "open")


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("court", ["results=nowhere"], "no cells that chose by a score beside others"),
        ("court", ["target=2"], "target 2, want less than 1"),
        ("train", ["+study=curation", "data.pool=null", "hydra.mode=RUN", "data.episodes=3"], "want pool"),
        (
            "train",
            ["+study=curation", "data.pool=3", "hydra.mode=RUN", "data.episodes=9"],
            "want a larger pool or fewer",
        ),
    ],
)
def test_a_mistake_is_one_line(study, verb, arguments, said):
    done = run(verb, *(SMALL[:4] if verb == "train" else ()), *arguments, cwd=study[0])
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert said in done.stderr
