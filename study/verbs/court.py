"""Judge scores of demonstrations: which faults they tell, by the generator's truth; what they save, by a study's rows.

shopfloor court task=peg_insertion episodes=500
shopfloor train +study=curation && shopfloor court results=outputs/curation
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.composed import asked, composed, folder_of_command
from shopfloor.study.court import court


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "court", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it made."""
    print(court(asked(config), base=folder_of_command()))
