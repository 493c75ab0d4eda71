"""The warehouses that the tests run on: DuckDB always, the stand-ins where they answer, a real account where one is named."""

from __future__ import annotations

import importlib.util
import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync.config.profiles import Target
from sync.config.templates import read_yaml, render
from sync.warehouses.base import Session, Warehouse
from sync.warehouses.registry import open_warehouse

ROOT = Path(__file__).parents[3]
PORTS = {
    "snowflake_local": ("HEADWATER_SNOWFLAKE_PORT", "8085"),
    "bigquery_local": ("HEADWATER_BIGQUERY_PORT", "9050"),
}
LIVE = os.environ.get("HEADWATER_TEST_TARGET")

STAND_INS = [pytest.param(name, marks=pytest.mark.stand_in) for name in PORTS]
LIVE_TARGETS = [pytest.param(LIVE, marks=pytest.mark.live)] if LIVE else []
EVERY_TARGET = [pytest.param("duckdb"), *STAND_INS, *LIVE_TARGETS]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole loops first, which take minutes: one each for two processes, instead of both for the last."""
    items.sort(key=lambda item: "test_every_table_is_the_same" not in item.nodeid)


def outputs() -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_yaml(ROOT / "profiles.yml.example")["headwater"]["outputs"]
    return found


def port_of(name: str) -> int:
    variable, usual = PORTS[name]
    return int(os.environ.get(variable, usual))


def answers(name: str) -> bool:
    """Whether this stand-in runs."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port_of(name))) == 0


def target_of(name: str, folder: Path) -> Target:
    """An output of profiles.yml.example; DuckDB's file is in `folder`. Skips, with the reason, what cannot be had."""
    if name in PORTS and not answers(name):
        pytest.skip(f"no stand-in answers on port {port_of(name)}: make stand-ins")
    settings = dict(render(outputs()[name], f"profiles.yml.example: {name}"))
    kind = settings["type"]
    if importlib.util.find_spec(f"dbt.adapters.{kind}") is None:
        pytest.skip(f"dbt-{kind} and its driver are not installed: pip install 'headwater[{kind}]'")
    if name == "duckdb":
        settings["path"] = str(folder / "test.duckdb")
        duckdb.connect(settings["path"]).close()
    return Target(name=name, type=kind, settings=settings, project_dir=ROOT)


@pytest.fixture(params=EVERY_TARGET)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    return target_of(request.param, tmp_path)


@pytest.fixture
def warehouse(target: Target) -> Iterator[Warehouse]:
    opened = open_warehouse(target, notify=print)
    yield opened
    opened.close()


@pytest.fixture
def schema(target: Target, warehouse: Warehouse) -> Iterator[str]:
    """A schema of the test's own, dropped in the end."""
    name = f"headwater_test_{uuid.uuid4().hex[:8]}"
    if target.type == "bigquery":
        name = f"`{target.text('project')}`.`{name}`"
    elif target.type == "snowflake":
        name = f"{target.text('database')}.{name.upper()}"
    with warehouse.session(write=True) as session:
        session.execute(f"create schema {name}")
    yield name
    with warehouse.session(write=True) as session:
        session.execute(f"drop schema if exists {name} cascade")


@pytest.fixture
def table(target: Target, warehouse: Warehouse, schema: str) -> str:
    """An empty table with a column of each type."""
    dialect = warehouse.dialect
    whole, decimal = ("int64", "float64") if target.type == "bigquery" else ("bigint", "double")
    name = f"{schema}.things"
    with warehouse.session(write=True) as session:
        session.execute(
            f"create table {name} (name {dialect.string}, count {whole}, share {decimal}, "
            f"is_new boolean, born date, seen_at {dialect.timestamp})"
        )
    return name


def count(session: Session, relation: str) -> int:
    return int(session.rows(f"select count(*) as n from {relation}")[0]["n"])
