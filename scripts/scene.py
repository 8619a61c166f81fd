"""Write a task's scene as MJCF, which MuJoCo's own loader reads, or look at it in MuJoCo's viewer.

python scripts/scene.py PegInsertion --out outputs/scene.xml
python scripts/scene.py my_pkg.tasks:Mine --difficulty hard --view   # at the start of an episode
"""

import argparse
import sys
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", help="name of a task, or module:Class of one of your own")
    parser.add_argument("--out", type=Path, metavar="SCENE.XML", help="write the scene to this file")
    parser.add_argument("--difficulty", default="default", help="easy, default or hard")
    parser.add_argument("--view", action="store_true", help="open the viewer, where what moves is free to be pulled")
    arguments = parser.parse_args()
    try:
        env = ShopfloorVectorEnv(arguments.task, 1, difficulty=arguments.difficulty, realism="ideal", threads=1)
        if not (arguments.out or arguments.view):
            raise ValueError("nothing to do, want --out SCENE.XML, --view or both")
        if arguments.out:
            write_atomically(arguments.out, env.mjcf().encode())
            print(arguments.out)
        if arguments.view:
            view(env)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
