"""Pictures of simulations; without a screen, set MUJOCO_GL=egl (or osmesa) before mujoco is imported."""

from __future__ import annotations

import copy
import os
import sys
import time
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation


class GraphicsError(OSError):
    """There is nothing to draw with: no screen, and neither EGL nor OSMesa in its place."""


def require_screen() -> None:
    """GraphicsError where there is no screen to open a window on."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise GraphicsError("no screen for the viewer, want DISPLAY or WAYLAND_DISPLAY")


class Renderer:
    """Draws any one of a batch's simulations, in a GL context of its own; GraphicsError where there is no GL.

    camera: the one that it looks through unless told otherwise; width, height: [pixels];
    shadows: nine tenths of the time for a small picture where no graphics card draws it.
    """

    def __init__(
        self, sim: Simulation, *, camera: str, width: int = 640, height: int = 480, shadows: bool = True
    ) -> None:
        self._sim = sim
        self._camera = camera
        self._data = mujoco.MjData(sim.model)
        self._model = copy.copy(sim.model)  # takes on each simulation's own sizes and colours
        self._floors = sim.model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = width, height
        try:
            self._gl: Any = mujoco.Renderer(self._model, height, width)
        except Exception as error:  # each of MuJoCo's GL bindings has its own
            raise GraphicsError(
                f"no GL to draw with ({' '.join(str(error).split())}), "
                "want MUJOCO_GL=egl or MUJOCO_GL=osmesa where there is no screen"
            ) from error
        self._gl.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
        self._shown = mujoco.MjvOption()
        self._shown.sitegroup[:] = 0  # sites are marks for the code

    def picture(self, lane: int, camera: str | None = None) -> NDArray[np.uint8]:
        """Simulation `lane` now: (height, width, 3) uint8."""
        self._sim.copy_to(lane, self._model, self._data)
        self._model.geom_castshadow[self._floors] = False  # else their far corners are speckled by their own shadow
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        self._gl.update_scene(self._data, camera or self._camera, self._shown)
        pixels: NDArray[np.uint8] = self._gl.render()
        return pixels

    def close(self) -> None:
        """Give back the GL context."""
        self._gl.close()


class Viewer:
    """MuJoCo's own interactive viewer on one of a batch's simulations; GraphicsError where there is no screen.

    It shows the simulation as it goes on, at the pace of who steps it, no faster than real time. What is dragged or set
    in its window changes the picture, never the simulation.
    """

    def __init__(self, sim: Simulation, *, camera: str) -> None:
        require_screen()
        try:
            import mujoco.viewer

            self._sim = sim
            self._model, self._data = copy.copy(sim.model), mujoco.MjData(sim.model)
            self._window: Any = mujoco.viewer.launch_passive(self._model, self._data)
        except Exception as error:  # GLFW's, and on macOS that it wants mjpython
            raise GraphicsError(f"no viewer ({' '.join(str(error).split())}), want a screen with GL") from error
        self._window.cam.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._window.cam.fixedcamid = sim.model.camera(camera).id
        self._shown = 0.0  # [s] when the last picture was shown

    def show(self, lane: int) -> None:
        """Show simulation `lane` as it is now; nothing happens once the window is closed."""
        if not self._window.is_running():
            return
        with self._window.lock():
            self._sim.copy_to(lane, self._model, self._data)
            mujoco.mj_kinematics(self._model, self._data)
            mujoco.mj_camlight(self._model, self._data)
        self._window.sync()
        time.sleep(max(0.0, self._shown + CONTROL_PERIOD - time.monotonic()))
        self._shown = time.monotonic()

    def close(self) -> None:
        """Close the window."""
        self._window.close()
