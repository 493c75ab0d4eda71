"""A project with one sync or a few, built by dbt on a DuckDB file of its own, for measuring and testing `sync`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measured import measured

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Ran:
    """One command in a process of its own."""

    code: int
    seconds: float
    peak_bytes: int
    answer: dict[str, Any]


class SyncProject:
    """`models` by name, and `syncs`: exposure name -> (model, the exposure's `sync` settings)."""

    def __init__(
        self,
        directory: Path,
        *,
        models: Mapping[str, str],
        syncs: Mapping[str, tuple[str, Mapping[str, Any]]],
        destinations: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
        live: bool = False,
    ) -> None:
        """A project that is `live` may send to its destinations themselves, with their limits; else a sandbox is in their place."""
        self.directory = directory
        self.database = directory / "headwater.duckdb"
        self.environment = {
            **os.environ,
            "DBT_PROFILES_DIR": str(directory),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONDONTWRITEBYTECODE": "",  # an installed package is compiled
            **(environment or {}),
        }
        folder = directory / "models"
        folder.mkdir(parents=True)
        for part in ("sync", "cross_db"):
            shutil.copytree(ROOT / "macros" / part, directory / "macros" / part)
        shutil.copy(ROOT / "macros/registry/_sync_schema.sql", directory / "macros")
        for name, sql in models.items():
            (folder / f"{name}.sql").write_text(sql)
        may = {"dev": {"path": str(self.database), "schema": "analytics"}} if live else {}
        self._write("dbt_project.yml", {**_project(), "vars": {"cdp_live_targets": may}})
        self._write("profiles.yml", _profiles())
        self._write("destinations.yml", {"destinations": dict(destinations or {})})
        exposures = [_exposure(name, model, sync) for name, (model, sync) in syncs.items()]
        self._write("models/_models.yml", {"version": 2, "exposures": exposures})
        self._write("models/_sources.yml", _sources())

    def build(self) -> None:
        """Run `dbt run`.

        Raises:
            RuntimeError: dbt failed.
        """
        line = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "run"]
        done = subprocess.run(
            [*line, "--project-dir", str(self.directory)],
            env=self.environment,
            cwd=self.directory,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"dbt run failed in {self.directory}")

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the project's file, waiting for whoever holds it; rows of the last."""
        import duckdb

        for _ in range(600):
            try:
                with duckdb.connect(str(self.database)) as connection:
                    for statement in statements:
                        found = connection.execute(statement)
                    return found.fetchall()
            except duckdb.IOException:
                time.sleep(0.05)
        raise TimeoutError(f"{self.database} is held for too long")

    def arguments(self, verb: str, *rest: str) -> list[str]:
        """The command line after `sync`."""
        return [verb, "--project-dir", str(self.directory), *rest]

    def run(self, verb: str, *rest: str) -> Ran:
        """Run one command with --json in a new process and measure it, its start included."""
        done = measured(
            [sys.executable, "-m", "sync", *self.arguments(verb, *rest, "--json")],
            env=self.environment,
            cwd=ROOT,
        )
        answer = json.loads(done.output) if done.output else {}
        return Ran(done.code, done.seconds, done.peak_bytes, answer)

    def start(self, verb: str, *rest: str) -> subprocess.Popen[str]:
        """Start one command with --json in a new process."""
        return subprocess.Popen(
            [sys.executable, "-m", "sync", *self.arguments(verb, *rest, "--json")],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _write(self, name: str, content: object) -> None:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (self.directory / name).write_text(text)


def _project() -> dict[str, Any]:
    return {
        "name": "headwater",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "headwater",
        "model-paths": ["models"],
        "macro-paths": ["macros"],
        "on-run-start": ["{{ create_sync_tables() }}"],
        "models": {"headwater": {"+materialized": "table"}},
    }


def _profiles() -> dict[str, Any]:
    output = {
        "type": "duckdb",
        "path": "headwater.duckdb",
        "schema": "analytics",
        "threads": 1,
        "retries": {"connect_attempts": 8, "retryable_exceptions": ["IOException"]},
    }
    return {"headwater": {"target": "dev", "outputs": {"dev": output}}}


def _exposure(name: str, model: str, sync: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "application",
        "owner": {"name": "Benchmarks", "email": "benchmarks@example.com"},
        "depends_on": [f"ref('{model}')"],
        "config": {"meta": {"sync": dict(sync)}},
    }


def _sources() -> dict[str, Any]:
    from sync.state.tables import ResultTables, Tables

    def source(name: str, schema: str, tables: Sequence[str]) -> dict[str, Any]:
        return {"name": name, "schema": schema, "tables": [{"name": table} for table in tables]}

    return {
        "version": 2,
        "sources": [
            source("sync", "analytics_sync", Tables.__slots__),
            source("campaigns", "raw_campaigns", ResultTables.__slots__),
        ],
    }
