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
