# Every target sets up what it needs: on a fresh machine, `make demo` and `make test` are the first commands.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
JOBS   ?= 3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint check format bench chaos lock clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  \033[1m%-8s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Options go in ARGS, as in: make test ARGS='-k decode -x'"

setup: $(VENV)/.artifacts ## make .venv with everything in it: libraries, juice, Kafka, ClickHouse

demo: setup ## start everything, replay real events, show the answers, stop
	$(BIN)/juice demo $(ARGS)

test: setup ## run all tests, those on a real Kafka and ClickHouse included
	$(BIN)/python -m pytest -n $(JOBS) --no-loadscope-reorder $(ARGS)

check: setup ## lint, formatting, types, known faults and licences of what is pinned
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m infra.dependencies

lint: check ## the same as check

format: setup ## put the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure throughput beside other engines, on this machine
	$(BIN)/python -m infra.bench $(ARGS)

chaos: setup ## kill, freeze and cut everything, then count
	CHAOS_ROUNDS=$${CHAOS_ROUNDS:-100} $(BIN)/python -m pytest tests/integration/test_chaos.py \
		tests/integration/test_crash_points.py
	$(BIN)/python -m tests.faults --write $(ARGS)

lock: setup ## resolve the dependencies anew and pin them by hash
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --group dev --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --quiet -o requirements.lock
	$(BIN)/python -m infra.stack.install --lock

clean: ## stop the local stack and remove all that was made here
	-@[ ! -x $(BIN)/juice ] || $(BIN)/juice down --wipe
	rm -rf $(VENV) .juice .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each step is done again only when what it depends on has changed.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "juice needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.libraries: requirements.lock | $(VENV)/bin/python
	@echo "Libraries: installing what requirements.lock pins (a minute or two) …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.juice: pyproject.toml $(VENV)/.libraries
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.artifacts: infra/stack/pins.json infra/stack/artifacts.py $(VENV)/.juice
	$(BIN)/python -m infra.stack.install
	@touch $@
