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
    for number in range(len(ASKS)):  # what sync audience asks of each
        text = (tmp_path / "models" / f"audience_ask{number}.sql").read_text()
        asked = "headwater.audience_rows(headwater.compiled_audience(definition, 'asked'))"
        text = text.replace("headwater.audience(definition)", asked)
        (tmp_path / "models" / f"rows_of_ask{number}.sql").write_text(text)
    folder = tmp_path / dialect
    folder.mkdir()
    offline = Offline(dialect)
    offline.build(folder, existing=False, project=tmp_path)
    assert offline.parsed()
    rows = {one.node for one in offline.statements if "rows_of_ask" in one.node}
    assert len(rows) == len(ASKS)
    spoken = {one.node for one in offline.statements if "audience_ask" in one.node}
    assert len(spoken) == len(ASKS)
