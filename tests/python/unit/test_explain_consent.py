"""Why somebody may be written to or not: every answer, and what it counts for."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pytest

from sync.errors import ConfigError, SelectionError
from sync.identity.consent import READS, explain_consent
from sync.state.people import MODELS

HOLDERS = (
    "select 'email' as identifier_type, 'ada@x.example' as identifier_value, 'p1' as profile_id "
    "union all select 'email', 'both@x.example', 'p1' union all select 'email', 'both@x.example', 'p2' "
    "union all select 'profile_id', 'p1', 'p1'"
)
ANSWER = (
    "select 'crm' as answer_source, 'c1' as consent_id, 'ada@x.example' as subject, '{channel}' as channel, "
    "'marketing' as purpose, '{state}' as state, {raises} as may_raise, 'consent' as basis, '{origin}' as consent_source, "
    "timestamp '{at}' as recorded_at, '{outcome}' as outcome, 'p1' as profile_id"
)
SAID = (
    "select 'crm' as answer_source, 'crm_contacts' as source_name, '{id}' as consent_id, '{id}' as record_id, {email} as email, "
    "null::varchar as phone, 'email' as channel_said, 'marketing' as purpose_said, {channel} as channel, "
    "'marketing' as purpose, '{state}' as state, 'consent' as basis, 'form' as consent_source, false as may_raise, "
    "{at} as recorded_at"
)
ANSWERED = ("channel", "state", "raises", "origin", "at", "outcome")
TOLD = ("id", "email", "channel", "state", "at")
TABLES = {
    "int_profiles__identifier_holders": HOLDERS,
    "profile_identifiers": "select profile_id, identifier_type, identifier_value "
    f"from ({HOLDERS}) where identifier_type = 'email'",
    "profile_records": "select 'crm_contacts:c1' as record_key, 'crm_contacts' as source_name, "
    "'c1' as source_record_id, 'p1' as profile_id",
    "identity_aliases": "select 'person' as entity, 'p1' as old_id, 'p1' as live_id",
    "profile_consent": "select 'p1' as profile_id, 'email' as channel, 'marketing' as purpose, 'opted_out' as state, "
    "false as may_raise, 'consent' as basis, 'form' as consent_source, timestamp '2026-02-01' as recorded_at",
    "profile_suppressions": "select 'p1' as profile_id, 'email' as channel, 'unsubscribed' as reason, "
    "timestamp '2026-02-01' as since",
    "profile_consent_answers": " union all ".join(ANSWER.format(**dict(zip(ANSWERED, row, strict=True))) for row in [
        ("email", "opted_in", "true", "form", "2026-01-01", "older"),
        ("email", "opted_out", "false", "form", "2026-02-01", "older"),
        ("email", "opted_out", "false", "form", "2026-02-01", "decides"),
        ("sms", "opted_out", "false", "form", "2026-02-01", "decides"),
        ("email", "opted_in", "false", "import 2026", "2026-03-01", "import_after_refusal"),
    ]),
    "int_profiles__consent_answers": " union all ".join(SAID.format(**dict(zip(TOLD, row, strict=True))) for row in [
        ("c1", "'ada@x.example'", "'email'", "opted_in", "timestamp '2026-01-01'"),
        ("c2", "'ada@x.example'", "null", "opted_in", "timestamp '2026-01-01'"),
        ("c3", "'ada@x.example'", "'email'", "opted_in", "null::timestamp"),
        ("c4", "'both@x.example'", "'email'", "opted_in", "timestamp '2026-01-01'"),
        ("c5", "'other@x.example'", "'email'", "opted_in", "timestamp '2026-01-01'"),
    ]),
}  # fmt: skip


@pytest.fixture
def explained(bench):
    with duckdb.connect(str(bench.path)) as connection:
        for name, query in TABLES.items():
            connection.execute(f"create table {name} as {query}")

    def explain(told, *, without=(), show=False):
        manifest = SimpleNamespace(relation=lambda name: None if name in without else name)
        with bench.warehouse.session() as session:
            return explain_consent(bench.warehouse, session, manifest, told, show_values=show)

    return explain


def test_every_answer_is_shown_with_what_it_counts_for(explained):
    result = explained("Ada@X.example")
    assert result["profile_id"] == "p1"
    assert [(one["channel"], one["state"]) for one in result["consent"]] == [("email", "opted_out")]
    assert result["suppressions"][0]["reason"] == "unsubscribed"
    assert [(one["state"], one["for"], one["outcome"]) for one in result["answers"][:3]] == [
        ("opted_in", ["email marketing"], "older"),
        ("opted_out", ["email marketing", "sms marketing"], "decides"),
        ("opted_in", ["email marketing"], "import_after_refusal"),
    ]
    left = sorted(one["outcome"] for one in result["answers"][3:])
    assert left == ["no_time", "not_theirs", "unknown_word"]
    assert "ends no refusal" in result["answers"][2]["why"]


def test_values_are_masked_unless_they_are_asked_for(explained):
    assert "ada@x.example" not in str(explained("p1"))
    assert explained("crm_contacts:c1", show=True)["answers"][0]["of"] == "ada@x.example"


def test_nobody_and_several_people_are_told_apart(explained):
    with pytest.raises(SelectionError, match="nobody"):
        explained("who@x.example")
    with pytest.raises(SelectionError, match="2 people are known by it: p1, p2"):
        explained("both@x.example")


@pytest.mark.parametrize("name", sorted({*READS, *MODELS}))
def test_a_project_without_a_model_is_told_which(explained, name):
    with pytest.raises(ConfigError, match=name):
        explained("p1", without=(name,))
