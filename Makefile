# make compare [IMG=photo.png] [ARGS="--size 31"]   the main job
# make sweep [IMG=photo.png] [ARGS="--sizes 3:63:2"]   every kernel size
# make test [ARGS=-n8]                              the tests, two (or eight) at a time
# make bench-peers [BUDGET=60]                      ours against the libraries, in minutes
# make trust                                        how often the statistics are right
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PEERS := opencv-python-headless,scikit-image,pyvips-binary,cffi

IMG ?=
ARGS ?=

.DEFAULT_GOAL := compare
.PHONY: compare sweep bench-peers test lint trust gpu-check install clean

compare: install
	@$(BIN)/blurbench compare $(if $(IMG),"$(IMG)") $(ARGS)

sweep: install
	@$(BIN)/blurbench sweep $(if $(IMG),"$(IMG)") $(ARGS)

# Every exact blur on the CPU, on four images, in 16 runs below OUT that share BUDGET minutes; of
# each, 5 s go into starting. Ended at any moment, it goes on where it was when called again.
CPU_BACKENDS = from blurbench.backends.registry import backends; \
	print(*(name for name, one in backends().items() \
	if one.kind == "cpu" and any(each.exact for each in one.implementations)), sep=",")
GREY_CARD = import sys; from blurbench.image import testcard_image, write_image; \
	write_image(sys.argv[1], testcard_image().pixels[..., 0])
bench-peers: BUDGET ?= 60
bench-peers: OUT ?= results/peers
bench-peers: install
	@mkdir -p "$(OUT)"; card="$(OUT)/grey.png"; \
	[ -f "$$card" ] || $(BIN)/python -c '$(GREY_CARD)' "$$card" || exit 2; \
	backends=$$($(BIN)/python -c '$(CPU_BACKENDS)') || exit 2; \
	measuring=$$(($(BUDGET) * 55)); \
	for threads in all 1; do for dtype in float32 uint8; do for border in reflect mirror; do \
	for image in grey colour; do \
		run="$(OUT)/$$image-$$dtype-$$border-$$threads"; \
		if [ -f "$$run/run.json" ]; then set -- --resume "$$run"; else \
			set -- --image-sizes 1920x1080 --budget $$((measuring / 32)); \
			[ $$image = colour ] || set -- "$$card" --image-sizes 512,1024,4096 \
				--budget $$((measuring * 3 / 32)); \
			[ $$threads = all ] || set -- "$$@" --threads 1; \
			set -- "$$@" --sizes 3,5,7,9,15,21,31,49,63,101,151,255 --keep 3 --out "$$run" \
				--backend "$$backends" --dtype $$dtype --border $$border; \
		fi; \
		$(BIN)/blurbench sweep "$$@"; code=$$?; [ $$code -le 1 ] || exit $$code; \
	done; done; done; done; \
	$(BIN)/blurbench show "$(OUT)"/*-*-*/ --against peers

test: install
	@$(BIN)/python -m pytest -n2 --dist worksteal $(ARGS)

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

trust: install
	@$(BIN)/python tools/trust.py $(ARGS)

# On a machine with a GPU, from the bare tree with its own Python, in 8 minutes; writes into OUT.
gpu-check: OUT ?= results
gpu-check:
	@PYTHONPATH=. $(PYTHON) tools/gpu_check.py --out "$(OUT)"

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
