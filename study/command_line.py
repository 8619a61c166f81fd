"""Entry points' manners: errors become one clear line and a non-zero exit, pictures need no screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from ctypes.util import find_library
from typing import Any, TypeVar

from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

T = TypeVar("T")

EXPECTED = (HydraException, OmegaConfBaseException, ValueError, OSError, ImportError)
GL_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}  # MUJOCO_GL without a screen -> what it needs, the quicker first
_QUIET = "SHOPFLOOR_QUIET_ERRORS"  # in the environment, so that a study's worker processes know it too


def draw_without_screen() -> None:
    """Where there is no screen, have MuJoCo draw by EGL, else by OSMesa; to be called before mujoco is imported.

    A MUJOCO_GL of the user's own stays; SystemExit where its library is missing, which MuJoCo's import would not
    survive. Without either library MuJoCo is imported all the same, and only drawing is an error.
    """
    if sys.platform != "linux":
        return
    asked = os.environ.get("MUJOCO_GL", "").lower()
    if asked in GL_LIBRARIES and not find_library(GL_LIBRARIES[asked]):
        sys.exit(
            f"error: MUJOCO_GL={asked}, want the library {GL_LIBRARIES[asked]} installed, or another of egl, osmesa"
        )
    if not any(os.environ.get(name) for name in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY")):
        found = [binding for binding, library in GL_LIBRARIES.items() if find_library(library)]
        if found:
            os.environ["MUJOCO_GL"] = found[0]


def run(main: Callable[[], Any]) -> None:
    """Run a Hydra main function; HYDRA_FULL_ERROR=1 shows whole tracebacks instead."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        main()
        return
    os.environ[_QUIET] = "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise instead of printing many lines
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where this one was")
    except EXPECTED as error:
        sys.exit(f"error: {one_line(error)}")


def clearly(job: Callable[[DictConfig], T], config: DictConfig) -> T:
    """job(config), inside a Hydra main function; an expected error leaves as SystemExit, past Hydra's own report."""
    try:
        return job(config)
    except EXPECTED as error:
        if _QUIET not in os.environ:
            raise
        raise SystemExit(f"error: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """What was got and what was wanted, without line breaks."""
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, EXPECTED):
        return one_line(error.__cause__)  # what the object itself said
    text = " ".join(str(error).split("Config search path")[0].split())
    wanted = _known_keys(error)
    return f"{text}; want one of {', '.join(wanted)}" if wanted else text


def _known_keys(error: BaseException | None) -> list[str]:
    """The keys that stand where an unknown one was asked for, from the error that OmegaConf chained."""
    while error is not None:
        parent = getattr(error, "parent_node", None)
        if parent is not None and hasattr(parent, "keys"):
            return [str(key) for key in parent]
        error = error.__cause__ or error.__context__
    return []
