"""A small dbt project with the macros of audiences, journeys and what they stand on, over stubs of the models they read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests.python.audiences.worlds import EVENTS, NOW, TABLES, World, columns_of
from tests.python.rows import insert

ROOT = Path(__file__).parents[3]
FOLDERS = (
    "activation", "audiences", "consent", "cross_db", "identity", "journeys", "matching", "normalise", "registry", "staging",
    "sync",
)  # fmt: skip


def make_project(
    folder: Path,
    database: Path,
    stubs: Mapping[str, str],
    variables: Mapping[str, Any],
) -> None:
    for name in FOLDERS:
        shutil.copytree(
            ROOT / "macros" / name, folder / "macros" / name, ignore=shutil.ignore_patterns("*.yml")
        )
    models = folder / "models"
    models.mkdir()
    for name, query in stubs.items():
        (models / f"{name}.sql").write_text(query)
    # Some events are counted as they come, and others told apart.
    tested = [
        {"name": name, "columns": [{"name": "event_id", "data_tests": ["unique"]}]}
        for name in ("event_order_placed", "event_product_ordered")
        if name in stubs
    ]
    (models / "_tested.yml").write_text(yaml.safe_dump({"version": 2, "models": tested}))
    settings = {
        "name": "headwater", "profile": "headwater", "vars": dict(variables),
        "models": {"headwater": {"+materialized": "view"}},
    }  # fmt: skip
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    output = {"type": "duckdb", "path": str(database), "schema": "analytics"}
    profile = {"headwater": {"target": "duckdb", "outputs": {"duckdb": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))


def make_tables(database: Path, tables: Mapping[str, str]) -> None:
    """Empty tables by name, each with its columns and their types."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema analytics")
        for table, columns in tables.items():
            connection.execute(f"create table analytics.{table} ({columns})")


def make_world_project(folder: Path) -> Path:
    """A project over the tables of `worlds`, which are there and empty; the path of their DuckDB file."""
    database = folder / "worlds.duckdb"
    make_tables(database, TABLES)
    make_project(
        folder,
        database,
        dict.fromkeys(TABLES, "select 1 as one"),
        {
            "cdp_events": EVENTS,
            "cdp_as_of": str(NOW),
            "cdp_registry": {"journeys": ["journey_tried"]},
            "cdp_identity": {"person": {"identifiers": {"card_number": {}}}},
        },
    )
    return database


def fill(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """The tables hold this world and nothing else."""
    for table, rows in world.items():
        connection.execute(f"delete from analytics.{table}")
        names = columns_of(table)
        told = [[row[name] for name in names] for row in rows]
        insert(connection, f"analytics.{table}", told)


def messages_of_dbt(folder: Path, *command: str) -> dict[str, str]:
    """What dbt says of each model that fails; under no name what stops it altogether, or what `dbt parse` warns of."""
    from dbt.cli.main import dbtRunner

    warned: list[str] = []

    def hear(event: Any) -> None:
        if event.info.name == "JinjaLogWarning":
            warned.append(event.info.msg)

    result = dbtRunner(callbacks=[hear]).invoke(
        ["--quiet", *command, "--project-dir", str(folder), "--profiles-dir", str(folder),
         "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--no-partial-parse"]
    )  # fmt: skip
    if result.success:
        return {"": "\n".join(warned)} if warned and "parse" in command else {}
    if result.exception:
        return {"": str(result.exception)}
    return {one.node.name: str(one.message) for one in result.result if one.status == "error"}


def said_by_dbt(folder: Path, *command: str) -> str:
    """What dbt stops with; empty when it does not."""
    return "\n".join(messages_of_dbt(folder, *command).values())


def compiled_models(folder: Path, *select: str) -> dict[str, str]:
    """The SQL of models by name."""
    said = said_by_dbt(folder, "compile", *(["--select", *select] if select else []))
    assert said == "", said
    return {path.stem: path.read_text() for path in (folder / "target" / "compiled").rglob("*.sql")}
