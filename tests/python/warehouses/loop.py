"""The project on one warehouse: raw tables in, dbt in this process, sync, and every table out."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sync.config.profiles import Target
from sync.warehouses.base import Warehouse
from sync.warehouses.registry import open_warehouse
from tests.python.warehouses.conftest import ROOT

AS_OF = "2026-11-23 00:00:00"


class BuildError(Exception):
    """dbt refused; the message is what a user would read."""


class Loop:
    """One warehouse and the artifacts of dbt's runs on it."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.warehouse: Warehouse = open_warehouse(target, notify=print)
        self.environment = {
            "HEADWATER_TARGET": target.name,
            "HEADWATER_ENVIRONMENT": "sandbox",
            "HEADWATER_AS_OF": AS_OF,
            "HEADWATER_DUCKDB_PATH": target.text("path"),
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        (folder / "profiles.yml").write_text((ROOT / "profiles.yml.example").read_text())

    def name(self, schema: str, table: str = "") -> str:
        parts = [schema, table] if table else [schema]
        if self.target.type == "bigquery":
            return f"`{'.'.join([self.target.text('project'), *parts])}`"
        if self.target.type == "snowflake":
            return ".".join([self.target.text("database"), *parts])
        return ".".join(parts)

    def environment_set(self) -> _environment:
        return _environment(self.environment)

    def load(self, folder: Path) -> None:
        """Raw tables as text, as files are: `<schema>__<table>.csv`."""
        string = self.warehouse.dialect.string
        with self.warehouse.session(write=True) as session:
            for path in sorted(folder.glob("raw_*.csv")):
                schema, _, table = path.stem.partition("__")
                with path.open(encoding="utf-8", newline="") as file:
                    header, *lines = list(csv.reader(file))
                columns = ", ".join(f"{column} {string}" for column in header)
                session.execute(f"create schema if not exists {self.name(schema)}")
                session.execute(f"create or replace table {self.name(schema, table)} ({columns})")
                values = [[line[n] or None for line in lines] for n in range(len(header))]
                arrays = [pa.array(column, pa.string()) for column in values]
                session.append(self.name(schema, table), pa.table(arrays, names=header))

    def dbt(self, *arguments: str) -> None:
        """Run dbt in this process. Raises BuildError with dbt's own words."""
        from dbt.cli.main import dbtRunner

        with self.environment_set():
            result = dbtRunner().invoke(
                ["--quiet", *arguments, "--target", self.target.name, "--project-dir", str(ROOT)]
            )
        if result.success:
            return
        if result.exception:
            raise BuildError(str(result.exception))
        wrong = [r for r in result.result.results if r.status in ("error", "fail", "runtime error")]
        raise BuildError("\n".join(f"{one.node.name}: {one.message}" for one in wrong))

    def sync(self, *arguments: str) -> None:
        """Run sync in this process; a sync that fails is an error."""
        from sync.cli.main import main

        with self.environment_set():
            code = main([*arguments, "--project-dir", str(ROOT)])
        assert code == 0, f"sync {' '.join(arguments)}: exit code {code}"

    def tables(self, names: Mapping[str, Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
        """Every row of the named tables, `schema.table` -> columns to leave out."""
        found = {}
        with self.warehouse.session() as session:
            for name, without in names.items():
                rows = session.rows(f"select * from {self.name(*name.split('.'))}")
                found[name] = [{k: v for k, v in row.items() if k not in without} for row in rows]
        return found


class _environment:
    """Variables set for the length of a `with`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._values}
        os.environ.update(self._values)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
