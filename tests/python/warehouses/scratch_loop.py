"""A small project in a schema of its own on any of the warehouses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scratch import ScratchProject
from tests.python.warehouses.conftest import outputs, target_of
from tests.python.warehouses.loop import Loop


class ScratchLoop(Loop):
    """The project's `folders` with the given models and variables; `settings` are added to its dbt_project.yml."""

    def __init__(
        self, name: str, folder: Path, models: Mapping[str, str], *,
        folders: Sequence[str] = ("macros",), variables: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(target_of(name, folder), folder / "loop")
        project = ScratchProject(
            folder / "project", folders=folders, models=models, variables=variables
        )
        path = project.directory / "dbt_project.yml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **(settings or {})}))
        schema = f"scratch_{uuid.uuid4().hex[:8]}"
        output = dict(outputs()[name])
        output["dataset" if self.target.type == "bigquery" else "schema"] = schema
        profile = {"headwater": {"target": name, "outputs": {name: output}}}
        (project.directory / "profiles.yml").write_text(yaml.safe_dump(profile))
        self.folder = project.directory
        self.environment |= project.environment
        self.schema, self.sync_schema = (
            text.upper() if self.target.type == "snowflake" else text
            for text in (schema, f"{schema}_sync")
        )

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        with self.warehouse.session() as session:
            return session.rows(f"select * from {self.name(schema, table)}")

    def drop(self) -> None:
        """Leave nothing behind."""
        if self.target.type != "duckdb":
            with self.warehouse.session(write=True) as session:
                for schema in (self.schema, self.sync_schema):
                    session.execute(f"drop schema if exists {self.name(schema)} cascade")
        self.warehouse.close()
