"""A table that is made by key is after every build what it would be if it were made whole, however its source changed meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.python.guest import Project

ROOT = Path(__file__).parents[3]
KEYS = 60
SQL = """
    with source as (
        select sale_no, sold_at, amount, loaded_at
        from {{ headwater.rows_by_key(source('till', 'sales'), 'sale_no') }}
    ), latest as (
        select * from source
        where {{ headwater.has_key('sale_no') }} and coalesce(amount, '') <> 'void'
        qualify row_number() over (
            partition by sale_no order by loaded_at desc nulls last, {{ headwater.by_each(['sold_at', 'amount']) }}
        ) = 1
    )
    select
        cast(sale_no as {{ dbt.type_string() }}) as sale_id,
        {{ headwater.cast_or_null('sold_at', dbt.type_timestamp()) }} as sold_at,
        {{ headwater.cast_or_null('amount', dbt.type_numeric()) }} as amount,
        '{{ var("till_name", "till") }}' as till
    from latest"""
BY_KEY = "{{ config(materialized='by_key', unique_key='sale_id') }}"
TWIN = "{{ config(materialized='table') }}"


class Till:
    """A source that nobody can rely on, and two models of it: one made by key, one made whole each time."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder, kept=True)
        self.project.models = {"stg_sales": BY_KEY + SQL, "twin_sales": TWIN + SQL}
        self.project.sources = [
            {"name": "till", "schema": "raw_till", "tables": [{"name": "sales"}]}
        ]
        self.project.vars = {"cdp_unread": {"warn_percent": 100, "stop_percent": 100}}
        self.run("create schema raw_till")
        self.run(
            "create table raw_till.sales (sale_no varchar, sold_at varchar, amount varchar, loaded_at varchar)"
        )

    def run(self, statement: str) -> None:
        self.project.rows(statement)

    def build(self) -> None:
        assert self.project.build() == []

    def log(self) -> str:
        return (self.project.folder / "logs" / "dbt.log").read_text()

    def differences(self) -> list[tuple[object, ...]]:
        """Rows and counts of what could not be read that one of the two has and the other has not."""
        counted = "column_name, value_count, unread_count from analytics_sync.unread_values"
        found = []
        for one, other in (("stg_sales", "twin_sales"), ("twin_sales", "stg_sales")):
            found += self.project.rows(
                f"select '{one}', * from (select * from analytics.{one} except all select * from analytics.{other})"
            )
            found += self.project.rows(
                f"(select {counted} where model_name = '{one}') except all (select {counted} where model_name = '{other}')"
            )
        return found


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path)


def rows_of_a_day(rng: random.Random, day: int) -> Iterator[str]:
    """Statements: what came, changed and went on a day. Nothing at all on some."""
    for _ in range(rng.choice([0, 1, 3, 8])):
        key = rng.choice(["null", "''", "' '"] + [f"'{rng.randrange(KEYS * 2)}'"] * 9)
        sold = rng.choice(
            ["'2026-11-01 10:00:00'", "'2026-13-01'", "null", f"'2026-10-{10 + day % 20}'"]
        )
        amount = rng.choice(["'1.50'", "'twelve'", "'-'", "null", "'void'", f"'{day}'"])
        # Late rows come with an old date, or with none.
        loaded = rng.choice([f"'2026-11-{10 + day % 20}'", "'2020-01-01'", "null"])
        yield f"insert into raw_till.sales values ({key}, {sold}, {amount}, {loaded})"
    for _ in range(rng.choice([0, 0, 2])):
        yield f"update raw_till.sales set amount = '{rng.random():.3f}' where sale_no = '{rng.randrange(KEYS)}'"
    for _ in range(rng.choice([0, 0, 2])):
        yield f"delete from raw_till.sales where sale_no = '{rng.randrange(KEYS)}'"
    if rng.random() < 0.2:  # alike in all
        yield "insert into raw_till.sales select * from raw_till.sales using sample 2 rows"
    if rng.random() < 0.1:
        yield f"delete from raw_till.sales where hash(sale_no, {day}) % 2 = 0"


@pytest.mark.parametrize("days", [6, pytest.param(60, marks=pytest.mark.long)])
def test_after_random_days_the_table_is_what_it_would_be_if_made_whole(
    till: Till, days: int
) -> None:
    rng = random.Random(days)
    till.run(
        f"insert into raw_till.sales select n, '2026-11-01', n / 10, '2026-11-01' from range({KEYS}) as t (n)"
    )
    for day in range(days):
        for statement in rows_of_a_day(rng, day) if day else []:
            till.run(statement)
        if rng.random() < 0.1:
            continue  # nobody built
        if rng.random() < 0.1:
            till.project.vars["till_name"] = f"till {day}"
        till.build()
        assert till.differences() == [], f"day {day}"
    assert till.log().count("stg_sales: keys: ") > days / 3, "too many builds made the table whole"


def test_a_lost_feed_and_a_build_that_broke_off_are_made_good_and_limits_hold_when_nothing_changes(
    till: Till,
) -> None:
    till.run(
        "insert into raw_till.sales select n, '2026-11-01', n, '2026-11-01' from range(20) as t (n)"
    )
    till.build()
    till.run("drop table analytics.stg_sales__feed")
    till.run("delete from raw_till.sales where sale_no = '3'")
    till.build()
    assert till.differences() == []

    till.run("insert into analytics.stg_sales__feed select '', 0, 'being written'")
    till.run("delete from analytics.stg_sales where sale_id = '4'")
    till.project.vars["cdp_unread"] = {"stop_percent": 10}
    till.run("update raw_till.sales set amount = 'twelve' where sale_no in ('5', '6')")
    stopped = "amount: 2 of 19 values (10.5 %) cannot be read"
    assert any(stopped in error for error in till.project.build() if "stg_sales" in error)
    assert "stg_sales: made whole, since its last build broke off" in till.log()
    # Nothing changed since, and still it stops.
    assert any(stopped in error for error in till.project.build() if "stg_sales" in error)
    assert "stg_sales: nothing changed" in till.log()
    assert till.differences() == []


def test_a_model_that_is_no_function_of_its_key_is_refused(till: Till) -> None:
    till.run("insert into raw_till.sales values ('A ', '2026-11-01', '1', null)")
    rows = "{{ headwater.rows_by_key(source('till', 'sales'), 'sale_no') }}"
    till.project.models = {
        "twin_sales": TWIN + SQL,
        "other_key": BY_KEY + f"select lower(trim(sale_no)) as sale_id from {rows}",
        "own_key": BY_KEY + "select sale_no as sale_id from {{ source('till', 'sales') }}",
        "without_key": "{{ config(materialized='by_key') }}" + f"select sale_no from {rows}",
        "two_tables": BY_KEY
        + f"select sale_no as sale_id from {rows} where sale_no not in (select sale_id from {{{{ ref('twin_sales') }}}})",
    }
    errors = {error.split(":")[0]: error for error in till.project.build()}
    assert "1 rows have a `sale_id` that is none of the keys" in errors["other_key"]
    assert "must read everything by key, and reads 0 of 1 so" in errors["own_key"]
    assert "wants a unique_key" in errors["without_key"]
    assert "reads 1 of 2 so: source.shop.till.sales, model.shop.twin_sales" in errors["two_tables"]


def test_what_a_table_made_by_key_holds_is_no_warning() -> None:
    """dbt 1 does not know that this materialisation makes a table with its constraints, and would warn of each in every guest."""
    by_key = {
        path.stem
        for path in (ROOT / "models").rglob("*.sql")
        if "materialized='by_key'" in path.read_text()
    }
    models = [
        model
        for path in (ROOT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models") or []
    ]
    constraints = [
        (model["name"], constraint)
        for model in models
        if model["name"] in by_key
        for column in model.get("columns") or []
        for constraint in column.get("constraints") or []
    ]
    assert {"profile_attributes", "account_attributes"} <= {name for name, _ in constraints}
    assert [name for name, told in constraints if told.get("warn_unsupported") is not False] == []
