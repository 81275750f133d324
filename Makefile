# Stenowire's commands. A machine needs make and Python 3.11 or newer; the rest is set up in .venv on first use.

VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.run ## Make .venv with the command `stenowire` in it
	@echo "Ready: $(BIN)/stenowire --help"

run: $(VENV)/.run ## Start the server and watch it caption a real recording (ARGS=--once to leave afterwards)
	@$(BIN)/stenowire demo $(ARGS)

test: $(VENV)/.dev ## Run the whole test suite (ARGS="-k words" to choose)
	@$(BIN)/stenowire models pull
ifeq ($(strip $(ARGS)),)
	$(BIN)/python -m pytest -q -m unit -n 4 --dist worksteal
	$(BIN)/python -m pytest -m "not unit"
else
	$(BIN)/python -m pytest $(ARGS)
endif

check: $(VENV)/.dev ## Lint, format, types and the import graph
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

bench: $(VENV)/.dev ## Measure accuracy, latency, stability and load (minutes; see bench/)
	@$(BIN)/stenowire models pull
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.dev ## Check that the documentation's links, commands and tables hold
	$(BIN)/python -m pytest -q tests/test_docs.py

LOCK = $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

lock: $(VENV)/.dev ## Pin the dependencies anew from pyproject.toml
	$(BIN)/pip install -q uv
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) --extra dev pyproject.toml -o requirements/dev.txt

clean: ## Remove .venv and what the tools left behind
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: one stamp per set of requirements, so that a second call is instant -----------------------

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/.made
	@echo "Installing what Stenowire needs (once; about 250 MB, a minute or two) ..."
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.made
	@echo "Installing what Stenowire and its tests need (once; about 500 MB, a minute or two) ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-deps -e .
	@touch $@ $(VENV)/.run

# PYTHON=/path/to/python chooses one by hand.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)

$(VENV)/.made:
	@found=; for python in $(PYTHONS); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Stenowire needs Python 3.11 or newer; looked for: $(PYTHONS)." >&2; \
	  echo "Install one, or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$found has no venv module. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$found --version) ..."; \
	{ [ -x $(BIN)/pip ] || $$found -m venv --clear $(VENV); } && touch $@
