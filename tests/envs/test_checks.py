"""A task that does not fit itself is found out before it is used."""

import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.checks import check_task
from shopfloor.envs.measurement import Channel, Term
from shopfloor.envs.tasks.peg_insertion import PegInsertion


def changed(**parts):
    return type("Mine", (PegInsertion,), parts)()


def test_a_sound_task_passes():
    check_task(PegInsertion())


def short(self):
    return np.zeros(3)


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (changed(success=short), r"Mine.success\(\) is float64 \(3,\), want bool \(2,\)"),
        (changed(success=lambda self: np.zeros(2)), r"Mine.success\(\) is float64 \(2,\), want bool"),
        (changed(lost=lambda self: np.zeros((2, 1), bool)), r"Mine.lost\(\) is bool \(2, 1\), want bool \(2,\)"),
        (changed(reward_weights={"reach": 1.0}), r"Mine.reward_terms\(\) .*, want those of reward_weights"),
        (changed(channels=(*PegInsertion.channels, Channel("success", "signal", "scalar", 3))), r"Mine.success\(\) is"),
        (changed(terms=(*PegInsertion.terms, Term("more", "m", "of nothing"))), "'more'] is missing"),
    ],
)
def test_what_does_not_fit_is_said(mine, said):
    with pytest.raises(ValueError, match=said):
        check_task(mine)


def test_a_task_object_in_two_environments_is_refused():
    task = PegInsertion()
    ShopfloorVectorEnv(task, 1, threads=1)
    with pytest.raises(ValueError, match="PegInsertion is in an environment already, want a fresh one"):
        ShopfloorVectorEnv(task, 1, threads=1)
    ShopfloorVectorEnv(task.fresh(), 1, threads=1)


@pytest.mark.parametrize("thing", [3, None, PegInsertion])
def test_what_is_no_task_is_refused(thing):
    with pytest.raises(ValueError, match="want a Task object or the name of one of TASKS"):
        ShopfloorVectorEnv(thing, 1)


@pytest.mark.parametrize("n", [2_000_000_000, 10_000_000])
def test_more_simulations_than_memory_are_refused_at_once(n):
    with pytest.raises(ValueError, match=r"simulations side by side, want at most some"):
        ShopfloorVectorEnv("PegInsertion", n)
