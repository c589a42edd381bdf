# What can be done here: make help
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SSLYZE := .venv-sslyze
SOURCES := bot handlers checks sandbox demo tests deployment
# Whatever this machine is used to: what is compiled is kept, or each of the hundred starts in the tests compiles all again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo demo-reset run check collected scanner test referees bench soak format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.installed-node: tests/sandbox/node/package-lock.json tests/referees/node/package-lock.json $(VENV)/.installed-dev
	@if $(BIN)/python -m tests.sandbox.nodejs; then touch $@; fi

# Our own modules are compiled here, so that the first start is as quick as the others.
$(VENV)/.installed-demo: $(VENV)/.installed
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo]'
	@$(BIN)/python -m compileall -q bot handlers checks sandbox demo
	@touch $@

# sslyze needs an older cryptography than we do, and has another licence: it lives by itself.
$(SSLYZE)/.installed: tests/referees/sslyze.txt
	$(PYTHON) -m venv $(SSLYZE)
	$(SSLYZE)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

demo: $(VENV)/.installed-demo ## a small production, a Slack workspace in the browser, and the bot: no account needed
	@$(BIN)/python -m demo

demo-reset: ## forget everything that the demonstration remembers
	rm -rf var

run: $(VENV)/.installed ## the bot against real Slack: SLACK_BOT_TOKEN and SLACK_APP_TOKEN from the environment
	@$(BIN)/python -m bot run

check: $(VENV)/.installed-dev ## format, lint, types, imports: the quick part
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports --no-cache

# What pytest compiles of the tests is kept for its four workers; meanwhile the other processor checks types.
collected: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest --collect-only --quiet >/dev/null || true

# Without it the tests that ask sslyze are skipped, and say so; make referees insists on it.
scanner: $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory $(SSLYZE)/.installed || echo "sslyze could not be installed; what it says is not compared."

test: $(VENV)/.installed-dev ## everything that is checked, the tests in the browser among it
	@$(MAKE) --no-print-directory --jobs 2 check collected scanner $(VENV)/.installed-node
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

referees: $(VENV)/.installed-node $(SSLYZE)/.installed ## our verdicts beside those of tools that others wrote: docs/comparison.md
	@command -v testssl > /dev/null || { echo "testssl is not installed; Debian's package of it is testssl.sh." >&2; exit 1; }
	CI=true $(BIN)/python -m pytest tests/referees tests/referees/with_testssl.py

bench: $(VENV)/.installed-dev ## how long 200 checks take beside the slowest of them, and with how much memory
	@$(BIN)/python -m tests.bench.checks

soak: $(VENV)/.installed-dev ## bots killed at random on SQLite and PostgreSQL, five minutes; KILLS= for longer, SEED= to repeat
	$(BIN)/python -m pytest tests/real/soak.py --capture=no

format: $(VENV)/.installed-dev ## write the code as the formatter does
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
