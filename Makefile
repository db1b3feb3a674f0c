# quotadeck: make run, make demo, make test, make bench
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run demo test check bench clean

help:
	@echo "make run    open the dashboard"
	@echo "make demo   the same with made-up numbers: no account, no network"
	@echo "make test   format, lint, types and all tests"
	@echo "make bench  measure start, refresh, idle and log scan"

run: $(STAMPS)/run
	@$(BIN)/quotadeck $(ARGS)

demo: $(STAMPS)/run
	@$(BIN)/quotadeck --demo $(ARGS)

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(STAMPS)/test
	$(BIN)/ruff format --check tui tests
	$(BIN)/ruff check tui tests
	$(BIN)/mypy

bench: $(STAMPS)/test
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "quotadeck needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1 || echo missing)."; \
	  echo "Name another one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "The module venv is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV), once."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(STAMPS)/run: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: $(STAMPS)/run
	@$(PIP) -e '.[test]'
	@touch $@
