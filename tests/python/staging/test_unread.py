"""What was there and could not be read is counted for a team's own models, without a line to copy; over a share the build stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.guest import Project

# Of 20 rows: two times with a month 13, one number in words, ten birthdays in words, and what stands for nothing.
RAW = """
    create schema if not exists raw_till;
    create or replace table raw_till.sales as
    select
        n as sale_no,
        case when n <= 2 then '2026-13-0' || n || ' 10:00:00 +0100' when n = 3 then ' ' when n = 4 then 'NULL'
            else '2026-11-20 10:00:00 +0100' end as sold_at,
        case when n = 1 then 'twelve (12)' else '1,2' || (n + 10) || '.50' end as amount,
        case when n <= 10 then 'Aschermittwoch' else '19970101' end as born
    from range(1, 21) as numbers (n)"""
SALES = """
    with source as (
        select sale_no, sold_at, amount, born from {{ source('till', 'sales') }} -- a select ( in a comment
    ), sales as (
        select sale_no, {{ headwater.read('sold_at', 'timestamp') }} as sold_at, ')' as sign from source
    )
    select * from sales"""
MODELS = {
    "stg_till__sales": SALES,
    "stg_till__amounts": """
        with source as (select * from {{ source('till', 'sales') }}),
        grouped as (
            select sale_no, max({{ headwater.cast_or_null('amount', dbt.type_numeric()) }}) as amount from source group by sale_no
        )
        select grouped.amount, each.sold_at from grouped
        inner join (
            select {{ headwater.cast_or_null('sold_at', dbt.type_timestamp()) }} as sold_at, 1 as n from source
            union all
            select {{ headwater.cast_or_null('sold_at', dbt.type_timestamp()) }}, 2 from source where sale_no > 2
        ) as each on each.n = 2""",
    "stg_till__people": """
        select {{ headwater.cast_or_null('born', 'date') }} as born
        from {{ source('till', 'sales') }}""",
    "after_people": "select born from {{ ref('stg_till__people') }}",
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = Project(tmp_path, kept=True)
    project.models = dict(MODELS)
    tables = [{"name": "sales"}]
    project.sources = [{"name": "till", "schema": "raw_till", "tables": tables}]
    project.vars = {"cdp_unread": {"warn_percent": 6, "stop_percent": 15}}
    project.rows(RAW)
    return project


def test_losses_are_counted_warned_of_and_stop_the_build(
    shop: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    (error,) = shop.build()
    # Half of the birthdays cannot be read: the model fails, and what is built on it is not made.
    assert "stg_till__people: born: 10 of 20 values (50.0 %) cannot be read, such as 'aaaa" in error
    assert "; 15 % may." in error
    assert "headwater.read('born', ...) takes a format" in error
    made = shop.rows(
        "select table_name from information_schema.tables where table_name like 'after%'"
    )
    assert made == []
    # Two of the 18 times that were there: a warning. A blank and NULL were nothing.
    log = (shop.folder / "logs" / "dbt.log").read_text()
    assert "stg_till__sales: sold_at: 2 of 18 values (11.1 %) cannot be read" in log
    assert "Aschermittwoch" not in error + "".join(capfd.readouterr())
    counted = shop.rows("""
        select model_name, column_name, value_count, unread_count, shapes, verdict
        from analytics_sync.unread_values order by all""")
    time = "9999-99-99 99:99:99 +9999"
    assert counted == [
        ("stg_till__amounts", "amount", 20, 1, "aaaaaa (99)", "allowed"),
        ("stg_till__amounts", "sold_at", 16, 0, None, "read"),
        ("stg_till__amounts", "sold_at", 18, 2, time, "warned"),
        ("stg_till__people", "born", 20, 10, "aaaaaaaaaaaaaa", "stopped"),
        ("stg_till__sales", "sold_at", 18, 2, time, "warned"),
    ]


def test_a_share_is_allowed_for_a_reason_only(shop: Project) -> None:
    shop.vars["cdp_unread"]["columns"] = {"stg_till__people.born": {"stop_percent": 60}}
    assert any("stg_till__people.born: 'reason' is missing" in error for error in shop.build())
    shop.vars["cdp_unread"]["columns"]["stg_till__people.born"]["reason"] = "a joke of the till's"
    assert shop.build() == []


WHEN = "{{ headwater.cast_or_null('sold_at', dbt.type_timestamp()) }}"
# By how a team may write it: each reads the same 20 values, of which 18 are there and 2 cannot be read.
WAYS = {
    "base_till__keyed": "select * from {{ source('till', 'sales') }} where {{ headwater.has_key('sale_no') }}",
    "base_till__named": "select sale_no, sold_at from {{ ref('base_till__keyed') }}",
    "stg_till__after_a_reader": f"select {WHEN} as at from {{{{ ref('base_till__keyed') }}}}",
    "stg_till__after_two": f"select {WHEN} as at from {{{{ ref('base_till__named') }}}}",
    "stg_till__left_out": f"select sale_no from {{{{ source('till', 'sales') }}}} where ({WHEN} <= {{{{ headwater.cdp_now() }}}})",
    "stg_till__read_and_left_out": f"""
        select sale_no, {WHEN} as at from {{{{ source('till', 'sales') }}}} where {WHEN} is not null order by 1""",
    "stg_till__beside": f"""
        select sales.sale_no, times.at from {{{{ source('till', 'sales') }}}} as sales,
            lateral (select {WHEN.replace("sold_at", "sales.sold_at")} as at) as times""",
    "stg_till__inside": f"""
        with others as (select 1 as one),
        found as (
            with named as (select sale_no, sold_at as when_sold from {{{{ source('till', 'sales') }}}}),
            dated as (select sale_no, {WHEN.replace("sold_at", "when_sold")} as at from named)
            select * from dated cross join others
        )
        select * from found""",
    "stg_till__more": f"""
        {{{{ config(materialized='incremental') }}}}
        select sale_no, {WHEN} as at from {{{{ source('till', 'sales') }}}}
        {{% if is_incremental() %}} where sale_no > (select max(sale_no) from {{{{ this }}}}) {{% endif %}}""",
}


def test_however_a_model_reads_its_losses_are_counted(shop: Project) -> None:
    shop.models = dict(WAYS)
    shop.vars["cdp_unread"]["stop_percent"] = 40
    assert shop.build() == []
    counts = "select model_name, value_count, unread_count, verdict from analytics_sync.unread_values order by all"
    assert shop.rows(counts) == [
        (name, 18, 2, "warned") for name in sorted(WAYS) if name.startswith("stg")
    ]
    # The rows that come to an incremental model are counted before they are in it, on top of those it has.
    shop.rows(
        "insert into raw_till.sales values (21, 'soon', '1', null), (22, '2026-11-20', '1', null), (23, '2026-11-20', '1', null)"
    )
    assert shop.build() == []
    of_more = [row for row in shop.rows(counts) if row[0] == "stg_till__more"]
    assert of_more == [("stg_till__more", 21, 3, "warned")]
    shop.rows("insert into raw_till.sales values (24, 'later', '1', null)")
    (error,) = shop.build()
    assert (
        "stg_till__more: sold_at: 1 of 1 values (100.0 %) cannot be read, such as 'aaaaa'" in error
    )
    assert shop.rows("select max(sale_no) from analytics.stg_till__more") == [(23,)]


def test_an_ephemeral_model_that_reads_is_refused(shop: Project) -> None:
    shop.models = {
        "stg_till__sales": "{{ config(materialized='ephemeral') }}" + SALES,
        "after_sales": "select * from {{ ref('stg_till__sales') }}",
    }
    shop.build()
    log = (shop.folder / "logs" / "dbt.log").read_text()
    assert "stg_till__sales: an ephemeral model reads raw values (sold_at)" in log
    assert "Give it materialized='view' in models/stg_till__sales.sql" in log
    assert (
        shop.rows("select * from information_schema.tables where table_name = 'after_sales'") == []
    )


@pytest.mark.parametrize("kind", ["view", "ephemeral"])
def test_what_a_base_model_hands_on_is_counted_where_it_is_read(shop: Project, kind: str) -> None:
    base = "select * from {{ source('till', 'sales') }}"
    shop.models = {
        "base_till__sales": "{{ config(materialized='" + kind + "') }} " + base,
        "stg_till__sales": "select {{ headwater.read('born', 'date') }} as born from {{ ref('base_till__sales') }}",
    }
    (error,) = shop.build()
    assert "stg_till__sales: born: 10 of 20 values (50.0 %) cannot be read" in error


def test_a_golden_attribute_that_is_not_of_its_type_is_counted_and_is_no_value(
    shop: Project,
) -> None:
    record = {
        "key": "sale_no", "first_seen_at": "seen_at",
        "person": {"identifiers": [{"member_no": "sale_no"}], "attributes": [{"birth_date": "born"}]},
    }  # fmt: skip
    shop.models = {
        "stg_till__people": f"{{{{ config(meta={{'record': {record}}}) }}}} select sale_no, born, timestamp '2026-01-01' as seen_at "
        "from {{ source('till', 'sales') }}",
        "int_profiles__attribute_values": "with given as ({{ headwater.survivorship_values('person') }}) select * from given",
    }
    shop.vars |= {
        "cdp_registry": {"records": ["stg_till__people"]},
        "cdp_identity": {"person": {"identifiers": {"member_no": {"tier": 1}}}},
        "cdp_survivorship": {
            "person": {"attributes": {"birth_date": {"rule": "most_recent", "type": "date"}}}
        },
    }
    (error,) = shop.build()
    assert "int_profiles__attribute_values: born: 10 of 20 values (50.0 %) cannot be read" in error
    assert "Say in the staging model that gives it how the source writes them" in error
    column = "int_profiles__attribute_values.born"
    shop.vars["cdp_unread"]["columns"] = {column: {"stop_percent": 60, "reason": "jokes"}}
    assert shop.build() == []
    values = shop.rows(
        "select value, count(*) from analytics.int_profiles__attribute_values group by 1"
    )
    assert values == [("1997-01-01", 10)]


PHONES = {
    "stg_till__people": "select {{ headwater.read('phone', 'phone') }} as phone from {{ source('till', 'sales') }}"
}


@pytest.fixture
def dialled(shop: Project) -> Project:
    shop.models = dict(PHONES)
    shop.rows(
        "create or replace table raw_till.sales as select '0171 ' || (1000000 + n) as phone from range(9) as t (n)"
    )
    return shop


def test_numbers_that_no_country_reads_are_told_with_the_setting_of_it(dialled: Project) -> None:
    (error,) = dialled.build()
    assert "stg_till__people: phone: 9 of 9 values (100.0 %) cannot be read" in error
    assert "else of var cdp_default_country, which is not set." in error
    assert "takes a format" not in error
    dialled.vars["cdp_default_country"] = "DE"
    assert dialled.build() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Deutschland", "'Deutschland' is not an ISO 3166-1 alpha-2 code, two capital letters such as AT; did you mean 'DE'?"),
        ("de", "did you mean 'DE'?"),
        pytest.param("DEU", "did you mean 'DE'?", marks=pytest.mark.long),
        (False, "NO without quotes is false in YAML. Write it in quotes"),
        pytest.param(True, "'True' is not an ISO 3166-1 alpha-2 code", marks=pytest.mark.long),
        pytest.param(49, "'49' is not an ISO 3166-1 alpha-2 code", marks=pytest.mark.long),
        (["DE"], "is not an ISO 3166-1 alpha-2 code"),
        pytest.param("ZZ", "'ZZ' is not an ISO 3166-1 alpha-2 code", marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_a_default_country_that_is_none_is_told_before_anything_is_built(
    dialled: Project, given: object, said: str
) -> None:
    dialled.vars["cdp_default_country"] = given
    (error,) = dialled.build()
    assert error.startswith("run: ")
    assert "vars: cdp_default_country: " in error
    assert said in error
