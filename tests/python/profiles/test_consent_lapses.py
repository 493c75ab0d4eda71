"""A yes that is not confirmed, is over, or is a child's own is none: the models beside the rules in plain Python, on random worlds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_consent_properties import (
    ASKED_BY,
    MODELS,
    NOW,
    PERSONAL,
    TABLES,
    Holders,
    answers_given,
    expected,
    holders_now,
    modelled,
    news_given,
    said_again,
    write,
)

from tests.python.examples import drawn
from tests.python.profiles.models_alone import models_alone
from tests.python.rows import insert

DAYS = 2  # that a yes holds
SOURCE = {
    "name": "consents", "model": "stg_consent__consents", "key": "consent_id", "records": "consents", "email": "email",
    "phone": "phone", "channel": {"column": "channel"}, "purpose": {"column": "purpose"}, "answer": {"state": "state"},
    "origin": "consent_source", "recorded_at": "recorded_at", "loaded_at": "loaded_at", "may_only_lower": False,
    "raising_origins": [one.strip() for one in PERSONAL], "confirmed_at": "confirmed_at", "expires_at": "expires_at",
    "expires_after_days": DAYS, "by_guardian": {"column": "is_by_guardian"},
}  # fmt: skip
MINORS = {"under": 16, "under_by_country": {"AT": 14}}
# Who is how old where, and whether they may say yes themselves.
PEOPLE = {
    "ana": (dt.date(NOW.year - 16, NOW.month, NOW.day), "DE", True),  # today
    "bo": (dt.date(NOW.year - 16, NOW.month, NOW.day) + dt.timedelta(days=1), "DE", False),
    "cy": (dt.date(NOW.year - 14, NOW.month, NOW.day), "at", True),
    "di": (None, None, True),
}

_when = st.none() | st.integers(-4, 3).map(lambda days: NOW + dt.timedelta(days=days))
more_given = st.lists(
    st.tuples(_when, _when, st.sampled_from(["yes", "no", None])), min_size=8, max_size=8
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    tables = TABLES + (
        "alter table analytics.stg_consent__consents add column confirmed_at timestamp;"
        "alter table analytics.stg_consent__consents add column expires_at timestamp;"
        "alter table analytics.stg_consent__consents add column is_by_guardian text;"
        "create table analytics.profile_attributes (profile_id text, attribute text, value text)"
    )
    opened = models_alone(
        tmp_path_factory.mktemp("lapses"), MODELS, tables, cdp_consent_sources=[SOURCE],
        cdp_minors=MINORS, cdp_registry={"records": ["stg_consent__consents"]},
    )  # fmt: skip
    for who, (born, country, _) in PEOPLE.items():
        values = [(who, "birth_date", born and str(born)), (who, "country", country)]
        insert(opened, "analytics.profile_attributes", values)
    opened.execute("delete from analytics.profile_attributes where value is null")
    return opened


def world(connection: Any, answers: list[Any], more: list[Any], *rest: Any) -> None:
    write(connection, answers, *rest)
    for number, (confirmed, expires, guardian) in enumerate(more[: len(answers)]):
        connection.execute(
            "update analytics.stg_consent__consents set confirmed_at = ?, expires_at = ?, is_by_guardian = ? "
            "where consent_id = ?",
            [confirmed, expires, guardian, f"c{number}"],
        )


def standing(answers: list[Any], more: list[Any]) -> list[tuple[Any, bool]]:
    """The answers that are some, as they count, and whether a guardian gave each."""
    found = []
    for answer, (confirmed, expires, guardian) in zip(answers, more, strict=False):
        if answer[4] == "opted_out":
            found.append((answer, True))
            continue
        from_confirmed = (*answer[:6], confirmed, *answer[7:])
        over = expires is not None and expires <= NOW
        if confirmed is None or over or confirmed + dt.timedelta(days=DAYS) <= NOW:
            continue
        if PEOPLE.get(answer[8], (None, None, True))[2] or guardian == "yes":
            found.append((from_confirmed, guardian == "yes"))
    return found


@settings(max_examples=drawn(30), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now, more=more_given)
def test_what_is_no_yes_counts_for_nothing(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders, more: list[Any]
) -> None:
    world(connection, answers, more, holders)
    assert modelled(connection) == expected([one for one, _ in standing(answers, more)], holders)


@settings(max_examples=drawn(20), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now, news=news_given, more=more_given)
def test_what_is_no_yes_ends_no_unsubscription(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders, news: list[Any],
    more: list[Any],
) -> None:  # fmt: skip
    world(connection, answers, more, holders, news)
    found = connection.execute(
        "select profile_id, channel from analytics.profile_suppressions where reason = 'unsubscribed'"
    ).fetchall()
    stands = standing(answers, more)
    consent = expected([one for one, _ in stands], holders)
    wanted = set()
    for who, to, channel, kind, at in news:
        # A child who has the address too may have typed the yes of it.
        is_a_childs = any(not PEOPLE[one][2] for one in holders.get(to, ()))
        heard = [one for one, is_by_guardian in stands if is_by_guardian or not is_a_childs]
        for person in ({who} | holders.get(to, set())) - {None}:
            state, raised = consent.get((person, channel, "marketing"), ("", None))
            again = state == "opted_in" and raised is not None and raised > at
            if kind == "unsubscribed" and not (again and said_again(heard, to, channel, at)):
                wanted.add((person, channel if channel in ASKED_BY else "all"))
    assert set(found) == wanted


def test_each_yes_that_is_none_says_why(connection: duckdb.DuckDBPyConnection) -> None:
    day = dt.timedelta(days=1)
    said = ("a@b.example", None, "email", "marketing", "opted_in", PERSONAL[0], NOW - 3 * day, NOW)
    answers = [(*said, "di"), (*said, "di"), (*said, "bo"), (*said, "bo"), (*said, "ana")]
    more = [
        (None, None, None), (NOW - DAYS * day, None, None), (NOW - day, None, "no"), (NOW - day, NOW, "yes"),
        (NOW - day, NOW + day, None),
    ]  # fmt: skip
    world(connection, answers, more, {})
    rows = connection.execute(
        "select consent_id, outcome from analytics.profile_consent_answers order by consent_id"
    ).fetchall()
    assert rows == [
        ("c0", "unconfirmed"), ("c1", "expired"), ("c2", "minor"), ("c3", "expired"), ("c4", "decides"),
    ]  # fmt: skip
