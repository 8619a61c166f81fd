"""`--help` of the verbs that Hydra composes: every key with its value, and what the config files say of it."""

from __future__ import annotations

import importlib
import importlib.resources
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

CONF = "shopfloor.conf"
LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w.]+):(?P<rest>.*)$")
WIDTH, COLUMN = 118, 44
FLAGS = """\
  -m, --multirun        run every combination of values given as a,b,c
  --cfg job             print the composed config and do nothing
  --config-dir FOLDER   take further config groups from a folder of your own
  --hydra-help          Hydra's own flags and help"""


def explain(verb: str, arguments: Sequence[str]) -> str:
    """The help of a verb as its other arguments compose it: so agent=sac explains the options of sac."""
    overrides = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    module = importlib.import_module(f"shopfloor.study.verbs.{verb}")
    with initialize_config_module(CONF, version_base="1.3"):
        config = compose(verb, overrides, return_hydra_config=True)
    choices = {group: str(choice) for group, choice in config.hydra.runtime.choices.items() if "/" not in group}
    own = {key: value for key, value in _plain(config).items() if key != "hydra"}
    text = [
        f"{(module.__doc__ or '').strip()}\n\nusage: shopfloor {verb} [-m] [group=choice] [key=value] ...\n\n{FLAGS}\n"
    ]
    text.append("groups (group=choice; -m group=a,b for several):")
    for group, choice in choices.items():
        if group != "study":
            text.append(_entry(f"  {group}={choice}", f"one of {', '.join(_options(group.partition('@')[0]))}"))
    if verb == "train":
        text.append(_entry("  +study=NAME", f"a whole study: {', '.join(_options('study'))}"))
    text.append("\nkeys:")
    placed = _placed(choices)
    said = _comments(_read(f"{verb}.yaml")) | placed
    plain = {key: value for key, value in own.items() if key not in choices}
    text += [_entry(f"  {key}={_shown(value)}", said.get(key, "")) for key, value in _leaves(plain)]
    for group, choice in choices.items():
        if group in own:
            header = _header(_read(f"{group}/{choice}.yaml"))
            text.append(f"\n{group}={choice}{f': {header}' if header else ''}")
            here = {key.removeprefix(f"{group}."): text for key, text in placed.items() if key.startswith(f"{group}.")}
            said = _said(group, choice) | here
            for key, value in _leaves(own[group]):
                text.append(_entry(f"  {group}.{key}={_shown(value)}", said.get(key, "")))
    return "\n".join(text)


def _plain(config: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _entry(left: str, right: str) -> str:
    """Two columns; what is long on the left has its explanation on the next line."""
    lines = textwrap.wrap(right, WIDTH - COLUMN)
    if not lines:
        return left
    first = [left] if len(left) >= COLUMN - 1 else [f"{left:<{COLUMN}}{lines.pop(0)}"]
    return "\n".join([*first, *(" " * COLUMN + line for line in lines)])


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _leaves(node: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and plain values, without the classes' paths that are no choice of the user's."""
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        elif key != "_target_" or value == "???":
            yield f"{above}{key}", value


def _options(group: str) -> list[str]:
    folder = importlib.resources.files(CONF).joinpath(group)
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def _read(path: str) -> str:
    """A config file of ours; of one that lies elsewhere nothing is said."""
    file = importlib.resources.files(CONF).joinpath(path)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _said(group: str, choice: str) -> dict[str, str]:
    """What a choice's file says of each key, and before it those that it builds on."""
    content = _read(f"{group}/{choice}.yaml")
    above = (yaml.safe_load(content) or {}).get("defaults", [])
    said: dict[str, str] = {}
    for name in above:
        if isinstance(name, str) and name != "_self_":
            said |= _said(group, name)
        elif isinstance(name, dict):  # {"part@key": choice}: a part of its own kind, under that key
            for placed, chosen in name.items():
                part, _, at = placed.partition("@")
                said |= {f"{at}.{key}": text for key, text in _said(f"{group}/{part}", chosen).items() if at}
    return said | _comments(content)


def _placed(choices: Mapping[str, str]) -> dict[str, str]:
    """What files say of keys that a group's choice has at another place, GROUP@PLACE=CHOICE, by whole dotted key."""
    placed: dict[str, str] = {}
    for name, choice in choices.items():
        group, at, place = name.partition("@")
        if at:
            placed |= {f"{place}.{key}": text for key, text in _said(group, choice).items()}
    return placed


def _header(content: str) -> str:
    """The comment at a file's top."""
    lines = []
    for line in content.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @"):
            lines.append(line.lstrip("# "))
    return " ".join(lines)


def _comments(content: str) -> dict[str, str]:
    """What a file says of each key, in the comment behind it, by dotted key."""
    comments: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in content.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        path = [(depth, key) for depth, key in path if depth < indent] + [(indent, match["key"])]
        _, mark, comment = match["rest"].partition(" # ")
        if mark:
            comments[".".join(key for _, key in path)] = comment.strip()
    return comments
