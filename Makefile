# Frontdesk: everything a person does with this repository. `make` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# A process starts three times as fast from compiled modules, whatever a shell is told about them.
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.pycache
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
LOCKS := requirements/base.txt requirements/test.txt requirements/dev.txt requirements/uv.txt
PEER_LOCKS := requirements/bench.txt requirements/uv.txt
hash_of = $(shell cat $(1) | $(PYTHON) -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
HASH := $(call hash_of,$(LOCKS))
BASE_STAMP := $(VENV)/.base-$(HASH)
DEV_STAMP := $(VENV)/.dev-$(HASH)
SUPERVISOR := $(BIN)/python -m config.supervisor
BENCHES := $(subst $(eval ) ,|,$(patsubst bench/%.py,%,$(filter-out %/__init__.py,$(wildcard bench/*.py))))
SOURCES := config core tenants conversations knowledge routing billing commerce analytics workflows tests manage.py

.PHONY: help demo up down status test lint types fmt e2e bench chaos lock doctor venv venv-dev venv-bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## Start everything with demo data, print where it is, stop on Ctrl-C
	@exec $(SUPERVISOR) demo

up: venv ## Start everything in the background; returns when it is ready
	@exec $(SUPERVISOR) up

down: ## Stop everything that `up` or `demo` started
	@if [ -x $(BIN)/python ]; then exec $(SUPERVISOR) down; else echo "Frontdesk was not running."; fi

status: venv ## Show the processes of the running stack
	@exec $(SUPERVISOR) status

doctor: venv ## Check this machine and the stack, with a remedy for each problem
	@exec $(BIN)/python manage.py doctor

test: venv-dev ## Run the test suite (ARGS="tests/core -k outbox" for a part)
	@exec $(BIN)/python -m pytest $(ARGS)

lint: venv-dev ## Check style, import order between apps, templates and the API's schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --check --lint --quiet
	FRONTDESK_ENV=test $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

types: venv-dev ## Check types (strict)
	$(BIN)/mypy $(wildcard $(SOURCES) bench)

fmt: venv-dev ## Format Python and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet || true

e2e: venv-dev ## Drive the whole path in a real browser (needs chromium)
	@exec $(BIN)/python -m pytest -c pyproject.toml -o addopts="-ra --strict-markers" -o timeout=600 tests/e2e $(ARGS)

bench: venv-dev $(if $(filter engine sockets,$(NAME)),venv-bench) ## Measure: make bench NAME=chat|retrieval|bursts|resume|fairness|http|...
	@test -n "$(NAME)" || { echo "Say what to measure: make bench NAME=$(BENCHES)"; exit 1; }
	@exec $(BIN)/python -m bench.$(NAME) $(ARGS)

chaos: venv-dev ## Kill processes of a stack of its own while it works (ARGS="--kills 10 --seed 3")
	@exec $(BIN)/python -m bench.chaos $(ARGS)

lock: venv-dev ## Compile requirements/*.in into pinned, hashed locks
	@for name in base test dev bench; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --override requirements/over.txt --output-file requirements/$$name.txt requirements/$$name.in; \
	done

clean: down ## Remove caches and the virtual environment; data under var/ stay
	rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .pycache

# --- the virtual environment, built once per lock; a developer's is never cut down to the base
venv:
	@if [ ! -e $(BASE_STAMP) ] && [ ! -e $(DEV_STAMP) ]; then \
	  if compgen -G "$(VENV)/.dev-*" > /dev/null; then kind=dev; else kind=base; fi; $(install); fi

venv-dev:
	@if [ ! -e $(DEV_STAMP) ]; then kind=dev; $(install); fi

# What engine and sockets are measured beside has an environment of its own: none of it is ours to run.
venv-bench: VENV := .venv-bench
venv-bench: BIN := .venv-bench/bin
venv-bench: HASH = $(call hash_of,$(PEER_LOCKS))
venv-bench:
	@if [ ! -e $(VENV)/.bench-$(HASH) ]; then kind=bench; $(install); fi

# pip (which knows this machine's mirrors) fetches uv; uv installs the lock quickly; where uv cannot
# reach what pip can, pip installs the same lock.
define install
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Frontdesk needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=.")' && \
  echo "Installing requirements/$$kind.txt into $(VENV) (about a minute the first time) ..." && \
  { [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
  { $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/uv.txt && \
    index="$${UV_DEFAULT_INDEX:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}" && \
    env $${index:+"UV_DEFAULT_INDEX=$$index"} $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/$$kind.txt || \
    { echo "uv could not install; trying pip ..." && \
      $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements/$$kind.txt; }; } && \
  rm -f $(VENV)/.base-* $(VENV)/.dev-* $(VENV)/.bench-* && touch $(VENV)/.$$kind-$(HASH)
endef
