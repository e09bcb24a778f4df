# Every target makes what it needs; nothing is installed by hand.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# one thread a process: two threads beside another busy process are slower than one
export OMP_NUM_THREADS ?= 1

.PHONY: setup quickstart test lint check bench docs golden

setup: $(STAMP)

# torch comes first and alone: any later range is then met by it, and no CUDA build is drawn in on a CPU machine
$(STAMP): constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[archives,contracts,fast,hub,judge,report,suites,dev]"
	touch $(STAMP)

quickstart: $(STAMP)
	$(BIN)/titrant run quickstart

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell src tests docs bench README.md CHANGELOG.md DECISIONS.md

check: lint test

bench: $(STAMP)
	$(BIN)/python bench/planning.py
	$(BIN)/python bench/loader.py
	$(BIN)/python bench/training.py

docs: $(STAMP)
	$(BIN)/python docs/make_reference.py

# goldens are text: regenerate, then read the difference before committing it
golden: $(STAMP)
	TITRANT_GOLDEN=1 $(BIN)/python -m pytest -q -k golden
	git diff --stat tests/golden
