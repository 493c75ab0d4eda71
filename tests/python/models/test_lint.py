"""What the SQL linter passes over: the indentation of lines that a loop writes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_models_exempt_themselves_from_indentation_only() -> None:
    exempt = {
        path.name: found[1]
        for path in (ROOT / "models").rglob("*.sql")
        if (found := re.search(r"-- noqa:?(.*)", path.read_text("utf-8")))
    }
    assert set(exempt.values()) <= {" disable=LT02"}, exempt
    # Those that write a line for each type of identifier or attribute.
    assert set(exempt) <= {
        "identity_assignments.sql",
        "identity_confidence.sql",
        "identity_links.sql",
        "identity_values.sql",
        "int_identity__attributes_compared.sql",
        "int_identity__identifiers_unconfirmed.sql",
        "int_identity__identifiers_unpivoted.sql",
        "int_identity__ids_folded.sql",
        "int_identity__ids_of_many.sql",
    }


def test_what_macros_write_is_linted_where_it_was_written() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    written = re.search(r"^WRITTEN = ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert written
    for path in re.findall(r"path:(\S+)", written[1]):
        assert list((ROOT / path).glob("*.sql")), path
