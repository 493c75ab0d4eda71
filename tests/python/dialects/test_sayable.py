"""Every ask of the list of audiences in the dialects of the other warehouses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.python.audiences.test_sayable import ASKS, make_asks
from tests.python.dialects.offline import Offline


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_every_ask_is_spoken_in_the_dialect(dialect: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(f"dbt.adapters.{dialect}") is None:
        pytest.skip(f"dbt-{dialect} is not installed: pip install 'headwater[{dialect}]'")
    make_asks(tmp_path, tmp_path / "unused.duckdb")
    folder = tmp_path / dialect
    folder.mkdir()
    offline = Offline(dialect)
    offline.build(folder, existing=False, project=tmp_path)
    assert offline.parsed()
    spoken = {one.node for one in offline.statements if "audience_ask" in one.node}
    assert len(spoken) == len(ASKS)
