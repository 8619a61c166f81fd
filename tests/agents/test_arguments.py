"""Bad arguments are refused in one line that names them, element by element."""

import numpy as np
import pytest

from shopfloor.agents.arguments import changes_lanes, learned, require_at_least


def test_an_argument_or_an_element_under_the_least_is_named():
    require_at_least(1, width=1, hidden=(1, 2), none=())
    with pytest.raises(ValueError, match=r"^width 0, want 1 or more$"):
        require_at_least(1, width=0)
    with pytest.raises(ValueError, match=r"^hidden\[1\] 0, want 1 or more$"):
        require_at_least(1, hidden=[64, 0])
    with pytest.raises(ValueError, match="rate nan"):
        require_at_least(0, rate=float("nan"))


def test_lanes_change_all_at_once():
    assert not changes_lanes(np.array([True, False]), lanes=2)
    assert changes_lanes(np.array([True, True]), lanes=3)
    with pytest.raises(ValueError, match="reset of 2 lanes in part, want all: there were 3"):
        changes_lanes(np.array([True, False]), lanes=3)


def test_nothing_learned_is_an_error_and_zero_is_something():
    assert learned(0, agent="toy") == 0
    with pytest.raises(ValueError, match="toy has learned nothing yet, want fit or load first"):
        learned(None, agent="toy")
