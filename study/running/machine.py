"""The machine that a cell ran on, as far as it may decide bits: processor, system, and the libraries that compute."""

from __future__ import annotations

import platform
from pathlib import Path

from threadpoolctl import threadpool_info
from typing_extensions import TypedDict  # pydantic, which checks rows, wants this one before Python 3.12

PROCESSORS = Path("/proc/cpuinfo")


class MachineRecord(TypedDict):
    """Where a cell ran: equal bits are promised on machines with equal records."""

    processor: str
    architecture: str
    system: str
    python: str
    blas: str  # numpy's: name, version, and the kernel that it chose for the processor


def machine() -> MachineRecord:
    """This machine."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "system": " ".join((platform.system(), *platform.libc_ver())).strip(),
        "python": platform.python_version(),
        "blas": _blas(),
    }


def _blas() -> str:
    for library in threadpool_info():
        if library["user_api"] == "blas" and "numpy" in library["filepath"]:
            return " ".join(str(library.get(key) or "") for key in ("internal_api", "version", "architecture")).strip()
    return "unknown"


def _processor() -> str:
    if PROCESSORS.exists():
        for line in PROCESSORS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"
