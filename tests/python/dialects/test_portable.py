"""The project's SQL keeps to what the three warehouses understand alike; the rest is in macros/cross_db."""

from __future__ import annotations

import pytest

from tests.python.dialects.portable import findings, findings_in


def test_nothing_outside_cross_db_differs_between_warehouses() -> None:
    assert [str(finding) for finding in findings()] == []


@pytest.mark.parametrize(
    ("sql", "what", "instead"),
    [
        ("select 1,\n  date_diff('day', a, b)", "function date_diff", "days_between"),
        ("select 1,\n  regexp_replace(a, 'x', '')", "function regexp_replace", "regexp_replace_all"),
        ("select 1,\n  list_contains(a, b)", "function list_contains", "macros/cross_db"),
        ("select 1,\n  cast(a as varchar)", "type varchar", "dbt.type_"),
        ("select 1,\n  cast(a as numeric(18, 2))", "type numeric(18, 2)", "as_decimal"),
        ("select 1,\n  a::date", "'::'", "cast("),
        ("select 1\n  where a ilike 'x'", "'ilike'", "lower("),
        ('select 1,\n  "a b"', "'\"'", "BigQuery"),
        ("select 1,\n  current_date", "'current_date'", "cdp_now"),
        ("select 1,\n  sum(a) filter (where b)", "'filter ('", "case when"),
        ("select 1,\n  a // b", "'//'", "floor("),
        ("select 1,\n  a + interval '1' day", "'interval'", "timestamp_add"),
        ("select 1,\n  row_number() over (order by seen_at desc, id)", "order by seen_at desc", "nulls"),
    ],
)  # fmt: skip
def test_a_finding_says_where_what_and_what_to_write(sql: str, what: str, instead: str) -> None:
    found = [str(finding) for finding in findings_in("models/x.sql", sql)]
    assert any(
        one.startswith("models/x.sql:2: ") and what in one and instead in one for one in found
    ), found


def test_jinja_comments_and_text_are_no_sql() -> None:
    sql = """
    {# list_contains(a) ilike #} {% if list_contains(a) %} {{ iff('}}', "date_diff(") }} -- a::b
    select cast('a::b ilike "c"' as {{ dbt.type_string() }}), coalesce(a, 'md5(x)')
    """
    assert list(findings_in("models/x.sql", sql)) == []
