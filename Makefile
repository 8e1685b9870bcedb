# Every target sets up .venv when it is missing or older than pyproject.toml and constraints.txt; nothing else is needed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-faults check format bench bench-gpu clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
CODE := analysis cluster evaluation models sweep tests benchmarks
DEMO := runs/quickstart

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Train, score and report 8 small autoencoders on this machine; again = resume
	@$(BIN)/aesweep launch quickstart --store $(DEMO)
	@$(BIN)/aesweep report $(DEMO)
	@echo "Look at $(DEMO)/report/index.html (figures, tables, pictures); the numbers are in $(DEMO)/tables/*.parquet."

# Two processes with a thread each: with torch's two each they wait for one another.
test: $(STAMP) ## Run the tests; choose with ARGS, e.g. make test ARGS='-m slow tests/sweep'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(STAMP) ## Run the slow tests that need no fault, GPU, network, weights or browser (some 15 minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --timeout 900 --durations=10 \
		-m 'slow and not faults and not gpu and not network and not weights and not browser' $(ARGS)

test-faults: $(STAMP) ## Run the slow tests of faults: killed processes, full disks, lost nodes, clocks (some 90 minutes)
	$(BIN)/python -m pytest -n 0 -m faults --timeout 900 --durations=10 $(ARGS)

check: $(STAMP) ## Lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=benchmarks $(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy benchmarks/*.py

format: $(STAMP) ## Sort imports and format
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

# gpu_suite.py needs a GPU and images, and is left to bench-gpu.
bench: $(STAMP) ## Run the benchmarks; results are written to docs/benchmarks/
	@for file in $(filter-out benchmarks/page.py benchmarks/gpu_suite.py,$(wildcard benchmarks/*.py)); do echo "$$file"; $(BIN)/python "$$file"; done

# In the order of their worth: a GPU may be there for a quarter of an hour. WHEELS is for a machine without a package registry.
bench-gpu: $(STAMP) ## Run the benchmarks of a GPU; IMAGES=FOLDER with train/ and test/ in it, WHEELS=FOLDER of the peers
	@[ -n "$(IMAGES)" ] || { echo "Give a folder of images: make bench-gpu IMAGES=/path/to/images" >&2; exit 2; }
	$(BIN)/python benchmarks/gpu_suite.py --images "$(IMAGES)"
	$(BIN)/python benchmarks/training_throughput.py --device cuda --filters 16 32 64 128 --rounds 3 --steps 100 --folder "$(IMAGES)"
	$(BIN)/python benchmarks/peers.py --device cuda --filters 16 32 64 128 --rounds 3 --steps 200 $(if $(WHEELS),--wheels "$(WHEELS)")
	$(BIN)/python benchmarks/evaluation.py --device cuda

clean: ## Remove .venv, caches and builds; results in runs/ stay
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that an interrupted installation is done again.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "aesweep needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)."; \
		echo "Name another one: make PYTHON=/path/to/python3.12 …"; exit 1; } >&2
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { \
		echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu install python3-venv."; exit 1; } >&2
	@echo "Installing into .venv (some minutes: PyTorch and Ray are large) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
