"""Traits of companies from what belongs to them: the macro beside plain Python, on random groups of companies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python import inline as inline_
from tests.python.examples import drawn

COMPANIES = [f"a{n}" for n in range(7)]
PEOPLE = [f"p{n}" for n in range(4)]
TRAITS = """{'n': 'count', 'total': {'sum': 'amount'}, 'big': {'count': true, 'where': 'amount > 5'}, 'mean': {'mean': 'amount'},
    'top': {'max': 'amount'}, 'kinds': {'distinct': 'kind'}}"""
READ = dict.fromkeys(
    ("account_records", "account_contacts", "account_hierarchy"), "select 1 as one"
)
PLACES = ("itself", "contacts", "children", "below", "group")
HIERARCHY = '{"cdp_company_hierarchy": {"parent": "industry", "identifier": "tax_id"}}'


def compiled(folder: Path, inline: str, variables: str = HIERARCHY) -> str:
    told = {"cdp_company_hierarchy": {}, **json.loads(variables)}
    return inline_.compiled(folder, inline, models=READ, variables=told)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    inline = "\n<next>\n".join(
        f"{{{{ headwater.company_traits('told', of='{place}', traits={TRAITS}) }}}}"
        for place in PLACES
    )
    parts = compiled(tmp_path_factory.mktemp("rollup"), inline).split("<next>")
    for_memory = [part.replace('"memory"."main_cdp".', "").replace('"memory"."main".', "") for part in parts]  # fmt: skip
    return dict(zip(PLACES, for_memory, strict=True))


parents = st.lists(st.none() | st.sampled_from(COMPANIES), min_size=7, max_size=7)
rows = st.lists(
    st.tuples(st.sampled_from(COMPANIES), st.sampled_from(PEOPLE), st.integers(0, 9), st.sampled_from("xy")),
    max_size=12,
)  # fmt: skip
contacts = st.sets(st.tuples(st.sampled_from(COMPANIES), st.sampled_from(PEOPLE)), max_size=8)


def members(
    place: str, parent: dict[str, str | None], pairs: set[tuple[str, str]]
) -> Callable[[str], set[str]]:
    def above(one: str) -> list[str]:
        found: list[str] = []
        at = parent[one]
        while at is not None and len(found) < 10:
            found.append(at)
            at = parent[at]
        return found

    def endless(one: str) -> bool:
        return len(above(one)) >= 10

    def top(one: str) -> str | None:
        return None if endless(one) else (above(one) or [one])[-1]

    return {
        "itself": lambda one: {one},
        "contacts": lambda one: {person for company, person in pairs if company == one},
        "children": lambda one: {c for c in COMPANIES if parent[c] == one and not endless(c)},
        "below": lambda one: {c for c in COMPANIES if one in above(c) and not endless(c)},
        "group": lambda one: {c for c in COMPANIES if top(c) == top(one) is not None},
    }[place]


@settings(max_examples=drawn(20), deadline=None, derandomize=True)
@given(said=parents, told=rows, pairs=contacts)
def test_what_belongs_to_a_company_is_rolled_up(
    queries: dict[str, str],
    said: list[str | None],
    told: list[tuple[str, str, int, str]],
    pairs: set[tuple[str, str]],
) -> None:
    parent = {one: None if above == one else above for one, above in zip(COMPANIES, said, strict=True)}  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(
            "create table account_records (account_id text); create table account_contacts (account_id text, profile_id text);"
            "create table told (account_id text, profile_id text, amount integer, kind text);"
            "create table account_hierarchy (account_id text, parent_account_id text, ultimate_parent_account_id text, has_no_top boolean)"
        )
        for one in COMPANIES:
            path, at = [one], parent[one]
            while at is not None and len(path) < 10:
                path.append(at)
                at = parent[at]
            is_endless = at is not None
            top = None if is_endless else path[-1]
            connection.execute("insert into account_records values (?), (?)", [one, one])
            connection.execute(
                "insert into account_hierarchy values (?, ?, ?, ?)",
                [one, parent[one], top, is_endless],
            )
        for row in told:
            connection.execute("insert into told values (?, ?, ?, ?)", row)
        for pair in pairs:
            connection.execute("insert into account_contacts values (?, ?)", pair)
        for place, query in queries.items():
            found = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
            of = members(place, parent, pairs)
            column = 1 if place == "contacts" else 0
            for one in COMPANIES:
                theirs = [row for row in told if row[column] in of(one)]
                amounts = [row[2] for row in theirs]
                assert found[one] == (
                    len(theirs),
                    sum(amounts),
                    sum(amount > 5 for amount in amounts),
                    pytest.approx(sum(amounts) / len(amounts)) if amounts else None,
                    max(amounts, default=None),
                    len({row[3] for row in theirs}),
                ), (place, one)
            assert set(found) == set(COMPANIES)


@pytest.mark.parametrize(
    ("of", "traits", "variables", "said"),
    [
        ("child", "{'n': 'count'}", HIERARCHY, "'child' is not one of itself, contacts, children"),
        ("below", "{'n': 'count'}", "{}", "wants vars: cdp_company_hierarchy"),
        pytest.param(
            "itself",
            "{'n': {'sums': 'x'}}",
            "{}",
            "'sums' is not one of count, sum",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "itself", "{'n': {'sum': true}}", "{}", "with its column", marks=pytest.mark.long
        ),
        pytest.param("itself", "{}", "{}", "wants {name: trait}", marks=pytest.mark.long),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, of: str, traits: str, variables: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        compiled(tmp_path, f"{{{{ headwater.company_traits('told', of='{of}', traits={traits}) }}}}", variables)  # fmt: skip
