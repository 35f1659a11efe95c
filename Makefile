# Every target does its own set-up: a virtual environment in $(VENV), exact versions from constraints.txt.
PYTHON ?= python3
VENV   ?= .venv
CORES  ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count())")
READY  := $(VENV)/.ready

.PHONY: help setup demo test test-fast lint format clean

help:
	@echo "make demo       the whole workflow on virtual scans, on any laptop (under 25 minutes on 2 cores)"
	@echo "make test       style checks and all tests"
	@echo "make test-fast  the tests that take seconds"
	@echo "make setup      only the virtual environment"
	@echo "make format     bring the code into house style"
	@echo "make clean      remove the virtual environment (results stay)"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11, 4) and 'Python 3.11.4 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(VENV)/bin/snakemake --cores $(CORES) --configfile config/demo/config.yaml --quiet rules
	@cat results/demo/tables/table*.md
	@echo "Everything on one page, figures and scans too: open results/demo/report.html in a browser"

test: lint
	$(VENV)/bin/python -m pytest

test-fast: $(READY)
	$(VENV)/bin/python -m pytest -m "not slow"

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check workflow

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/snakefmt workflow

clean:
	rm -rf $(VENV)
