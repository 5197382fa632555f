# make compare [IMG=photo.png] [ARGS="--size 31"]   the main job
#      GPU=no leaves the GPU out, GPU=cuda12 or GPU=cuda13 installs CuPy unasked
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

# Where an NVIDIA driver shows itself; only a machine with one of these, or told to, is asked more.
GPU ?= auto
$(if $(filter auto no cuda12 cuda13,$(GPU)),,$(error GPU=$(GPU) is unknown: use auto, no, cuda12 or cuda13))
SIGNS := /dev/nvidia* /dev/dxg /proc/driver/nvidia /usr/lib*/libcuda.so.1 /usr/lib/*/libcuda.so.1 \
	/usr/local/nvidia/lib64/libcuda.so.1 /run/opengl-driver/lib/libcuda.so.1
ASK_DRIVER := $(if $(filter auto,$(GPU)),$(wildcard $(SIGNS)),$(filter-out no,$(GPU)))
GPU_SETUP := tools/gpu_setup.py --gpu "$(GPU)"

.DEFAULT_GOAL := compare
.PHONY: compare sweep bench-peers test test-all test-rest lint trust gpu-check gpu-tune \
	machine-code wgpu-counts install gpu tools clean

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

# On a machine with a GPU, in 8 minutes; writes into OUT. Where .venv was set up for the GPU it is
# asked with its Python, else, from the bare tree, with the machine's own.
IN_VENV := $(and $(wildcard .venv/gpu),$(filter file,$(origin PYTHON)))
gpu-check: OUT ?= results
gpu-check: $(if $(IN_VENV),tools)
	@PYTHONPATH=".:tools$${PYTHONPATH:+:$$PYTHONPATH}" $(if $(IN_VENV),$(BIN)/python,$(PYTHON)) \
		-m gpu_check --out "$(OUT)" $(ARGS)

# On a machine with a GPU, in 10 minutes: tries the fused kernel's shapes and writes their table.
gpu-tune:
	@PYTHONPATH=. $(if $(IN_VENV),$(BIN)/python,$(PYTHON)) tools/gpu_tune.py $(ARGS)

# Needs no GPU: counts the CUDA kernels' instructions and writes docs/machine-code.md.
machine-code: tools
	@PYTHONPATH=tests $(BIN)/python tools/machine_code.py

# Needs no GPU: counts what wgpu takes on paper and writes the tables of docs/gpu.md.
wgpu-counts: tools
	@PYTHONPATH=. $(BIN)/python tools/wgpu_counts.py

install: .venv/ready $(if $(ASK_DRIVER),gpu)

gpu: .venv/ready
	@PYTHONPATH=. $(BIN)/python $(GPU_SETUP) set-up

tools: .venv/tools-ready

.venv/ready: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "blurbench needs Python 3.11" \
		"or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another, as make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment:" \
		"install its venv (Debian, Ubuntu: apt install python3-venv), or take another Python" \
		"(make PYTHON=...); in a notebook see docs/notebook.md" >&2; exit 1; }
	@echo "Setting up .venv, once; what is not in pip's cache is fetched:"
	@echo "  1/5  NumPy, SciPy, Pillow, Click, Rich and threadpoolctl (60 MB)"
	@$(PYTHON) -m venv $(if $(ASK_DRIVER),$$(PYTHONPATH=. $(PYTHON) $(GPU_SETUP) venv-options)) .venv
	@$(PIP) --editable ".[threads]"
	@echo "  2/5  Numba, which compiles the fastest blurs (60 MB)"
	@$(PIP) --only-binary numba,llvmlite --editable ".[numba]" || echo "Going on without Numba"
	@echo "  3/5  wgpu, which reaches GPUs of any maker (4 MB)"
	@$(PIP) --only-binary wgpu,cffi --editable ".[wgpu]" || echo "Going on without wgpu"
	@echo "  4/5  OpenCV, scikit-image and libvips, to compare with (90 MB)"
	@$(PIP) --only-binary $(PEERS) --editable ".[peers]" || echo "Going on without the peers"
	@echo "  5/5  tifffile and imagecodecs, which read what Pillow does not read right (27 MB)"
	@$(PIP) --only-binary imagecodecs --editable ".[images]" || echo "Going on without these readers"
	@rm -f .venv/gpu
	@touch $@

.venv/tools-ready: .venv/ready
	@echo "Adding to .venv, once, what tests and checks need: pytest, ruff, mypy, Matplotlib, Altair,"
	@echo "Dask, Zarr, pandas, DuckDB, Selenium and CUDA's compiler"
	@$(PIP) --editable ".[dev]"
	@PYTHONPATH=. $(BIN)/python tools/gpu_setup.py tidy
	@touch $@

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
