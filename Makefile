# Trunkline. `make` alone, or `make help`, lists what can be done here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PORT ?= 8080
# Extra arguments for the tool behind a target, e.g. `make unit ARGS="-k inbox -x"`.
ARGS ?=
# How many tests run at a time.
JOBS ?= 2

.PHONY: help setup setup-demo setup-browser demo test check unit fuzz bench claims sanitize fmt docs lock clean

help: ## Show this list
	@echo "Trunkline: make TARGET [ARGS=...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-demo ## Start a server on PORT (8080), chat, crash it, prove nothing was lost, call (ONCE=1: then exit)
	@exec $(BIN)/trunkline demo --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once) $(ARGS)

test: check setup-browser ## Everything that must pass before a change lands: check, then all tests (JOBS at a time, 2)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not alone" $(ARGS) || [[ $$? == 5 ]]
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

fuzz: setup ## Property tests with many more examples, and the media kernel's fuzz targets (minutes)
	@tools/fuzz_kernel.sh 5000000
	@$(BIN)/python -m pytest tests/property --hypothesis-profile=fuzz --timeout=1800 $(ARGS)

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

lock: setup ## Write requirements/*.txt again from pyproject.toml (ARGS=--upgrade for the newest)
	@tools/lock.sh $(ARGS)

clean: ## Remove the environment, caches and build output (no data)
	@rm -rf .venv .venv-setup.lock build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/.build
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
