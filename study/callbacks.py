"""Around a multirun: a bar over its cells while it runs, the report when it ends."""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from tqdm import tqdm

log = logging.getLogger(__name__)

POLL = 0.5  # [s]


class StudyCallback(Callback):
    """Counts finished jobs by the marks that they leave in results/jobs, so it works with any launcher."""

    def __init__(self) -> None:
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing goes along to a worker process: the bar belongs to the one that started the study."""
        return {}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Show a bar over the grid's cells."""
        marks = _marks(config)
        shutil.rmtree(marks, ignore_errors=True)
        marks.mkdir(parents=True)
        self._thread = threading.Thread(target=self._watch, args=(marks, _grid_size(config)), daemon=True)
        self._thread.start()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Leave the mark of one finished job; runs in the job's own process."""
        if "num" in config.hydra.job:  # in a multirun only
            done = job_return.return_value if job_return.status == JobStatus.COMPLETED else None
            (_marks(config) / str(config.hydra.job.num)).write_text(json.dumps(done))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the report over all rows in the results folder, and say where it lies."""
        self._finished.set()
        if self._thread is not None:
            self._thread.join()
        from shopfloor.study.showing.report import write_report  # matplotlib, which a cell does not need

        page = write_report(Path(config.results))
        done = [json.loads(mark.read_text()) for mark in _marks(config).iterdir()]
        cells = {key for key, _ in filter(None, done)}
        run = {key for key, before in filter(None, done) if not before}  # two jobs may be one cell
        log.info("%d cells: %d done before, %d run%s", len(cells), len(cells - run), len(run), _older(page))
        log.info("report: %s", page.resolve())

    def _watch(self, marks: Path, total: int) -> None:
        with tqdm(total=total, desc="cells", unit="cell", disable=None, smoothing=0.1) as bar:
            while not self._finished.wait(POLL):
                bar.update(sum(1 for _ in marks.iterdir()) - bar.n)
            bar.update(sum(1 for _ in marks.iterdir()) - bar.n)


def _older(page: Path) -> str:
    summary = json.loads((page.parent / "summary.json").read_text())
    count = sum(len(panel["older"]) for panel in summary["panels"])
    return f"; {count} of an older code or other libraries stay on disk and are not in this study" if count else ""


def _marks(config: DictConfig) -> Path:
    return Path(config.hydra.sweep.dir) / "done"


def _grid_size(config: DictConfig) -> int:
    """How many jobs Hydra's basic sweeper makes of the overrides."""
    params = config.hydra.sweeper.get("params") or {}
    texts = [f"{key}={value}" for key, value in params.items()]
    loader = GlobalHydra.instance().config_loader()  # knows what a glob of config groups stands for
    overrides = OverridesParser.create(config_loader=loader).parse_overrides([*texts, *config.hydra.overrides.task])
    choices = {  # an override on the command line replaces the study's
        override.get_key_element(): len(list(override.sweep_string_iterator())) if override.is_sweep_override() else 1
        for override in overrides
    }
    return math.prod(choices.values())
