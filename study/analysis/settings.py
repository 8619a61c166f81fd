"""Configs as flat settings, and which of these tell several configs apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested config's values by dotted key: {"agent.name": "bc", ...}."""
    settings: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            settings |= flat(value, f"{prefix}{key}.")
        else:
            settings[f"{prefix}{key}"] = value
    return settings


def telling(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Dotted keys, sorted, that not all of these flat configs have with the same value."""
    if not configs:
        return []
    first, keys = configs[0], {key for config in configs for key in config}
    return sorted(key for key in keys if any(key not in config or config[key] != first.get(key) for config in configs))


def by_name(keys: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of keys that tell flat configs apart those that no name beside them, such as a score's, decides."""
    names = [key for key in keys if key.endswith(".name")]
    return [key for key in keys if not any(_decides(name, key, configs) for name in names)]


def _decides(name: str, key: str, configs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a name decides another key of its node: no two configs of one name differ in it."""
    if key == name or not key.startswith(name.removesuffix("name")):
        return False
    values: dict[str, set[str]] = {}
    for config in configs:
        values.setdefault(repr(config.get(name)), set()).add(repr(config.get(key)))
    return all(len(found) == 1 for found in values.values())
