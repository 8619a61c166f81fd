"""A small dataset with no meaning, for what only moves data about."""

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.truth import Truth

TEXTS = ("Do nothing.", "Do something.")
NAMES = ("a", "b", "c", "x", "y")
RECIPE = {"task": {"name": "Toy"}, "seed": 0}


def toy(start, stop, *, truth=False, texts=False):
    """Episodes start ... stop - 1, each a function of its number; truth: with what only their maker knows.

    texts: two of every seven have another task's text.
    """
    episodes = []
    for number in range(start, stop):
        rng = np.random.default_rng(number)
        length = 3 + number % 4
        success = np.zeros(length, bool)
        success[-1] = number % 3 > 0
        episodes.append(
            Dataset.of(
                rng.standard_normal((length, 3), dtype=np.float32),
                rng.uniform(-1, 1, (length, 2)).astype(np.float32),
                rewards=rng.random(length, dtype=np.float32),
                success=success,
                bounds=np.array([0, length]),
                sites=np.array([number % 2]),
                operators=np.array([number % 5]),
                state_dim=2,
                fps=20,
                task="Do nothing.",
                texts=[TEXTS[number % 7 // 5]] if texts else None,
                robot_type="toy",
                feature_names=NAMES,
                sources=rng.integers(0, 4, length).astype(np.int8),
                times=np.arange(length) / 20 + rng.uniform(0, 0.01, length),
                sessions=np.array([number // 4]),
                rounds=np.array([number // 6]),
                policies=np.array([number % 3 - 1]),
                ended_by=np.array([1 if success[-1] else 4]),
                terminated=success[-1:].copy(),
                last_observations=rng.standard_normal((1, 3), dtype=np.float32),
                truth=Truth(success[-1:] ^ (number % 5 == 0), {"slip": rng.random(1)}) if truth else None,
            )
        )
    return Dataset.concatenate(episodes)
