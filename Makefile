# Everything from a fresh machine with Python 3.11 and make. `make` alone lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
TRAIN = OMP_NUM_THREADS=1 PYTHONWARNINGS="ignore:A worker stopped:UserWarning,ignore:resource_tracker:UserWarning" \
	$(BIN)/shopfloor train -m hydra/launcher=joblib hydra.launcher.n_jobs=$(JOBS) \
	hydra.launcher.batch_size=1 threads=1

.PHONY: help setup study quick suite headline calibrate test test-slow lint types bench clean

help:
	@echo "make study      install and run the default study: two agents, five volumes, three seeds; prints where its report lies"
	@echo "make quick      the same path in two minutes, too small for a law"
	@echo "make suite      the tables of docs/suite.md: every task's expert, and behaviour cloning against random actions"
	@echo "make headline   the forecast of the default study, checked at 2,000 and 4,000 demonstrations; an hour on two cores"
	@echo "make calibrate  how often forecasts hold on simulated curves, into docs/statistics.md; half an hour"
	@echo "make test       install and run the tests"
	@echo "make test-slow  the tests that take long: every task, more episodes, killed studies"
	@echo "make lint       ruff"
	@echo "make types      mypy"
	@echo "make bench      speed, as ratios"
	@echo "make clean      remove the environment and caches; results in outputs/ stay"

setup: $(VENV)/.ready

# torch first, alone, from the CPU index; a machine that cannot reach that index takes the pin from where pip finds it
$(VENV)/.ready: pyproject.toml constraints/cpu.txt shopfloor/__init__.py
	@test -n "$(PYTHON)" || { echo "error: no python3.11 or python3 found, want Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('error: ' + sys.version.split()[0] + ', want Python 3.11 or newer')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --retries 1 -c constraints/cpu.txt torch
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	@touch $@

study: setup
	$(TRAIN) +study=default

quick: setup
	$(TRAIN) +study=quick

# Kept figures go back into the page; the rows that they come from stay in outputs/
suite: setup
	$(TRAIN) +study=experts
	$(TRAIN) +study=suite
	$(BIN)/shopfloor report outputs/experts --into docs/suite.md
	$(BIN)/shopfloor report outputs/suite --into docs/suite.md

headline: setup
	$(TRAIN) +study=headline
	$(BIN)/shopfloor report outputs/headline --until 1000

calibrate: setup
	$(BIN)/shopfloor calibrate --seed 2 --studies results/default results/headline --into docs/statistics.md

test: setup
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist worksteal -rs

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

bench: setup
	$(BIN)/shopfloor bench

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
