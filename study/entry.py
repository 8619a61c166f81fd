"""Entry points' manners: Hydra's errors and the project's own become one clear line and a non-zero exit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException


def run(main: Callable[[], Any]) -> None:
    """Run a Hydra main function; set HYDRA_FULL_ERROR=1 to see whole tracebacks."""
    if "HYDRA_FULL_ERROR" in os.environ:
        main()
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise instead of printing many lines
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where this one was")
    except (HydraException, OmegaConfBaseException, ValueError, TypeError, OSError, ImportError) as error:
        sys.exit(f"error: {one_line(error)}")


def one_line(error: BaseException) -> str:
    """What was got and what was wanted, without line breaks."""
    text = " ".join(str(error).split())
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
