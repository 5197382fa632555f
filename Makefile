# make compare [IMG=photo.png] [ARGS="--size 31"]   the main job
# make test                                         the tests
PYTHON ?= python3
BIN := .venv/bin

IMG ?=
ARGS ?=

.DEFAULT_GOAL := compare
.PHONY: compare test lint gpu-check install clean

compare: install
	@$(BIN)/blurbench compare $(if $(IMG),"$(IMG)") $(ARGS)

test: install
	@$(BIN)/python -m pytest $(ARGS)

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Runs from the bare tree with a Python that has CuPy; writes into OUT.
gpu-check: OUT ?= results
gpu-check:
	@$(PYTHON) -m pytest -m gpu -p no:cacheprovider tests
	@$(PYTHON) -m blurbench verify --backend cupy,cupyx
	@$(PYTHON) -m blurbench compare --size 15 --out "$(OUT)/gpu-compare-15"
	@$(PYTHON) -m blurbench compare --size 101 --out "$(OUT)/gpu-compare-101"

install: .venv/ready

.venv/ready: pyproject.toml
	@echo "Setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
