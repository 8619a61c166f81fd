"""Pictures as observations: what the cameras of each lane show, in LeRobot's layout of gym environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rendering import Renderer
from shopfloor.envs.simulation import Simulation

Ids = NDArray[np.intp]


class Pixels:
    """The pictures of n lanes by each camera, uint8 (n, height, width, 3), drawn where a lane has moved on.

    Pictures reach the policy `delay` control steps late, as the state's camera readings do; at an episode's start
    they show its start. They have no shadows: see Renderer. One GL context draws lane after lane.

    state_dim: how many elements of the state go with the pictures as `agent_pos`; None for pictures alone.
    """

    def __init__(
        self, sim: Simulation, cameras: Sequence[str], *, size: tuple[int, int], delay: int, state_dim: int | None
    ) -> None:
        height, width = size
        self._renderer = Renderer(sim, camera=cameras[0], width=width, height=height, shadows=False)
        # the newest first
        self._pictures = {name: np.zeros((sim.nsim, delay + 1, height, width, 3), np.uint8) for name in cameras}
        self._state_dim = state_dim
        space = gymnasium.spaces.Dict(
            {name: gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8) for name in cameras}
        )
        if state_dim is not None:
            agent = gymnasium.spaces.Box(-np.inf, np.inf, (state_dim,), np.float32)
            space = gymnasium.spaces.Dict({"pixels": space, "agent_pos": agent})
        self.single_space = space

    def draw(self, ids: Ids, steps: NDArray[np.int64]) -> None:
        """Draw lanes ids as they are now, at control step (k,) of their episodes."""
        starting = ids[steps == 0]
        for camera, pictures in self._pictures.items():
            pictures[ids, 1:] = pictures[ids, :-1]
            for lane in ids:
                pictures[lane, 0] = self._renderer.picture(lane, camera)
            pictures[starting, 1:] = pictures[starting, :1]

    def observations(self, states: NDArray[np.float32]) -> dict[str, Any]:
        """What all lanes observe, a copy, with the readings of the state (n, obs_dim) from which agent_pos is taken."""
        pictures = {name: past[:, -1].copy() for name, past in self._pictures.items()}
        if self._state_dim is None:
            return pictures
        return {"pixels": pictures, "agent_pos": states[:, : self._state_dim].copy()}

    def close(self) -> None:
        """Give back the GL context."""
        self._renderer.close()
