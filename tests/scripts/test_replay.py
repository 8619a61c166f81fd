"""scripts/replay.py prints the paths alone, tells how the episodes went, and what it cannot do is one line."""

from functools import partial

import forked
import pytest

run = partial(forked.run, "replay", "evaluation.episodes=2", "evaluation.sites=2", "width=64", "height=48")


@pytest.mark.usefixtures("graphics")
def test_the_paths_are_its_output_and_how_it_went_is_beside_it(tmp_path):
    done = run("agent=expert", "episodes=all", f"out={tmp_path / 'a.png'}", cwd=tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path / "a_000.png"), str(tmp_path / "a_001.png")], done.stderr
    assert "episode 0: succeeded after" in done.stderr
    assert "episode 1: succeeded after" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["episodes=banana"], "episodes 'banana', want a whole number of 0 or more"),
        (["camera=nowhere"], "camera 'nowhere', want one of front, wrist"),
        (["out=x.gif"], "x.gif, want a .png or .mp4"),
        (["out=null"], "out None, want a valid string"),
        (["episode=3"], "want one of hydra, task"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(arguments, wanted, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert wanted in line
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("graphics")
def test_where_no_episode_ended_so_it_is_one_clear_line(tmp_path):
    done = run("agent=expert", "episodes=failed", cwd=tmp_path)
    assert done.returncode != 0
    assert "error: episodes failed: none of the 2, want another of" in done.stderr.splitlines()[-1]
