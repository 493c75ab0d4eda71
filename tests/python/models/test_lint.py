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
    assert len(exempt) < 6


def test_the_linter_sees_models_that_are_off_and_what_macros_write() -> None:
    assert "[tool.sqlfluff.templater.dbt.context.cdp_matching]" in (
        ROOT / "pyproject.toml"
    ).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    written = re.search(r"^WRITTEN = ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert written
    for path in re.findall(r"path:(\S+)", written[1]):
        assert list((ROOT / path).glob("*.sql")), path
