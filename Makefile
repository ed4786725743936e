# Everything runs from .venv, which is made from the pinned requirements at first need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests

.PHONY: help demo test lint format bench requirements clean

help: ## List the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "facerec needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing facerec into $(VENV) (first time only) ..." >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the tools for tests into $(VENV) (first time only) ..." >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Its own environment: the server brings packages that ours would pick up.
.needledb/.ready: requirements/needledb.txt
	@test -x .needledb/bin/python || $(PYTHON) -m venv .needledb
	@.needledb/bin/python -m pip install --quiet --require-hashes -r requirements/needledb.txt
	@touch $@

demo: export FACEREC_DATA := .facerec
demo: $(VENV)/.runtime ## Index the example photos, then find out who is on a photo that was not among them.
	$(BIN)/facerec index examples/manifest.jsonl --collection demo
	$(BIN)/facerec match examples/probe.jpg --collection demo

lint: $(VENV)/.dev ## Check formatting, lint, types, the stack, the state machine and the Dockerfile.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	$(BIN)/statelint statemachine/index.asl.json
	$(BIN)/hadolint Dockerfile

test: lint .needledb/.ready ## Run all checks and all tests (TESTS=tests/unit for some).
	$(BIN)/python -m pytest -n auto $(TESTS)

format: $(VENV)/.dev ## Format the code and mend what the linter can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# face_recognition without its dependencies, which would build dlib from source.
$(VENV)/.peer: requirements/peer.txt $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/peer.txt
	@touch $@

bench: $(VENV)/.peer ## Measure what is claimed about speed and memory, beside face_recognition (10 minutes).
	$(BIN)/python -m benchmarks

requirements: ## Pin the newest releases that are allowed, with hashes (needs pip-tools).
	$(call pin,requirements/runtime.txt,pyproject.toml)
	$(call pin,requirements/dev.txt,--extra aws --extra dev pyproject.toml)
	$(call pin,requirements/needledb.txt,requirements/needledb.in)
	$(call pin,batch_job/requirements.txt,batch_job/requirements.in)
	$(call pin,batch_job/weights.txt,batch_job/weights.in)
	$(call pin,lambdas/requirements.txt,lambdas/requirements.in)
	$(call pin,lambdas/api/requirements.txt,lambdas/api/requirements.in)

pin = $(PYTHON) -m piptools compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate \
	-o $(1) $(2)

clean: ## Remove the environment and what the tools left behind.
	rm -rf $(VENV) .needledb build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
