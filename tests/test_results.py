"""Kept results are what their rows say, and what is told of them is what they are."""

import html
import json
import math
import re
from pathlib import Path

import pytest

from shopfloor.study.showing.report import write_report

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
UNTIL = {"headline": 1000}  # as results/README.md gives the command
STUDIES = sorted(path.parent.name for path in RESULTS.glob("*/rows"))
TOLD = (RESULTS / "README.md").read_text()


@pytest.fixture(scope="module", params=STUDIES)
def study(request, tmp_path_factory):
    """A kept study's name, and the folder of its report made anew."""
    folder = tmp_path_factory.mktemp(request.param)
    write_report(RESULTS / request.param, into=folder, until=UNTIL.get(request.param, math.inf))
    return request.param, folder


def sentences(page):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<body>") :])))


def test_a_page_says_what_its_rows_say(study):
    name, folder = study
    kept, made = (json.loads((where / "summary.json").read_text()) for where in (RESULTS / name, folder))
    for before, now in zip(kept["panels"], made["panels"], strict=True):
        assert [agent["measured"] for agent in now["agents"]] == [agent["measured"] for agent in before["agents"]]
        assert [agent["forecast"] for agent in now["agents"]] == [agent["forecast"] for agent in before["agents"]]
        assert now["split"] == before["split"] == ("validation" if name == "gradient_steps" else "test")


def test_what_is_quoted_of_it_is_on_its_page(study):
    name, folder = study
    part = TOLD.split(f"## {name}")[1].split("\n## ")[0]
    page = sentences((folder / "report.html").read_text())
    quoted = [line[2:] for line in part.splitlines() if line.startswith("> ")]
    assert all(line in page for line in quoted)
    rates = re.findall(r"\d+\.\d % \[[\d., ]+\]", part)
    assert quoted or rates
    pages = page + "".join((RESULTS / other / "report.html").read_text() for other in STUDIES if other != name)
    assert [rate for rate in rates if rate not in pages] == []
    assert f"+study={name}" in part


def test_readme_answers_with_the_default_study():
    readme = (ROOT / "README.md").read_text()
    (agent, *_) = json.loads((RESULTS / "default" / "summary.json").read_text())["panels"][0]["agents"]
    answer = readme.split("<!-- answer:")[1].split("-->\n*")[1].split("* (")[0]
    assert " ".join(answer.split()) == f"{agent['measured']}. {agent['forecast']}."
    assert "(results/default/figures/PegInsertion-default-success.png)" in readme.split("<!-- answer:")[0]


def test_every_kept_study_is_told():
    assert sorted(re.findall(r"^## (\w+):", TOLD, re.MULTILINE)) == STUDIES
