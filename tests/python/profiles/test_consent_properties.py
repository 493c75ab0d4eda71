"""Who may be written to, whatever was said: the models beside the rules in plain Python, on random worlds."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.examples import drawn
from tests.python.profiles.models_alone import models_alone
from tests.python.rows import insert
from tests.python.warehouses.loop import FIRST_DAY

MODELS = (
    "int_profiles__consent_answers",
    "int_profiles__consents_counted",
    "profile_consent_answers",
    "profile_consent",
    "profile_suppressions",
    "consent_unclear",
)
OUTCOMES = {
    *("decides", "older", "less_strict", "import_after_refusal", "answered_since"),
    *("unconfirmed", "expired", "minor"),
}
ASKED_BY = {"email": "email", "sms": "phone", "push": "email", "ads": "email"}
PURPOSES = ("marketing", "analytics", "service")
PERSONAL = ("preference centre", "Checkout ")
IMPORTED = (
    "import 2026",
    "CRM migration",
    "List upload",
    "back-fill",
    "Datenimport",
    "csvfile",
    "Импорт 2019",
    None,
    "nobody knows",
)
NOW = dt.datetime.fromisoformat(FIRST_DAY)

_when = st.none() | st.integers(-3, 2).map(lambda days: NOW + dt.timedelta(days=days))
_address = st.sampled_from([None, "a@b.example", "c@d.example"])
_number = st.sampled_from([None, "+4911", "+4922"])
_person = st.sampled_from([None, "ana", "bo"])
_people = st.sets(st.sampled_from(["ana", "bo", "cy"]))
_channel = st.sampled_from([None, "all", "email", "sms", "push", "e-mail", "WhatsApp"])
_purpose = st.sampled_from([None, "all", "marketing", "service", "marketting"])

# email, phone, channel, purpose, state, origin, recorded_at, loaded_at, whose record
answers_given = st.lists(
    st.tuples(
        _address,
        _number,
        _channel,
        _purpose,
        st.sampled_from(["opted_in", "opted_out"]),
        st.sampled_from(PERSONAL + IMPORTED),
        _when,
        _when,
        _person,
    ),
    max_size=8,
)
# Who has a value in a record of theirs, linked or not: nobody, one, several.
holders_now = st.fixed_dictionaries(
    {
        ("email", "a@b.example"): _people,
        ("email", "c@d.example"): _people,
        ("phone", "+4911"): _people,
        ("phone", "+4922"): _people,
    }
)
# who it was found to be, recipient, channel, kind, occurred_at
news_given = st.lists(
    st.tuples(
        _person,
        st.sampled_from([("email", "a@b.example"), ("email", "x@y.example"), ("phone", "+4911")]),
        st.sampled_from([None, "email", "sms", "e-mail"]),
        st.sampled_from(["opened", "bounced", "unsubscribed", "complained"]),
        st.integers(-3, 0).map(lambda days: NOW + dt.timedelta(days=days)),
    ),
    max_size=4,
)
erased_values = st.sets(
    st.sampled_from([("email", "a@b.example"), ("phone", "+4922"), ("email", "x@y.example")])
)

# What the models read.
TABLES = """
create schema analytics;
create table analytics.stg_consent__consents (
    consent_id text, email text, phone text, channel text, purpose text, state text, basis text,
    consent_source text, recorded_at timestamp, loaded_at timestamp
);
create table analytics.identity_records (
    entity text, source_name text, source_record_id text, customer_id_value text, user_id_value text, contact_id_value text,
    card_number_value text, anonymous_id_value text, device_id_value text
);
create table analytics.profile_records (source_record_id text, profile_id text, source_name text);
create table analytics.int_profiles__identifier_holders (
    identifier_type text, identifier_value text, profile_id text
);
create table analytics.int_profiles__campaign_recipients_resolved (
    destination text, profile_id text, recipient_type text, recipient text, channel text, kind text,
    occurred_at timestamp, loaded_at timestamp
);
create table analytics.stg_sync__erasure_requests (
    request_id text, identifier_type text, identifier_value_sha256 text, salt text, scope text, requested_at timestamp
);
"""

Key = tuple[str, str, str]  # profile, channel, purpose
Holders = dict[tuple[str, str], set[str]]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The compiled models as views on empty tables of what they read."""
    return models_alone(tmp_path_factory.mktemp("consent"), MODELS, TABLES)


def fill(connection: duckdb.DuckDBPyConnection, table: str, columns: str, rows: list[Any]) -> None:
    connection.execute(f"delete from analytics.{table}")
    insert(connection, f"analytics.{table}", rows, columns)


def write(
    connection: duckdb.DuckDBPyConnection,
    answers: list[Any],
    holders: Holders,
    news: Sequence[Any] = (),
    erased: Iterable[tuple[str, str]] = (),
) -> None:
    """A world, as the models above consent would leave it."""
    fill(
        connection, "stg_consent__consents",
        "consent_id, email, phone, channel, purpose, state, consent_source, recorded_at, loaded_at",
        [(f"c{number}", *answer[:-1]) for number, answer in enumerate(answers)],
    )  # fmt: skip
    fill(
        connection, "profile_records", "source_record_id, profile_id, source_name",
        [(f"c{n}", answer[-1], "consents") for n, answer in enumerate(answers) if answer[-1]],
    )  # fmt: skip
    fill(
        connection, "int_profiles__identifier_holders",
        "identifier_type, identifier_value, profile_id",
        [(*value, person) for value, people in holders.items() for person in people],
    )  # fmt: skip
    fill(
        connection, "int_profiles__campaign_recipients_resolved",
        "destination, profile_id, recipient_type, recipient, channel, kind, occurred_at, loaded_at",
        [("mailer", who, *to, channel, kind, at, at) for who, to, channel, kind, at in news],
    )  # fmt: skip
    fill(
        connection, "stg_sync__erasure_requests",
        "request_id, identifier_type, identifier_value_sha256, requested_at",
        [("r", kind, hashlib.sha256(value.encode()).hexdigest(), NOW) for kind, value in erased],
    )  # fmt: skip


def modelled(connection: duckdb.DuckDBPyConnection) -> dict[Key, tuple[str, Any]]:
    found = connection.execute(
        "select profile_id, channel, purpose, state, case when may_raise then recorded_at end "
        "from analytics.profile_consent"
    ).fetchall()
    assert len(found) == len({row[:3] for row in found}), "one answer for each"
    outcomes = connection.execute(
        "select distinct outcome, profile_id is null from analytics.profile_consent_answers"
    ).fetchall()
    assert {outcome for outcome, _ in outcomes} <= OUTCOMES
    assert not any(nobody for _, nobody in outcomes)
    return {tuple(row[:3]): row[3:] for row in found}


def counts_from(state: str, recorded: dt.datetime | None, loaded: dt.datetime | None) -> Any:
    """When an answer counts from; None where it does not."""
    if recorded is not None and recorded <= NOW:
        return recorded
    arrived = loaded or NOW
    if state == "opted_in" or arrived > NOW:
        return None
    return arrived if recorded is None else NOW


def meant(word: str | None, known: Iterable[str], refuses: bool) -> list[str]:
    """What an answer is about: a word nobody knows is a no to everything and a yes to nothing."""
    known = list(known)
    word = word.lower() if word else word
    if word == "all" or (refuses and word not in known):
        return known
    return [word] if word in known else []


def expected(answers: list[Any], holders: Holders) -> dict[Key, tuple[str, Any]]:
    # Per person, channel, purpose and value asked: when, whether it is a no, whether a yes may raise, whether by the other value.
    said: dict[Any, list[tuple[dt.datetime, bool, bool, bool]]] = defaultdict(list)
    for email, phone, channel, purpose, state, origin, recorded, loaded, person in answers:
        when, refuses = counts_from(state, recorded, loaded), state == "opted_out"
        if when is None:
            continue
        raises = not refuses and origin in PERSONAL
        channels = meant(channel, ASKED_BY, refuses)
        is_for_all = (channel or "").lower() == "all" or (channel or "").lower() not in ASKED_BY
        for one, aim in product(channels, meant(purpose, PURPOSES, refuses)):
            by_phone = phone is not None and (ASKED_BY[one] == "phone" or email is None)
            values = [("email", email), ("phone", phone)]
            subject, other = values[::-1] if by_phone or email is None else values
            reached = {person} | (holders.get(subject, set()) if refuses else set())
            for profile in reached - {None}:
                said[profile, one, aim, subject[1]].append((when, refuses, raises, False))
            if refuses and is_for_all and email and phone:
                for profile in holders.get(other, set()):
                    said[profile, one, aim, other[1]].append((when, True, False, True))
    raised: dict[Key, Any] = {}
    for (*key, _), told in said.items():
        for when, _, raises, _ in told:
            if raises:
                raised[tuple(key)] = max(when, raised.get(tuple(key), when))
    found: dict[Key, list[tuple[bool, Any]]] = defaultdict(list)
    for (*key, _), told in said.items():
        later = raised.get(tuple(key))
        refused = any(no for _, no, _, _ in told)
        left = [
            one
            for one in told
            if not (one[3] and later and later > one[0]) and (one[1] or one[2] or not refused)
        ]
        strong = [one for one in left if one[1] or one[2]] or left
        if strong:
            when, no, raises, _ = max(strong, key=lambda one: one[:2])
            found[tuple(key)].append((no, when if raises else None))
    return {
        key: ("opted_out", None)
        if any(no for no, _ in some)
        else ("opted_in", max((when for _, when in some if when), default=None))
        for key, some in found.items()
    }


def said_again(answers: list[Any], to: tuple[str, str], channel: str | None, at: Any) -> bool:
    """Somebody said yes later of the very address or number that unsubscribed."""
    for email, phone, told, purpose, state, origin, recorded, loaded, _ in answers:
        when = counts_from(state, recorded, loaded)
        if state != "opted_in" or origin not in PERSONAL or when is None or when <= at:
            continue
        if channel not in meant(told, ASKED_BY, False) or "marketing" not in meant(
            purpose, PURPOSES, False
        ):
            continue
        by_phone = phone is not None and (ASKED_BY[channel] == "phone" or email is None)
        if to[1] == (phone if by_phone or email is None else email):
            return True
    return False


def suppressed(
    answers: list[Any],
    consent: dict[Key, tuple[str, Any]],
    holders: Holders,
    news: Sequence[Any],
    erased: Iterable[tuple[str, str]],
) -> set[tuple[str, str, str]]:
    reasons = {"bounced": "hard_bounce", "complained": "complaint", "unsubscribed": "unsubscribed"}
    found = {(person, "all", "erasure") for value in erased for person in holders.get(value, ())}
    for who, to, channel, kind, at in news:
        for person in ({who} | holders.get(to, set())) - {None}:
            state, raised = consent.get((person, channel, "marketing"), ("", None))
            again = state == "opted_in" and raised is not None and raised > at
            again = again and said_again(answers, to, channel, at)
            if kind in reasons and not (kind == "unsubscribed" and again):
                where = channel if channel in ASKED_BY else "all"
                found.add((person, where, reasons[kind]))
    return found


@settings(max_examples=drawn(60), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now)
def test_nobody_is_written_to_whose_latest_answer_for_any_of_their_addresses_is_a_no(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders
) -> None:
    write(connection, answers, holders)
    assert modelled(connection) == expected(answers, holders)


@settings(max_examples=drawn(25), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now, news=news_given, erased=erased_values)
def test_bad_news_and_erasure_reach_all_who_could_be_meant_until_they_say_yes_themselves(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders, news: list[Any],
    erased: set[tuple[str, str]],
) -> None:  # fmt: skip
    write(connection, answers, holders, news, erased)
    found = connection.execute(
        "select profile_id, channel, reason from analytics.profile_suppressions"
    ).fetchall()
    assert len(found) == len(set(found))
    assert set(found) == suppressed(answers, expected(answers, holders), holders, news, erased)


@settings(max_examples=drawn(25), deadline=None, derandomize=True)
@given(answers=answers_given, holders=holders_now, erased=erased_values)
def test_what_could_not_be_taken_as_it_was_said_is_counted(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], holders: Holders,
    erased: set[tuple[str, str]],
) -> None:  # fmt: skip
    write(connection, answers, holders, erased=erased)
    found: dict[str, int] = defaultdict(int)
    for problem, number in connection.execute(
        "select problem, answers from analytics.consent_unclear"
    ).fetchall():
        found[problem] += number
    unclear = {
        "unknown_channel": sum((a[2] or "").lower() not in (*ASKED_BY, "all") for a in answers),
        "unknown_purpose": sum((a[3] or "") not in (*PURPOSES, "all") for a in answers),
        "unknown_origin": sum(
            a[4] == "opted_in" and a[5] in (None, "nobody knows") for a in answers
        ),
        "refusal_without_a_value": sum(a[4] == "opted_out" and not (a[0] or a[1]) for a in answers),
        "refusal_of_nobody_known": sum(
            a[4] == "opted_out"
            and bool(a[0] or a[1])
            and a[-1] is None
            and not holders.get(("email", a[0]))
            and not holders.get(("phone", a[1]))
            for a in answers
        ),
        "yes_without_a_record": sum(a[4] == "opted_in" and a[-1] is None for a in answers),
        "erasure_of_nobody_known": sum(not holders.get(value) for value in erased),
    }
    assert dict(found) == {problem: number for problem, number in unclear.items() if number}


def test_an_erased_persons_answers_are_nobodys_and_their_hashes_are_no_unclear_consent(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    said = ("email", "marketing", "opted_out", "form", NOW, NOW, None)
    write(
        connection,
        [
            ("ada@x.example", None, *said),
            (None, "+4915111111111", *said),
            ("bo@x.example", None, *said),
        ],
        {("email", "bo@x.example"): {"bo"}, ("email", "both@x.example"): {"cy"}},
    )
    fill(
        connection, "stg_sync__erasure_requests",
        "request_id, identifier_type, identifier_value_sha256, salt, scope, requested_at",
        [
            ("r", kind, hashlib.sha256(f"5a17{value}".encode()).hexdigest(), "5a17", scope, NOW)
            for kind, value, scope in (
                ("email", "ada@x.example", "erase"),
                ("phone", "+4915111111111", "erase"),
                ("email", "both@x.example", "suppress"),
            )
        ],
    )  # fmt: skip
    left = connection.execute(
        "select email from analytics.int_profiles__consent_answers"
    ).fetchall()
    assert left == [("bo@x.example",)]
    # Who shares a value that was asked for is sent nothing, and stays.
    found = "select profile_id, channel, reason from analytics.profile_suppressions"
    assert connection.execute(found).fetchall() == [("cy", "all", "erasure")]
    problems = connection.execute("select problem from analytics.consent_unclear").fetchall()
    assert ("erasure_of_nobody_known",) not in problems


def test_a_yes_that_an_erased_person_may_have_said_is_not_anothers(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """They shared an address and a number; who has these now asks by themselves, before or after, or had an account of their own."""
    before, after = NOW - dt.timedelta(days=3), NOW - dt.timedelta(days=1)
    yes = ("email", "marketing", "opted_in", "Checkout ")
    write(
        connection,
        [
            ("both@x.example", None, *yes, before, before, None),
            ("both@x.example", None, *yes, before, before, None),
            ("both@x.example", None, *yes, after, after, None),
            ("both@x.example", None, "email", "marketing", "opted_out", "form", before, before, None),
            (None, "+4911", "sms", *yes[1:], before, before, None),
            ("bo@x.example", None, *yes, before, before, None),
        ],
        {("email", "both@x.example"): {"cy"}},
    )  # fmt: skip
    fill(
        connection, "identity_records", "entity, source_name, source_record_id, customer_id_value",
        [("person", "consents", "c0", None), ("person", "consents", "c1", "77")],
    )  # fmt: skip
    fill(
        connection, "stg_sync__erasure_requests",
        "request_id, identifier_type, identifier_value_sha256, salt, scope, requested_at",
        [
            ("r", kind, hashlib.sha256(f"5a17{value}".encode()).hexdigest(), "5a17", scope, NOW - dt.timedelta(days=2))
            for kind, value, scope in (
                ("profile_id", "ada", "erase"), ("email", "both@x.example", "shared"), ("phone", "+4911", "shared"),
            )
        ],
    )  # fmt: skip
    left = connection.execute(
        "select consent_id from analytics.int_profiles__consent_answers order by 1"
    ).fetchall()
    assert left == [("c1",), ("c2",), ("c3",), ("c5",)]
    assert (
        connection.execute("select count(*) from analytics.profile_suppressions").fetchone()[0] == 0
    )
