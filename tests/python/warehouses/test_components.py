"""A long chain in order of its ids, which takes every turn of the contraction, is one component on every warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.warehouses.conftest import EVERY_TARGET
from tests.python.warehouses.scratch_loop import ScratchLoop

LENGTH = 1600
DIGITS = " union all ".join(f"select {digit} as digit" for digit in range(40))
MODELS = {
    "chained": "{{ config(materialized='components') }} "
    f"with digits as ({DIGITS}), "
    "numbers as (select cast(upper.digit * 40 + lower.digit - 300 as {{ dbt.type_bigint() }}) as number "
    "from digits as upper cross join digits as lower) "
    "select number as left_key, number + 1 as right_key from numbers"
}


@pytest.mark.parametrize("name", EVERY_TARGET)
def test_a_long_chain_in_order_is_one_component(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    scratch = ScratchLoop(name, tmp_path, MODELS)
    try:
        scratch.dbt("run", run="chain")
        rows = scratch.rows(scratch.schema, "chained")
        assert {row["component"] for row in rows} == {-300}
        assert sorted(row["node"] for row in rows) == list(range(-300, LENGTH - 299))
        assert "__scratch_shuffled_labels" in (scratch.folder / "logs/dbt.log").read_text()
    finally:
        scratch.drop()
