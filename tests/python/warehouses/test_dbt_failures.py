"""What failed when dbt last ran it is remembered in the warehouse until it passes, alike on every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.commands import BuildError
from tests.python.warehouses.conftest import EVERY_TARGET
from tests.python.warehouses.scratch_loop import ScratchLoop

MODELS = {
    "shaky": "{{ exceptions.raise_compiler_error('shaken') if execute and var('is_broken') }} select 1 as one",
    "after_it": "select one from {{ ref('shaky') }}",
    "beside_it": "select 2 as two",
}
SETTINGS = {"on-run-start": ["{{ create_sync_tables() }}"], "vars": {"is_broken": False}}


def failures(scratch: ScratchLoop) -> dict[str, str]:
    rows = scratch.rows(scratch.sync_schema, "dbt_failures")
    assert all(row["failed_at"].tzinfo is None for row in rows)
    return {row["unique_id"].split(".")[2]: row["status"] for row in rows}


@pytest.mark.parametrize("name", EVERY_TARGET)
def test_what_failed_is_remembered_until_it_passes(name: str, tmp_path: Path) -> None:
    scratch = ScratchLoop(name, tmp_path, MODELS, settings=SETTINGS)
    scratch.environment["HEADWATER_ENVIRONMENT"] = "live"
    try:
        scratch.dbt("run", run="well")
        assert failures(scratch) == {}
        with pytest.raises(BuildError, match="shaken"):
            scratch.dbt("run", "--vars", "is_broken: true", run="broken")
        assert failures(scratch) == {"shaky": "error", "after_it": "skipped"}
        scratch.dbt("run", "--select", "beside_it", run="another")
        scratch.dbt("compile", run="compiled")
        assert failures(scratch) == {"shaky": "error", "after_it": "skipped"}
        scratch.dbt("run", "--select", "after_it", run="one of them")
        assert failures(scratch) == {"shaky": "error"}
        scratch.dbt("run", run="mended")
        assert failures(scratch) == {}
        scratch.environment["HEADWATER_ENVIRONMENT"] = "sandbox"
        scratch.dbt("run", "--select", "beside_it", run="of the sandbox")
        assert failures(scratch) == {"beside_it": "sandbox"}
        scratch.environment["HEADWATER_ENVIRONMENT"] = "live"
        scratch.dbt("run", "--select", "beside_it", run="live again")
        assert failures(scratch) == {}
    finally:
        scratch.drop()
