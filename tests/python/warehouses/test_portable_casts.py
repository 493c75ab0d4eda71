"""SQL that one warehouse refuses and its stand-in does not."""

from __future__ import annotations

import re

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
