"""The demo on one random day after another: every table that is not made in each build is what it would be if it were made."""

from __future__ import annotations

import datetime as dt
import random
from argparse import Namespace
from pathlib import Path

import duckdb
import pytest

from benchmarks.build import Project, drawn
from benchmarks.kept import differences

FIRST = dt.datetime(2026, 11, 23, 12)
TABLES = (
    "shop.customers", "shop.orders", "shop.order_lines", "app.users", "app.usage_events", "app.subscriptions", "web.page_views",
    "web.clicks", "crm.contacts", "crm.accounts", "crm.opportunities", "loyalty.members", "support.tickets", "consent.consents",
)  # fmt: skip


def change(connection: duckdb.DuckDBPyConnection, rng: random.Random, now: dt.datetime) -> None:
    """What came, changed and went: late rows, other people's addresses, rows taken out, a request to be forgotten."""
    for table in rng.sample(TABLES, rng.choice([0, 1, 3, 6])):
        schema, _, name = table.partition(".")
        raw = f"raw_{schema}.{name}"
        columns = [row[0] for row in connection.execute(f"describe {raw}").fetchall()]
        key, other = columns[0], rng.choice(columns[1:])
        kind = rng.choice(["double", "change", "lose", "new"])
        few = f"{key} in (select {key} from {raw} order by hash({key} || '{now}') limit {rng.choice([1, 5, 30])})"
        if kind == "double":
            connection.execute(f"insert into {raw} select * from {raw} where {few}")
        elif kind == "lose":
            connection.execute(f"delete from {raw} where {few}")
        elif kind == "change":  # values of somebody else: merges, splits, contradictions
            connection.execute(
                f"update {raw} set {other} = (select {other} from {raw} order by hash({other}, '{now}') limit 1) where {few}"
            )
        else:
            connection.execute(
                f"insert into {raw} select * replace ({key} || '-{now:%d%H%M}' as {key}) from {raw} where {few}"
            )
    if rng.random() < 0.3:
        connection.execute(
            f"drop table analytics.{rng.choice(['profiles', 'event_order_placed', 'identity_edges', 'profile_consent'])}"
        )


@pytest.mark.long
def test_after_random_days_every_table_is_what_it_would_be_if_made(tmp_path: Path) -> None:
    rng = random.Random(7)
    raw = drawn(tmp_path / "raw", Namespace(people=400, events=3000, seed=3))
    project = Project(tmp_path / "project")
    project.load(raw, late=False)
    now = FIRST
    for day in range(20):
        with duckdb.connect(str(project.database)) as connection:
            if day:
                change(connection, rng, now)
        project.build(now.strftime("%Y-%m-%d %H:%M:%S"), tests=False)
        assert differences(project.database, project.folder / "target") == {}, f"day {day}"
        now += dt.timedelta(hours=rng.choice([0, 1, 3, 24, 24, 70]))
        if day == 10:
            project.load(raw, late=True)
