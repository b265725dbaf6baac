# Every target works from a fresh clone; what it needs is installed first. `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
PYTEST := $(BIN)/python -m pytest
JOBS ?= 2
EXAMPLES ?= 100

.DEFAULT_GOAL := help
.PHONY: help up down demo status install install-dev gen lint fmt test unit e2e fuzz bench requirements release-contract clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

up: install ## start the whole platform and stay in the foreground
	@exec $(BIN)/trellis up

down: install ## stop it
	@$(BIN)/trellis down

demo: install ## walk a newcomer's journey against the running platform
	@$(BIN)/trellis demo

status: install ## show what runs
	@$(BIN)/trellis status

install: $(VENV)/.run ## make the virtual environment with what running needs
install-dev: $(VENV)/.dev ## … and with what developing needs

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trellis needs Python 3.11 or newer; name one with PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what running needs …"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements/run.txt | grep -v 'already satisfied' || test $${PIPESTATUS[0]} -eq 0
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what developing needs …"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt | grep -v 'already satisfied' || test $${PIPESTATUS[0]} -eq 0
	@touch $@

gen: install-dev ## derive everything from proto/, .env.example from every config.py and docs/cli.md
	@$(BIN)/python -m compiler
	@$(BIN)/python -m services.chassis.env_example
	@$(BIN)/python -m cli.reference

lint: install-dev ## contracts, generated files, migrations, format, types, layers
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code --path proto/trellis
	$(BIN)/buf build --path proto/trellis -o -#format=binpb | $(BIN)/buf breaking -#format=binpb --against proto/released.binpb
	$(BIN)/python -m compiler.lint
	$(BIN)/python -m compiler --check
	$(BIN)/python -m compiler.diff
	$(BIN)/python -m services.chassis.env_example --check
	$(BIN)/python -m cli db lint
	$(BIN)/python -m cli.reference --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: install-dev ## format code and contracts
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w --path proto/trellis

test: install-dev ## every suite, on real PostgreSQL, Valkey and Envoy
	$(PYTEST) -n $(JOBS) --dist loadgroup tests

unit: install-dev ## only what needs no engine
	$(PYTEST) tests/unit tests/architecture

e2e: install-dev ## only the journeys through the edge
	$(PYTEST) tests/e2e

fuzz: install-dev ## try every REST operation at random, longer than make test does
	TRELLIS_FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) tests/e2e/test_schemathesis.py

bench: install-dev ## measure, print the table and keep it in benchmarks/
	$(BIN)/python -m benchmarks

requirements: install-dev ## pin requirements/*.in again, with hashes
	@for name in run dev; do $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade requirements/$$name.in --output-file requirements/$$name.txt; done

release-contract: gen ## make today's contract the one that changes are compared with
	$(BIN)/buf build --exclude-source-info --path proto/trellis -o proto/released.binpb
	cp gen/openapi/trellis.json proto/released.openapi.json

clean: ## remove the environment and caches; data in .trellis/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache
