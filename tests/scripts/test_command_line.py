"""The `shopfloor` command: one door to every verb, which explains itself and says in one line what is wrong."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import forked
import pytest

from shopfloor.study.explained import explain
from shopfloor.study.verbs import COMPOSED, VERBS

ROOT = Path(__file__).parents[2]
UNIT = re.compile(r"\[(m|rad|s|N|kg)\]")


shopfloor = partial(forked.run, "shopfloor")


def test_every_verb_is_named_and_every_door_leads_to_the_same():
    told = shopfloor("--help").stdout
    assert all(f"\n  {verb} " in told for verb in VERBS)
    module = [sys.executable, "-m", "shopfloor", "tasks", "--help"]
    anew = subprocess.run(module, capture_output=True, text=True, check=False).stdout
    assert forked.run_alone("tasks", "--help").stdout == anew == shopfloor("tasks", "--help").stdout != ""
    assert forked.run("train", "--help").stdout == shopfloor("train", "--help").stdout != ""


def test_every_verb_has_its_script_and_its_own_help():
    doors = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert doors >= set(VERBS) - sys.stdlib_module_names  # a script is imported in the stead of what has its name
    assert not doors & sys.stdlib_module_names
    for verb in set(VERBS) - set(COMPOSED):
        assert f"usage: shopfloor {verb}" in shopfloor(verb, "--help").stdout


@pytest.mark.parametrize("verb", COMPOSED)
def test_the_help_explains_every_key(verb):
    text = explain(verb, [])
    keys = re.findall(r"^  ([\w.]+)=(.*)$", text, re.MULTILINE)
    lines = text.splitlines()
    bare = []
    for key, rest in keys:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"  {key}="))
        below = lines[at + 1] if at + 1 < len(lines) else ""
        if not re.search(r"\S\s{2,}\S", rest) and not below.startswith(" " * 40):
            bare.append(key)
    assert [key for key in bare if not key.endswith((".name", "name"))] == []
    assert len(keys) > 5


@pytest.mark.parametrize("agent", [path.stem for path in (ROOT / "conf" / "agent").glob("*.yaml")])
def test_the_help_follows_what_is_chosen(agent):
    text = explain("train", [f"agent={agent}"])
    assert f"\nagent={agent}: " in text
    unexplained = re.findall(r"^  (agent\.[\w.]+)=\S+(?: \S+)*$", text, re.MULTILINE)
    assert set(unexplained) <= {"agent.name"}


def test_lengths_and_times_have_their_units():
    text = explain("train", ["task=aisle_delivery"])
    for key in (
        "realism.commands.latency",
        "realism.frames.jitter",
        "realism.camera.noise",
        "realism.lidar.offset.drift",
        "realism.signal.link.stall_time",
        "realism.sites.bench_height.low",
        "task.aisle_width",
    ):
        (line,) = [line for line in text.splitlines() if line.startswith(f"  {key}=")]
        assert UNIT.search(line), line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "invalid choice: 'nope'"),
        (["report", "nowhere"], "error: no rows in nowhere/rows, want at least one finished cell"),
        (["verify", "nowhere.json"], "nowhere.json"),
        (["tasks", "Nope"], "Nope"),
        (["scene", "PegInsertion"], "error: nothing to do, want --out SCENE.XML, --view or both"),
        (["bench", "--threads", "0"], "error: threads 0, want 1 or more"),
        (["train", "nope"], "nope"),
        (["train", "--help", "agent=nope"], "agent/nope"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, tmp_path):
    done = shopfloor(*arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m shopfloor train --help | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Run one cell of a study")
    assert done.stderr == ""


def completions(line):
    """What the shell is offered for a line, as argcomplete's protocol has it."""
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": os.devnull,
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m shopfloor 8>&1 9>&2 1>/dev/null 2>/dev/null"],
        env={name: value for name, value in environment.items() if name != "_ARGCOMPLETE_STDOUT_FILENAME"},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stdout.split("\n"))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("shopfloor ve", {"verify"}),
        ("shopfloor report --f", {"--force"}),
        ("shopfloor train age", {"agent=", "agent."}),
        ("shopfloor train agent.hist", {"agent.history="}),
        ("shopfloor train agent=knn agent.neigh", {"agent.neighbours="}),
    ],
)
def test_the_shell_completes_verbs_groups_and_keys(line, offered):
    assert offered & {text.strip() for text in completions(line)}
