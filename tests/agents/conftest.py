"""A toy task to learn: move a point to its goal; as demonstrations and as a vector environment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.testing import Reach, toy_demonstrations
from shopfloor.testing import toy_expert as the_toy_expert


@pytest.fixture
def toy_demos() -> Callable[..., Dataset]:
    return toy_demonstrations


@pytest.fixture
def toy_expert() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return the_toy_expert


@pytest.fixture
def reach() -> type[Reach]:
    return Reach
