"""What failed when dbt last ran it is remembered in the warehouse until it passes, alike on every one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks.scratch import ScratchProject
from tests.python.warehouses.conftest import EVERY_TARGET, outputs, target_of
from tests.python.warehouses.loop import BuildError, Loop

MODELS = {
    "shaky": "{{ exceptions.raise_compiler_error('shaken') if execute and var('is_broken') }} select 1 as one",
    "after_it": "select one from {{ ref('shaky') }}",
    "beside_it": "select 2 as two",
}


class Scratch(Loop):
    """A project of three models in a schema of its own, which builds as the real one does."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(target_of(name, folder), folder / "loop")
        schema = f"failures_{uuid.uuid4().hex[:8]}"
        project = ScratchProject(folder / "project", folders=("macros",), models=MODELS)
        hooks = {"on-run-start": ["{{ create_sync_tables() }}"], "vars": {"is_broken": False}}
        path = project.directory / "dbt_project.yml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | hooks))
        settings = dict(outputs()[name])
        settings["dataset" if self.target.type == "bigquery" else "schema"] = schema
        profile = {"headwater": {"target": name, "outputs": {name: settings}}}
        (project.directory / "profiles.yml").write_text(yaml.safe_dump(profile))
        self.folder = project.directory
        self.environment |= project.environment
        self.schema = schema.upper() if self.target.type == "snowflake" else schema
        self.sync_schema = f"{schema}_sync".upper() if self.target.type == "snowflake" else f"{schema}_sync"  # fmt: skip

    def failures(self) -> dict[str, str]:
        with self.warehouse.session() as session:
            rows = session.rows(f"select * from {self.name(self.sync_schema, 'dbt_failures')}")
        assert all(row["failed_at"].tzinfo is None for row in rows)
        return {row["unique_id"].split(".")[2]: row["status"] for row in rows}


@pytest.fixture
def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scratch]:
    made = Scratch(request.param, tmp_path)
    yield made
    if made.target.type != "duckdb":
        with made.warehouse.session(write=True) as session:
            for schema in (made.schema, made.sync_schema):
                session.execute(f"drop schema if exists {made.name(schema)} cascade")
    made.warehouse.close()


@pytest.mark.parametrize("scratch", EVERY_TARGET, indirect=True)
def test_what_failed_is_remembered_until_it_passes(scratch: Scratch) -> None:
    scratch.dbt("run", run="well")
    assert scratch.failures() == {}
    with pytest.raises(BuildError, match="shaken"):
        scratch.dbt("run", "--vars", "is_broken: true", run="broken")
    assert scratch.failures() == {"shaky": "error", "after_it": "skipped"}
    scratch.dbt("run", "--select", "beside_it", run="another")
    scratch.dbt("compile", run="compiled")
    assert scratch.failures() == {"shaky": "error", "after_it": "skipped"}
    scratch.dbt("run", "--select", "after_it", run="one of them")
    assert scratch.failures() == {"shaky": "error"}
    scratch.dbt("run", run="mended")
    assert scratch.failures() == {}
