"""Agents on disk: agent.json says which class and arguments, tensors.safetensors holds the arrays."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from shopfloor.agents.protocol import Agent
from shopfloor.files import new_folder

AGENT_FILE = "agent.json"
TENSORS_FILE = "tensors.safetensors"
OWN_PACKAGE = "shopfloor"  # whose classes are loaded without being trusted by name
FORMAT = 2
_KINDS = {"format": int, "_target_": str, "arguments": dict, "tensors_sha256": str}
_KEYS_OF_0_3_0 = {"_target_", "arguments", "tensors_sha256"}


class AgentError(ValueError):
    """A saved agent that is not as it was written, does not fit this version, or names a class that is not trusted."""


@dataclass(frozen=True)
class Saved:
    """What a folder holds: the constructor's arguments and the learned arrays by name."""

    arguments: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def save(
    folder: Path, target_class: type[Agent], arguments: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Write an agent, whole or not at all: into a temporary folder beside, then renamed.

    agent.json ends with a digest of what it says, the hash of the tensors included. Raises FileExistsError if the
    folder exists, OSError if it cannot be written.
    """
    payload = safetensors.numpy.save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    content = {
        "format": FORMAT,
        "_target_": _target(target_class),
        "arguments": dict(arguments),
        "tensors_sha256": hashlib.sha256(payload).hexdigest(),
    }
    with new_folder(folder, purpose="to save an agent in") as partial:
        (partial / TENSORS_FILE).write_bytes(payload)
        (partial / AGENT_FILE).write_bytes(_sealed(content))


def read(folder: Path, target_class: type[Agent]) -> Saved:
    """The arguments and arrays of a saved agent of this very class.

    Raises FileNotFoundError if a file is missing, AgentError if one is damaged or of another class.
    """
    content = _content(folder)
    if content["_target_"] != _target(target_class):
        raise AgentError(f"{folder} holds a {content['_target_']}, want a {_target(target_class)}")
    path = folder / TENSORS_FILE
    payload = _bytes(path)
    got, want = hashlib.sha256(payload).hexdigest(), content["tensors_sha256"]
    if got != want:
        raise AgentError(f"{path} is damaged: sha256 {got[:12]}, want {want[:12]}")
    try:
        return Saved(content["arguments"], safetensors.numpy.load(payload))
    except safetensors.SafetensorError as error:
        raise AgentError(f"{path} holds no tensors: {error}") from error


def load(folder: Path | str, *, trust: str | Sequence[str] = ()) -> Agent:
    """The saved agent, of whichever class agent.json names: one of Shopfloor's own, or of a package in `trust`.

    trust: a package, or several, whose code may be imported and run; nothing is imported before that is checked.
    Raises FileNotFoundError if a file is missing, AgentError if one is damaged, or its class is not trusted, is not
    there or does not take what was saved.
    """
    folder = Path(folder)
    packages = [trust] if isinstance(trust, str) else trust
    if not isinstance(packages, Sequence) or not all(isinstance(package, str) for package in packages):
        raise ValueError(f"trust {trust!r}, want the name of a package, or a list of them")
    target = _content(folder)["_target_"]
    agent_class = _class_of(target, folder / AGENT_FILE, packages)
    try:
        return agent_class.load(folder)
    except AgentError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise AgentError(f"{folder} does not fit the class {target} of this version ({reason})") from error


def _class_of(target: str, path: Path, trust: Sequence[str]) -> type[Agent]:
    """The class of that name, which is imported only from a trusted package."""
    said = f"{path} names the class {target!r}"
    package, *others = target.split(".")
    if not others or not all(part.isidentifier() for part in (package, *others)) or "__main__" in others:
        raise AgentError(f"{said}, want package.module.Class")
    if not any(target.startswith(f"{trusted}.") for trusted in (OWN_PACKAGE, *trust)):
        raise AgentError(
            f"{said}, which is not {OWN_PACKAGE}'s own: to load it runs the code of {package!r}; "
            f"if you trust that, say trust={package} (agent.trust={package} on the command line)"
        )
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise AgentError(f"{said}, which is not there: {error}") from error
    # a trusted module imports classes of others, and their load may unpickle
    if not isinstance(found, type) or _target(found) != target or not callable(getattr(found, "load", None)):
        raise AgentError(f"{said}, want a class that is defined there and has a load")
    return cast(type[Agent], found)


def _target(target_class: type) -> str:
    return f"{target_class.__module__}.{target_class.__qualname__}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing, want the folder of a saved agent") from None


def _sealed(content: Mapping[str, Any]) -> bytes:
    """The bytes of agent.json: the content and, as its last key, the digest of the content's text."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return (json.dumps({**content, "sha256": digest}, indent=2) + "\n").encode()


def _content(folder: Path) -> dict[str, Any]:
    """What agent.json says, after the checks that it is whole to the byte and of this format."""
    path = folder / AGENT_FILE
    text = _bytes(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a number or a nesting without end
        raise AgentError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise AgentError(f"{path} is damaged: a JSON {type(content).__name__}, want an object")
    if set(content) == _KEYS_OF_0_3_0:
        raise AgentError(f"{path} was saved by version 0.3.0 or an earlier one, want a newer: train the agent again")
    want = content.pop("sha256", None)
    if _sealed(content) != text:
        raise AgentError(f"{path} is damaged or was edited: its content is not that of its sha256 {want!r:.14}")
    if content.get("format") != FORMAT:
        raise AgentError(f"{path} has format {content.get('format')!r}, want {FORMAT}")
    for key, kind in _KINDS.items():
        if not isinstance(content.get(key), kind):
            raise AgentError(f"{path}: {key} {content.get(key)!r:.40}, want a {kind.__name__}")
    return content
