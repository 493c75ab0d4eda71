"""Which company is above which: the model beside plain Python, on random companies."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.commands import BuildError
from tests.python.examples import drawn
from tests.python.profiles.models_alone import models_alone

COMPANIES = [f"a{n}" for n in range(9)]
TABLES = (
    "create schema analytics; create table analytics.account_records (account_id text);"
    "create table analytics.account_identifiers (account_id text, identifier_type text, identifier_value text);"
    "create table analytics.account_attributes (account_id text, attribute text, value text);"
)
# Each names a company by its number, nobody, or one that is not known; the number of a8 and a7 is the same.
parents_said = st.lists(
    st.none() | st.sampled_from([*(f"crm-{n}" for n in range(8)), "crm-99"]), min_size=9, max_size=9
)


def hierarchy(folder: Path, **rule: str) -> duckdb.DuckDBPyConnection:
    return models_alone(folder, ["account_hierarchy"], TABLES, cdp_company_hierarchy=rule)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    opened = hierarchy(
        tmp_path_factory.mktemp("hierarchy"), parent="industry", identifier="crm_account_id"
    )
    for number, company in enumerate(COMPANIES):
        value = f"crm-{min(number, 7)}"
        opened.execute("insert into analytics.account_records values (?), (?)", [company] * 2)
        opened.execute(
            "insert into analytics.account_identifiers values (?, 'crm_account_id', ?), (?, 'tax_id', 'crm-1')",
            [company, value, company],
        )
    return opened


def expected(said: list[str | None]) -> dict[str, tuple[object, ...]]:
    named = {f"crm-{n}": f"a{n}" for n in range(7)}
    parent = {one: named.get(value) for one, value in zip(COMPANIES, said, strict=True) if value}
    parent = {one: above for one, above in parent.items() if above != one}
    found: dict[str, tuple[object, ...]] = {}
    for one in COMPANIES:
        above: list[str] = []
        at: str | None = one
        while at is not None and len(above) <= len(COMPANIES):
            at = parent.get(at)
            above += [at] if at else []
        endless = at is not None
        found[one] = (
            parent.get(one),
            None if endless else (above or [one])[-1],
            None if endless else len(above),
            sum(above_it == one for above_it in parent.values()),
            one in parent and parent[one] is None,
            endless,
        )
    return found


@settings(max_examples=drawn(30), deadline=None, derandomize=True)
@given(said=parents_said)
def test_every_company_has_its_parent_and_its_top(
    connection: duckdb.DuckDBPyConnection, said: list[str | None]
) -> None:
    connection.execute("delete from analytics.account_attributes")
    for company, value in zip(COMPANIES, said, strict=True):
        connection.execute(
            "insert into analytics.account_attributes values (?, 'industry', ?), (?, 'country', 'crm-3')",
            [company, value, company],
        )
    rows = connection.execute(
        "select account_id, parent_account_id, ultimate_parent_account_id, levels_below_top, child_count, "
        "is_parent_unknown, has_no_top from analytics.account_hierarchy"
    ).fetchall()
    assert len(rows) == len(COMPANIES)
    assert {row[0]: tuple(row[1:]) for row in rows} == expected(said)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"parent": "industri", "identifier": "tax_id"}, "cdp_company_hierarchy.parent: 'industri' is not one of"),
        pytest.param({"parent": "industry", "identifier": "vat"}, "cdp_company_hierarchy.identifier: 'vat' is not one of",
                     marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_a_name_that_is_none_stops_the_parse(
    tmp_path: Path, rule: dict[str, str], said: str
) -> None:
    with pytest.raises(BuildError, match=said):
        hierarchy(tmp_path, **rule)
