# Everything runs from a virtual environment made from the lock file; nothing is installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := examples/node/node_modules/.package-lock.json

.PHONY: demo test check campaign delivery bench lock docs clean

# Setuptools warns that the code would run from where it lies, which is what is wanted here.
$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The example for Node is tried where Node 20 and npm are; nobody needs them for anything else.
$(NODE_READY): examples/node/package-lock.json
	@if command -v npm > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then \
		npm ci --prefix examples/node --no-audit --no-fund --loglevel=error; \
	fi

demo: $(READY)
	@$(BIN)/python -m dustman.demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check $(NODE_READY)
	$(BIN)/pytest --cov --cov-report=term:skip-covered --cov-fail-under=85
	$(BIN)/coverage report --include='domain/*' --fail-under=95 --skip-covered

# Random accidents to the real processes; ROUNDS and SEED choose how many and which.
ROUNDS ?= 50
SEED ?= $(shell date +%s)
campaign: $(READY)
	CHAOS_ROUNDS=$(ROUNDS) CHAOS_SEED=$(SEED) $(BIN)/pytest tests/chaos/test_campaign.py

# Eight writers of 12,500 events on each store, under kills.
delivery: $(READY)
	DELIVERY_EVENTS_EACH=12500 $(BIN)/pytest tests/events/test_delivery_under_kills.py -k follower --durations=0

bench: $(READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/python -m events.reference
	$(BIN)/python -m events.schemas
	$(BIN)/python -m events.asyncapi
	$(BIN)/python -m dustman.reference

lock: $(READY)
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev --extra export -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV)
