"""Draw an episode: six moments side by side as a PNG, or the whole of it as an MP4.

shopfloor replay agent=expert episode=3
shopfloor replay agent=expert out=outputs/insertion.mp4
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.composed import asked, composed, folder_of_command
from shopfloor.study.replay import replay


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "replay", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints the pictures' path."""
    print(replay(asked(config), base=folder_of_command()))
