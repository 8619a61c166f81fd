"""Truncated quantile critics of sb3-contrib, trained online on the batched environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from shopfloor.agents.off_policy import OffPolicyAgent


@dataclass(kw_only=True, eq=False)
class TruncatedQuantileCritics(OffPolicyAgent):
    """TQC (Kuznetsov et al. 2020, arXiv:2005.04269): SAC whose critics are distributions with their tops cut off.

    Needs the extra `contrib`. Raises ModuleNotFoundError, which says so, where it is not installed.
    """

    label: ClassVar[str] = "tqc"

    def algorithm(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """Sb3-contrib's, as it is."""
        try:
            from sb3_contrib import TQC  # an extra
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("agent tqc needs sb3-contrib: pip install 'shopfloor[contrib]'") from error
        return self.made(TQC, env, seed)
