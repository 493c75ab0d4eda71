"""SQL that one warehouse refuses and its stand-in does not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest import mock

import pytest

from tests.python.warehouses.conftest import ROOT

SIZED = re.compile(r"\bas\s+(?:numeric|decimal|string|varchar)\s*\(\s*[0-9]", re.IGNORECASE)


def test_no_cast_names_a_type_with_a_size() -> None:
    """BigQuery: "Parameterized types are not allowed in CAST expressions"."""
    folders = ("models", "macros", "tests/dbt")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.sql"))
        for line in path.read_text().splitlines()
        if SIZED.search(line)
    ]
    assert found == []


def test_a_contract_is_checked_without_sizes_on_bigquery(tmp_path: Path) -> None:
    """dbt casts nulls to a contract's types to learn their names; a struct loses the sizes inside it too."""
    pytest.importorskip("dbt.adapters.bigquery", reason="needs the extra bigquery")
    from dbt.cli.main import dbtRunner

    columns = {
        "amount": {"name": "amount", "data_type": "numeric(18, 2)"},
        "name": {"name": "name", "data_type": "string"},
        "pair": {"name": "pair", "data_type": "struct<a numeric(9, 6), b int64>"},
    }
    (tmp_path / "profiles.yml").write_text((ROOT / "profiles.yml.example").read_text())
    places = {"DBT_PROFILES_DIR": str(tmp_path), "DBT_TARGET_PATH": str(tmp_path / "target")}
    with mock.patch.dict(os.environ, places):
        result = dbtRunner().invoke(
            [
                *("--quiet", "compile", "--no-populate-cache", "--no-introspect"),
                *("--inline", "{{ get_empty_schema_sql(" + repr(columns) + ") }}"),
                *("--target", "bigquery_local", "--project-dir", str(ROOT)),
            ]
        )
    assert result.success, result.exception
    compiled = result.result.results[0].node.compiled_code
    assert re.findall(r"cast\(null as ([^)]*)\) as (\w+)", compiled) == [
        ("numeric", "amount"), ("string", "name"), ("struct<a numeric, b int64>", "pair"),
    ]  # fmt: skip
