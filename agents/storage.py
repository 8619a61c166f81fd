"""Agents on disk: agent.json says which class and arguments, tensors.safetensors holds the arrays."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from shopfloor.agents.protocol import Agent
from shopfloor.files import new_folder

AGENT_FILE = "agent.json"
TENSORS_FILE = "tensors.safetensors"


@dataclass(frozen=True)
class Saved:
    """What a folder holds: the constructor's arguments and the learned arrays by name."""

    arguments: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def save(
    folder: Path, target_class: type[Agent], arguments: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Write an agent, whole or not at all: into a temporary folder beside, then renamed.

    Raises FileExistsError if the folder exists, OSError if it cannot be written.
    """
    payload = safetensors.numpy.save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    description = {
        "_target_": _target(target_class),
        "arguments": dict(arguments),
        "tensors_sha256": hashlib.sha256(payload).hexdigest(),
    }
    with new_folder(folder, purpose="to save an agent in") as partial:
        (partial / TENSORS_FILE).write_bytes(payload)
        (partial / AGENT_FILE).write_text(json.dumps(description, indent=2) + "\n")


def read(folder: Path, target_class: type[Agent]) -> Saved:
    """The arguments and arrays of a saved agent of this very class.

    Raises FileNotFoundError if a file is missing, ValueError if one is damaged or of another class.
    """
    description = _description(folder)
    if description["_target_"] != _target(target_class):
        raise ValueError(f"{folder} holds a {description['_target_']}, want a {_target(target_class)}")
    payload = _bytes(folder / TENSORS_FILE)
    digest = hashlib.sha256(payload).hexdigest()
    if digest != description["tensors_sha256"]:
        want = description["tensors_sha256"]
        raise ValueError(f"{folder / TENSORS_FILE} is damaged: sha256 {digest[:12]}, want {want[:12]}")
    return Saved(description["arguments"], safetensors.numpy.load(payload))


def load(folder: Path | str) -> Agent:
    """The saved agent, of whichever class agent.json names: load only folders that you trust to import code.

    Raises FileNotFoundError if a file is missing, ValueError if one is damaged or its class cannot be found.
    """
    folder = Path(folder)
    target = _description(folder)["_target_"]
    module, _, name = target.rpartition(".")
    try:
        agent_class = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{folder / AGENT_FILE} names the class {target!r}, which is not there: {error}") from error
    return cast(Agent, agent_class.load(folder))


def _target(target_class: type[Agent]) -> str:
    return f"{target_class.__module__}.{target_class.__qualname__}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing, want the folder of a saved agent") from None


def _description(folder: Path) -> dict[str, Any]:
    path = folder / AGENT_FILE
    try:
        description = json.loads(_bytes(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    wanted = {"_target_": str, "arguments": dict, "tensors_sha256": str}
    if not isinstance(description, dict) or any(not isinstance(description.get(k), t) for k, t in wanted.items()):
        raise ValueError(f"{path} is damaged, want an object with {', '.join(wanted)}")
    return description
