"""Held-out episodes in pictures: an agent plays them, then those that are asked for are played again and drawn."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopfloor.agents.protocol import Policy
from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.arguments import is_whole
from shopfloor.envs.rendering import Renderer
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.vector import Ending
from shopfloor.progress import progress
from shopfloor.study.commands import ready_agent
from shopfloor.study.options import ReplayOptions
from shopfloor.study.running import from_config
from shopfloor.study.running.evaluation import player
from shopfloor.study.running.thinking import Thinker

log = logging.getLogger(__name__)

WORDS = ("failed", "successful", "all")
MOMENTS, ROWS = 6, 2  # pictures of a strip, and the rows that they stand in


@dataclass(frozen=True)
class Played:
    """n episodes as an agent has played them. Their actions make them anew, to the bit, in any batch."""

    episodes: NDArray[np.int64]  # (n,) numbers
    lengths: NDArray[np.int64]  # (n,) [control steps]
    ended_by: NDArray[np.int64]  # (n,) of Ending
    stages: list[str]  # the furthest that the work came to
    actions: NDArray[Any]  # (control steps of the longest, n, act_dim)

    def lanes(self, word: str) -> NDArray[np.intp]:
        """Where the episodes stand that are as one of WORDS says."""
        success = self.ended_by == Ending.SUCCESS
        return np.flatnonzero({"failed": ~success, "successful": success, "all": success | True}[word])

    def caption(self, lane: int) -> str:
        """How an episode went: episode 3: failed after 15.0 s (ended_by: time, stage: grasped)."""
        ending = Ending(int(self.ended_by[lane]))
        went = "succeeded" if ending == Ending.SUCCESS else "failed"
        ended = f"ended_by: {ending.name.lower()}, stage: {self.stages[lane]}"
        return f"episode {self.episodes[lane]}: {went} after {self.lengths[lane] / CONTROL_RATE:.1f} s ({ended})"


def replay(config: Mapping[str, Any], *, base: Path) -> list[Path]:
    """Draw held-out episodes, a file each; returns their paths.

    base: the folder where relative ones start. Raises ValueError on bad input and where no episode is as it is asked
    for, GraphicsError where there is no GL.
    """
    o = from_config.options(ReplayOptions, config, base=base)
    out = _checked_out(o.out, o.width, o.height)
    asked, evaluation = o.episodes, o.evaluation
    numbers = range(evaluation.episodes) if asked in WORDS else _checked_numbers(asked)
    new_task, realism = from_config.task_maker(o.task), from_config.realism(o.realism)

    def new_env(lanes: int) -> ShopfloorVectorEnv:
        return ShopfloorVectorEnv(
            new_task(),
            lanes,
            realism=realism,
            sites=evaluation.site_numbers(),
            autoreset_mode="Disabled",
            threads=o.threads,
            camera=o.camera,
        )

    agent = ready_agent(o.agent, new_task, base=base)
    with (  # what cannot be drawn or written is told before the agent plays
        closing(new_env(1)) as single,
        closing(Renderer(single.sim, camera=single.camera, width=o.width, height=o.height)) as renderer,
        _folder_beside(out) as unfinished,
        closing(new_env(len(numbers))) as batch,
    ):
        policy = Thinker(player(agent)(batch), evaluation.thinking, grips=batch.task.robot.grip_columns)
        played = play(batch, policy, numbers, seed=evaluation.seed)
        paths = []
        for lane in _wanted(played, asked, o.count):
            number = int(played.episodes[lane])
            path = out if is_whole(asked) else out.with_stem(f"{out.stem}_{number:03d}")
            partial = Path(unfinished) / path.name
            length = int(played.lengths[lane])
            steps = again(single, number, played.actions[:length, lane], seed=evaluation.seed)
            shown = progress(steps, label=f"episode {number}", total=length + 1, unit="frame")
            if path.suffix == ".mp4":
                _film(partial, renderer, shown)
            else:
                _strip(partial, renderer, shown, length)
            os.replace(partial, path)
            paths.append(path)
            log.info(played.caption(lane))
    return paths


def play(env: ShopfloorVectorEnv, policy: Policy, episodes: Sequence[int], *, seed: int) -> Played:
    """Play episodes, one in each of env's lanes, to their ends, as an evaluation does; nothing is drawn."""
    n = len(episodes)
    observations, info = env.reset(seed=seed, options={"episodes": np.array(episodes)})
    policy.reset(np.ones(n, dtype=bool))
    actions, ended_by = [], np.zeros(n, dtype=np.int64)
    with progress(label="play", total=n, unit="episode") as bar:
        while not env.over.all():
            actions.append(policy.act(observations).copy())
            observations, *_, info = env.step(actions[-1])
            over = info["ended_by"] > 0
            ended_by[over] = info["ended_by"][over]
            bar.update(int(env.over.sum()) - bar.n)
    stages = [env.task.stages[stage] for stage in info["stage"]]
    return Played(info["episode_index"], env.steps, ended_by, stages, np.stack(actions))


def again(env: ShopfloorVectorEnv, episode: int, actions: NDArray[Any], *, seed: int) -> Iterator[int]:
    """Play an episode anew by its actions (length, act_dim) in env's one lane; gives the control steps as they come."""
    env.reset(seed=seed, options={"episodes": np.array([episode])})
    yield 0
    for step, action in enumerate(actions, 1):
        env.step(action[None])
        yield step


def _film(path: Path, renderer: Renderer, steps: Iterable[int]) -> None:
    """A picture at each step, written as it comes."""
    import imageio  # extra: video

    with imageio.get_writer(path, fps=CONTROL_RATE, macro_block_size=2) as writer:
        for _ in steps:
            writer.append_data(renderer.picture(0))  # type: ignore[attr-defined]


def _strip(path: Path, renderer: Renderer, steps: Iterable[int], length: int) -> None:
    """MOMENTS pictures side by side, from the start to the end at even distances; only these are drawn."""
    moments = np.linspace(0, length, MOMENTS).astype(int)
    pictures: list[NDArray[np.uint8]] = []
    for step in steps:
        if step in moments:
            pictures += [renderer.picture(0)] * np.count_nonzero(moments == step)  # a short episode has fewer steps
    rows = [np.concatenate(row, axis=1) for row in np.split(np.stack(pictures), ROWS)]
    Image.fromarray(np.concatenate(rows)).save(path)


def _wanted(played: Played, asked: Any, count: int) -> NDArray[np.intp]:
    """The lanes to draw: all that were asked for by number, or the first `count` that are as the word says."""
    n = len(played.episodes)
    if asked not in WORDS:
        return np.arange(n)
    lanes = played.lanes(asked)
    if not len(lanes):
        raise ValueError(f"episodes {asked}: none of the {n}, want another of {', '.join(WORDS)}, or numbers")
    log.info("%s: %d of %d episodes, drawn: %d", asked, len(lanes), n, min(count, len(lanes)))
    return lanes[:count]


def _checked_numbers(asked: Any) -> list[int]:
    numbers: list[int] = asked if isinstance(asked, list) else [asked]
    whole = all(is_whole(number) and number >= 0 for number in numbers)
    if not numbers or not whole or len(set(numbers)) < len(numbers):
        raise ValueError(
            f"episodes {asked!r}, want a whole number of 0 or more, a list of different ones, "
            f"or one of {', '.join(WORDS)}"
        )
    return numbers


def _checked_out(out: Path, width: int, height: int) -> Path:
    if out.suffix not in (".png", ".mp4") or out.is_dir():
        raise ValueError(f"out {out}, want a .png or .mp4")
    if out.suffix == ".mp4":
        if width % 2 or height % 2:
            raise ValueError(f"width {width}, height {height}, want even numbers of pixels for an .mp4")
        if not find_spec("imageio_ffmpeg"):
            raise ValueError(f"out {out} without the extra: video, want imageio[ffmpeg] installed, or a .png")
    return out


def _folder_beside(out: Path) -> TemporaryDirectory[str]:
    """For files that are not whole yet. OSError where it cannot be made."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(prefix=".replay.", dir=out.parent)
    except OSError as error:
        raise OSError(f"out {out}, want a folder that can be written: {error.strerror}") from None
