"""Where a country asks for no answer: who is opted in by it, beside the rules in plain Python, on random worlds."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_consent_lapses import MINORS, SOURCE
from test_consent_properties import (
    MODELS,
    TABLES,
    Holders,
    answers_given,
    expected,
    holders_now,
    write,
)

from tests.python.examples import drawn
from tests.python.profiles.models_alone import models_alone

RULE = {
    "countries": {
        "US": {"email": ["marketing"]},
        "CA": {"email": ["marketing"], "sms": ["service"]},
    }
}
ALLOWED = {"US": {("email", "marketing")}, "CA": {("email", "marketing"), ("sms", "service")}}
PEOPLE = ("ana", "bo", "cy", "di")
countries_said = st.fixed_dictionaries(
    {who: st.lists(st.sampled_from(["US", "us ", "CA", "DE"]), max_size=3) for who in PEOPLE}
)
PLAIN = {
    key: value
    for key, value in SOURCE.items()
    if key not in ("confirmed_at", "expires_at", "expires_after_days", "by_guardian")
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    tables = TABLES + (
        "create table analytics.profile_attributes (profile_id text, attribute text, value text);"
        "create table analytics.int_profiles__attribute_values "
        "(profile_id text, attribute text, value text, first_seen_at timestamp)"
    )
    opened = models_alone(
        tmp_path_factory.mktemp("by_country"), MODELS, tables, cdp_consent_sources=[PLAIN],
        cdp_consent_by_country=RULE, cdp_minors=MINORS,
        cdp_registry={"records": ["stg_consent__consents"]},
    )  # fmt: skip
    # One of them is a child.
    opened.execute(
        "insert into analytics.profile_attributes values ('di', 'birth_date', '2020-01-01')"
    )
    return opened


@settings(max_examples=drawn(20), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now, said=countries_said)
def test_who_never_answered_is_opted_in_by_all_countries_of_theirs(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders, said: dict[str, list[str]]
) -> None:  # fmt: skip
    write(connection, answers, holders)
    connection.execute("delete from analytics.int_profiles__attribute_values")
    for who, countries in said.items():
        for country in countries:
            connection.execute(
                "insert into analytics.int_profiles__attribute_values values (?, 'country', ?, null)",
                [who, country],
            )
    found = connection.execute(
        "select profile_id, channel, purpose, state, consent_source, basis, may_raise, recorded_at is null "
        "from analytics.profile_consent"
    ).fetchall()
    answered = set(
        connection.execute(
            "select profile_id, channel, purpose from analytics.profile_consent_answers "
            "where answer_source <> 'country_default'"
        ).fetchall()
    )
    # Whoever counts for something has answered.
    own = expected([one for one in answers if one[4] == "opted_out"], holders)
    assert set(own) <= answered
    wanted = {
        (who, *allowed)
        for who, countries in said.items()
        if countries and who != "di"
        for allowed in ALLOWED["US"] | ALLOWED["CA"]
        if all(allowed in ALLOWED.get(one.strip().upper(), ()) for one in countries)
    }
    by_country = {tuple(row[:3]): row[3:] for row in found if row[4] == "country_default"}
    assert set(by_country) == wanted - answered
    assert set(by_country.values()) <= {
        ("opted_in", "country_default", "legitimate_interest", False, False)
    }
    assert len(found) == len({row[:3] for row in found})
