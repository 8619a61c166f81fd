"""Verbs whose options Hydra composes: run with -m over grids, on any launcher."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

CONF = "pkg://shopfloor.conf"
FULL = "HYDRA_FULL_ERROR"
FLAGS = ("-m", "--multirun", "--resolve", "--hydra-help")  # of Hydra's those that may stand anywhere


def composed(job: Callable[[DictConfig], Any], name: str, arguments: Sequence[str]) -> None:
    """Run job over what Hydra composes of conf/<name>.yaml and the arguments. Raises what a single job raised."""
    raised: list[Exception] = []

    @functools.wraps(job)
    def keeping(config: DictConfig) -> Any:
        if HydraConfig.get().mode == RunMode.MULTIRUN or full:
            return job(config)
        try:
            return job(config)
        except Exception as error:  # past Hydra's own report of it, which takes many lines
            raised.append(error)

    full = os.environ.get(FULL) == "1"
    os.environ[FULL] = "1"  # makes Hydra raise instead of printing many lines
    flags = [argument for argument in arguments if argument in FLAGS]  # argparse wants all overrides in a row
    sys.argv = [f"shopfloor {name}", *flags, *(argument for argument in arguments if argument not in FLAGS)]
    hydra.main(config_path=CONF, config_name=name, version_base="1.3")(keeping)()
    if raised:
        raise raised[0]


def asked(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain values. Raises MissingMandatoryValue where one is still ???."""
    resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    # through JSON, so that what a row says is what was run
    values: dict[str, Any] = json.loads(json.dumps(resolved))
    return values


def folder_of_command() -> Path:
    """Where the command was given, on any launcher and with any hydra.job.chdir: relative paths start there."""
    return Path(HydraConfig.get().runtime.cwd)
