"""Run one cell of a study, or with -m a grid of them; finished cells are not run again.

shopfloor train agent=knn data.episodes=30
shopfloor train -m agent=bc,knn data.episodes=10,30,100 seed=0,1
shopfloor train +study=default

A study's cells run in processes of their own: one that fails costs itself, is recorded with its reason in
results/failures/ and named in the report, and the same command tries it again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from shopfloor.study import callbacks
from shopfloor.study.composed import asked, composed, folder_of_command
from shopfloor.study.running.failures import failure_key, forget_failure, record_failure
from shopfloor.study.running.isolation import Broken, Ended, broken_by, isolated
from shopfloor.study.running.reasons import EXPECTED
from shopfloor.study.running.rows import OFFLINE, read_row

log = logging.getLogger(__name__)

CONFIG = "train"
ALWAYS_SAID = ("task", "agent", "data.episodes", "seed")  # in a cell's log line


def main(arguments: Sequence[str]) -> None:
    """Run the verb. Raises whatever a single cell raised; ValueError where cells of a study failed."""
    callbacks.latest = None
    try:
        composed(job, CONFIG, arguments)
    finally:
        study = callbacks.latest
        if study is not None:
            study.finish()  # has its report, even where the launcher itself broke
    if study is not None and study.error is not None:
        raise study.error
    if study is not None and study.failed:
        cells = "1 cell" if study.failed == 1 else f"{study.failed} cells"
        raise ValueError(f"{cells} failed, for the reasons in the report; the same command tries again")


class Objective(float):
    """What one job gives: to a sweeper that optimises, a number; to the study, which cell it was and how it went.

    The number is the success rate on validation episodes, or nan: nothing is chosen on test episodes.
    """

    key: str
    state: str  # run, before or failed

    def __new__(cls, value: float, key: str = "", state: str = "") -> Self:
        """A number that also says which cell it is of."""
        made = super().__new__(cls, value)
        made.key, made.state = key, state
        return made


def job(config: DictConfig) -> Objective:
    """One job of Hydra's."""
    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    base = folder_of_command()
    if not isinstance(config.get("results"), str):
        raise ValueError(f"results {config.get('results')!r}, want the path of a folder")
    results = base / config.results
    if hydra.mode == RunMode.MULTIRUN:
        return _one_of_many(config, overrides, base, results)
    from shopfloor.study.commands import train  # heavy; a study's cells import it in processes of their own

    try:
        done = train(asked(config), base=base)
    except Exception as error:
        if not isinstance(error, EXPECTED):  # whose text would be all that is recorded
            _record(results, config, overrides, broken_by(error), "")
        raise
    forget_failure(results, _as_asked(config))
    if done.before:
        log.info("this cell was done before")
    print(done.path)
    return _objective(done.path, before=done.before)


def _objective(path: Path, *, before: bool) -> Objective:
    if path.parent.name == OFFLINE:  # which has no success rate
        return Objective(math.nan, path.stem, "before" if before else "run")
    row = read_row(path)
    chosen_on = row["cell"]["evaluation"]["split"] == "validation"
    outcomes = row["evaluation"]["success"]
    rate = sum(outcomes) / len(outcomes) if chosen_on else math.nan
    return Objective(rate, path.stem, "before" if before else "run")


def _one_of_many(config: DictConfig, overrides: Sequence[str], base: Path, results: Path) -> Objective:
    """Run a study's cell in a process of its own; nothing that happens to it is raised."""
    hydra = HydraConfig.get()
    swept = _swept(overrides, callbacks.swept(hydra))
    said = " ".join(swept.values())
    beside = " ".join(text for key, text in swept.items() if key not in ALWAYS_SAID)
    logging_config = OmegaConf.to_container(hydra.job_logging, resolve=True)
    logged = Path(hydra.runtime.output_dir) / f"{hydra.job.name}.log"
    start = logged.stat().st_size if logged.exists() else 0
    try:
        values = asked(config)
        limit = values.get("time_limit")
        limit_s = 3600 * limit if isinstance(limit, (int, float)) else None
        ended: Ended[tuple[Path, bool]] = isolated(
            _cell, values, base, logging_config, hydra.verbose, beside, limit_s=limit_s
        )
    except Exception as error:  # the config cannot even be resolved
        ended = Ended(None, broken_by(error))
    if ended.broken is None and ended.value is not None:
        forget_failure(results, _as_asked(config))
        row, before = ended.value
        return _objective(row, before=before)
    assert ended.broken is not None
    path = _record(results, config, overrides, ended.broken, _since(logged, start))
    log.error("failed: %s: %s (%s)", said or "cell", ended.broken.reason, path)
    return Objective(math.nan, failure_key(_as_asked(config)), "failed")


def _swept(overrides: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """Of a cell's overrides those that a study sweeps over, by key."""
    by_key = {override.split("=")[0].lstrip("+~"): override for override in overrides}
    return {key: by_key[key] for key in keys if key in by_key}


def _cell(config: Mapping[str, Any], base: Path, logging_config: Any, verbose: Any, label: str) -> tuple[Path, bool]:
    """What runs in the process of its own."""
    configure_log(OmegaConf.create(logging_config), verbose)
    from shopfloor.study.commands import train

    done = train(config, base=base, label=label)
    return done.path, done.before


def _record(results: Path, config: DictConfig, overrides: Sequence[str], broken: Broken, log_text: str) -> Path | None:
    """Record a failure, if it can be: where results cannot be written, that is the failure."""
    try:
        return record_failure(results, _as_asked(config), overrides, broken, log_text)
    except OSError as error:
        log.error("%s", error)
        return None


def _as_asked(config: DictConfig) -> dict[str, Any]:
    """The config as it was asked for, which may not resolve."""
    try:
        return asked(config)
    except Exception:
        raw = OmegaConf.to_container(config, resolve=False)
        assert isinstance(raw, dict)
        return {str(name): value for name, value in raw.items()}


def _since(path: Path, start: int) -> str:
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(start)
        return file.read()
