"""Put demonstrations beside recordings of people: twelve statistics, with the ranges of real sets (docs/fidelity.md).

shopfloor fidelity task=peg_insertion episodes=180 out=outputs/fidelity
shopfloor fidelity root=path/to/lerobot/dataset
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.commands import fidelity
from shopfloor.study.composed import asked, composed, folder_of_command


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "fidelity", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it made."""
    print(fidelity(asked(config), base=folder_of_command()))
