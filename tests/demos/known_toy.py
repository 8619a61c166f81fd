"""A small world with planted faults: hands that go to a goal, of which some are shaky, detour, stand still or drop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shopfloor.demos.dataset import Dataset

NAMES = ("tcp_x", "tcp_y", "tcp_z", "opening", "to_goal_x", "to_goal_y", "to_goal_z", "dx", "dy", "dz", "gripper")
SPEED = 0.05  # [m] a frame at full command
FPS = 20


@dataclass(frozen=True)
class Truth:
    outcomes: np.ndarray
    faults: Mapping[str, np.ndarray]

    def of(self, episodes):
        return Truth(self.outcomes[episodes], {name: amount[episodes] for name, amount in self.faults.items()})


@dataclass(frozen=True, eq=False)
class Known(Dataset):
    """A dataset that says what its columns are called, and holds its truth."""

    feature_names: tuple = NAMES
    truth: Truth | None = None

    def without_truth(self):
        return replace(self, truth=None)

    def take(self, n, *, order_seed=None):
        assert order_seed is None
        return self._gather(np.arange(n))

    def _gather(self, episodes):
        truth = self.truth
        return replace(super(Known, self.without_truth())._gather(episodes), truth=truth and truth.of(episodes))


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
    return Known(
        observations=np.concatenate([seen for seen, *_ in made]),
        actions=np.concatenate([done for _, done, _ in made]),
        rewards=np.zeros(bounds[-1], np.float32),
        success=success,
        bounds=bounds,
        sites=rng.integers(sites, size=len(made)),
        operators=rng.integers(operators, size=len(made)),
        state_dim=4,
        fps=FPS,
        task="Go there.",
        robot_type="toy",
        truth=Truth(
            outcomes,
            {
                name: np.array([float(options.get(name, 0)) for options in episodes])
                for name in ("tremor", "detour", "pause")
            },
        ),
    )


def planted(count, *, seed=0):
    """Episodes of which each fault has its third, apart from the others; those that detour drop the part."""
    kinds = np.random.default_rng(seed).permutation(np.arange(count) % 6)
    options = [{}, {"tremor": 0.5}, {"detour": 1.0, "dropped": True}, {"pause": 12}, {}, {}]
    return known([options[kind] | {"seed": seed} for kind in kinds])
