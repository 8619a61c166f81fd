"""The suite in one picture: every task in the midst of its expert's work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shopfloor.envs import ShopfloorVectorEnv, held_out_sites
from shopfloor.envs.rendering import Renderer
from shopfloor.progress import progress

TILE = (440, 330)  # [pixels] width, height of a picture
CAPTION, GAP = 40, 14  # [pixels] height of a name, space round the tiles
PAPER, INK = (255, 255, 255), (40, 46, 54)
EPISODES = 8  # to find one in that the expert succeeds


def contact_sheet(out: Path, tasks: Sequence[str], *, share: float = 0.7, columns: int = 5) -> Path:
    """Write a PNG with a picture of each task at `share` of an expert's episode, its name below it.

    Raises ValueError on a share out of [0, 1] or no columns, GraphicsError where there is no GL.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} of an episode, want 0 to 1")
    if columns < 1:
        raise ValueError(f"{columns} columns, want 1 or more")
    width, height = TILE[0] + GAP, TILE[1] + CAPTION
    columns = min(columns, len(tasks))
    rows = -(-len(tasks) // columns)
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=23)
    for index, task in enumerate(progress(tasks, label="contact sheet", unit="task")):
        row, column = divmod(index, columns)
        left, top = GAP + column * width, GAP + row * height
        sheet.paste(picture(task, share), (left, top))
        draw.text((left + TILE[0] / 2, top + TILE[1] + CAPTION / 2 - 3), title(task), INK, font, anchor="mm")
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, format="PNG", optimize=True)
    return out


def picture(task: str, share: float) -> Image.Image:
    """What the task's camera shows at `share` of the first episode that the expert solves."""
    env = ShopfloorVectorEnv(task, EPISODES, sites=held_out_sites(EPISODES), autoreset_mode="Disabled")
    solved = _play(env, env.task.horizon_steps)
    lane = int(np.argmax(solved))
    _play(env, round(share * int(env.steps[lane])))
    renderer = Renderer(env.sim, camera=env.task.camera, width=2 * TILE[0], height=2 * TILE[1])
    shown = Image.fromarray(renderer.picture(lane)).resize(TILE, Image.Resampling.BOX)
    renderer.close()
    return shown


def title(task: str) -> str:
    """A task's name in words: PegInsertion is Peg insertion."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", task)).capitalize()


def _play(env: ShopfloorVectorEnv, steps: int) -> NDArray[np.bool_]:
    """Play the expert's episodes from their start for some steps; which of them (n,) it has solved."""
    solved = np.zeros(env.num_envs, dtype=bool)
    env.reset(seed=0)
    expert = env.task.expert()
    expert.reset(np.arange(env.num_envs))
    for _ in range(steps):
        if env.over.all():
            break
        solved |= env.step(expert.act())[-1]["success"]
    return solved
