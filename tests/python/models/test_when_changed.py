"""A table that is left alone is what it would be if it were made: after any history of builds, and whatever was done to it meanwhile."""

from __future__ import annotations

import datetime as dt
import json
import random
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from benchmarks.kept import differences
from tests.python.guest import Project

KEPT = "{{ config(materialized='when_changed') }}\n"
FIRST = dt.datetime(2026, 11, 1, 12)
MODELS = {
    "stg_sales": """{{ config(materialized='by_key', unique_key='sale_id') }}
        select cast(sale_no as varchar) as sale_id, till, try_cast(sold_at as timestamp) as sold_at, try_cast(amount as integer) as amount
        from {{ headwater.rows_by_key(source('till', 'sales'), 'sale_no') }} where sale_no is not null""",
    "stg_tills": "{{ config(materialized='view') }} select till, town from {{ source('till', 'tills') }}",
    "named": "{{ config(materialized='ephemeral') }} select till, upper(town) as town from {{ ref('stg_tills') }}",
    "sold": KEPT
    + """select sale_id, till, sold_at, amount from {{ ref('stg_sales') }}
        where {{ headwater.has_happened('sold_at', ref('stg_sales')) }}""",
    "of_towns": KEPT
    + """select sold.sale_id, tills.town, sold.amount, '{{ var('tills_of', 'us') }}' as shop
        from {{ ref('sold') }} as sold left join {{ ref('named') }} as tills on sold.till = tills.till""",
    "lately": KEPT
    + """select till, count(*) as sale_count from {{ ref('stg_sales') }}
        where sold_at between {{ headwater.timestamp_add(headwater.cdp_now(), -3, 'day') }} and {{ headwater.cdp_now() }} group by till""",
    "towns": KEPT + "select distinct town from {{ ref('of_towns') }}",
    "totals": KEPT
    + """select sales.town, sum(sales.amount) as total, (select sum(sale_count) from {{ ref('lately') }}) as lately
        from {{ ref('of_towns') }} as sales
        inner join {{ ref('towns') }} as towns on sales.town is not distinct from towns.town group by sales.town""",
    "history": """{{ config(materialized='incremental', incremental_strategy='append') }}
        select town, total, {{ headwater.cdp_now() }} as seen_at from {{ ref('totals') }}
        {% if is_incremental() %}
        where (town, total) not in (select (town, total) from {{ this }} where town is not null and total is not null)
        {% endif %}""",
    "peaks": KEPT + "select town, max(total) as peak from {{ ref('history') }} group by town",
    "of_source": KEPT
    + "select till, count(*) as row_count from {{ source('till', 'sales') }} group by till",
    "of_sources": KEPT + "select max(row_count) as most from {{ ref('of_source') }}",
}


class Days:
    """A project of such tables over a source that nobody can rely on, built on one day after another."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder, kept=True)
        self.project.models = dict(MODELS)
        tables = [{"name": "sales"}, {"name": "tills"}]
        self.project.sources = [{"name": "till", "schema": "raw_till", "tables": tables}]
        self.now = FIRST
        for statement in (
            "create schema raw_till",
            "create table raw_till.sales as select n::varchar as sale_no, 'till ' || n % 4 as till, "
            "(timestamp '2026-10-25' + to_hours(n::integer * 5))::varchar as sold_at, (n % 7)::varchar as amount from range(60) as t (n)",
            "create table raw_till.tills as select 'till ' || n as till, 'town ' || n % 3 as town from range(5) as t (n)",
        ):
            self.project.rows(statement)

    def build(self, *words: str) -> list[str]:
        self.project.vars["cdp_as_of"] = self.now.strftime("%Y-%m-%d %H:%M:%S")
        log = self.project.folder / "logs" / "dbt.log"
        log.unlink(missing_ok=True)
        return self.project.build(*words)

    def told(self) -> dict[str, str]:
        """What the last build said of each table: that it was left alone, or why it was made."""
        lines = (self.project.folder / "logs" / "dbt.log").read_text().splitlines()
        said = (line.rpartition("]: ")[2].partition(": ") for line in lines if "]: " in line)
        return {
            name: text.removeprefix("made, since ")
            for name, _, text in said
            if name in MODELS and text.startswith(("made, since ", "left alone"))
        }

    def made(self) -> set[str]:
        return {name for name, text in self.told().items() if not text.startswith("left alone")}

    def differences(self) -> dict[str, int]:
        folder = self.project.folder
        return differences(folder / "shop.duckdb", folder / "target")


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def change(days: Days, rng: random.Random, day: int) -> None:
    """What happens between two builds; often nothing."""
    run, any_sale = days.project.rows, f"'{rng.randrange(80)}'"
    sold_at = days.now + dt.timedelta(hours=rng.randrange(-200, 60))
    for chance, statement in (
        (0.4, f"insert into raw_till.sales values ({any_sale}, 'till {rng.randrange(6)}', '{sold_at}', '{day}')"),
        (0.2, f"update raw_till.sales set amount = '{rng.randrange(9)}' where sale_no = {any_sale}"),
        (0.2, f"update raw_till.sales set sold_at = '{sold_at}' where sale_no = {any_sale}"),
        (0.2, f"delete from raw_till.sales where sale_no = {any_sale}"),
        (0.1, "insert into raw_till.sales values (null, 'till 1', null, 'x')"),
        (0.2, f"update raw_till.tills set town = 'town {rng.randrange(4)}' where till = 'till {rng.randrange(5)}'"),
        (0.1, f"drop table if exists analytics.{rng.choice(['sold', 'towns', 'peaks', 'of_source', 'stg_sales', 'stg_sales__feed'])}"),
        (0.1, f"delete from analytics.{rng.choice(['lately', 'totals', 'of_towns'])} where random() < 0.5"),
        (0.05, "drop table if exists analytics_sync.table_versions"),
    ):  # fmt: skip
        if rng.random() < chance:
            with suppress(duckdb.CatalogException):  # another statement dropped it
                run(statement)
    if rng.random() < 0.15:
        days.project.vars["tills_of"] = f"shop {rng.randrange(3)}"
    if rng.random() < 0.1:
        days.project.models["towns"] = MODELS["towns"] + rng.choice(
            ["", " where town is not null", " -- as before"]
        )
    days.now += dt.timedelta(hours=rng.choice([0, 0, 1, 5, 30, -2]))


@pytest.mark.parametrize("count", [8, pytest.param(60, marks=pytest.mark.long)])
def test_after_random_days_every_table_is_what_it_would_be_if_made(days: Days, count: int) -> None:
    rng = random.Random(count)
    left = 0
    for day in range(count):
        if day:
            change(days, rng, day)
        if rng.random() < 0.1:
            continue  # nobody built
        if rng.random() < 0.15:  # a part alone
            assert (
                days.build("--select", rng.choice(["sold+", "+totals", "of_source", "towns"])) == []
            )
        assert days.build(*(["--full-refresh"] if rng.random() < 0.05 else [])) == []
        assert days.differences() == {}, f"day {day}"
        left += len(days.told()) - len(days.made())
    assert left > count / 2, "too many tables were made"


def test_a_change_goes_as_far_as_rows_differ_and_no_farther(days: Days) -> None:
    assert days.build() == []
    kept = set(days.told())
    assert days.build() == []
    # Whoever reads what a build adds to is asked once more: the first added rows.
    assert days.made() <= {"peaks"}
    # A time with a day in it goes on; the tables that follow from it come out alike.
    days.now += dt.timedelta(minutes=1)
    assert days.build() == []
    assert days.made() == {"lately"}, days.told()
    assert days.told()["lately"] == "its rule is another"
    # A sale that lay ahead comes to pass.
    days.now += dt.timedelta(hours=6)
    assert days.build() == []
    assert days.told()["sold"] == "something came to pass"
    assert days.told()["of_towns"] == '"shop"."analytics"."sold" changed'
    assert days.told()["towns"] == '"shop"."analytics"."of_towns" changed'
    assert days.told()["of_source"].startswith("left alone")
    # Another town of a till, seen through a view and an ephemeral model.
    days.project.rows("update raw_till.tills set town = 'elsewhere' where till = 'till 1'")
    assert days.build() == []
    assert {"of_towns", "towns", "totals"} <= days.made()
    assert "sold" not in days.made()
    # Rows that a table did not have yet, but whose sums are the same as before.
    days.project.rows(
        "update raw_till.sales set sold_at = '2026-10-25 01:00:00' where sale_no = '0'"
    )
    assert days.build() == []
    assert "of_source" in days.made()
    assert "of_sources" not in days.made()
    days.project.vars["tills_of"] = "another"
    assert days.build() == []
    assert days.told()["of_towns"] == "its rule is another"
    assert "sold" not in days.made()
    assert days.build("--full-refresh") == []
    assert days.made() == kept
    assert set(days.told().values()) == {"--full-refresh asks for it"}
    assert days.differences() == {}


def test_what_broke_off_and_what_was_done_by_hand_is_made_good(days: Days) -> None:
    assert days.build() == []
    # A table that cannot be made, and what follows from it, is made once it can.
    days.project.models["of_towns"] = MODELS["of_towns"].replace(
        "sold.amount", "cast('x' || sold.amount as integer) as amount", 1
    )
    days.project.rows("delete from raw_till.sales where sale_no = '1'")
    before = days.project.rows("select * from analytics.of_towns order by all")
    assert any("of_towns" in error for error in days.build())
    assert days.project.rows("select * from analytics.of_towns order by all") == before
    days.project.models["of_towns"] = MODELS["of_towns"]
    assert days.build() == []
    assert days.differences() == {}
    assert {"of_towns", "totals"} <= days.made()
    assert "sold" not in days.made()

    for statement, seen in (
        ("delete from analytics.towns where town = 'TOWN 1'", "towns"),
        ("insert into analytics.of_towns select * from analytics.of_towns limit 1", "of_towns"),
        ("drop table analytics.sold", "sold"),
        ("drop table analytics.totals; create view analytics.totals as select 'x' as town, 1 as total, 1 as lately", "totals"),
        ("update analytics_sync.table_versions set version = null where relation_name like '%sold%'", "sold"),
    ):  # fmt: skip
        days.project.rows(statement)
        assert days.build() == []
        assert seen in days.made(), statement
        assert days.differences() == {}, statement

    # What is not made by us any more has no version of ours, though one is kept.
    days.project.models["sold"] = MODELS["sold"].replace("when_changed", "table")
    days.project.rows("update raw_till.sales set amount = '100' where sale_no = '2'")
    assert days.build() == []
    assert "of_towns" in days.made()
    assert days.differences() == {}


def test_models_that_nobody_can_see_through_are_made_each_time(days: Days) -> None:
    config = "{{ config(materialized='when_changed', %s) }}"
    extra = {
        "clock": KEPT + "select current_date as today from {{ ref('sold') }}",
        "hooked": config % "post_hook='insert into {{ this }} select -1'" + "select count(*) as n from {{ ref('sold') }}",
        "by_name": KEPT + "select count(*) as n from {{ ref('sold') }}, raw_till.tills",
        "by_bare_name": KEPT + "select count(*) as n from tills_of_mine, {{ ref('sold') }}",
        "of_file": KEPT + "select * from range(3) union all select count(*) from read_csv('{{ project_root }}/sales.csv')",
    }  # fmt: skip
    days.project.rows("create table main.tills_of_mine as select 1 as one")
    (days.project.folder / "sales.csv").write_text("a,b\n1,2\n")
    extra["of_file"] = extra["of_file"].replace("{{ project_root }}", str(days.project.folder))
    extra["reads_hooked"] = KEPT + "select max(n) as most, count(*) as n from {{ ref('hooked') }}"
    days.project.models |= extra
    assert days.build() == []
    assert days.build() == []
    log = (days.project.folder / "logs" / "dbt.log").read_text()
    for name, why in {
        "clock": "its SQL has current_date, which differs by itself",
        "hooked": "a hook of its own may write",
        "by_name": "its SQL has , raw_till.tills",
        "by_bare_name": "its SQL has tills_of_mine",
        "of_file": "its SQL has read_csv()",
    }.items():
        assert f"{name}: made, since {why}" in log
    # Its own hook made the table another one than the query does, and it came out alike.
    assert "reads_hooked: left alone" in log


READ = {
    'select 1 from "a"."b"."c"': '"a"."b"."c"',
    'with x as (select * from "a"."b"."c") select * from x join X as y on true': '"a"."b"."c"',
    'select \'from nowhere.at.all\' /* from that */ from "a"."b"."c" -- join d.e.f': '"a"."b"."c"',
    'select extract(year from t.x), t.y is distinct from t.z from "a"."b"."c" as t': '"a"."b"."c"',
    'select 1 from ( select * from "a"."b"."c" ) as s left join\n"d"."e"."f" using (x)': '"a"."b"."c" "d"."e"."f"',
    'select * from "a" . "b" . "from x.y.z"': '"a"."b"."from x.y.z"',
    "with x (n) as (select 1), y as materialized (select * from x) select * from y, unnest([1]) as u": "",
    "select now() from x.y": "doubt",
    "select * from x.y as t tablesample 10": "doubt",
    "select timestamp 'now' from x.y": "doubt",
    'select * from "a"."b"."c" as t, "d"."e"."f"': "doubt",
    'select * from ("a"."b"."c" join "d"."e"."f" using (x))': "doubt",
    'select * from (((t join "d"."e"."f" using (x))))': "doubt",
    "select * from somewhere": "doubt",
    "select * from glob('*')": "doubt",
    'select * from (select 1) as s, "a"."b"."c"': "doubt",
    "select nextval('s') from x.y": "doubt",
    "select age(x) from x.y": "doubt",
}


def test_what_compiled_sql_reads(tmp_path: Path) -> None:
    project = Project(tmp_path, kept=True)
    project.vars["asked"] = list(READ)
    project.models["asked"] = (
        "{% set found = [] %}{% for one in var('asked') %}{% set read = headwater._relations_read(one) %}"
        "{% do found.append('doubt' if read.doubt else read.relations | join(' ')) %}{% endfor %}"
        "select '{{ tojson(found) }}' as found"
    )
    assert project.build() == []
    found = json.loads(str(project.rows("select found from analytics.asked")[0][0]))
    assert dict(zip(READ, found, strict=True)) == READ
