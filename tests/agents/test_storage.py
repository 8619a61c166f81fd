"""A saved agent is whole or refused, in one clear line."""

from __future__ import annotations

import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor import agents
from shopfloor.agents import Budget, storage
from shopfloor.agents.knn import NearestNeighbours
from shopfloor.agents.random import RandomAgent
from shopfloor.agents.storage import AgentError
from shopfloor.study.running import from_config
from shopfloor.study.running.reasons import one_line

FLIPS = 200
FILES = ["agent.json", "tensors.safetensors"]


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


def test_no_flipped_byte_passes_and_each_is_the_one_error(saved: Path) -> None:
    rng = np.random.default_rng(0)
    whole = {name: (saved / name).read_bytes() for name in FILES}
    for flip in range(FLIPS):
        name = FILES[flip % 2]
        content = bytearray(whole[name])
        position, change = int(rng.integers(len(content))), int(rng.integers(1, 256))
        content[position] ^= change
        (saved / name).write_bytes(content)
        with pytest.raises(AgentError, match=name) as refused:
            agents.load(saved)
        assert "\n" not in str(refused.value), (name, position, change)
        (saved / name).write_bytes(whole[name])
    assert isinstance(agents.load(saved), NearestNeighbours)


@pytest.mark.parametrize(("old", "new"), [(b" ", b"\t"), (b"{\n", b'{\n  "format": 3,\n')], ids=["space", "twice"])
def test_agent_json_is_held_to_the_byte_not_only_to_what_it_says(saved: Path, old: bytes, new: bytes) -> None:
    whole = (saved / "agent.json").read_bytes()
    (saved / "agent.json").write_bytes(whole.replace(old, new, 1))
    assert json.loads((saved / "agent.json").read_bytes()) == json.loads(whole)
    with pytest.raises(AgentError, match="is damaged or was edited"):
        agents.load(saved)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": 2, "format": 2}',
    ],
    ids=["empty", "open", "list", "null", "no-utf8", "deep", "long-number", "twice"],
)
def test_what_is_no_agent_file_is_the_one_error(saved: Path, content: bytes) -> None:
    (saved / "agent.json").write_bytes(content)
    with pytest.raises(AgentError, match=r"agent\.json is damaged"):
        agents.load(saved)


def edited(folder: Path, **changes: Any) -> Path:
    """The saved agent with other content under a digest that fits: what an attacker or another version writes."""
    content = json.loads((folder / "agent.json").read_text())
    del content["sha256"]
    content = {key: value for key, value in (content | changes).items() if value is not None}
    (folder / "agent.json").write_bytes(storage._sealed(content))
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 3}, "has format 3, want 2"),
        ({"format": None}, "has format None, want 2"),
        ({"_target_": 7}, "_target_ 7, want a str"),
        ({"arguments": []}, r"arguments \[\], want a dict"),
        ({"tensors_sha256": None}, "tensors_sha256 None, want a str"),
        ({"arguments": {"neighbors": 3}}, "does not fit the class .*NearestNeighbours.*neighbors"),
        ({"arguments": {"neighbours": -3}}, "does not fit the class .*neighbours -3, want 1 or more"),
        ({"arguments": {"neighbours": "many"}}, "does not fit the class .*TypeError"),
    ],
)
def test_content_of_another_kind_is_named(saved: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(AgentError, match=said):
        agents.load(edited(saved, **changes))


def test_tensors_that_are_none_or_others_are_named(saved: Path) -> None:
    for payload, said in [
        (b"none", "holds no tensors"),
        (safetensors.numpy.save({}), "does not fit.*KeyError: 'act_dim'"),
    ]:
        (saved / "tensors.safetensors").write_bytes(payload)
        edited(saved, tensors_sha256=storage.hashlib.sha256(payload).hexdigest())
        with pytest.raises(AgentError, match=said):
            agents.load(saved)


def test_an_agent_of_version_0_3_0_is_to_be_trained_again(saved: Path) -> None:
    description = json.loads((saved / "agent.json").read_text())
    del description["sha256"], description["format"]
    (saved / "agent.json").write_text(json.dumps(description, indent=2) + "\n")
    with pytest.raises(AgentError, match=r"saved by version 0\.3\.0 or an earlier one.*train the agent again"):
        agents.load(saved)


@pytest.mark.parametrize("target", ["shopfloor.agents.knn.Farthest", "shopfloor.nowhere.Agent", "Agent", "", "a..b"])
def test_an_unknown_class_is_named(saved: Path, target: str) -> None:
    with pytest.raises(AgentError, match=f"names the class '{target}'"):
        agents.load(edited(saved, _target_=target))


@pytest.mark.parametrize(
    "target",
    [
        "shopfloor.agents.storage.load",  # no class
        "shopfloor.agents.sac.SAC",  # stable-baselines3's, whose load unpickles
        "shopfloor.agents.lane_policy.Path",
        "shopfloor.agents.protocol.Budget",  # no load
        "shopfloor.__main__.Agent",
    ],
)
def test_only_agents_of_our_own_rooms_are_loaded_from_them(saved: Path, target: str) -> None:
    with pytest.raises(
        AgentError, match=r"want a class that is defined there and has a load|want package\.module\.Class"
    ):
        agents.load(edited(saved, _target_=target))


@pytest.fixture
def foreign(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A saved agent of a package of the user's own, which leaves a file where it is imported."""
    package = tmp_path / "their_floor"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "players.py").write_text(
        f"from pathlib import Path\nfrom shopfloor.agents.random import RandomAgent\n"
        f"Path({str(tmp_path / 'imported')!r}).touch()\n"
        f"class Player(RandomAgent):\n    @classmethod\n    def load(cls, folder):\n        return cls()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield edited(saved, _target_="their_floor.players.Player")
    for name in ("their_floor", "their_floor.players"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("trust", [(), "their", "their_floor.p", "", ["other", "shopfloor"]])
def test_a_class_of_another_package_is_not_even_imported(foreign: Path, tmp_path: Path, trust: Any) -> None:
    with pytest.raises(AgentError, match=r"'their_floor\.players\.Player', .* say trust=their_floor"):
        agents.load(foreign, trust=trust)
    assert not (tmp_path / "imported").exists()
    assert "their_floor" not in sys.modules


@pytest.mark.parametrize("trust", ["their_floor", ["other", "their_floor"], ("their_floor.players",)])
def test_a_trusted_package_is_loaded(foreign: Path, tmp_path: Path, trust: Any) -> None:
    assert type(agents.load(foreign, trust=trust)).__name__ == "Player"
    assert (tmp_path / "imported").exists()


@pytest.mark.parametrize("trust", [True, 7, [7], None])
def test_trust_names_packages(saved: Path, trust: Any) -> None:
    with pytest.raises(ValueError, match="want the name of a package"):
        agents.load(saved, trust=trust)


@pytest.mark.parametrize("trust", ["their_floor", "[other,their_floor]"])
def test_a_config_trusts_by_its_key(foreign: Path, trust: str) -> None:
    def loaded(*overrides: str) -> agents.Agent:
        with initialize_config_module("shopfloor.conf", version_base="1.3"):
            config = compose("evaluate", overrides=["agent=saved", f"agent.folder={foreign}", *overrides])
        return from_config.agent(OmegaConf.to_container(config.agent, resolve=True))

    with pytest.raises(Exception, match="their_floor") as refused:
        loaded()
    assert one_line(refused.value).startswith(f"{foreign / 'agent.json'} names the class")
    assert type(loaded(f"agent.trust={trust}")).__name__ == "Player"


def test_an_agent_of_another_class_is_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match=r"holds a shopfloor.agents.knn.NearestNeighbours, want a .*RandomAgent"):
        RandomAgent.load(saved)


def test_importing_the_agents_imports_no_learning_library() -> None:
    heavy = "import sys, shopfloor.agents; print({'torch', 'stable_baselines3', 'scipy', 'mujoco'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout.strip() == "set()"


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", [*(ROOT / "agents").glob("*.py"), *(ROOT / "demos").glob("*.py")], ids=lambda p: p.name
)
def test_no_agent_and_no_dataset_is_unpickled(path: Path) -> None:
    assert not re.search(
        r"\bpickle\b|allow_pickle|joblib|shelve|marshal|torch\.load|\beval\(|\bexec\(", path.read_text()
    )


def test_the_security_page_names_what_there_is() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    names = set(re.findall(r"`(shopfloor\.[\w.]+)", page))
    assert len(names) == 4
    for name in names:
        assert callable(pkgutil.resolve_name(name)), name
    for path in re.findall(r"`(tests/[\w/.]+)`", page):
        assert (ROOT / path).is_file()
