"""Draw an episode: six moments side by side as a PNG, or the whole of it as an MP4.

python scripts/replay.py agent=expert episode=3
python scripts/replay.py agent=expert out=outputs/insertion.mp4
"""

import os
import sys

if sys.platform == "linux" and "DISPLAY" not in os.environ:
    os.environ.setdefault("MUJOCO_GL", "egl")  # before mujoco is imported

import hydra
from omegaconf import DictConfig

from shopfloor.study.entry import clearly, run
from shopfloor.study.replay import replay


@hydra.main(config_path="pkg://shopfloor.conf", config_name="replay", version_base="1.3")
def main(config: DictConfig) -> None:
    print(clearly(replay, config))


if __name__ == "__main__":
    run(main)
