"""Learning: one algorithm per file behind one protocol, built by its `_target_`; this import is light."""

from shopfloor.agents.protocol import Agent, Budget, EnvFactory, TrainingRecord
from shopfloor.agents.storage import load

__all__ = ["Agent", "Budget", "EnvFactory", "TrainingRecord", "load"]
