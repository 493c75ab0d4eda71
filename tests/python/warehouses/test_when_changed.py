"""A table is left alone, or made, for the same reasons on every warehouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.python.warehouses.conftest import EVERY_TARGET
from tests.python.warehouses.scratch_loop import ScratchLoop

KEPT = "{{ config(materialized='when_changed') }} "
HAS_HAPPENED = "{{ headwater.has_happened('sold_at', ref('sales')) }}"
MODELS = {
    "sales": KEPT
    + "select {{ headwater.timestamp_literal('2026-11-23 18:00:00') }} as sold_at, cast(1.5 as {{ dbt.type_numeric() }}) as amount, "
    "true as is_paid, cast(null as {{ dbt.type_string() }}) as note",
    "seen": "{{ config(materialized='view') }} select * from {{ ref('sales') }}",
    "sold": KEPT + "select sold_at, amount from {{ ref('sales') }} where " + HAS_HAPPENED,
    "totals": KEPT + "select sum(amount) as total from {{ ref('sold') }}",
    "counted": KEPT
    + "with seen as (select * from {{ ref('seen') }}) select count(*) as sale_count from seen",
    "of_counted": KEPT + "select sale_count + 1 as more from {{ ref('counted') }}",
    "clock": KEPT + "select amount, current_timestamp as made_at from {{ ref('sales') }}",
}


@pytest.mark.parametrize("name", EVERY_TARGET)
def test_what_changed_is_made_and_nothing_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    scratch = ScratchLoop(name, tmp_path, MODELS)

    def made(as_of: str, *words: str) -> set[str]:
        log = scratch.folder / "logs/dbt.log"
        log.unlink(missing_ok=True)
        scratch.dbt("run", "--vars", f"{{cdp_as_of: '{as_of}'}}", *words, run=as_of)
        told = re.findall(r"\]: (\w+): (made, since|left alone)", log.read_text())
        assert {model for model, _ in told} == set(MODELS) - {"seen"}
        return {model for model, what in told if what == "made, since"}

    try:
        assert made("2026-11-23 12:00:00") == set(MODELS) - {"seen"}
        assert made("2026-11-23 12:00:00") == {"clock"}
        assert made("2026-11-23 13:00:00") == {"clock"}
        assert made("2026-11-23 19:00:00") == {"clock", "sold", "totals"}
        assert [row["total"] for row in scratch.rows(scratch.schema, "totals")] == [
            pytest.approx(1.5)
        ]
        path = scratch.folder / "models/engine/sales.sql"
        path.write_text(MODELS["sales"].replace("1.5", "2.5"))
        assert made("2026-11-23 19:00:00") == {"clock", "sales", "sold", "totals", "counted"}
        assert made("2026-11-23 19:00:00", "--full-refresh") == set(MODELS) - {"seen"}
    finally:
        scratch.drop()
