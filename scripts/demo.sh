#!/usr/bin/env bash
# The whole loop on demo data: raw sources -> profiles -> audiences -> destinations (a sandbox) -> results -> profiles.
set -euo pipefail
cd "$(dirname "$0")/.."

export DBT_PROFILES_DIR="${DBT_PROFILES_DIR:-.}"
export HEADWATER_ENVIRONMENT=sandbox                 # dbt and sync: stand-ins of the vendors, no account needed
export HEADWATER_AS_OF="2026-11-23 12:00:00"         # the day the demo data ends
export DBT_EXCLUDE_RESOURCE_TYPES=unit_test           # they test the SQL, not the data: make test runs them
export DBT_LOG_LEVEL_FILE="${DBT_LOG_LEVEL_FILE:-info}"  # two debug logs of 45,000 lines are nothing a first look needs
export HEADWATER_DUCKDB_PATH="${HEADWATER_DUCKDB_PATH:-headwater.duckdb}"

LATER="2026-11-27 12:00:00"

database() {
  printf '%s/%s' "$(cd "$(dirname "$HEADWATER_DUCKDB_PATH")" && pwd)" "$(basename "$HEADWATER_DUCKDB_PATH")"
}

# Whether this warehouse has seen the later day: a journey's log takes no step of a day before its last.
been_here() {
  [ -f "$HEADWATER_DUCKDB_PATH" ] && grep -qsF "'$(database)'" .headwater/demo.env \
    && grep -qsF "'$LATER'" .headwater/demo.env
}

# For the shell that looks around afterwards, on this warehouse and no other: the tool reads it, and dbt's shell can (README).
remember() {
  mkdir -p .headwater && chmod 700 .headwater
  printf "export %s='%s'\n" HEADWATER_ENVIRONMENT sandbox HEADWATER_AS_OF "$HEADWATER_AS_OF" \
    DBT_EXCLUDE_RESOURCE_TYPES unit_test HEADWATER_DUCKDB_PATH "$(database)" > .headwater/demo.env
}

say() { printf '\n\033[1m%s\033[0m\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

if been_here; then
  say "1-4/6  The demo was here before and goes on at its last day; to begin anew: rm $HEADWATER_DUCKDB_PATH && make demo"
else
  # What stands at the stand-ins was sent from a warehouse that is no more: its people would be others of the same address.
  [ -f "$HEADWATER_DUCKDB_PATH" ] || rm -rf .headwater/sandbox .headwater/sandbox.sqlite*
  remember
  say "1/6  Load the demo's raw tables: shop, app, web, CRM, support, loyalty, consent"
  run dbt --quiet seed --select path:seeds/demo
  say "2/6  Resolve identities, build profiles, audiences, journeys"
  run dbt --quiet build
  say "3/6  Send to the destinations"
  run sync push
  say "4/6  Bring the results back"
  run sync pull
fi
say "5/6  Four days later: results flow into profiles and journeys, and the next steps are sent"
export HEADWATER_AS_OF="$LATER"
remember
run dbt --quiet build
run sync push
say "6/6  What came of it"
run sync report
say "Look around, in this shell:"
printf '  . .venv/bin/activate\n  sync status\n  sync push            # nothing changed, so nothing is sent\n  . .headwater/demo.env   # before dbt of your own: the same day, the same sandbox\n'
