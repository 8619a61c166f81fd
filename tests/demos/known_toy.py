"""A small world with planted faults: hands that go to a goal, of which some are shaky, detour, stand still or drop."""

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.truth import Truth

NAMES = ("tcp_x", "tcp_y", "tcp_z", "opening", "to_goal_x", "to_goal_y", "to_goal_z", "dx", "dy", "dz", "gripper")
SPEED = 0.05  # [m] a frame at full command
FPS = 20


def episode(number, *, tremor=0.0, detour=0.0, pause=0, dropped=False, idle_start=0, idle_end=0, seed=0):
    """Observations, actions and success of one episode: to the goal, then close the gripper."""
    rng = np.random.default_rng([seed, number])
    tcp, goal = rng.uniform(-0.4, 0.4, 3), rng.uniform(-0.4, 0.4, 3)
    opening, seen, done = 1.0, [], []
    wait, astray = [idle_start, pause], int(10 * detour)
    side = rng.standard_normal(3)
    side /= np.linalg.norm(side)
    closing = 0
    while closing < 4 + idle_end:
        to_goal = goal - tcp
        near = np.linalg.norm(to_goal) < 0.01
        command = np.clip(0.5 * to_goal / SPEED, -1, 1)
        if astray and not wait[0]:
            command, astray, near = side, astray - 1, False
        command = np.clip(command + tremor * rng.standard_normal(3), -1, 1)
        halfway = len(seen) > 5 + idle_start
        waiting = wait[0] > 0 or (halfway and wait[1] > 0)
        if waiting:
            wait[0 if wait[0] else 1] -= 1
            command = np.zeros(3)
        gripper = -1.0 if (near or closing) and not waiting else 1.0
        if gripper < 0:
            closing, command = closing + 1, np.zeros(3)
        seen.append([*tcp, opening, *to_goal])
        done.append([*command, gripper])
        opening += 0.5 * (gripper - opening)
        tcp = tcp + SPEED * command
        if len(seen) > 400:
            break
    return np.array(seen, np.float32), np.array(done, np.float32), not dropped


def known(episodes, *, sites=2, operators=6, labels=None):
    """A dataset of episodes, each the options of `episode`."""
    made = [episode(number, **options) for number, options in enumerate(episodes)]
    lengths = [len(actions) for _, actions, _ in made]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    outcomes = np.array([good for *_, good in made])
    success = np.zeros(bounds[-1], bool)
    success[bounds[1:] - 1] = outcomes if labels is None else labels
    rng = np.random.default_rng(1)
    faults = {
        name: np.array([float(options.get(name, 0)) for options in episodes]) for name in ("tremor", "detour", "pause")
    }
    return Dataset.of(
        np.concatenate([seen for seen, *_ in made]),
        np.concatenate([done for _, done, _ in made]),
        bounds=bounds,
        fps=FPS,
        state_dim=4,
        feature_names=NAMES,
        success=success,
        sites=rng.integers(sites, size=len(made)),
        operators=rng.integers(operators, size=len(made)),
        truth=Truth(outcomes, faults),
    )


def planted(count, *, seed=0):
    """Episodes of which each fault has its third, apart from the others; those that detour drop the part."""
    kinds = np.random.default_rng(seed).permutation(np.arange(count) % 6)
    options = [{}, {"tremor": 0.5}, {"detour": 1.0, "dropped": True}, {"pause": 12}, {}, {}]
    return known([options[kind] | {"seed": seed} for kind in kinds])
