"""LeRobot's own reader agrees on every frame, and what its tools delete, split and merge is read here.

LeRobot wants other versions of libraries than we do, so it lives in an environment of its own, which is named by
SHOPFLOOR_LEROBOT_PYTHON; without that nothing runs here. docs/data.md has the commands.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from toy import RECIPE, toy

from shopfloor.demos import lerobot
from shopfloor.demos.collect import Collector
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.opened import opened
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.envs import DEFAULT, TASKS, collection_sites

PYTHON = os.environ.get("SHOPFLOOR_LEROBOT_PYTHON")
pytestmark = pytest.mark.skipif(not PYTHON, reason="SHOPFLOOR_LEROBOT_PYTHON names no interpreter with lerobot 0.4.4")
NAMES = ("PegInsertion", "ToteTransfer", "AisleDelivery")  # an arm, two arms, a vehicle
EPISODES = 4


def demonstrations(name):
    sites, fleet = collection_sites(2), Fleet("mixed", {"better": 1, "worse": 1})
    return Collector(TASKS[name], DEFAULT, fleet, sites=sites, seed=0, lanes=EPISODES, threads=1)(0, EPISODES)


@pytest.fixture(scope="module", params=["toy", *NAMES])
def read(request, tmp_path_factory):
    """A dataset, a second one, and the folder of what LeRobot read and wrote."""
    out = tmp_path_factory.mktemp(request.param)
    one = toy(3, 3 + EPISODES, texts=True) if request.param == "toy" else demonstrations(request.param)
    two = one.take(2)
    lerobot.write(one, out / "one", recipe=RECIPE)
    lerobot.write(two, out / "two", recipe=RECIPE)
    script = Path(__file__).with_name("lerobot_reader.py")
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [str(PYTHON), str(script), str(out / "one"), str(out / "two"), str(out / "read")],
        env=quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return one, two, out / "read"


def test_its_reader_agrees_on_every_frame(read):
    one, _, out = read
    frames = np.load(out / "frames.npz")
    lengths = np.diff(one.bounds)
    number = np.arange(one.frames) - np.repeat(one.bounds[:-1], lengths)
    wanted = {
        "observation.state": one.observations[:, : one.state_dim],
        "observation.environment_state": one.observations[:, one.state_dim :],
        "action": one.actions,
        "next.reward": one.rewards,
        "next.success": one.success,
        "source": one.sources,
        "frame_index": number,
        "episode_index": np.repeat(np.arange(len(one)), lengths),
        "timestamp": (number / one.fps).astype(np.float32),
    }
    for name, values in wanted.items():
        np.testing.assert_array_equal(frames[name].reshape(values.shape), values, err_msg=name)
    np.testing.assert_allclose(frames["measured_time"], one.times, rtol=1e-6)
    texts = json.loads((out / "texts.json").read_text())
    assert texts == [text for text, length in zip(one.texts, lengths, strict=True) for _ in range(length)]
    print(f"{one.frames} frames agreed")


def same_frames(got, want):
    for name in ("observations", "actions", "rewards", "success", "sources", "bounds"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name), err_msg=name)
    assert got.feature_names == want.feature_names
    assert got.texts == want.texts


def test_what_its_tools_delete_split_and_merge_is_read(read):
    one, two, out = read
    keep = np.arange(len(one))
    same_frames(opened(out / "deleted").dataset, one.select(keep != 1))
    same_frames(opened(out / "split/first").dataset, one.select(keep < 2))
    same_frames(opened(out / "split/rest").dataset, one.select(keep >= 2))
    same_frames(opened(out / "merged").dataset, Dataset.concatenate([one, two]))
