"""Collect demonstrations of a task into a LeRobot v3 dataset, or find the one that is there.

python scripts/collect.py episodes=200 realism=ideal
"""

import hydra
from omegaconf import DictConfig

from shopfloor.study.command_line import clearly, run
from shopfloor.study.commands import collect


@hydra.main(config_path="pkg://shopfloor.conf", config_name="collect", version_base="1.3")
def main(config: DictConfig) -> None:
    print(clearly(collect, config))


if __name__ == "__main__":
    run(main)
