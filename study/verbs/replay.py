"""Draw held-out episodes: of each, six moments side by side as a PNG, or the whole of it as an MP4.

shopfloor replay agent=expert episodes=3
shopfloor replay agent=random episodes=failed count=2 out=outputs/failed.mp4
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
    """One job of Hydra's; prints the pictures' paths, one a line."""
    print(*replay(asked(config), base=folder_of_command()), sep="\n")
