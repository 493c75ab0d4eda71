"""SQL that one warehouse refuses and its stand-in does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.python import inline
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
    columns = {
        "amount": {"name": "amount", "data_type": "numeric(18, 2)"},
        "name": {"name": "name", "data_type": "string"},
        "pair": {"name": "pair", "data_type": "struct<a numeric(9, 6), b int64>"},
    }
    asked = "{{ get_empty_schema_sql(" + repr(columns) + ") }}"
    profiles = (ROOT / "profiles.yml.example").read_text()
    compiled = inline.compiled(tmp_path, asked, "--target", "bigquery_local", profiles=profiles)
    assert re.findall(r"cast\(null as ([^)]*)\) as (\w+)", compiled) == [
        ("numeric", "amount"), ("string", "name"), ("struct<a numeric, b int64>", "pair"),
    ]  # fmt: skip
