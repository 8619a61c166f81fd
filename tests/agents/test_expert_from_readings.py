"""The expert that acts from readings asks no more than somebody who gives such experts over an environment."""

import numpy as np

from shopfloor.agents.expert_from_readings import ExpertFromReadings
from shopfloor.fingerprint import fingerprint


class Scripted:
    def __init__(self, env):
        self.env, self.began = env, []

    def reset(self, lanes):
        self.began.append(lanes.tolist())

    def act(self):
        return np.full((3, 2), 0.5)


class Experts:
    def over(self, env):
        self.made = Scripted(env)
        return self.made


def test_it_acts_as_the_expert_does_that_it_was_given_over_its_environment():
    experts = Experts()
    agent = ExpertFromReadings(experts).attach("an environment")
    assert experts.made.env == "an environment"
    agent.reset(np.array([True, False, True]))
    assert experts.made.began == [[0, 2]]
    actions = agent.act(np.full((3, 4), np.nan, np.float32))
    assert actions.dtype == np.float32
    np.testing.assert_array_equal(actions, np.full((3, 2), 0.5))


def test_no_learners_results_are_named_by_its_code():
    """An edit of what sets the second world would else make every agent's rows new ones."""
    world, past = "shopfloor.envs.as_read.world", ("shopfloor.study.running.trial", "shopfloor.agents.bc")
    assert fingerprint(*past) == fingerprint(*past, past=(world,))
    assert fingerprint(*past, world) != fingerprint(*past)
