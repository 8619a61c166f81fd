"""Pictures of simulations; without a screen, set MUJOCO_GL=egl (or osmesa) before mujoco is imported."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.simulation import Simulation


class Renderer:
    """Draws any one of a batch's simulations as its camera sees it."""

    def __init__(self, sim: Simulation, *, camera: str, width: int = 640, height: int = 480) -> None:
        self._sim = sim
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = sim.model.camera(camera).id
        self._looks = (mujoco.MjvOption(), mujoco.MjvPerturb())
        self._data = mujoco.MjData(sim.model)
        self._gl: Any = mujoco.Renderer(sim.model, height, width)

    def picture(self, lane: int) -> NDArray[np.uint8]:
        """Simulation `lane` now: (height, width, 3) uint8."""
        model = self._sim.batch.get_model(lane)
        self._sim.batch.get_data(lane, self._data)
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_camlight(model, self._data)
        # not the renderer's own update, which draws the sizes and colours of the model that all simulations share
        mujoco.mjv_updateScene(
            model, self._data, *self._looks, self._camera, mujoco.mjtCatBit.mjCAT_ALL.value, self._gl.scene
        )
        pixels: NDArray[np.uint8] = self._gl.render().copy()
        return pixels

    def close(self) -> None:
        """Give back the GL context."""
        self._gl.close()
