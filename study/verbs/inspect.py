"""Tell what lies in a dataset, and draw it: who did what where, how it went, labels against truth, what is odd.

shopfloor inspect task=peg_insertion episodes=60 out=outputs/inspect
shopfloor inspect root=path/to/lerobot/dataset
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.composed import asked, composed, folder_of_command
from shopfloor.study.inspecting import inspect


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "inspect", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it found."""
    print(inspect(asked(config), base=folder_of_command()))
