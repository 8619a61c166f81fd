"""Run one cell of a study, or with -m a whole grid of them; finished cells are not run again.

python scripts/train.py agent=knn data.episodes=30
python scripts/train.py -m +study=default
"""

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from shopfloor.study.command_line import clearly, run
from shopfloor.study.commands import train


@hydra.main(config_path="pkg://shopfloor.conf", config_name="train", version_base="1.3")
def main(config: DictConfig) -> None:
    row = clearly(train, config)
    if HydraConfig.get().mode != RunMode.MULTIRUN:
        print(row)


if __name__ == "__main__":
    run(main)
