# Everything lives in .venv; the stamps in it say what is installed, so that nothing is installed twice.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo run test check bench chaos

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
LIGHT := $(VENV)/.light
DEV := $(VENV)/.with-dev
SCRIPTS := install_ollama.sh .ci/run

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(if $(EXTRAS),$(VENV)/.with-$(EXTRAS),$(LIGHT)) ## Install the light side into .venv (EXTRAS=local,ui adds extras)

demo: $(LIGHT) ## Play a conversation on this machine: no account, key or model needed (ONCE=1: end after it)
	@$(BIN)/python -m simulator demo $(if $(ONCE),--once)

run: $(LIGHT) ## Start the receiver and a worker with the settings in .env
	@$(BIN)/python deploy/run.py

# Whole installations and models: one after the other, with the machine to themselves.
ALONE := tests/e2e tests/local tests/contract/test_llamacpp.py

test: $(DEV) ## Run the tests (ARGS=... for pytest)
ifdef ARGS
	@$(BIN)/pytest $(ARGS)
else
	@$(BIN)/pytest -n 2 --dist loadfile $(ALONE:%=--ignore=%)
	@$(BIN)/pytest $(ALONE)
endif

check: $(DEV) ## Format, lint, types, import rules and shell scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy deploy/run.py deploy/dashboard.py deploy/grafana/make.py
	$(BIN)/lint-imports
	$(BIN)/shellcheck $(SCRIPTS)

bench: $(DEV) ## Measure every figure, beside peers (SHORT=1: smaller loads; PEERS=all: all of them; ONLY="receiver worker")
	@PEERS="$(PEERS)" $(BIN)/python bench $(ONLY) $(if $(SHORT),--short) $(ARGS)

chaos: $(LIGHT) ## Break everything in every way we know and show what became of each message (FULL=1: all trials)
	@$(BIN)/python -m simulator chaos $(if $(FULL),--form full) $(ARGS)

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$python" --version)"; \
			exec "$$python" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Recado needs Python 3.11 or newer, with its venv module; no such Python was found." >&2; \
	echo "On Debian and Ubuntu: sudo apt install python3 python3-venv" >&2; \
	echo "If it is somewhere else: make PYTHON=/path/to/python3 ..." >&2; \
	exit 2

$(LIGHT): pyproject.toml | $(BIN)/python
	@echo "Installing Recado (the light side) into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.with-%: pyproject.toml | $(BIN)/python
	@for extra in $(subst $(COMMA), ,$*); do \
		grep -q "^$$extra = \[" pyproject.toml && continue; \
		echo "There is no extra called $$extra; pyproject.toml lists them." >&2; exit 2; \
	done
	@echo "Installing Recado with $* into $(VENV)"
	@$(PIP) --editable '.[$*]'
	@touch $(LIGHT) $@

COMMA := ,
