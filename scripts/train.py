"""Run one cell of a study, or with -m a whole grid of them; finished cells are not run again.

python scripts/train.py agent=knn data.episodes=30
python scripts/train.py -m +study=default
"""

import logging

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from shopfloor.study.command_line import clearly, run
from shopfloor.study.commands import train


@hydra.main(config_path="pkg://shopfloor.conf", config_name="train", version_base="1.3")
def main(config: DictConfig) -> tuple[str, bool]:
    done = clearly(train, config)
    if HydraConfig.get().mode != RunMode.MULTIRUN:
        if done.before:
            logging.getLogger(__name__).info("this cell was done before")
        print(done.path)
    return done.path.stem, done.before


if __name__ == "__main__":
    run(main)
