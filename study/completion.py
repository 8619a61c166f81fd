"""Completion of verbs, options, config groups and keys by the shell; `argcomplete` knows the shells."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable

import argcomplete

from shopfloor.study.verbs import COMPOSED, VERBS


def complete() -> None:
    """Tell the shell what may come next on its line; does not return."""
    words = os.environ.get("COMP_LINE", "").split()
    parser = argparse.ArgumentParser(prog="shopfloor")
    verbs = parser.add_subparsers(metavar="VERB")
    for verb, summary in VERBS.items():
        if verb not in words:
            verbs.add_parser(verb, help=summary)
        elif verb in COMPOSED:
            composed = verbs.add_parser(verb, help=summary)
            composed.add_argument("-m", "--multirun", action="store_true")
            options = composed.add_argument("overrides", nargs="*")
            options.completer = _overrides(verb)  # type: ignore[attr-defined]
        else:
            own = importlib.import_module(f"shopfloor.study.verbs.{verb}").parser()
            verbs.add_parser(verb, help=summary, parents=[own], add_help=False)
    argcomplete.autocomplete(parser, always_complete_options="long")


def _overrides(verb: str) -> Callable[..., list[str]]:
    """Completes group=choice and key=value as Hydra does."""

    def completer(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        from hydra import initialize_config_module
        from hydra.core.global_hydra import GlobalHydra
        from hydra.plugins.completion_plugin import DefaultCompletionPlugin

        with initialize_config_module("shopfloor.conf", version_base="1.3"):
            plugin = DefaultCompletionPlugin(GlobalHydra.instance().config_loader())
            given = [word for word in parsed_args.overrides or [] if word != prefix]
            return plugin._query(config_name=verb, line=" ".join([*given, prefix]))

    return completer
