"""Write demonstrations in others' formats (Minari, robomimic's HDF5), or read others' into LeRobot v3 (docs/data.md).

shopfloor export task=kitting episodes=200 format=minari out=outputs/minari
shopfloor export root=demo.hdf5 format=lerobot out=outputs/demo
"""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from shopfloor.study.composed import asked, composed, folder_of_command
from shopfloor.study.exporting import export


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    composed(job, "export", arguments)


def job(config: DictConfig) -> None:
    """One job of Hydra's; prints what it made."""
    print(export(asked(config), base=folder_of_command()))
