"""Tasks in simulation: importing this registers each as shopfloor/<Task>-v0 with Gymnasium."""

from gymnasium.envs.registration import register

from shopfloor.envs.realism.realism import DEFAULT, IDEAL, REALISMS, Realism
from shopfloor.envs.realism.site_numbers import collection_sites, held_out_sites, validation_sites
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.single import ShopfloorEnv
from shopfloor.envs.task import Task
from shopfloor.envs.tasks import TASKS
from shopfloor.envs.vector import ShopfloorVectorEnv

__all__ = [
    "DEFAULT",
    "IDEAL",
    "REALISMS",
    "TASKS",
    "Realism",
    "ShopfloorEnv",
    "ShopfloorVectorEnv",
    "Task",
    "collection_sites",
    "held_out_sites",
    "validation_sites",
]

for _name, _task in TASKS.items():
    register(
        id=f"shopfloor/{_name}-v0",
        entry_point="shopfloor.envs.single:ShopfloorEnv",
        vector_entry_point="shopfloor.envs.vector:ShopfloorVectorEnv",
        max_episode_steps=round(_task.horizon * CONTROL_RATE),
        kwargs={"task": _name},
    )
