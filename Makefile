# Every target sets up what it needs: a virtual environment in .venv, made once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup figures figures-quick test lint derivations derivations-all bench bench-quick bench-record experiments experiments-quick clean

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

setup: $(READY)  ## make the virtual environment (done by every target that needs it)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "scaledet needs Python >= 3.11; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

figures: $(READY)  ## compute and draw every figure into figures/out
	$(BIN)/python figures/run_all.py

figures-quick: $(READY)  ## the same with fewer samples, in seconds
	$(BIN)/python figures/run_all.py --quick

test: $(READY)  ## lint, types, doctests, tests (derivations and quick figures included)
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY)  ## style (ruff), types (mypy strict), direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

derivations: $(READY)  ## check every derivation; write one page each and an index into derivations/out
	$(BIN)/python derivations/publish_all.py

derivations-all: $(READY)  ## check derive at every kind of arguments, dimension and noise, in minutes
	$(BIN)/python derivations/every_call.py

bench: $(READY)  ## measure CPU time and memory; JSON, tables and a picture into benchmarks/out, in minutes
	$(BIN)/python benchmarks/bench.py

bench-quick: $(READY)  ## the same with fewer samples, in seconds
	$(BIN)/python benchmarks/bench.py --quick

bench-record: $(READY)  ## the same as bench, into benchmarks/record, which README quotes
	$(BIN)/python benchmarks/bench.py --out benchmarks/record

experiments: $(READY)  ## train and measure networks on two cores, up to an hour (DATA=DIR adds CIFAR-10)
	$(BIN)/python -m experiments.run_all $(if $(DATA),--data $(DATA))

experiments-quick: $(READY)  ## the same with few and small networks, in three minutes at most
	$(BIN)/python -m experiments.run_all --quick

clean:  ## remove everything that can be made again
	rm -rf $(VENV) build dist figures/out derivations/out benchmarks/out experiments/quick experiments/results/units experiments/results/checkpoints .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
