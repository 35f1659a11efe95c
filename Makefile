# Every target does its own set-up: a virtual environment in $(VENV), exact versions from constraints.txt.
PYTHON ?= python3
VENV   ?= .venv
CORES  ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count())")
# Processes that tests are spread over.
TESTERS ?= $(shell $(PYTHON) -c "import os; print(min(os.cpu_count(), 4))")
READY  := $(VENV)/.ready
# A second environment on top of the first: one of the packages that we are compared with wants other versions than ours.
BENCH       := $(VENV)-bench
BENCH_READY := $(BENCH)/.ready
PEERS       := voxelmorph fireants
FIND_SITE   := import sysconfig; print(sysconfig.get_path("purelib"))
# Where it is set, each of a workflow's hundreds of processes compiles torch and all else again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo bench test test-fast test-slurm demo-slurm lint format clean

help:
	@echo "make demo       the whole workflow on virtual scans, on any laptop (under 20 minutes on 2 cores)"
	@echo "make bench      speed and memory against plain forms and other packages (QUICK=1: tiny, does it work)"
	@echo "make test       style checks and all tests"
	@echo "make test-fast  the tests that take seconds"
	@echo "make test-slurm the workflow through a real SLURM on this machine (Debian: slurmctld slurmd slurm-client munge)"
	@echo "make demo-slurm the finished demo again through that SLURM, and whether every number is the same (half an hour)"
	@echo "make setup      only the virtual environment"
	@echo "make format     bring the code into house style"
	@echo "make clean      remove the virtual environments (results stay)"

setup: $(READY)

# Not compiled: Python does that for what it imports, and more than half the time went into the rest.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11, 4) and 'Python 3.11.4 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[dev]"
	@touch $(READY)

demo: $(READY)
	$(VENV)/bin/snakemake --cores $(CORES) --config study=demo --quiet rules
	@cat results/demo/tables/table*.md
	@echo "Everything on one page, figures and scans too: open results/demo/report.html in a browser"

bench: $(BENCH_READY)
	$(BENCH)/bin/python -m benchmarks.run $(if $(QUICK),--quick --output results/benchmarks_quick/results.tsv)

$(BENCH_READY): benchmarks/constraints.txt | $(READY)
	$(VENV)/bin/python -m venv $(BENCH)
	$(VENV)/bin/python -c '$(FIND_SITE)' > $$($(BENCH)/bin/python -c '$(FIND_SITE)')/below.pth
	@for peer in $(PEERS); do \
	    $(BENCH)/bin/python -m pip install --quiet --constraint benchmarks/constraints.txt $$peer \
	        || echo "$$peer does not install here: it will be left out"; \
	done
	@touch $(BENCH_READY)

test: lint
	$(VENV)/bin/python -m pytest --numprocesses $(TESTERS)

test-fast: $(READY)
	$(VENV)/bin/python -m pytest --numprocesses $(TESTERS) -m "not slow"

test-slurm: $(READY)
	$(VENV)/bin/python -m pytest -rP tests/workflow/test_slurm.py

demo-slurm: demo
	SPNET_LOCAL_DEMO=$(CURDIR) $(VENV)/bin/python -m pytest -rP tests/workflow/test_slurm.py -k whole_demo

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check workflow

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/snakefmt workflow

clean:
	rm -rf $(VENV) $(BENCH)
