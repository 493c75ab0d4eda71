"""A scratch copy of the project with the identity layer alone, built in this process on its own DuckDB file.

The models and macros are the project's; only the configuration and the one source model are the test's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import yaml

from tests.python.commands import BuildError, check_built

ROOT = Path(__file__).parents[3]

COLUMNS = (
    "source",
    "record_id",
    "customer_id",
    "user_id",
    "email",
    "phone",
    "device_id",
    "seen_at",
)

PERSON: dict[str, Any] = {
    "identifiers": {
        "customer_id": {"tier": 1, "exclusive": True, "limit": 1},
        "user_id": {"tier": 1, "exclusive": True, "limit": 2},
        "email": {"tier": 2, "limit": 3, "max_exclusive_ids": 2, "max_records": 1000},
        "phone": {"tier": 3, "limit": 3, "max_exclusive_ids": 2},
        "device_id": {"tier": 4, "max_exclusive_ids": 1, "window_days": 365},
    },
    "records": [
        {
            "source_name": "records",
            "model": "fixture_records",
            "record_key": "record_id",
            "first_seen_at": "seen_at",
            "last_seen_at": "seen_at",
            "identifiers": {
                name: name for name in ("customer_id", "user_id", "email", "phone", "device_id")
            },
        }
    ],
}


class Lab:
    """One scratch project and its database."""

    def __init__(
        self,
        directory: Path,
        identity: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.directory = directory
        self.database = directory / "lab.duckdb"
        self._manifest: Any = None
        self._write_project(identity or {"person": PERSON}, variables or {})
        self.load([])

    def _write_project(self, identity: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in (
            "macros",
            "models/engine/identity",
            "seeds",
            "tests/dbt/identity",
        ):
            shutil.copytree(
                ROOT / name,
                self.directory / name,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns(
                    "demo", "sync", *([] if name == "macros" else ["matching*"])
                ),
            )
        shutil.copy(
            ROOT / "models/engine/_groups.yml", self.directory / "models/engine/_groups.yml"
        )
        staging = self.directory / "models/engine/staging"
        staging.mkdir(exist_ok=True)
        (staging / "fixture_records.sql").write_text(
            "{{ config(materialized='view') }}\nselect * from raw.records"
        )
        (staging / "stg_sync__erasure_requests.sql").write_text(
            "{{ config(materialized='view') }}\nselect * from raw.erasure_requests"
        )
        project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
        project.pop("on-run-start", None)
        project["on-run-end"] = project["on-run-end"][:1]  # the others are about sync's tables
        project["models"] = {"headwater": {"identity": project["models"]["headwater"]["identity"]}}
        project["vars"] = {**project.get("vars", {}), **variables, "cdp_identity": dict(identity)}
        (self.directory / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
        (self.directory / "profiles.yml").write_text(
            yaml.safe_dump(
                {
                    "headwater": {
                        "target": "duckdb",
                        "outputs": {
                            "duckdb": {
                                "type": "duckdb",
                                "path": str(self.database),
                                "schema": "analytics",
                                "threads": 1,
                                "settings": {"TimeZone": "UTC"},
                            }
                        },
                    }
                }
            )
        )

    def configure(
        self, identity: Mapping[str, Any], variables: Mapping[str, Any] | None = None
    ) -> None:
        """Change the rules between builds."""
        self._write_project(identity, variables or {})
        self.changed()

    def changed(self) -> None:
        """Files of the project are others than dbt has read."""
        self._manifest = None

    def load(self, rows: Iterable[Sequence[Any]]) -> None:
        """Replace the raw records: tuples in the order of COLUMNS."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("create schema if not exists raw")
            connection.execute("create schema if not exists analytics_sync")
            connection.execute(
                "create table if not exists analytics_sync.unread_values (model_name varchar, column_name varchar, "
                "value_count bigint, unread_count bigint, shapes varchar, verdict varchar, counted_at timestamp)"
            )
            connection.execute(
                "create table if not exists raw.erasure_requests (request_id varchar, "
                "identifier_type varchar, identifier_value_sha256 varchar, salt varchar, "
                "scope varchar, requested_at timestamp)"
            )
            connection.execute(
                "create or replace table raw.records (source varchar, record_id varchar, "
                "customer_id varchar, user_id varchar, email varchar, phone varchar, "
                "device_id varchar, seen_at timestamp)"
            )
            data = [tuple(row) for row in rows]
            if data:
                import pandas as pd

                frame = pd.DataFrame(data, columns=list(COLUMNS), dtype=object)
                connection.register("frame", frame)
                connection.execute(
                    "insert into raw.records select source, record_id, customer_id, user_id, "
                    "email, phone, device_id, cast(seen_at as timestamp) from frame"
                )

    def execute(self, statement: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement).fetchall()

    def build(self, *arguments: str, command: str = "build") -> None:
        """Run dbt in this process. Raises BuildError with dbt's own words."""
        from dbt.cli.main import dbtRunner

        environment = {
            "DBT_PROFILES_DIR": str(self.directory),
            "DBT_PROJECT_DIR": str(self.directory),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        with mock.patch.dict(os.environ, environment):
            if self._manifest is None:
                parsed = dbtRunner().invoke(["--quiet", "parse"])
                if not parsed.success:
                    raise BuildError(str(parsed.exception))
                self._manifest = parsed.result
            result = dbtRunner(manifest=self._manifest).invoke(
                ["--quiet", "--no-write-json", command, *arguments]
            )
        check_built(result)

    def release(self) -> None:
        """Close what dbt keeps open in this process, so that others may open the file their way."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()

    def forget(self) -> None:
        """Drop what was built; the seeds stay."""
        seeds = ", ".join(f"'{path.stem}'" for path in self.directory.glob("seeds/*.csv"))
        for name, kind in self.query(
            "select table_name, table_type from information_schema.tables "
            f"where table_schema = 'analytics' and table_name not in ({seeds})"
        ):
            self.execute(f"drop {'view' if kind == 'VIEW' else 'table'} analytics.{name}")

    def groups(self, entity: str = "person") -> dict[str, str]:
        """The entity id of each record, by the record's own id."""
        return dict(
            self.query(
                "select source_record_id, entity_id from analytics.identity_entity_records "
                f"where entity = '{entity}'"
            )
        )
