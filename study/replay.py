"""One held-out episode in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs import ShopfloorVectorEnv, held_out_sites
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.progress import progress
from shopfloor.study.commands import ready_agent
from shopfloor.study.running import from_config
from shopfloor.study.running.evaluation import player

MOMENTS = 6
SITES = 16


def replay(config: Mapping[str, Any], *, base: Path) -> Path:
    """Play the episode and write its pictures; returns their path. ValueError unless it ends in .png or .mp4."""
    c = config
    out: Path = base / c["out"]
    if out.suffix not in (".png", ".mp4"):
        raise ValueError(f"out {out}, want a .png or .mp4")
    out.parent.mkdir(parents=True, exist_ok=True)
    new_task = from_config.task_maker(c["task"])
    env = ShopfloorVectorEnv(
        new_task(),
        realism=from_config.realism(c["realism"]),
        sites=held_out_sites(SITES),
        autoreset_mode="Disabled",
        render_mode="rgb_array",
    )
    policy = player(ready_agent(c["agent"], new_task, base=base))(env)
    observations, _ = env.reset(seed=c["seed"], options={"episodes": np.array([c["episode"]])})
    policy.reset(np.ones(1, dtype=bool))
    frames = [_picture(env)]
    with progress(label="replay", total=env.task.horizon_steps, unit="frame") as bar:
        while not env.over.all():
            observations, *_ = env.step(policy.act(observations))
            frames.append(_picture(env))
            bar.update()
    env.close()
    if out.suffix == ".mp4":
        import imageio  # extra: video

        imageio.mimwrite(out, frames, fps=CONTROL_RATE)  # type: ignore[arg-type]
    else:
        import matplotlib.image

        chosen = np.linspace(0, len(frames) - 1, MOMENTS).astype(int)
        rows = [np.concatenate([frames[i] for i in part], axis=1) for part in np.split(chosen, 2)]
        matplotlib.image.imsave(out, np.concatenate(rows))
    return out


def _picture(env: ShopfloorVectorEnv) -> NDArray[np.uint8]:
    pictures = env.render()
    assert pictures is not None
    return pictures[0]
