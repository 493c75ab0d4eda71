"""Models of the project by themselves: compiled as a build would, views over tables that a test fills."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from tests.python.warehouses.conftest import target_of
from tests.python.warehouses.loop import Loop


def models_alone(
    folder: Path, models: Iterable[str], tables: str, **variables: Any
) -> duckdb.DuckDBPyConnection:
    """`models` in the order in which they read each other, `tables` the statements that make what they read, `variables` the vars.

    Raises:
        BuildError: with dbt's own words.
    """
    names = list(models)
    loop = Loop(target_of("duckdb", folder), folder / "project")
    told = ["--vars", json.dumps(variables)] if variables else []
    loop.dbt("compile", "--select", *names, *told, run="compiled")
    compiled = {
        path.stem: path.read_text() for path in loop.folder.rglob("target/compiled/**/*.sql")
    }
    opened = duckdb.connect(loop.target.text("path"))
    opened.execute(tables)
    for name in names:
        opened.execute(f"create view analytics.{name} as {compiled[name]}")
    return opened
