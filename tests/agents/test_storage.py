"""A saved agent is whole or refused, in one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shopfloor import agents
from shopfloor.agents import Budget, storage
from shopfloor.agents.knn import NearestNeighbours
from shopfloor.agents.random import RandomAgent


@pytest.fixture
def saved(toy_demos: Any, tmp_path: Path) -> Path:
    agent = NearestNeighbours()
    agent.fit(toy_demos(3), Budget("gradient_steps", 1), np.random.default_rng(0))
    agent.save(tmp_path / "runs" / "agent")
    return tmp_path / "runs" / "agent"


def test_the_folder_holds_its_two_files_and_nothing_else(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == ["agent.json", "tensors.safetensors"]
    assert list(saved.parent.iterdir()) == [saved]
    assert json.loads((saved / "agent.json").read_text())["_target_"] == "shopfloor.agents.knn.NearestNeighbours"


def test_save_overwrites_nothing(saved: Path) -> None:
    with pytest.raises(FileExistsError, match="exists, want a new folder"):
        NearestNeighbours.load(saved).save(saved)


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        storage.save(tmp_path / "agent", RandomAgent, {"unserialisable": object()}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["agent.json", "tensors.safetensors"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        agents.load(saved)


@pytest.mark.parametrize("name", ["agent.json", "tensors.safetensors"])
def test_a_damaged_file_is_named(saved: Path, name: str) -> None:
    content = bytearray((saved / name).read_bytes())
    content[-3] ^= 0xFF
    (saved / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        agents.load(saved)


@pytest.mark.parametrize("target", ["nowhere.Agent", "shopfloor.agents.knn.Farthest", "Agent", ""])
def test_an_unknown_class_is_named(saved: Path, target: str) -> None:
    description = json.loads((saved / "agent.json").read_text()) | {"_target_": target}
    (saved / "agent.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=f"names the class '{target}'"):
        agents.load(saved)


def test_an_agent_of_another_class_is_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match=r"holds a shopfloor.agents.knn.NearestNeighbours, want a .*RandomAgent"):
        RandomAgent.load(saved)


def test_importing_the_agents_imports_no_learning_library() -> None:
    heavy = "import sys, shopfloor.agents; print({'torch', 'stable_baselines3', 'scipy', 'mujoco'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout.strip() == "set()"
