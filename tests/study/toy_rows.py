"""Rows with no meaning, for what only reads rows."""

import numpy as np
from scipy.special import expit

from shopfloor.study.running.rows import Row, row_key

EPISODES = 64
SKILL = {"bc": (0.0, 1.1), "knn": (-1.5, 0.6), "expert": (4.0, 0.0), "random": (-9.0, 0.0)}


def a_row(agent: str, volume: int, seed: int, rng: np.random.Generator, *, first_episode: int = 0) -> Row:
    level, slope = SKILL[agent]
    success = rng.random(EPISODES) < expit(level + slope * np.log(max(volume, 1) / 100) + rng.normal(0, 0.2))
    cell = {
        "task": {"name": "PegInsertion"},
        "realism": {"name": "default"},
        "agent": {"name": agent, "width": 256},
        "data": {"episodes": volume, "sites": 8, "successful_episodes": None, "robot_hours": None, "operators": None},
        "budget": {"unit": "gradient_steps", "amount": 100},
        "evaluation": {"episodes": EPISODES, "split": "test", "distance": "near", "horizon": 1.0},
        "seeds": {"data": seed, "fleet": seed, "training": seed},
    }
    versions, code = {"shopfloor": "0.3.0", "numpy": "2.4.6"}, "c0de"
    return {
        "schema": 4,
        "key": row_key(cell, versions, code),
        "code": code,
        "cell": cell,
        "versions": versions,
        "data": {
            "hash": f"hash-of-{volume}",
            "episodes": volume,
            "frames": volume * 100,
            "successful_episodes": volume * 9 // 10,
            "robot_hours": volume / 720,
            "sites": 8,
            "operators": 6,
        },
        "agent": {
            "parameters": 1,
            "gradient_steps": 100,
            "flops": 1e9,
            "interactions": 0,
            "final_loss": 0.1,
            "epochs": 2.5,
        },
        "evaluation": {
            "sites": [100 + e % 8 for e in range(EPISODES)],
            "episodes": list(range(first_episode, first_episode + EPISODES)),
            "success": success.tolist(),
            "returns": success.astype(float).tolist(),
            "lengths": [120] * EPISODES,
            "diverged": [False] * EPISODES,
            "ended_by": ["success" if done else "time" for done in success],
            "stages": ["done" if done else "start" for done in success],
            "stage_names": ["start", "done"],
            "measures": {"cycle_time": [6.0] * EPISODES},
            "units": {"cycle_time": "s"},
        },
        "machine": {
            "processor": "a processor",
            "architecture": "x86_64",
            "system": "Linux",
            "python": "3.11",
            "blas": "openblas 0.3",
        },
        "times": {"data_s": 0.5, "fit_s": 8.0, "evaluate_s": 4.0},
    }


def named(row: Row) -> Row:
    """The row under the name of what determines it now."""
    return {**row, "key": row_key(row["cell"], row["versions"], row["code"])}
