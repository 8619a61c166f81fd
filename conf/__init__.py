"""Hydra configuration: task, realism, fleet, agent, data, evaluation, study."""
