# Everything lives in .venv; the stamps in it say what is installed, so that nothing is installed twice.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo run test chromium browser check bench chaos

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
LIGHT := $(VENV)/.light
DEV := $(VENV)/.with-dev
SCRIPTS := install_ollama.sh .ci/run

# What judges the pages' accessibility; the sum is of its one file.
AXE_VERSION := 4.14.1
AXE_SHA256 := 29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
AXE := $(VENV)/axe/node_modules/axe-core/axe.min.js

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(if $(EXTRAS),$(VENV)/.with-$(EXTRAS),$(LIGHT)) ## Install the light side into .venv (EXTRAS=local,ui adds extras)

demo: $(LIGHT) ## Play a conversation on this machine: no account, key or model needed (ONCE=1: end after it)
	@$(BIN)/python -m simulator demo $(if $(ONCE),--once)

run: $(LIGHT) ## Start the receiver and a worker with the settings in .env
	@$(BIN)/python deploy/run.py

# Three at a time keep two cores at work, for whole installations mostly wait: they go first, beside those that compute.
# Those that judge times have the machine to themselves.
HEAVY := tests/e2e/test_chaos_more.py tests/local/test_adapters.py tests/e2e/test_chaos_short.py tests/local tests/browser \
	tests/e2e tests/contract/test_llamacpp.py
TIMED := tests/e2e/test_fairness.py tests/e2e/test_slow_clients.py tests/e2e/test_bench_short.py
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder

test: $(DEV) ## Run the tests (ARGS=... for pytest)
ifdef ARGS
	@$(BIN)/pytest $(ARGS)
else
	@$(BIN)/pytest $(SIDE_BY_SIDE) $(HEAVY) tests $(TIMED:%=--ignore=%)
	@$(BIN)/pytest $(TIMED)
endif

chromium: $(VENV)/.with-dev,ui,browser $(AXE) ## Install what the tests in a browser need
	@$(HAVE_CHROMIUM)

browser: chromium ## Test both pages in a real browser (headless Chromium; ARGS=... for pytest)
	@BROWSER_TESTS=required $(BIN)/pytest $(or $(ARGS),tests/browser)

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

$(AXE): Makefile | $(BIN)/python
	@command -v npm >/dev/null || { echo "npm is missing; on Debian and Ubuntu: sudo apt install npm" >&2; exit 2; }
	@echo "Installing axe-core $(AXE_VERSION)"
	@npm install --silent --no-save --ignore-scripts --prefer-offline --prefix $(VENV)/axe axe-core@$(AXE_VERSION)
	@echo "$(AXE_SHA256)  $@" | sha256sum --check --quiet
	@touch $@

# The browser that is there, else Debian's, where we may.
define HAVE_CHROMIUM
for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	command -v "$$name" >/dev/null && exit 0; \
done; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing Debian's Chromium"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
else \
	echo "Chromium is missing; on Debian: sudo apt install chromium" >&2; \
	exit 2; \
fi
endef

COMMA := ,
