# Everything runs from .venv, which is created from the pinned requirements when it is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests

.PHONY: help demo test test-all lint format docs bench requirements clean chaos sbom audit

help: ## List all targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.runtime: requirements/runtime.txt requirements/attributes.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "facerec needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing facerec into $(VENV) (first time only) ..." >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	@# Without its dependencies, which pin old releases of packages that are used here.
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/attributes.txt
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the tools for tests into $(VENV) (first time only) ..." >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# All that is needed is pinned, and most modules are never imported: this takes a third less time.
INSTALL_TOOLS := -m pip install --quiet --no-deps --no-compile --require-hashes

# An environment of its own: the server installs packages that ours would pick up.
.needledb/.ready: requirements/needledb.txt
	@test -x .needledb/bin/python || $(PYTHON) -m venv .needledb
	@.needledb/bin/python $(INSTALL_TOOLS) -r requirements/needledb.txt
	@touch $@

# Generators of clients, for the tests of the OpenAPI document. Those in JavaScript, and Amazon's SDK,
# are omitted where there is no npm, and their tests skipped.
.venv-clients/.ready: requirements/clients.txt
	@test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	@.venv-clients/bin/python $(INSTALL_TOOLS) -r requirements/clients.txt
	@touch $@

CLIENTS := tests/functional/clients

.clients/.ready: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	@mkdir -p .clients && cp $^ .clients
	@if command -v npm > /dev/null; then \
		echo "Installing clients in JavaScript into .clients (first time only) ..." >&2; \
		npm ci --prefix .clients --silent --no-audit --no-fund --ignore-scripts; \
	fi
	@touch $@

demo: export FACEREC_DATA := .facerec
demo: $(VENV)/.runtime ## Index the example photos, then match a photo that is not among them.
	$(BIN)/facerec index examples/manifest.jsonl --collection demo
	$(BIN)/facerec match examples/probe.jpg --collection demo

lint: $(VENV)/.dev ## Check formatting, lint, types, the stack, the state machine and the Dockerfile.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	$(BIN)/statelint statemachine/index.asl.json
	$(BIN)/hadolint Dockerfile

# Without what make tells a make that it calls itself: some tests run make.
PYTEST := env -u MAKEFLAGS -u MFLAGS $(BIN)/python -m pytest -n auto --dist worksteal

# The tests start hundreds of processes, which would compile all modules again.
test test-all chaos e2e e2e-all: export PYTHONDONTWRITEBYTECODE :=
test test-all: lint .needledb/.ready .venv-sam/.ready .venv-checkov/.ready .venv-clients/.ready .clients/.ready
test: ## Run all checks, and all tests but the long ones (TESTS=tests/unit for some).
	$(PYTEST) -m "not long" $(TESTS)

test-all: ## Run all checks and all tests, before a release (half an hour).
	$(PYTEST) $(TESTS)

format: $(VENV)/.dev ## Format the code and fix what the linter can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Generate the command reference in docs/cli.md from the code.
	$(BIN)/python -m tools.cli_docs

# face_recognition without its dependencies, which would build dlib from source.
$(VENV)/.peer: requirements/peer.txt $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/peer.txt
	@touch $@

# Tests of which `make test` takes a sample of the moments and of the sequences.
SAMPLED = $(shell grep -rlE 'support.moments|"SEQUENCES"' tests --include='test_*.py')

chaos: $(VENV)/.dev ## Run jobs under 10,000 faults and 1,000 kills, and all moments of tests that sample them (an hour).
	$(BIN)/python -m tests.chaos
	FACEREC_EVERY_CALL=1 SEQUENCES=50 $(BIN)/python -m pytest -n auto --dist worksteal --timeout 3600 $(SAMPLED)

sbom: $(VENV)/.dev ## Write the bill of materials of what is shipped to build/sbom.json (CycloneDX).
	@mkdir -p build
	$(BIN)/python -m tools.sbom build/sbom.json

.venv-audit/.ready: requirements/audit.txt
	@test -x .venv-audit/bin/python || $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --require-hashes -r requirements/audit.txt
	@touch $@

audit: .venv-audit/.ready ## Look for known vulnerabilities of what is shipped (needs the network).
	@$(PYTHON) -c 'import urllib.request; urllib.request.urlopen("https://api.osv.dev/v1/vulns/OSV-2020-111", timeout=20)' 2> /dev/null \
		|| { echo "skipped: the advisories at api.osv.dev cannot be reached from here"; exit 0; } \
		&& for file in requirements/runtime.txt batch_job/requirements.txt batch_job/weights.txt lambdas/requirements.txt lambdas/api/requirements.txt; do \
			echo "$$file"; .venv-audit/bin/pip-audit --vulnerability-service osv --disable-pip --require-hashes -r $$file || exit 1; \
		done

bench: $(VENV)/.peer ## Measure speed and memory, compared with face_recognition (10 minutes on an idle machine).
	$(BIN)/python -m benchmarks

requirements: ## Pin the newest allowed releases with hashes (needs pip-tools).
	$(call pin,requirements/runtime.txt,pyproject.toml)
	$(call pin,requirements/dev.txt,--extra aws --extra dev --extra faiss --extra parquet pyproject.toml)
	$(call pin,requirements/needledb.txt,requirements/needledb.in)
	$(call pin,requirements/e2e.txt,requirements/e2e.in)
	$(call pin,requirements/checkov.txt,requirements/checkov.in)
	$(call pin,requirements/clients.txt,requirements/clients.in)
	$(call pin,requirements/audit.txt,requirements/audit.in)
	$(call pin,requirements/sam.txt,--no-strip-extras requirements/sam.in)
	$(call pin,batch_job/requirements.txt,batch_job/requirements.in)
	$(call pin,batch_job/weights.txt,batch_job/weights.in)
	$(call pin,lambdas/requirements.txt,lambdas/requirements.in)
	$(call pin,lambdas/api/requirements.txt,lambdas/api/requirements.in)

pin = $(PYTHON) -m piptools compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate \
	-o $(1) $(2)

clean: ## Remove the environments and the caches of tools.
	rm -rf $(VENV) .needledb .venv-audit .venv-sam .venv-e2e .venv-checkov .venv-clients .clients build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- The stack: on AWS, and on an emulator of it -------------------------------------------------

STACK ?= facerec
# x86_64 or arm64. A deployment keeps that of the previous one.
ARCHITECTURE ?=
# Parameters of the stack, such as PARAMETERS='PineconeSecretArn=arn:... PineconeIndexName=faces'.
# A deployment keeps those of the previous one.
PARAMETERS ?=
# Interpreter of the Lambda functions, for which their wheels are built.
E2E_PYTHON ?= python3.11

.PHONY: e2e e2e-all images image deploy teardown

.venv-checkov/.ready: requirements/checkov.txt
	@test -x .venv-checkov/bin/python || $(PYTHON) -m venv .venv-checkov
	@echo "Installing checkov into .venv-checkov (first time only) ..." >&2
	@.venv-checkov/bin/python $(INSTALL_TOOLS) -r requirements/checkov.txt
	@touch $@

# Separate environments: the SAM CLI and the emulator pin conflicting releases.
.venv-sam/.ready: requirements/sam.txt
	@test -x .venv-sam/bin/python || $(PYTHON) -m venv .venv-sam
	@echo "Installing the SAM CLI into .venv-sam (first time only) ..." >&2
	@# Extras are listed as packages, since pip would look for them by another name.
	@.venv-sam/bin/python $(INSTALL_TOOLS) -r requirements/sam.txt
	@touch $@

.venv-e2e/.ready: requirements/e2e.txt
	@test -x .venv-e2e/bin/python || $(E2E_PYTHON) -m venv .venv-e2e
	@echo "Installing the emulator into .venv-e2e (first time only) ..." >&2
	@.venv-e2e/bin/python $(INSTALL_TOOLS) -r requirements/e2e.txt
	@touch $@

images: ## Build both images into build/images without a container engine (needs root, buildah, debootstrap).
	$(PYTHON) -m tools.images build/images

e2e e2e-all: $(VENV)/.dev .venv-sam/.ready .venv-e2e/.ready
e2e: ## Deploy the stack to an emulator of AWS and run a job there, without the long tests.
	$(call e2e,FACEREC_E2E_PHOTOS=$(E2E_PHOTOS) ,-m "not long")

e2e-all: ## Deploy stacks to an emulator of AWS, and run all end-to-end tests (ten minutes).
	$(call e2e)

# Enough that a child of two is killed between its steps.
E2E_PHOTOS := 320

# Where images cannot be built, the tests say why.
define e2e
$(BIN)/python -m tools.images build/images || test $$? = 3
$(1)FACEREC_E2E=1 env -u MAKEFLAGS -u MFLAGS $(BIN)/python -m pytest tests/e2e --durations=10 $(2)
endef

# These need the AWS CLI and the SAM CLI of the machine, and nothing of this project's environments.
image: ## Build the image of the jobs and push it to Amazon ECR (needs aws and Docker).
	deploy/push_image.sh $(STACK) $(ARCHITECTURE)

# By the environment, since values may contain what the shell would read, such as rate(1 hour).
deploy: export PARAMETERS := $(PARAMETERS)
deploy: ## Build and deploy the stack (needs aws, sam and Docker; PARAMETERS='Name=Value ...').
	deploy/deploy.sh $(STACK) $(ARCHITECTURE)

teardown: ## Delete the stack and all its data (needs aws and sam).
	deploy/teardown.sh $(STACK)
