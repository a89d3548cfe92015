# Each target works alone on a machine with Python 3.11 and pip: it makes its own environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test lint golden bench ci clean

help:  ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY)  ## Deploy, run, break, mend and resume flows on this machine
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: $(READY)  ## Run all tests
	$(BIN)/pytest -n auto

lint: $(READY)  ## Check style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" lint-imports

golden: $(READY)  ## Rewrite the goldens of the examples, to be read before they are committed
	SFNFLOW_WRITE_GOLDENS=1 $(BIN)/pytest tests/golden

bench: $(READY)  ## Measure against Metaflow's own commands
	$(BIN)/python bench/run.py

ci: lint test  ## What CI runs

clean:  ## Remove the environment and what tests left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
