# make compare [IMG=photo.png] [ARGS="--size 31"]   the main job
# make sweep [IMG=photo.png] [ARGS="--sizes 3:63:2"]   every kernel size
# make test [ARGS=-n8]                              the tests for every commit, two (or eight) at a time
# make test-all                                     these and all others
# make lint                                         ruff and mypy
# make bench-peers [BUDGET=60]                      ours against the libraries, in minutes
# make trust                                        how often the statistics are right
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PEERS := opencv-python-headless,scikit-image,pyvips-binary,cffi
PYTEST := $(BIN)/python -m pytest -n2 --dist worksteal

IMG ?=
ARGS ?=

.DEFAULT_GOAL := compare
.PHONY: compare sweep bench-peers test test-all test-rest lint trust gpu-check gpu-tune machine-code install tools clean

compare: install
	@$(BIN)/blurbench compare $(if $(IMG),"$(IMG)") $(ARGS)

sweep: install
	@$(BIN)/blurbench sweep $(if $(IMG),"$(IMG)") $(ARGS)

bench-peers: BUDGET ?= 60
bench-peers: OUT ?= results/peers
bench-peers: install
	@$(BIN)/python tools/bench_peers.py --budget "$(BUDGET)" --out "$(OUT)"

test: tools
	@$(PYTEST) $(ARGS)

test-all: test test-rest

test-rest: tools
	@$(PYTEST) --checks rest $(ARGS)

lint: tools
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

trust: install
	@$(BIN)/python tools/trust.py $(ARGS)

# On a machine with a GPU, from the bare tree with its own Python, in 8 minutes; writes into OUT.
gpu-check: OUT ?= results
gpu-check:
	@PYTHONPATH=. $(PYTHON) tools/gpu_check.py --out "$(OUT)"

# On a machine with a GPU, in 10 minutes: tries the fused kernel's shapes and writes their table.
gpu-tune:
	@PYTHONPATH=. $(PYTHON) tools/gpu_tune.py $(ARGS)

# Needs no GPU: counts the fused kernel's instructions and writes docs/machine-code.md.
machine-code: tools
	@PYTHONPATH=tests $(BIN)/python tools/machine_code.py

install: .venv/ready

tools: .venv/tools-ready

.venv/ready: pyproject.toml
	@echo "Setting up .venv, once; what is not in pip's cache is fetched:"
	@echo "  1/3  NumPy, SciPy, Pillow, Click, Rich and threadpoolctl (60 MB)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable ".[threads]"
	@echo "  2/3  Numba, which compiles the fastest blurs (60 MB)"
	@$(PIP) --only-binary numba,llvmlite --editable ".[numba]" || echo "Going on without Numba"
	@echo "  3/3  OpenCV, scikit-image and libvips, to compare with (90 MB)"
	@$(PIP) --only-binary $(PEERS) --editable ".[peers]" || echo "Going on without the peers"
	@touch $@

.venv/tools-ready: .venv/ready
	@echo "Adding to .venv, once, what tests and checks need: pytest, ruff, mypy, Matplotlib, Altair,"
	@echo "Dask, Zarr, pandas, DuckDB, Selenium and CUDA's compiler"
	@$(PIP) --editable ".[dev]"
	@touch $@

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
