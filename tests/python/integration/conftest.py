"""A small dbt project, built once by dbt itself; each test gets a copy of it and edits the tables."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync.cli.main import run
from tests.python import commands

ROOT = Path(__file__).parents[3]

PROJECT = """
name: headwater
version: "1.0.0"
config-version: 2
profile: headwater
model-paths: [models]
macro-paths: [macros]
flags: {send_anonymous_usage_stats: false}
on-run-start: ["{{ create_sync_tables() }}"]
models: {headwater: {+materialized: table}}
"""

PROFILES = """
headwater:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: headwater.duckdb
      schema: analytics
      threads: 1
      retries: {connect_attempts: 8, query_attempts: 1, retryable_exceptions: [IOException]}
"""

DESTINATIONS = """
destinations:
  files: {path: exports, format: jsonl}
  hook: {type: webhook, url: "{{ env_var('HOOK_URL', 'http://127.0.0.1:9') }}"}
"""

PEOPLE = """
select
    'p' || cast(number as varchar) as profile_id,
    'p' || cast(number as varchar) || '@example.com' as email,
    number as score,
    cast(null as varchar) as withheld_reason,
    md5(cast(number as varchar)) as row_hash
from range(10) as numbers(number)
"""

PROPERTIES = """
version: 2
models:
  - name: sync_files__people
    columns:
      - name: profile_id
        data_tests: [unique, not_null]
exposures:
  - name: files_people
    type: application
    owner: {name: Data, email: data@example.com}
    depends_on: [ref('sync_files__people')]
    config:
      tags: [nightly]
      meta:
        sync: {destination: files, object: {table: people}, mode: replace, key: [profile_id],
               identifiers: [email]}
  - name: hook_people
    type: application
    owner: {name: Data, email: data@example.com}
    depends_on: [ref('sync_hook__people')]
    config:
      meta:
        sync: {destination: hook, object: {record: people}, mode: mirror, key: [profile_id],
               identifiers: [email]}
  - name: hook_events
    type: application
    owner: {name: Data, email: data@example.com}
    depends_on: [ref('sync_hook__events')]
    config:
      meta:
        sync: {destination: hook, object: {event: people}, mode: event, key: [profile_id],
               identifiers: [email], delivery: at_least_once}
"""


def live_targets(folder: Path) -> str:
    """What dbt_project.yml says so that the project's target may go live."""
    place = f"{{path: {folder / 'headwater.duckdb'}, schema: analytics}}"
    return f"vars: {{cdp_live_targets: {{dev: {place}}}}}\n"


def sources() -> str:
    """The sources of what sync writes, from the DDL's own list of tables."""
    from sync.state.tables import ResultTables, Tables

    def tables(names: Any) -> str:
        return "".join(f"      - name: {name}\n" for name in names)

    return (
        "version: 2\nsources:\n  - name: sync\n    schema: analytics_sync\n    tables:\n"
        + tables(Tables.__slots__)
        + "  - name: campaigns\n    schema: raw_campaigns\n    tables:\n"
        + tables(ResultTables.__slots__)
    )


@dataclass
class Lab:
    """A copy of the project."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "headwater.duckdb"

    def sync(self, *arguments: str) -> int:
        """Run the command line in this process."""
        verb, *rest = arguments
        return run([verb, "--project-dir", str(self.folder), *rest])

    def process(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Run the command line in a process of its own."""
        verb, *rest = arguments
        return subprocess.Popen(
            [sys.executable, "-m", "sync", verb, "--project-dir", str(self.folder), *rest],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "DBT_PROFILES_DIR": str(self.folder), **environment},
        )  # fmt: skip

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement).fetchall()

    def exported(self, name: str = "people") -> dict[str, dict[str, Any]]:
        path = self.folder / "exports" / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return {row["key"] if "key" in row else row["profile_id"]: row for row in rows}

    def dbt(self, *arguments: str, **popen: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [Path(sys.executable).parent / "dbt", *arguments, "--project-dir", str(self.folder)],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "DBT_PROFILES_DIR": str(self.folder), "DO_NOT_TRACK": "1"},
            **popen,
        )  # fmt: skip


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    models = folder / "models"
    models.mkdir()
    for part in ("sync", "cross_db", "registry"):
        shutil.copytree(ROOT / "macros" / part, folder / "macros" / part)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILES)
    (folder / "destinations.yml").write_text(DESTINATIONS)
    for name in ("sync_files__people", "sync_hook__people", "sync_hook__events"):
        (models / f"{name}.sql").write_text(PEOPLE)
    (models / "_models.yml").write_text(PROPERTIES)
    (models / "_sources.yml").write_text(sources())
    environment = {"DBT_PROFILES_DIR": str(folder), "DBT_PROJECT_DIR": str(folder)}
    with contextlib.chdir(folder):
        commands.dbt("build", environment=environment | {"DO_NOT_TRACK": "1"})
    return folder


@pytest.fixture
def lab(built_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    folder = tmp_path / "project"
    shutil.copytree(built_project, folder)
    destinations = (folder / "destinations.yml").read_text()
    (folder / "destinations.yml").write_text(
        destinations.replace("path: exports", f"path: {folder / 'exports'}")
    )
    (folder / "dbt_project.yml").write_text(f"{PROJECT}{live_targets(folder)}")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(folder))
    monkeypatch.delenv("HEADWATER_ENVIRONMENT", raising=False)
    return Lab(folder)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The JSON document that the last command printed."""

    def read() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return read
