"""A small dataset with no meaning, for what only moves data about."""

import numpy as np

from shopfloor.demos.dataset import Dataset

NAMES = {"observation.state": ["a", "b"], "observation.environment_state": ["c"], "action": ["x", "y"]}
RECIPE = {"task": {"name": "Toy"}, "seed": 0}


def toy(start, stop):
    """Episodes start ... stop - 1, each a function of its number."""
    episodes = []
    for number in range(start, stop):
        rng = np.random.default_rng(number)
        length = 3 + number % 4
        success = np.zeros(length, bool)
        success[-1] = number % 3 > 0
        episodes.append(
            Dataset(
                observations=rng.standard_normal((length, 3), dtype=np.float32),
                actions=rng.uniform(-1, 1, (length, 2)).astype(np.float32),
                rewards=rng.random(length, dtype=np.float32),
                success=success,
                bounds=np.array([0, length]),
                sites=np.array([number % 2]),
                operators=np.array([number % 5]),
                state_dim=2,
                fps=20,
                task="Do nothing.",
                robot_type="toy",
            )
        )
    return Dataset.concatenate(episodes)
