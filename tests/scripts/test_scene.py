"""scripts/scene.py writes a scene that MuJoCo reads; what it cannot do is one line."""

import sys
from functools import partial
from pathlib import Path

import forked
import mujoco
import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv

run = partial(forked.run, "scene", without=("DISPLAY", "WAYLAND_DISPLAY"))


def test_the_file_is_the_tasks_scene_at_its_difficulty(tmp_path):
    path = tmp_path / "new" / "scene.xml"
    done = run("Kitting", "--difficulty", "hard", "--out", str(path))
    assert done.stdout.strip() == str(path), done.stderr
    model = mujoco.MjModel.from_xml_path(str(path))
    env = ShopfloorVectorEnv("Kitting", 1, difficulty="hard")
    assert [model.body(i).name for i in range(model.nbody)] == [env.model.body(i).name for i in range(env.model.nbody)]
    np.testing.assert_allclose(model.geom_pos, env.model.geom_pos, atol=1e-5)
    easy = ShopfloorVectorEnv("Kitting", 1, difficulty="easy")
    assert not np.allclose(model.geom_pos, easy.model.geom_pos, atol=1e-5)


def test_help_tells_what_it_does():
    assert "MJCF" in run("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["PegInsertion"], "want --out SCENE.XML, --view or both"),
        (["Peg", "--out", "scene.xml"], "want one of"),
        (["my.tasks:Mine", "--out", "scene.xml"], "want module:Class that can be imported"),
        (["PegInsertion", "--difficulty", "nope", "--out", "scene.xml"], "want one of easy, default, hard"),
        (["PegInsertion", "--out", f"{__file__}/scene.xml"], Path(__file__).name),
    ],
)
def test_bad_input_is_one_clear_line(arguments, wanted):
    done = run(*arguments)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert wanted in line


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a screen")
def test_without_a_screen_the_viewer_is_one_clear_line():
    done = run("PegInsertion", "--view")
    assert done.stderr.splitlines() == ["error: no screen for the viewer, want DISPLAY or WAYLAND_DISPLAY"]
