"""`sync check --data` shows what staging could not read, by shapes, and ends with 1 where it is more than may be."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from sync.cli.check_data import check_data
from sync.cli.output import Output
from sync.warehouses.duckdb import DuckDBWarehouse

UNREAD = """
    create table unread_values (model_name varchar, column_name varchar, value_count bigint, unread_count bigint, shapes varchar,
        verdict varchar, counted_at timestamp);
    insert into unread_values values
        ('stg_till__sales', 'sold_at', 400, 2, '99/99/9999', '{verdict}', '2026-11-28'),
        ('stg_till__sales', 'amount', 400, 0, null, 'read', '2026-11-28'),
        ('stg_gone', 'x', 1, 1, 'a', 'stopped', '2026-11-28')"""


@pytest.fixture
def app(tmp_path: Path) -> Any:
    duckdb.connect(str(tmp_path / "x.duckdb")).close()
    warehouse = DuckDBWarehouse(str(tmp_path / "x.duckdb"))
    manifest = SimpleNamespace(
        source=lambda *_: "unread_values", models=lambda: [SimpleNamespace(name="stg_till__sales")]
    )
    yield SimpleNamespace(output=Output(), warehouse=warehouse, manifest=manifest)
    warehouse.close()


def _write(app: Any, verdict: str) -> None:
    with app.warehouse.session(write=True) as session:
        session.execute(*UNREAD.format(verdict=verdict).split(";"))


@pytest.mark.parametrize(("verdict", "code"), [("allowed", 0), ("warned", 1), ("stopped", 1)])
def test_losses_are_shown_by_shape(
    app: Any, verdict: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(app, verdict)
    assert check_data(app, as_json=False) == code
    shown = capsys.readouterr().out
    assert "800 raw values in 2 columns: 2 in 1 columns could not be read." in shown
    line = next(line for line in shown.splitlines() if line.startswith("stg_till__sales"))
    assert line.split() == ["stg_till__sales", "sold_at", "400", "2", "0.5", "99/99/9999", verdict]
    assert check_data(app, as_json=True) == code
    document = json.loads(capsys.readouterr().out)
    assert [one["unread"] for one in document["columns"]] == [2, 0]


def test_before_the_first_build_it_says_so(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_data(app, as_json=False) == 0
    assert "run dbt build" in capsys.readouterr().out
