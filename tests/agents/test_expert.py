"""The expert agent asks no more of an environment than a task that can be solved by script."""

from types import SimpleNamespace

import numpy as np

from shopfloor.agents.expert import ExpertAgent


class Scripted:
    def __init__(self):
        self.began = []

    def reset(self, lanes):
        self.began.append(lanes.tolist())

    def act(self):
        return np.full((3, 2), 0.5)


def test_it_acts_as_its_script_says_whatever_it_observes():
    script = Scripted()
    agent = ExpertAgent().attach(SimpleNamespace(task=SimpleNamespace(expert=lambda: script)))
    agent.reset(np.array([True, False, True]))
    assert script.began == [[0, 2]]
    actions = agent.act(np.full((3, 4), np.nan, np.float32))
    assert actions.dtype == np.float32
    np.testing.assert_array_equal(actions, np.full((3, 2), 0.5))
