"""The project on one warehouse: raw tables in, dbt in this process, sync, and every table out."""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa

from sync.config.profiles import Target
from sync.warehouses.base import Warehouse
from sync.warehouses.registry import open_warehouse
from tests.python.commands import check_built
from tests.python.warehouses.conftest import ROOT

FIRST_DAY = "2026-11-23 12:00:00"
SCHEMAS = (
    "raw_shop", "raw_app", "raw_web", "raw_crm", "raw_support", "raw_loyalty", "raw_consent",
    "raw_campaigns", "analytics_sync", "analytics",
)  # fmt: skip
LEDGER = (
    "ledger", "acknowledgements", "runs", "batches", "failures", "withheld", "leases", "cursors",
    "dbt_failures", "unread_values",
)  # fmt: skip
PROJECT = ("dbt_project.yml", "selectors.yml", "macros", "models", "seeds", "tests")


class Loop:
    """One warehouse, and a project folder of its own: what dbt and sync write lies beside links to the real project."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.warehouse: Warehouse = open_warehouse(target, notify=print)
        self.environment = {
            "HEADWATER_TARGET": target.name,
            "HEADWATER_ENVIRONMENT": "sandbox",
            "HEADWATER_AS_OF": FIRST_DAY,
            "HEADWATER_DUCKDB_PATH": target.text("path"),
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "profiles.yml").write_text((ROOT / "profiles.yml.example").read_text())
        for part in PROJECT:
            (folder / part).symlink_to(ROOT / part)

    def name(self, schema: str, table: str = "") -> str:
        parts = [schema, table] if table else [schema]
        if self.target.type == "bigquery":
            return f"`{'.'.join([self.target.text('project'), *parts])}`"
        if self.target.type == "snowflake":
            return ".".join([self.target.text("database"), *parts])
        return ".".join(parts)

    def environment_set(self) -> AbstractContextManager[object]:
        """Its variables, for the length of a `with`."""
        return mock.patch.dict(os.environ, self.environment)

    def now(self, instant: str) -> None:
        """What every later run takes as now."""
        self.environment["HEADWATER_AS_OF"] = instant

    def remove(self) -> None:
        """Drop what an earlier loop left: stand-ins keep their tables while they run."""
        with self.warehouse.session(write=True) as session:
            for schema in SCHEMAS:
                session.execute(f"drop schema if exists {self.name(schema)} cascade")

    def load(self, raw: Mapping[str, pa.Table]) -> None:
        """Raw tables, `<schema>__<table>`, all text as files are; rows are added to what is there."""
        string = self.warehouse.dialect.string
        with self.warehouse.session(write=True) as session:
            for name, rows in raw.items():
                schema, _, table = name.partition("__")
                columns = ", ".join(f"{column} {string}" for column in rows.column_names)
                session.execute(f"create schema if not exists {self.name(schema)}")
                session.execute(
                    f"create table if not exists {self.name(schema, table)} ({columns})"
                )
                session.append(self.name(schema, table), rows)

    def dbt(self, *arguments: str, run: str) -> None:
        """Run dbt in this process, as the run of that name: ids minted in it are the same on every warehouse.

        Raises:
            BuildError: with dbt's own words.
        """
        from dbt.cli.main import dbtRunner

        with self.environment_set(), _invocation(run):
            result = dbtRunner().invoke(
                [
                    *("--quiet", *arguments, "--target", self.target.name),
                    *("--project-dir", str(self.folder)),
                ]
            )
        if self.target.type == "duckdb":  # dbt keeps the file open, for writing
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()
        check_built(result)

    def sync(self, *arguments: str) -> dict[str, Any]:
        """Run sync in this process and give what it prints as JSON; a sync that fails is an error."""
        from sync.cli.main import run

        printed = io.StringIO()
        with self.environment_set(), redirect_stdout(printed):
            code = run([*arguments, "--json", "--project-dir", str(self.folder)])
        assert code == 0, f"sync {' '.join(arguments)}: exit code {code}"
        result: dict[str, Any] = json.loads(printed.getvalue())
        return result

    def push(self) -> list[dict[str, Any]]:
        """Push everything, a line per sync. One sender at a time: an engagement is credited to the last send before it."""
        flags = ("--allow-removals", "--allow-additions", "--allow-events")
        return list(self.sync("push", "--threads", "1", *flags)["syncs"])

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every model, by its name."""
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text())
        models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
        kept = {
            node["name"]: node["relation_name"]
            for node in models
            if node["config"]["enabled"] and node["config"]["materialized"] != "ephemeral"
        }
        return self._rows(kept)

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of what sync itself keeps."""
        schema = "ANALYTICS_SYNC" if self.target.type == "snowflake" else "analytics_sync"
        return self._rows({name: self.name(schema, name) for name in LEDGER})

    def _rows(self, relations: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        with self.warehouse.session() as session:
            return {
                name: session.rows(f"select * from {relation}")
                for name, relation in relations.items()
            }


@contextmanager
def _invocation(run: str) -> Iterator[None]:
    """dbt numbers its runs by chance, and a profile's id holds the number of the run that minted it."""
    from dbt.cli import requires
    from dbt_common import invocation

    reset = requires.reset_invocation_id

    def numbered() -> None:
        reset()
        invocation._INVOCATION_ID = str(uuid.uuid5(uuid.NAMESPACE_OID, run))

    requires.reset_invocation_id = numbered
    try:
        yield
    finally:
        requires.reset_invocation_id = reset
