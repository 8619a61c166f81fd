"""What only the generator of episodes knows of them: kept apart from what is learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of each episode; arrays are read-only. Raises ValueError where types or lengths disagree.

    outcomes   (episodes,) bool, whether the work was done, whatever the label says
    faults     by name (episodes,) float64: how much of a fault was in it, 0 for none
    """

    outcomes: NDArray[np.bool_]
    faults: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcomes.dtype != np.bool_ or self.outcomes.ndim != 1:
            got = f"{self.outcomes.dtype} of shape {self.outcomes.shape}"
            raise ValueError(f"outcomes {got}, want bool of 1 dimension")
        for name, values in self.faults.items():
            if values.dtype != np.float64 or values.shape != self.outcomes.shape:
                want = f"float64 of shape {self.outcomes.shape}"
                raise ValueError(f"fault {name} {values.dtype} of shape {values.shape}, want {want}")
        object.__setattr__(self, "outcomes", _read_only(self.outcomes))
        faults = {name: _read_only(self.faults[name]) for name in sorted(self.faults)}
        object.__setattr__(self, "faults", MappingProxyType(faults))

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.outcomes)

    def of(self, episodes: NDArray[np.intp] | slice) -> Self:
        """That of some of the episodes, by number."""
        return type(self)(self.outcomes[episodes], {name: values[episodes] for name, values in self.faults.items()})

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """That of the episodes of all parts, in order. Raises ValueError where they tell of different faults."""
        names = list(parts[0].faults)
        for part in parts:
            if list(part.faults) != names:
                raise ValueError(f"truth of the faults {list(part.faults)}, want {names} like the first")
        faults = {name: np.concatenate([part.faults[name] for part in parts]) for name in names}
        return cls(np.concatenate([part.outcomes for part in parts]), faults)


def _read_only(values: NDArray[Kind]) -> NDArray[Kind]:
    view = values.view()
    view.flags.writeable = False
    return view
