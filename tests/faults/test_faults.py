"""Kills, flipped bits and bad input, again and again: what is wrong, what is silently taken, what is a traceback.

pytest -m slow tests/faults -s     # some ten minutes; prints its table
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import forked
import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor import agents
from shopfloor.demos import lerobot
from shopfloor.study.running.rows import read_row, read_rows, same_but_for_times

pytestmark = pytest.mark.slow

KILLS, FLIPS, BAD_INPUTS = 24, 150, 300
SMALL = ["data.sites=2", "evaluation.episodes=4", "evaluation.sites=2", "task.difficulty=easy"]
STUDY = ["-m", *SMALL, "agent=knn,expert", "data.episodes=3,6", "seed=0,1,2", "keep_agents=true"]


def told(title, counts):
    print(f"\n{title}: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study that nothing interrupted."""
    folder = tmp_path_factory.mktemp("faults")
    done = forked.run("train", *STUDY, f"results={folder / 'whole'}", f"datasets={folder / 'datasets'}", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_study_that_is_killed_again_and_again_has_the_rows_of_one_that_is_not(whole):
    rng, counts = random.Random(0), Counter()
    results, datasets = whole / "killed", whole / "datasets of the killed"
    command = [sys.executable, "-m", "shopfloor", "train", *STUDY, f"results={results}", f"datasets='{datasets}'"]
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=whole)
        time.sleep(rng.uniform(2, 14))
        victims = [process.pid, *children(process.pid)]
        victim = rng.choice(victims)
        counts["kills of the study" if victim == process.pid else "kills of a process of its own"] += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        if victim != process.pid:
            time.sleep(rng.uniform(0, 8))  # the study goes on
        process.kill()
        process.wait()
    done = subprocess.run(command, capture_output=True, text=True, cwd=whole, check=False)
    assert done.returncode == 0, done.stderr
    ours, theirs = (read_rows(folder / "rows") for folder in (results, whole / "whole"))
    assert len(ours) == len(theirs) == 9
    counts["wrong rows"] = sum(not same_but_for_times(a, b) for a, b in zip(ours, theirs, strict=True))
    counts["failures left"] = len(list((results / "failures").glob("*")))
    for folder in (whole / "whole" / "agents").iterdir():
        for file in folder.iterdir():
            counts["wrong agents"] += (results / "agents" / folder.name / file.name).read_bytes() != file.read_bytes()
    for folder in (whole / "datasets").glob("PegInsertion-*"):
        kept = lerobot.read(datasets / folder.name)
        counts["wrong datasets"] += kept.content_hash != lerobot.read(folder).content_hash
    counts["leftovers"] = sum(".tmp" in path.name or path.name.endswith(".partial") for path in results.rglob("*"))
    told("kills", counts)
    assert not sum(counts[what] for what in ("wrong rows", "wrong agents", "wrong datasets", "failures left"))


def children(pid):
    """All processes that a process has started, and those that these have."""
    found, waiting = [], [pid]
    while waiting:
        with contextlib.suppress(OSError):
            waiting += (
                own := list(map(int, Path(f"/proc/{waiting[0]}/task/{waiting[0]}/children").read_text().split()))
            )
            found += own
        waiting.pop(0)
    return found


def flipped(path, rng):
    content = bytearray(path.read_bytes())
    place = int(rng.integers(len(content)))
    content[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(bytes(content))


def outcome(read, same):
    """What becomes of reading what was damaged."""
    try:
        return "the same" if same(read()) else "SILENTLY ANOTHER"
    except (ValueError, OSError) as error:
        return "refused" if "\n" not in str(error) else "MANY LINES"
    except Exception as error:
        return f"TRACEBACK of {type(error).__name__}"


def things(whole):
    """What can be damaged: a folder or file, and how it is read and compared."""
    row = next((whole / "whole" / "rows").glob("*.json"))
    agent = next((whole / "whole" / "agents").iterdir())
    dataset = next((whole / "datasets").glob("PegInsertion-*"))
    row_before, data = read_row(row), lerobot.read(dataset)
    acts = actions(agents.load(agent), data.obs_dim)
    yield "row", row, read_row, lambda read: read == row_before
    yield "agent", agent, agents.load, lambda read: np.array_equal(actions(read, data.obs_dim), acts)
    yield "dataset", dataset, lerobot.read, lambda read: read.content_hash == data.content_hash


def actions(agent, obs_dim):
    agent.reset(np.ones(2, dtype=bool))
    return agent.act(np.zeros((2, obs_dim), dtype=np.float32))


def test_no_flipped_bit_is_taken_in_silence(whole, tmp_path):
    rng, counts = np.random.default_rng(0), Counter()
    for name, source, read, same in things(whole):
        for _ in range(FLIPS):
            copy = tmp_path / source.name
            if source.is_dir():
                shutil.copytree(source, copy)
            else:
                shutil.copy(source, copy)
            files = [path for path in copy.rglob("*") if path.is_file()] if copy.is_dir() else [copy]
            flipped(files[int(rng.integers(len(files)))], rng)
            counts[f"{name} {outcome(lambda read=read, copy=copy: read(copy), same)}"] += 1
            shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    told("flipped bits", counts)
    assert not [what for what in counts if what != what.lower()]


def bad_inputs():
    """Of every leaf of the config the values that it may not have; and keys that are none."""
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("train", overrides=["agent=bc"]), resolve=True)
    for key, value in leaves(config):
        if key.startswith("task.") or key == "time_limit":  # null: the difficulty's, or none; else a number
            if value is None:
                yield from (f"{key}={bad}" for bad in ("abc", "nan", "inf", "-1", "[1]", "true"))
        elif isinstance(value, bool):
            yield from (f"{key}={bad}" for bad in ("'no'", "1", "null", "[true]"))
        elif isinstance(value, int) and key != "agent.budget.amount":  # any number, of seconds for one
            yield from (f"{key}={bad}" for bad in ("abc", "1.5", "nan", "-1", "null", "true", "[1]"))
        elif isinstance(value, float):
            yield from (f"{key}={bad}" for bad in ("abc", "nan", "inf", "null", "true", "[1]"))
        elif isinstance(value, list):
            yield from (f"{key}={bad}" for bad in ("abc", "[abc]", "3", "null", "[nan]"))
        elif isinstance(value, str) and not key.endswith("_target_"):
            yield from (f"{key}={bad}" for bad in ("null", "3", "[a]", "true") if key not in ("results", "datasets"))
        elif key.endswith("_target_"):
            yield from (f"{key}={bad}" for bad in ("nope", "no.such.Class", "json.dumps", "null", "3", "os"))
    for group in ("agent", "task", "realism", "realism.encoder", "realism.sites", "fleet", "evaluation", "data"):
        yield f"+{group}.nope=1"
    for group in ("agent", "task", "realism", "fleet", "evaluation", "data"):
        yield from (f"{group}=nope", f"~{group}", f"{group}.nope=1")
    for much in ("2000000000", "9223372036854775808", "100000000000"):
        yield from (f"evaluation.episodes={much}", f"agent.batch_size={much}0000")
        yield f"realism.camera.link.latency={much}"
    yield from ("nope", "nope=", "=3", "agent.history=", "a=b=c", "+nope=1", "seed=1e3", "results=/proc/none", "--nope")


def leaves(node, above=""):
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def test_bad_input_is_one_line_and_nothing_is_made_of_it(whole, tmp_path):
    all_of_them = list(dict.fromkeys(bad_inputs()))
    chosen = random.Random(0).sample(all_of_them, BAD_INPUTS)
    counts, worst = Counter(), []
    tiny = [*SMALL, "agent=bc", "data.episodes=3", "agent.budget.amount=5"]
    for bad in chosen:
        places = [f"results={tmp_path / 'results'}", f"datasets={whole / 'datasets'}"]
        done = forked.run("train", *tiny, *places, bad, cwd=tmp_path)
        lines = done.stderr.strip().splitlines()
        if done.returncode == 0:
            kind = "ACCEPTED"
        elif "Traceback" in done.stderr:
            kind = "TRACEBACK"
        elif len(lines) == 1 and lines[0].startswith("error: "):
            kind = "refused in one line"
        elif "usage:" in done.stderr:
            kind = "refused with the usage"
        else:
            kind = "MANY LINES"
        counts[kind] += 1
        if kind.isupper():
            worst.append((kind, bad, done.stderr[-300:]))
    told(f"bad inputs, of {len(all_of_them)}", counts)
    assert not worst, "\n".join(map(str, worst))
    assert not list(tmp_path.glob("results/rows/*"))
