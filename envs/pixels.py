"""Pictures as observations: what the cameras of each lane show, in LeRobot's layout of gym environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.simulation import Simulation
from shopfloor.envs.views import Floats, Ids, box


class Pixels:
    """The pictures of n lanes by each camera, uint8 (n, height, width, 3), drawn where a lane has moved on.

    Pictures reach the policy `delay` control steps late, as the state's camera readings do; at an episode's start
    they show its start. They have no shadows: see Renderer. One GL context draws lane after lane; it is opened at the
    first picture, since one that was opened before a fork hangs.

    state_dim: how many elements of the state go with the pictures as `agent_pos`; None for pictures alone.
    """

    def __init__(
        self, sim: Simulation, cameras: Sequence[str], *, size: tuple[int, int], delay: int, state_dim: int | None
    ) -> None:
        self._sim, self._size = sim, size
        self._renderer: Any = None
        # the newest first
        self._pictures = {name: sim.record(delay + 1, *size, 3, dtype=np.uint8) for name in cameras}
        self._state_dim = state_dim
        space = gymnasium.spaces.Dict({name: gymnasium.spaces.Box(0, 255, (*size, 3), np.uint8) for name in cameras})
        if state_dim is not None:
            space = gymnasium.spaces.Dict({"pixels": space, "agent_pos": box(state_dim)})
        self.single_space: gymnasium.Space[Any] = space

    def update(self, ids: Ids, steps: NDArray[np.int64]) -> None:
        """Draw lanes ids as they are now, at control step (k,) of their episodes."""
        if self._renderer is None:
            from shopfloor.envs.rendering import Renderer  # imports GL

            height, width = self._size
            camera = next(iter(self._pictures))
            self._renderer = Renderer(self._sim, camera=camera, width=width, height=height, shadows=False)
        starting = ids[steps == 0]
        for camera, pictures in self._pictures.items():
            pictures[ids, 1:] = pictures[ids, :-1]
            for lane in ids:
                pictures[lane, 0] = self._renderer.picture(lane, camera)
            pictures[starting, 1:] = pictures[starting, :1]

    def seen(self, states: Floats, readings: Floats) -> dict[str, Any]:
        """The pictures, with the proprioceptive part of states (n, obs_dim) where it is asked for."""
        pictures = {name: past[:, -1].copy() for name, past in self._pictures.items()}
        if self._state_dim is None:
            return pictures
        return {"pixels": pictures, "agent_pos": states[:, : self._state_dim].copy()}

    def close(self) -> None:
        """Give back the GL context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
