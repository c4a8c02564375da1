# One command each; `make` alone lists them. Everything happens in .venv and var/, nothing on the machine
# (but Debian's Chromium, which `make test` installs for the browser tests where it is missing and may be installed).

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
INSTALLED := .venv/.installed
PYTEST_ARGS ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

$(INSTALLED): requirements.lock pyproject.toml scripts/install
	@scripts/install

.PHONY: install
install: $(INSTALLED) ## .venv with the locked dependencies

.PHONY: run
run: $(INSTALLED) ## a working shop on this machine: Kafka, worker, web, a supplier to try with, sample events
	@exec $(BIN)/streamer up

.PHONY: test
test: $(INSTALLED) chromium lint types ## style, types and every test, those against a real Kafka included
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: lint
lint: $(INSTALLED) ## ruff: rules and form
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "ruff: make format mends the form" >&2; exit 1; }

.PHONY: format
format: $(INSTALLED) ## ruff: mends the form and what it can of the rules
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	@$(BIN)/mypy --no-error-summary

.PHONY: chaos
chaos: $(INSTALLED) ## kills things for minutes and looks what is left
	@$(BIN)/python -m pytest -m chaos --timeout 3600 $(PYTEST_ARGS)

.PHONY: bench
bench: $(INSTALLED) ## the measurements, peers beside us
	@$(BIN)/python -m benchmarks

.PHONY: schemas
schemas: $(INSTALLED) ## renders schemas/ from the messages and the topics
	@$(BIN)/streamer schemas

.PHONY: platform
platform: $(INSTALLED) ## the files of a new platform: make platform NAME=acme
	@test -n "$(NAME)" || { echo "Name the platform: make platform NAME=acme" >&2; exit 2; }
	@$(BIN)/streamer new-platform "$(NAME)"

.PHONY: chromium
chromium:
	@scripts/chromium

.PHONY: lock
lock: $(INSTALLED) ## pins the newest dependencies that fit, with hashes
	@$(BIN)/python -m pip install --quiet uv==0.13.9
	@$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements.lock

.PHONY: wheel
wheel: $(INSTALLED) ## dist/*.whl, with topics/ and schemas/ in it
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: clean
clean: ## removes var/ (the local Kafka's data too) and what tools have cached
	@rm -rf var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
