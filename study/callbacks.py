"""Around a multirun: a bar over its cells while it runs, the report when it ends."""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from tqdm import tqdm

from shopfloor.study.running.reasons import one_line
from shopfloor.study.running.rows import OFFLINE

log = logging.getLogger(__name__)

POLL = 0.5  # [s]
SWEPT = "swept.json"

latest: StudyCallback | None = None
"""Of the study that this process started last."""


class StudyCallback(Callback):
    """Counts finished jobs by the marks that they leave beside their folders, so it works with any launcher."""

    def __init__(self) -> None:
        self.failed: int | None = None
        """Cells that failed; None before the end."""
        self.error: Exception | None = None
        """What kept the report from being written."""
        self._config: DictConfig | None = None
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing goes along to a worker process: the bar belongs to the one that started the study."""
        return {}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Show a bar over the grid's cells."""
        global latest
        latest = self
        try:
            self._start(config)
        except Exception as error:  # of which Hydra would only warn
            self.error = error

    def _start(self, config: DictConfig) -> None:
        marks = _marks(config)
        shutil.rmtree(marks, ignore_errors=True)
        marks.mkdir(parents=True)
        overrides = _overrides(config)
        swept = [override.get_key_element().lstrip("+~") for override in overrides if override.is_sweep_override()]
        (marks.parent / SWEPT).write_text(json.dumps(swept))
        self._config = config
        self._thread = threading.Thread(target=self._watch, args=(marks, _grid_size(overrides)), daemon=True)
        self._thread.start()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Leave the mark of one finished job; runs in the job's own process."""
        if "num" in config.hydra.job:  # in a multirun only
            done = job_return.return_value if job_return.status == JobStatus.COMPLETED else None
            mark = None if done is None else {"key": done.key, "state": done.state}
            (_marks(config) / str(config.hydra.job.num)).write_text(json.dumps(mark))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the report over all rows in the results folder, and say where it lies."""
        self.finish()

    def finish(self) -> None:
        """Tell how the study ended, once. What goes wrong is kept in `error`: Hydra would only warn of it."""
        config = self._config
        if config is None or self.failed is not None:
            return
        self._finished.set()
        if self._thread is not None:
            self._thread.join()
        marks = [json.loads(mark.read_text()) for mark in _marks(config).iterdir()]
        told = sorted((mark["state"] == "run", mark["key"], mark["state"]) for mark in marks if mark)
        states = {key: state for _, key, state in told}  # two jobs may be one cell: the first runs it
        lost = sum(mark is None for mark in marks)
        self.failed = sum(state == "failed" for state in states.values()) + lost
        try:
            self._report(_absolute(config, config.results), states)
        except Exception as error:
            self.error = error

    def _report(self, results: Path, states: dict[str, str]) -> None:
        from shopfloor.study.showing.report import write_report  # matplotlib, which a cell does not need

        before = sum(state == "before" for state in states.values())
        run = sum(state == "run" for state in states.values())
        counts = (
            f"{len(states)} cell{'s' * (len(states) != 1)}: {before} done before, {run} run"
            + f", {self.failed} failed" * bool(self.failed)
        )
        if not any((results / "rows").glob("*.json")) and (results / OFFLINE).exists():
            log.info("%s; no task was played, what came out is in %s", counts, results / OFFLINE)
            return
        try:
            page = write_report(results)
        except Exception as error:
            log.info("%s", counts)
            raise ValueError(f"no report: {one_line(error)}") from error
        log.info("%s%s", counts, _older(page))
        log.info("report: %s", page.resolve())

    def _watch(self, marks: Path, total: int) -> None:
        with tqdm(total=total, desc="cells", unit="cell", disable=None, smoothing=0.1) as bar:
            while not self._finished.wait(POLL):
                bar.update(sum(1 for _ in marks.iterdir()) - bar.n)
            bar.update(sum(1 for _ in marks.iterdir()) - bar.n)


def swept(hydra: HydraConf) -> list[str]:
    """The keys that the study of a job sweeps over, from Hydra's config of the job."""
    path = Path(hydra.runtime.cwd) / hydra.sweep.dir / SWEPT
    keys: list[str] = json.loads(path.read_text()) if path.exists() else []
    return keys


def _older(page: Path) -> str:
    summary = json.loads((page.parent / "summary.json").read_text())
    count = sum(len(panel["older"]) for panel in summary["panels"])
    return f"; {count} of an older code or other libraries stay on disk and are not in this study" if count else ""


def _marks(config: DictConfig) -> Path:
    return _absolute(config, config.hydra.sweep.dir) / "done"


def _absolute(config: DictConfig, folder: str) -> Path:
    """A folder as it was meant: from where the command was given."""
    return Path(config.hydra.runtime.cwd) / folder


def _overrides(config: DictConfig) -> Sequence[Override]:
    params = config.hydra.sweeper.get("params") or {}
    texts = [f"{key}={value}" for key, value in params.items()]
    loader = GlobalHydra.instance().config_loader()  # knows what a glob of config groups stands for
    given = OverridesParser.create(config_loader=loader).parse_overrides([*texts, *config.hydra.overrides.task])
    by_key = {override.get_key_element(): override for override in given}  # the command line's replace the study's
    return list(by_key.values())


def _grid_size(overrides: Sequence[Override]) -> int:
    """How many jobs Hydra's basic sweeper makes of the overrides."""
    return math.prod(len(list(each.sweep_string_iterator())) for each in overrides if each.is_sweep_override())
