# make compare [IMG=photo.png] [ARGS="--size 31"]   the main job
# make sweep [IMG=photo.png] [ARGS="--sizes 3:63:2"]   every kernel size
# make test                                         the tests
# make trust                                        how often the statistics are right
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PEERS := opencv-python-headless,scikit-image,pyvips-binary,cffi

IMG ?=
ARGS ?=

.DEFAULT_GOAL := compare
.PHONY: compare sweep test lint trust gpu-check install clean

compare: install
	@$(BIN)/blurbench compare $(if $(IMG),"$(IMG)") $(ARGS)

sweep: install
	@$(BIN)/blurbench sweep $(if $(IMG),"$(IMG)") $(ARGS)

test: install
	@$(BIN)/python -m pytest $(ARGS)

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

trust: install
	@$(BIN)/python tests/trust.py $(ARGS)

# On a machine with a GPU, from the bare tree with its own Python, in 8 minutes; writes into OUT.
GPU_TESTS = $(shell grep -lE 'mark\.gpu|@on_gpu' tests/test_*.py)
GPU_BACKENDS = from blurbench.backends.registry import backends, probe; \
	print(*(name for name, one in backends().items() if one.kind == "gpu" and probe(one).ok))
gpu-check: OUT ?= results
gpu-check:
	@status=0; began=$$(date +%s); \
	$(PYTHON) -m pytest -m gpu -p no:cacheprovider $(GPU_TESTS) || status=1; \
	for name in $$($(PYTHON) -c '$(GPU_BACKENDS)'); do \
		timeout 60 $(PYTHON) -m blurbench verify --backend $$name || { status=1; \
			echo "verify of $$name failed, or was not finished in 60 s"; }; \
	done; \
	left=$$((470 + began - $$(date +%s))); \
	PYTHONPATH=. $(PYTHON) tests/gpu_check.py --out "$(OUT)" --budget "$$left" || status=1; \
	exit $$status

install: .venv/ready

.venv/ready: pyproject.toml
	@echo "Setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable ".[dev]"
	@$(PIP) --only-binary numba,llvmlite --editable ".[numba]" || echo "Going on without Numba"
	@$(PIP) --only-binary $(PEERS) --editable ".[peers]" || echo "Going on without the peers"
	@touch $@

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
