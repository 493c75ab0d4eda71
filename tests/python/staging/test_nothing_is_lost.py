"""No column of the demo's staging loses a value in silence: raw not empty, staged null, and no row of `unread_values` that says so.

The test knows no model and no column: of each raw table it takes one row whole, spoils one cell of a copy at a time, and looks at what
staging makes of it.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import pytest
import yaml

from tests.python.guest import ROOT, Project
from tests.python.warehouses.raw import raw_tables

STAGING = ROOT / "models/demo/staging"
# No date, number, address, country, word of a list or name.
JUNK = ("31/31/99 25:61", "¿?", "twelve (12)")
READS = re.compile(r"rows_by_key\(source\('(\w+)', '(\w+)'\), (?:'(\w+)'|\w+)\)")
KEY = "lost"
# Of an address on the web only a part is taken: one without that part has not lost it.
TAKEN_APART = {("stg_web__clicks", "url"), ("stg_web__page_views", "url")}


def spoilt(rows: pa.Table, key: str) -> pa.Table:
    """The fullest row under a key of its own, and a copy for each other column and each kind of junk in it."""
    filled = [
        (sum(value not in (None, "") for value in row.values()), row) for row in rows.to_pylist()
    ]
    whole = max(filled, key=lambda one: one[0])[1]
    made = [{**whole, key: f"{KEY}.whole"}]
    for column in rows.column_names:
        if column != key:
            made += [
                {**whole, key: f"{KEY}.{column}.{n}", column: junk} for n, junk in enumerate(JUNK)
            ]
    return pa.Table.from_pylist(made, schema=rows.schema)


def models_of_sources() -> dict[str, tuple[str, tuple[str, str], str]]:
    """By model: its SQL, its raw table, and the column by which its rows are known; of a key that is put together the first one."""
    found = {}
    for path in STAGING.rglob("*.sql"):
        text = path.read_text("utf-8")
        if "source('" in text:
            read = READS.search(text)
            assert read, f"{path.name} reads a source otherwise: say here how its rows are known"
            key = read[3] or re.findall(r"\w*_?id\b", text.partition("source as (")[2])[0]
            found[path.stem] = (text, (f"raw_{read[1]}", read[2]), key)
    return found


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("lost"))
    raw, _ = raw_tables()
    with duckdb.connect(str(project.folder / "shop.duckdb")) as connection:
        for name, (text, (schema, table), key) in models_of_sources().items():
            project.models[name] = text
            connection.register("spoilt", spoilt(raw[f"{schema}__{table}"], key))
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} as select * from spoilt")
    for path in STAGING.rglob("*__sources.yml"):
        for source in yaml.safe_load(path.read_text())["sources"]:
            names = [{"name": table["name"]} for table in source["tables"]]
            project.sources.append(
                {"name": source["name"], "schema": source["schema"], "tables": names}
            )
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    project.vars = {
        "cdp_default_country": settings["cdp_default_country"],
        "cdp_unread": {"stop_percent": 100},
    }
    assert project.build() == []
    return project


def test_what_staging_makes_null_is_counted_for_its_column(staged: Project) -> None:
    silent, counted = set(), 0
    with duckdb.connect(str(staged.folder / "shop.duckdb")) as connection:
        unread = {
            (model, column.lower())
            for model, column in connection.execute(
                "select model_name, column_name from analytics_sync.unread_values where unread_count > 0"
            ).fetchall()
        }
        for model, (_, (schema, table), _) in models_of_sources().items():
            frame = connection.execute(f"select * from analytics.{model}").df().astype(object)
            frame = frame.where(frame.notna(), None)
            of_key = next(
                name for name in frame if frame[name].astype(str).str.startswith(f"{KEY}.").any()
            )
            rows = {row[of_key]: row for row in frame.to_dict("records")}
            loaded = connection.sql(f"select count(*) from {schema}.{table}").fetchall()[0][0]
            assert len(rows) == loaded, f"{model} has not every row"
            whole = rows.pop(f"{KEY}.whole")
            for name, row in rows.items():
                _, column, number = str(name).split(".")
                lost = [one for one in row if whole[one] is not None and row[one] is None]
                # What stands there as it was written is not lost, whatever else is made of it.
                is_kept = JUNK[int(number)] in [str(value).lower() for value in row.values()]
                if not lost or is_kept:
                    continue
                counted += 1
                if (model, column) not in unread | TAKEN_APART:
                    silent.add(f"{model}: {column} to {', '.join(lost)}")
    assert counted > 50
    assert sorted(silent) == []
