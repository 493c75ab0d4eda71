"""Who may be written to, whatever answers came: the models beside the rules in plain Python, on random worlds."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.warehouses.conftest import target_of
from tests.python.warehouses.loop import FIRST_DAY, Loop

MODELS = ("int_profiles__consents_counted", "profile_consent")
CHANNELS = ("email", "sms", "push", "ads")
PURPOSES = ("marketing", "analytics", "service")
NOW = dt.datetime.fromisoformat(FIRST_DAY)

_when = st.none() | st.integers(-3, 2).map(lambda days: NOW + dt.timedelta(days=days))
_address = st.sampled_from([None, "a@b.example", "c@d.example"])
_number = st.sampled_from([None, "+4911", "+4922"])
_person = st.sampled_from([None, "ana", "bo"])

# email, phone, channel, purpose, state, recorded_at, loaded_at, whose record
answers_given = st.lists(
    st.tuples(
        _address,
        _number,
        st.sampled_from([None, "all", "email", "sms"]),
        st.sampled_from([None, "all", "marketing", "service"]),
        st.sampled_from(["opted_in", "opted_out"]),
        _when,
        _when,
        _person,
    ),
    max_size=8,
)
owners_now = st.fixed_dictionaries(
    {
        ("email", "a@b.example"): _person,
        ("email", "c@d.example"): _person,
        ("phone", "+4911"): _person,
        ("phone", "+4922"): _person,
    }
)

Key = tuple[str, str, str]  # profile, channel, purpose


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The compiled models as views on empty tables of what they read."""
    folder = tmp_path_factory.mktemp("consent")
    loop = Loop(target_of("duckdb", folder), folder / "project")
    loop.dbt("compile", "--select", *MODELS, run="compiled")
    compiled = {
        path.stem: path.read_text() for path in loop.folder.rglob("target/compiled/**/*.sql")
    }
    opened = duckdb.connect(loop.target.text("path"))
    opened.execute(
        """
        create schema analytics;
        create table analytics.stg_consent__consents (
            consent_id text, email text, phone text, channel text, purpose text, state text, basis text,
            consent_source text, recorded_at timestamp, loaded_at timestamp
        );
        create table analytics.profile_records (source_record_id text, profile_id text, source_name text);
        create table analytics.profile_identifiers (
            identifier_type text, identifier_value text, profile_id text
        );
        """
    )
    for model in MODELS:
        opened.execute(f"create view analytics.{model} as {compiled[model]}")
    return opened


def modelled(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], owners: dict[Any, Any]
) -> dict[Key, str]:
    consents, records = [], []
    for number, (email, phone, channel, purpose, state, recorded, loaded, person) in enumerate(
        answers
    ):
        name = f"c{number}"
        consents.append((name, email, phone, channel, purpose, state, recorded, loaded))
        records += [(name, person, "consents")] if person else []
    identifiers = [(*key, person) for key, person in owners.items() if person]
    for table, rows, columns in (
        ("stg_consent__consents", consents, "consent_id, email, phone, channel, purpose, state, recorded_at, loaded_at"),
        ("profile_records", records, "source_record_id, profile_id, source_name"),
        ("profile_identifiers", identifiers, "identifier_type, identifier_value, profile_id"),
    ):  # fmt: skip
        connection.execute(f"delete from analytics.{table}")
        if rows:
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"insert into analytics.{table} ({columns}) values ({places})", rows
            )
    found = connection.execute(
        "select profile_id, channel, purpose, state from analytics.profile_consent"
    ).fetchall()
    assert len(found) == len({row[:3] for row in found}), "one answer for each"
    return {tuple(row[:3]): row[3] for row in found}


def counts_from(state: str, recorded: dt.datetime | None, loaded: dt.datetime | None) -> Any:
    """When an answer counts from; None where it does not."""
    if recorded is not None and recorded <= NOW:
        return recorded
    arrived = loaded or NOW
    if state == "opted_in" or arrived > NOW:
        return None
    return arrived if recorded is None else NOW


def expected(answers: list[Any], owners: dict[Any, Any]) -> dict[Key, str]:
    said: dict[Any, list[tuple[dt.datetime, bool]]] = defaultdict(list)
    for email, phone, channel, purpose, state, recorded, loaded, person in answers:
        when = counts_from(state, recorded, loaded)
        if when is None or channel is None or purpose is None:
            continue
        for one in CHANNELS if channel == "all" else [channel]:
            by_phone = phone is not None and (one == "sms" or email is None)
            subject = ("phone", phone) if by_phone else ("email", email)
            people = {person} | ({owners.get(subject)} if state == "opted_out" else set())
            for profile in people - {None}:
                for aim in PURPOSES if purpose == "all" else [purpose]:
                    said[profile, one, aim, subject[1]].append((when, state == "opted_out"))
    refused = defaultdict(list)
    for (profile, channel, purpose, _), given_answers in said.items():
        refused[profile, channel, purpose].append(max(given_answers)[1])
    return {key: "opted_out" if any(some) else "opted_in" for key, some in refused.items()}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(answers=answers_given, owners=owners_now)
def test_nobody_is_written_to_whose_latest_answer_for_any_of_their_addresses_is_a_no(
    connection: duckdb.DuckDBPyConnection, answers: list[Any], owners: dict[Any, Any]
) -> None:
    assert modelled(connection, answers, owners) == expected(answers, owners)
