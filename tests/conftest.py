"""What all tests share: one thread each for torch and numpy; where there is no screen, pictures drawn without one."""

import os
import sys
from pathlib import Path

from shopfloor.study.command_line import draw_without_screen

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is: its threads spin while they wait, beside pytest's own
draw_without_screen()  # before mujoco is imported
sys.path.insert(0, str(Path(__file__).parent))  # for forked.py

import pytest  # noqa: E402

from shopfloor.envs import TASKS, ShopfloorVectorEnv  # noqa: E402
from shopfloor.envs.rendering import GraphicsError, Renderer  # noqa: E402

OF_EACH_SECTOR = ("PalletDocking", "PegInsertion", "ToteTransfer")  # what costly tests run over among the fast ones


def pytest_addoption(parser):
    parser.addoption("--task", action="append", metavar="module:Class", help="hold a task of yours to the contracts")


def pytest_generate_tests(metafunc):
    """A test with the argument `task` runs over every registered task, or those of --task instead.

    A test that is marked `costly` does so among the slow tests, and among the others over one task of each sector.
    A module's tests of one task follow each other: they share what its expert played.
    """
    if "task" in metafunc.fixturenames:
        costly = metafunc.definition.get_closest_marker("costly")
        tasks = [
            pytest.param(task, marks=pytest.mark.slow) if costly and task not in OF_EACH_SECTOR else task
            for task in sorted(TASKS)
        ]
        metafunc.parametrize("task", metafunc.config.getoption("task") or tasks, scope="module")


@pytest.fixture(scope="session")
def graphics():
    """Skips the test where there is nothing to draw with."""
    try:
        Renderer(ShopfloorVectorEnv("PegInsertion", 1).sim, camera="front").close()
    except GraphicsError as error:
        pytest.skip(str(error))
