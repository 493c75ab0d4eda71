"""Every ask of the list of audiences in the dialects of the other warehouses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from sqlglot import exp
from sqlglot.errors import SqlglotError

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
    wrong = []
    for statement in {one.sql: one for one in offline.statements}.values():
        try:
            trees = offline.parse(statement.sql)
        except SqlglotError as error:
            wrong.append(f"{statement.node}: {str(error).splitlines()[0]}")
            continue
        wrong += [statement.node for tree in trees if isinstance(tree, exp.Command)]
    assert wrong == []
    spoken = {one.node for one in offline.statements if "audience_ask" in one.node}
    assert len(spoken) == len(ASKS)
