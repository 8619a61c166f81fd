"""Evaluate a reference or a saved agent on held-out episodes.

python scripts/evaluate.py agent=expert realism=ideal evaluation.episodes=500
"""

import hydra
from omegaconf import DictConfig

from shopfloor.study.command_line import clearly, run
from shopfloor.study.commands import evaluate_agent


@hydra.main(config_path="pkg://shopfloor.conf", config_name="evaluate", version_base="1.3")
def main(config: DictConfig) -> None:
    print(clearly(evaluate_agent, config))


if __name__ == "__main__":
    run(main)
