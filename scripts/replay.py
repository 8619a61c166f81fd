"""Draw held-out episodes: of each, six moments side by side as a PNG, or the whole of it as an MP4.

python scripts/replay.py agent=expert episodes=3
python scripts/replay.py agent=random episodes=failed count=2 out=outputs/failed.mp4
"""

import hydra
from omegaconf import DictConfig

from shopfloor.study.command_line import clearly, draw_without_screen, run

draw_without_screen()  # before mujoco is imported

from shopfloor.study.replay import replay  # noqa: E402


@hydra.main(config_path="pkg://shopfloor.conf", config_name="replay", version_base="1.3")
def main(config: DictConfig) -> None:
    print(*clearly(replay, config), sep="\n")


if __name__ == "__main__":
    run(main)
