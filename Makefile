# Every target makes what it needs; nothing is installed by hand.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup quickstart test check bench docs golden

setup: $(STAMP)

# torch comes first and alone: any later range is then met by it, and no CUDA build is drawn in on a CPU machine
$(STAMP): constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[fast,hub,report,dev]"
	touch $(STAMP)

quickstart: $(STAMP)
	$(BIN)/titrant run quickstart

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs README.md CHANGELOG.md DECISIONS.md
	$(BIN)/python -m pytest
