"""Compare agents, volumes, rows or studies: differences of success rates, and how many times the data one needs.

shopfloor compare outputs/default                                      # its agents, at all volumes that they share
shopfloor compare outputs/default:agent=bc outputs/default:agent=knn --target 0.5
shopfloor compare outputs/default:agent=bc,data.episodes=1000 outputs/default:agent=bc,data.episodes=300
shopfloor compare outputs/one outputs/other --unpaired                 # judged on different episodes
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from shopfloor.files import write_atomically
from shopfloor.study.analysis.axes import AXES
from shopfloor.study.analysis.comparison import Side, compare
from shopfloor.study.analysis.data_ratio import data_ratios
from shopfloor.study.analysis.forecast import SAMPLING_SEED, forecasts
from shopfloor.study.analysis.sides import Chosen, SideError, every_side, one_side_each
from shopfloor.study.showing.comparison_words import differences_text, ratio_sentence


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sides",
        nargs="+",
        metavar="SIDE",
        help="PATH[:KEY=VALUE[,KEY=VALUE]...]: a row's file or a study's folder, and which of its rows, by keys of the "
        "cell's config (agent=bc,data.episodes=300); one SIDE alone compares all its agents",
    )
    parser.add_argument(
        "--target",
        type=float,
        help="success rate that the ratio of the data is for; by default the highest of 90, 80, ... 50 %% "
        "(0.9, 0.8, ... 0.5) that both sides reached",
    )
    parser.add_argument("--axis", choices=list(AXES), help="what volumes count; by default what was swept")
    parser.add_argument("--unpaired", action="store_true", help="for sides that were judged on different episodes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers there")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    if given.target is not None and not 0 < given.target < 1:
        raise SideError(f"--target {given.target:g}, want a rate in (0, 1), as 0.8")
    chosen = [Chosen.parse(text) for text in given.sides]
    sides = every_side(chosen[0], given.axis) if len(chosen) == 1 else one_side_each(chosen, given.axis)
    differences = compare(sides, paired=not given.unpaired, across_volumes=True)
    laws = [forecasts(side.curve.evidence(), np.random.default_rng(SAMPLING_SEED))[0] for side in sides]
    ratios = data_ratios(sides, laws, np.random.default_rng(SAMPLING_SEED), target=given.target)
    if not differences and not ratios:
        raise SideError(f"no volume in common: {'; '.join(map(_volumes, sides))}; want one, or one volume of each side")
    parts = ([differences_text(differences)] if differences else []) + [f"{ratio_sentence(one)}." for one in ratios]
    print("\n\n".join(parts))
    if given.json:
        told = [
            {**vars(one), "axes": [axis.name for axis in one.axes], "difference": asdict(one.difference)}
            for one in differences
        ]
        answer = {"differences": told, "ratios": list(map(asdict, ratios))}
        write_atomically(given.json, (json.dumps(_finite(answer), indent=1) + "\n").encode())


def _volumes(side: Side) -> str:
    return f"{side.label} has {', '.join(f'{point.volume:,g}' for point in side.curve.points)}"


def _finite(value: Any) -> Any:
    """JSON has no infinity: a bound that is open above is null."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and math.isinf(value) else value
