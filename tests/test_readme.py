"""What README shows works: its Python runs, its commands compose, its pictures and targets are there."""

import importlib
import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.override_parser.overrides_parser import OverridesParser

from shopfloor.study.verbs import COMPOSED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = README, *((ROOT / path).read_text() for path in ("docs/studies.md", "docs/curation.md", "results/README.md"))


def blocks(language, page=README):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def commands(start, pages=(README,)):
    lines = [line for page in pages for block in blocks("sh", page) for line in block.splitlines()]
    return [line for line in lines if line.startswith(start)]


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_runs(code, request):
    if "pixels" in code:
        request.getfixturevalue("graphics")
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("command", commands("shopfloor ", PAGES))
def test_its_commands_are_understood(command):
    verb, *arguments = shlex.split(command, comments=True)[1:]
    if verb not in COMPOSED:
        importlib.import_module(f"shopfloor.study.verbs.{verb}").parser().parse_args(arguments)
        return
    overrides = OverridesParser.create().parse_overrides([a for a in arguments if not a.startswith("-")])
    firsts = [
        f"{'+' if o.is_add() else ''}{o.key_or_group}={next(o.sweep_string_iterator())}"
        if o.is_sweep_override()
        else o.input_line
        for o in overrides
        if not o.key_or_group.startswith("hydra/")
    ]
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        compose(verb, overrides=firsts)


@pytest.mark.parametrize(
    "target", [word for line in commands("make ", PAGES) for word in line.split("#")[0].split()[1:]]
)
def test_its_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_its_pictures_and_links_are_there(path):
    assert (ROOT / path).exists()
