"""A sweeper that optimises is told the success rate on validation episodes, and of test episodes nothing."""

import json
import math
import textwrap

import forked
import pytest

from shopfloor.study.running.rows import read_rows
from shopfloor.study.verbs.train import Objective

SWEEPER = """
import json
from pathlib import Path
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

class BestOf(Sweeper):
    '''Tries each value of one key and writes down what came of it.'''

    def __init__(self, key, values, **others):
        self.key, self.values = key, values

    def setup(self, *, hydra_context, task_function, config):
        self.folder = Path(config.results)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments):
        jobs = [[*arguments, f"{self.key}={value}"] for value in self.values]
        ended = self.launcher.launch(jobs, initial_job_idx=0)
        (self.folder / "told.json").write_text(json.dumps([float(job.return_value) for job in ended]))
"""


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_a_sweeper_is_told(split, tmp_path):
    plugin = tmp_path / "hydra_plugins" / "best_of" / "__init__.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(textwrap.dedent(SWEEPER))
    results = tmp_path / "results"
    choice = "validation" if split == "validation" else "held_out"
    done = forked.run(
        *("train", "-m", "agent=expert", f"results={results}"),
        *(f"evaluation={choice}", "evaluation.episodes=4", f"datasets={tmp_path / 'datasets'}"),
        *("hydra.sweeper._target_=hydra_plugins.best_of.BestOf", "+hydra.sweeper.key=evaluation.seed"),
        "+hydra.sweeper.values=[0,1]",
        path=tmp_path,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((results / "told.json").read_text())
    rows = read_rows(results / "rows")
    assert {row["cell"]["evaluation"]["split"] for row in rows} == {split}
    rates = {row["cell"]["evaluation"]["seed"]: sum(row["evaluation"]["success"]) / 4 for row in rows}
    if split == "test":
        assert all(map(math.isnan, told))
    else:
        assert told == [rates[0], rates[1]]
    page = (results / "report.html").read_text()
    assert ("These rates are no results" in page) == (split == "validation")


def test_an_objective_keeps_what_it_is_of_over_processes():
    import pickle

    objective = pickle.loads(pickle.dumps(Objective(0.25, "0" * 16, "run")))
    assert (objective, objective.key, objective.state) == (0.25, "0" * 16, "run")
