"""The tasks by name. TEMPORARY while they are ported: those that import."""

import importlib
import re

_NAMES = [
    "PegInsertion",
    "GearMeshing",
    "ScrewDriving",
    "Kitting",
    "BinPicking",
    "MachineTending",
    "SurfaceFinishing",
    "ConveyorSorting",
    "Palletizing",
    "ToteTransfer",
    "BimanualAssembly",
    "AisleDelivery",
    "PalletDocking",
]
TASKS = {}
PROBLEMS = {}
for _name in _NAMES:
    _module = re.sub(r"(?<!^)(?=[A-Z])", "_", _name).lower()
    try:
        TASKS[_name] = getattr(importlib.import_module(f"shopfloor.envs.tasks.{_module}"), _name)
    except Exception as _error:
        PROBLEMS[_name] = _error
