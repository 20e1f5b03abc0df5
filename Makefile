# Trunkline. `make` alone, or `make help`, lists what can be done here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Tests start hundreds of processes. Where the environment forbids bytecode, each would compile every module anew.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PORT ?= 8080
# Extra arguments for the tool behind a target, e.g. `make unit ARGS="-k inbox -x"`.
ARGS ?=
# How many tests run at a time: they wait more than they compute.
JOBS ?= 3

.PHONY: help setup setup-demo setup-browser setup-pages web demo test check unit fuzz bench bench-web losslab claims sanitize fmt docs lock clean

help: ## Show this list
	@echo "Trunkline: make TARGET [ARGS=...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-demo setup-pages ## Chat, crash, prove, call in the console; then the site on PORT (8080). ONCE=1: no site. TLS=1: for phones
	@exec $(BIN)/trunkline demo --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(TLS)),--tls) $(ARGS)

test: ## Everything that must pass before a change lands: check, then all tests (JOBS at a time, 3)
	@$(MAKE) -j 2 check setup-browser
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not alone and not paired" $(ARGS) || [[ $$? == 5 ]]
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m paired $(ARGS) || [[ $$? == 5 ]]
	@$(BIN)/python -m pytest -m alone $(ARGS) || [[ $$? == 5 ]]

check: setup ## Style, types, layer contracts, module sizes (seconds)
	@tools/check.sh

unit: setup ## Only the quick tests (unit and property)
	@$(BIN)/python -m pytest tests/unit tests/property -m "not slow" $(ARGS)

claims: setup ## The reliability claims in full: crashes, power loss, bad networks; writes docs/reliability.md
	@$(BIN)/python -m tests.claims --full $(ARGS)

bench: setup ## The speed claims against other systems in one run; writes a report with a plot
	@$(BIN)/python -m bench $(ARGS)

losslab: setup ## Speech and video through an emulated bad network, scored; writes docs/losslab.md (a quarter of an hour)
	@tools/losslab_setup.sh
	@$(BIN)/python -m bench.losslab $(ARGS)

bench-web: setup-browser setup ## The web client in Chromium: scrolling, the live room at 200 comments per second, first interaction
	@$(BIN)/python -m bench.web $(ARGS)

fuzz: setup ## Property tests with many more examples, and the media kernel's fuzz targets (minutes)
	@tools/fuzz_kernel.sh 5000000
	@$(BIN)/python -m pytest tests/property --hypothesis-profile=fuzz --timeout=1800 $(ARGS)

web: ## Build the packages of web/ from their lock file: client, components, demo site; check their types
	@tools/web_setup.sh
	@cd web && npm run build --silent && npm run check --silent

sanitize: setup ## The tests of the native link path and the media kernel with address and undefined-behaviour sanitizers in it
	@tools/sanitize.sh $(ARGS)

fmt: setup ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

docs: setup ## Write the pages derived from the code again (error codes, configuration, OpenAPI)
	@$(BIN)/python tools/generate_docs.py

setup: ## Create or update .venv with everything for development
	@tools/setup.sh dev

setup-browser:
	@tools/browser_setup.sh

setup-demo:
	@tools/setup.sh demo

# Nobody looks at the site with ONCE=1, and without it the console part still runs.
setup-pages:
	@$(if $(filter-out 0,$(ONCE)),true,tools/pages_setup.sh try)

lock: setup ## Write requirements/*.txt again from pyproject.toml (ARGS=--upgrade for the newest)
	@tools/lock.sh $(ARGS)

clean: ## Remove the environment, caches and build output (no data)
	@rm -rf .venv .venv-setup.lock .pages-setup.lock build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/.build
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
