"""The tasks, one file each."""

import pkgutil
from typing import cast

from shopfloor.envs.arguments import known
from shopfloor.envs.task import Task
from shopfloor.envs.tasks.aisle_delivery import AisleDelivery
from shopfloor.envs.tasks.bimanual_assembly import BimanualAssembly
from shopfloor.envs.tasks.bin_picking import BinPicking
from shopfloor.envs.tasks.conveyor_sorting import ConveyorSorting
from shopfloor.envs.tasks.gear_meshing import GearMeshing
from shopfloor.envs.tasks.kitting import Kitting
from shopfloor.envs.tasks.machine_tending import MachineTending
from shopfloor.envs.tasks.pallet_docking import PalletDocking
from shopfloor.envs.tasks.palletizing import Palletizing
from shopfloor.envs.tasks.peg_insertion import PegInsertion
from shopfloor.envs.tasks.screw_driving import ScrewDriving
from shopfloor.envs.tasks.surface_finishing import SurfaceFinishing
from shopfloor.envs.tasks.tote_transfer import ToteTransfer

TASKS: dict[str, type[Task]] = {
    task.__name__: task
    for task in (
        PegInsertion,  # arm
        GearMeshing,
        ScrewDriving,
        Kitting,
        BinPicking,
        MachineTending,
        SurfaceFinishing,
        ConveyorSorting,
        Palletizing,
        ToteTransfer,  # humanoid
        BimanualAssembly,
        AisleDelivery,  # mobile robot
        PalletDocking,  # forklift
    )
}


def task_class(name: str) -> type[Task]:
    """The class of one of TASKS by its name, or of any other task by "module:Class". ValueError where there is none."""
    if ":" not in name:
        return known("task", name, TASKS)
    try:
        return cast(type[Task], pkgutil.resolve_name(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"task {name!r}, want module:Class that can be imported: {error}") from None
