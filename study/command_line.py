"""The `shopfloor` command: finds the verb, and turns what goes wrong into one clear line and a non-zero exit."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from ctypes.util import find_library
from importlib.metadata import version

from shopfloor.study.verbs import COMPOSED, DRAWING, GOING_ON, VERBS

GL_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}  # MUJOCO_GL without a screen -> what it needs, the quicker first
FULL = "HYDRA_FULL_ERROR"  # 1 shows whole tracebacks, of Hydra's verbs and of all others
COMPLETING = "_ARGCOMPLETE"  # set by the shell's completion


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb that the arguments (sys.argv's, if None) begin with; leaves by SystemExit where it fails."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if sys.path[0] != "":
        sys.path.insert(0, "")  # as `python -m` does: agents and tasks of the user's own lie where the command is given
    if COMPLETING in os.environ:
        from shopfloor.study.completion import complete

        complete()
        return
    verb, rest = _verb(given)
    whole = os.environ.get(FULL) == "1"
    try:
        if verb in DRAWING:
            draw_without_screen()
        if verb in COMPOSED and ("--help" in rest or "-h" in rest):
            from shopfloor.study.explained import explain

            print(explain(verb, rest))
        else:
            importlib.import_module(f"shopfloor.study.verbs.{verb}").main(rest)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("stopped" + "; the same command goes on where this one was" * (verb in GOING_ON))
    except BrokenPipeError:  # whoever read the output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if whole:
            raise
        from shopfloor.study.running.reasons import EXPECTED, one_line

        hint = "" if isinstance(error, (*EXPECTED, MemoryError)) else f" ({FULL}=1 shows where)"
        sys.exit(f"error: {one_line(error)}{hint}")


def _verb(given: Sequence[str]) -> tuple[str, list[str]]:
    """The verb and its own arguments."""
    parser = _parser()
    known = parser.parse_args(given[:1] or ["--help"])
    return known.verb, list(given[1:])


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {verb:15s}{summary}" for verb, summary in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="shopfloor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"How much does more real-world-style data improve a robot policy?\n\nverbs:\n{verbs}",
        epilog="shopfloor VERB --help explains every option of a verb",
    )
    parser.add_argument("--version", action="version", version=f"shopfloor {version('shopfloor')}")
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="what to do")
    return parser


def draw_without_screen() -> None:
    """Where there is no screen, have MuJoCo draw by EGL, else by OSMesa; to be called before mujoco is imported.

    A MUJOCO_GL of the user's own stays; OSError where its library is missing, which MuJoCo's import would not
    survive. Without either library MuJoCo is imported all the same, and only drawing is an error.
    """
    if sys.platform != "linux":
        return
    asked = os.environ.get("MUJOCO_GL", "").lower()
    if asked in GL_LIBRARIES and not find_library(GL_LIBRARIES[asked]):
        raise OSError(f"MUJOCO_GL={asked}, want the library {GL_LIBRARIES[asked]} installed, or another of egl, osmesa")
    if not any(os.environ.get(name) for name in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY")):
        found = [binding for binding, library in GL_LIBRARIES.items() if find_library(library)]
        if found:
            os.environ["MUJOCO_GL"] = found[0]
