# The commands of the README; CI calls these and nothing else.
VENV    ?= .venv
BIN     := $(VENV)/bin
PYTHON  ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
             $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
LINT    := .venv-lint/bin
VENV_SF ?= .venv-sf
VENV_BQ ?= .venv-bq
VENV_V2 ?= .venv-v2

export DBT_PROFILES_DIR ?= .
export DBT_SEND_ANONYMOUS_USAGE_STATS ?= false
export DO_NOT_TRACK ?= 1

# A pinned file of requirements into a virtual environment: by uv, which pip brings in where it is missing; by pip where that fails.
# The environments beside the first are made by its uv.
UV_VERSION := 0.13.9
define install
	@test -n "$(PYTHON)" || { echo "Error: Python 3.11 or newer is needed and none was found."; \
	  echo "Hint:  install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 2; }
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	 test -x $(1)/python || { test -x "$$uv" && "$$uv" venv -q --seed -p $(PYTHON) $(dir $(1)); } || $(PYTHON) -m venv $(dir $(1)); \
	 test -x "$$uv" || uv=$(1)/uv; pip="$(1)/python -m pip install -q --disable-pip-version-check"; \
	 { test -x "$$uv" || $$pip uv==$(UV_VERSION); } \
	 && "$$uv" pip install -q --compile-bytecode -p $(1)/python -r $(2) || $$pip -r $(2)
endef

.PHONY: help
help:  ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(VENV)/.setup profiles.yml  ## install what the project runs on into .venv

$(VENV)/.setup: pyproject.toml requirements/base.txt
	$(call install,$(BIN),requirements/base.txt)
	@$(BIN)/uv pip install -q -p $(BIN)/python --no-deps -e . 2>/dev/null \
	 || $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.setup-dev: $(VENV)/.setup requirements/dev.txt
	$(call install,$(BIN),requirements/dev.txt)
	@touch $@

$(LINT)/../.setup: requirements/lint.txt
	$(call install,$(LINT),requirements/lint.txt)
	@touch $@

# The stand-ins of the warehouses: an environment each, for their pins exclude one another.
$(VENV_SF)/.setup: requirements/stand-in-snowflake.txt
	$(call install,$(VENV_SF)/bin,$<)
	@touch $@

$(VENV_BQ)/.setup: requirements/stand-in-bigquery.txt
	$(call install,$(VENV_BQ)/bin,$<)
	@touch $@

# dbt's v2 engine; where it cannot be had, a line says so and the file is not made.
$(VENV_V2)/.setup: requirements/engine-v2.txt scripts/engine_v2.py
	@$(PYTHON) scripts/engine_v2.py $(VENV_V2)

# A CRM of others, which one of the long tests brings in.
$(VENV)/.setup-long: $(VENV)/.setup-dev requirements/long.txt
	$(call install,$(BIN),requirements/long.txt)
	@touch $@

# The adapters of Snowflake and BigQuery beside DuckDB's; the versions of what both need are the same.
$(VENV)/.setup-all: $(VENV)/.setup-dev requirements/all.txt
	$(call install,$(BIN),requirements/all.txt)
	@touch $@

profiles.yml:
	@cp profiles.yml.example profiles.yml
	@echo "Copied profiles.yml.example to profiles.yml: the embedded DuckDB, headwater.duckdb."

.PHONY: demo
demo: setup  ## the whole loop on demo data, in a sandbox: no account needed
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo.sh

# Three on two cores: many tests wait for processes that they started.
.PHONY: test
test: setup $(VENV)/.setup-dev  ## pytest; among its tests are the commands of the README, so dbt's own tests on a fresh DuckDB too
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

.PHONY: test-long
test-long: setup $(VENV)/.setup-long  ## more cases and random examples of what make test shows: half an hour
	HEADWATER_TEST_EXAMPLES=5 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "long or property"

# Models whose SQL is their macro's.
WRITTEN = path:models/demo/audiences path:models/demo/journeys path:models/demo/activation path:models/engine/audiences \
  path:models/engine/identity/matching

# sqlfluff renders in one process what it lints in two: mypy has the other meanwhile.
.PHONY: lint
lint: setup $(VENV)/.setup-dev $(LINT)/../.setup  ## ruff, mypy, import rules, portable SQL, sqlfluff
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m tests.python.dialects.portable
	$(BIN)/mypy & types=$$!; \
	  HEADWATER_DUCKDB_PATH=target/lint.duckdb DBT_TARGET_PATH=target/lint $(LINT)/python scripts/lint_sql.py lint --processes 2 models; \
	  linted=$$?; wait $$types && exit $$linted

# Where the index that knows them cannot be asked, a line says so.
.PHONY: audit
audit: $(LINT)/../.setup  ## known vulnerabilities in what is pinned
	@$(LINT)/python scripts/audit.py requirements/all.txt

.PHONY: lint-written
lint-written: setup $(LINT)/../.setup  ## sqlfluff on the SQL that macros write: two minutes, not in CI
	rm -rf target/written
	HEADWATER_DUCKDB_PATH=target/lint.duckdb DBT_TARGET_PATH=target/written $(BIN)/dbt --quiet compile --select $(WRITTEN) \
	  --vars '{cdp_matching: {enabled: true, entities: [person, account]}}'
	$(LINT)/python scripts/lint_sql.py lint --processes 2 --ignore-local-config --config scripts/written.sqlfluff --disregard-sqlfluffignores target/written/compiled

STAND_INS = VENV_SF=$(VENV_SF) VENV_BQ=$(VENV_BQ) $(PYTHON) scripts/stand_ins/control.py

.PHONY: stand-ins
stand-ins: $(VENV_SF)/.setup $(VENV_BQ)/.setup  ## start local stand-ins of Snowflake and BigQuery
	@$(STAND_INS) start

.PHONY: stand-ins-stop
stand-ins-stop:  ## stop them
	@$(STAND_INS) stop

# loadgroup hands out one test at a time, in order.
.PHONY: test-stand-ins
test-stand-ins: setup $(VENV)/.setup-all $(VENV_SF)/.setup $(VENV_BQ)/.setup  ## the tests of both warehouses, on stand-ins of their own
	@$(STAND_INS) run $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not live" \
	  --ignore tests/python/warehouses/test_drift.py tests/python/warehouses  # drift is make test's

.PHONY: test-dialects
test-dialects: setup $(VENV)/.setup-all  ## every statement in the dialects of Snowflake and BigQuery; no server
	$(BIN)/python -m pytest -q -n 2 --dist loadscope tests/python/dialects tests/python/unit/test_statements.py

.PHONY: test-engine-v2
test-engine-v2: setup $(VENV)/.setup-dev $(VENV_V2)/.setup  ## the demo and the team project on dbt's v2 engine: every test, and the tables of 1.11
	@test ! -e $(VENV_V2)/.setup || HEADWATER_V2_VENV=$(VENV_V2) $(BIN)/python -m pytest -q -n 2 tests/python/engine_v2

.PHONY: test-snowflake
test-snowflake: setup $(VENV)/.setup-all  ## the same on a real account of Snowflake (docs/warehouses.md)
	HEADWATER_TEST_TARGET=$${HEADWATER_TEST_TARGET:-snowflake} $(BIN)/python -m pytest -q -m live tests/python/warehouses

.PHONY: test-bigquery
test-bigquery: setup $(VENV)/.setup-all  ## the same on a real project of BigQuery (docs/warehouses.md)
	HEADWATER_TEST_TARGET=$${HEADWATER_TEST_TARGET:-bigquery} $(BIN)/python -m pytest -q -m live tests/python/warehouses

.PHONY: build
build: setup  ## dbt build
	$(BIN)/dbt build

.PHONY: docs
docs: setup  ## dbt's catalogue of models, as a page in target/
	$(BIN)/dbt docs generate --static

.PHONY: lock
lock:  ## write the pinned requirements anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml \
	  --extra dev --extra snowflake --extra bigquery -o requirements/all.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml \
	  --extra dev -c requirements/all.txt -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate pyproject.toml \
	  -c requirements/all.txt -o requirements/base.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements/lint.in \
	  -o requirements/lint.txt
	for name in snowflake bigquery; do uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate \
	  requirements/stand-in-$$name.in -o requirements/stand-in-$$name.txt; done

.PHONY: clean
clean:  ## remove what commands made: warehouse, target, sandbox, exports
	rm -rf target logs exports .headwater headwater.duckdb headwater.duckdb.wal
