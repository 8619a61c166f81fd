"""A budget is a positive amount of a known unit, and says how much of it is spent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shopfloor.agents import Budget


def test_progress_rises_from_zero_towards_one() -> None:
    np.testing.assert_allclose(list(Budget("gradient_steps", 4).steps(1.0, label="")), [0, 0.25, 0.5, 0.75])
    timed = list(Budget("seconds", 0.01).steps(1.0, label=""))
    assert timed[0] == 0
    assert timed == sorted(timed)
    assert timed[-1] < 1


def test_flops_are_spent_in_whole_steps() -> None:
    assert len(list(Budget("flops", 95).steps(10, label=""))) == 9


@pytest.mark.parametrize(
    ("unit", "amount", "message"),
    [
        ("epochs", 1, "budget unit 'epochs', want one of"),
        ("seconds", -1, "budget of -1 seconds"),
        ("flops", np.nan, "nan"),
        ("flops", np.inf, "inf"),
    ],
)
def test_an_impossible_budget_is_refused(unit: Any, amount: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Budget(unit, amount)
