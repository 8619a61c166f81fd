"""Collect demonstrations of a task into a LeRobot v3 dataset, or find the one that is there.

shopfloor collect episodes=200 realism=ideal
shopfloor collect episodes=2000 part=2/8      # one of 8 parts, which the same command without part= joins
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.commands import collect
from shopfloor.study.composed import asked, composed, folder_of_command


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "collect", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it made."""
    print(collect(asked(config), base=folder_of_command()))
