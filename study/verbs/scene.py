"""Write a task's scene as MJCF, which MuJoCo's own loader reads, or look at it in MuJoCo's viewer.

shopfloor scene PegInsertion --out outputs/scene.xml
shopfloor scene my_pkg.tasks:Mine --difficulty hard --view   # at the start of an episode
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.rendering import require_screen
from shopfloor.files import write_atomically


def view(env: ShopfloorVectorEnv) -> None:
    """Open MuJoCo's viewer on the start of an episode; returns when its window is closed."""
    require_screen()
    import mujoco.viewer

    env.reset(seed=0)
    data = mujoco.MjData(env.model)
    env.sim.copy_to(0, env.model, data)
    mujoco.viewer.launch(env.model, data)


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor scene", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", help="name of a task, or module:Class of one of your own")
    parser.add_argument("--out", type=Path, metavar="SCENE.XML", help="write the scene to this file")
    parser.add_argument("--difficulty", default="default", help="easy, default or hard")
    parser.add_argument("--view", action="store_true", help="open the viewer, where what moves is free to be pulled")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    env = ShopfloorVectorEnv(given.task, 1, difficulty=given.difficulty, realism="ideal", threads=1)
    if not (given.out or given.view):
        raise ValueError("nothing to do, want --out SCENE.XML, --view or both")
    if given.out:
        write_atomically(given.out, env.mjcf().encode())
        print(given.out)
    if given.view:
        view(env)
