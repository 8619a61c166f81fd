"""Evaluate a reference or a saved agent on held-out episodes.

shopfloor evaluate agent=expert realism=ideal evaluation.episodes=500
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.commands import evaluate_agent
from shopfloor.study.composed import asked, composed, folder_of_command


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "evaluate", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it made."""
    print(evaluate_agent(asked(config), base=folder_of_command()))
