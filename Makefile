PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check install -q --require-hashes
UV := $(shell command -v uv)
MANAGE = .venv/bin/python manage.py

.DEFAULT_GOAL := run
.PHONY: run test fuzz check requirements bench lock

run: .venv/.run
	@$(MANAGE) up

test: .venv/.dev
	@.venv/bin/python -m pytest

check: .venv/.dev
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING
	$(PRODUCTION) DATABASE_URL=postgresql://127.0.0.1:1/none \
	.venv/bin/python -W ignore manage.py makemigrations --check --dry-run

# As a production host is set up; the migrations are looked at without a database.
PRODUCTION = @set -a; . ./.ci/production.env;

# Every requirement with the tests that prove it; fails while one is open.
requirements: .venv/.dev
	@.venv/bin/python -m tests.requirements

# 900 cases and more for each phase; FUZZ_SEED chooses others.
fuzz: .venv/.dev
	@FUZZ_CASES=900 .venv/bin/python -m pytest tests/messaging/api/test_fuzz.py

bench: .venv/.dev
	@.venv/bin/python -m bench

OLD = import sys; sys.exit(sys.version_info < (3, 11) and 'Waxwing needs Python 3.11 or newer')

# What is installed is exactly what the locks name: with uv where there is one, else with pip.
.venv/.run: requirements-embedded.lock
.venv/.dev: requirements-dev.lock | .venv/.run
.venv/.run .venv/.dev:
	@$(PYTHON) -c "$(OLD)"
	@echo "Installing $< ..."
ifdef UV
	@test -x .venv/bin/python || uv venv -q --python $(PYTHON) .venv
	@uv pip install -q --compile-bytecode --require-hashes -p .venv/bin/python -r $<
else
	@.venv/bin/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv .venv
	@$(PIP) -r $<
endif
	@touch $@

# The locks hold hashes for every platform and name no host. Dev first: the others agree with it.
LOCK = $(or $(UV),.venv/tools/bin/uv) pip compile -q --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url
lock:
	@command -v uv >/dev/null || test -x .venv/tools/bin/uv || \
	{ $(PYTHON) -m venv .venv/tools && .venv/tools/bin/pip install -q uv; }
	$(LOCK) --extra embedded --group dev pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra embedded -c requirements-dev.lock pyproject.toml -o requirements-embedded.lock
	$(LOCK) -c requirements-dev.lock pyproject.toml -o requirements.lock
