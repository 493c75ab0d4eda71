"""Consent and suppression are asked again at push: the activation models of these tests forgot both."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from sync.config.models import Consent, Guards
from sync.records import Mode

EMAIL = Consent("email", "marketing")
OPEN = Guards(min_rows=0, max_removals_percent=None)


def set_state(bench, profile, channel, purpose, state):
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "insert into profile_consent values (?, ?, ?, ?)", [profile, channel, purpose, state]
        )


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.ADD, Mode.REPLACE])
def test_nobody_without_consent_is_sent_whatever_the_model_says(workbench, mode):
    bench = workbench(mode=mode, consent=EMAIL)
    bench.people("agreed", "silent", "refused", "other_channel", "other_purpose")
    bench.agreed("agreed")
    set_state(bench, "refused", "email", "marketing", "opted_out")
    set_state(bench, "other_channel", "sms", "marketing", "opted_in")
    set_state(bench, "other_purpose", "email", "analytics", "opted_in")
    result = bench.push()
    assert (result.added, result.counts.withheld) == (1, {"no_consent": 4})
    assert set(bench.destination.members) == {"agreed"} == bench.held()


def test_events_are_withheld_from_who_has_not_agreed_and_sent_once_they_have(workbench):
    bench = workbench(mode=Mode.EVENT, consent=EMAIL, key=("touchpoint_id",), identifiers=())
    bench.agreed("a")
    bench.table(
        "select 't' || profile_id as touchpoint_id, profile_id, 'x' as row_hash "
        "from (values ('a'), ('b')) as people(profile_id)"
    )
    assert bench.push().counts.withheld == {"no_consent": 1}
    assert [event.key for event in bench.destination.events] == ["ta"]
    bench.agreed("a", "b")
    bench.push()
    assert [event.key for event in bench.destination.events] == ["ta", "tb"]


def test_who_objects_after_the_model_was_built_is_removed_by_the_next_push(workbench):
    bench = workbench(consent=EMAIL, guards=OPEN)
    bench.people("a", "b")
    bench.agreed("a", "b")
    bench.push()
    bench.agreed("a")
    result = bench.push()
    assert (result.removed, result.counts.withheld) == (1, {"no_consent": 1})
    assert set(bench.destination.members) == {"a"}


@pytest.mark.parametrize(
    ("channel", "reason", "sent"),
    [("email", "hard_bounce", False), ("all", "complaint", False), ("sms", "unsubscribed", True),
     ("sms", "erasure", False)],
)  # fmt: skip
def test_who_is_suppressed_on_the_channel_is_not_sent(workbench, channel, reason, sent):
    bench = workbench(consent=EMAIL)
    bench.people("a", "b")
    bench.agreed("a", "b", suppressed={"b": (channel, reason)})
    result = bench.push()
    assert set(bench.destination.members) == ({"a", "b"} if sent else {"a"})
    assert result.counts.withheld == ({} if sent else {"suppressed": 1})


def test_who_asked_to_be_forgotten_is_not_sent_even_where_no_consent_is_needed(workbench):
    bench = workbench()
    bench.people("a", "b", "c")
    bench.agreed(suppressed={"b": ("all", "erasure"), "c": ("all", "complaint")})
    bench.push()
    assert set(bench.destination.members) == {"a", "c"}


def test_the_models_own_reason_comes_first(workbench):
    bench = workbench(consent=EMAIL)
    bench.table([{"profile_id": "a", "withheld_reason": "holdout"}, {"profile_id": "b"}])
    bench.agreed("b")
    assert bench.push().counts.withheld == {"holdout": 1}


def test_to_be_taken_out_needs_no_consent(workbench):
    bench = workbench(mode=Mode.REMOVE, consent=EMAIL)
    bench.people("a")
    bench.agreed()
    assert bench.push().removed == 1


def test_companies_are_not_asked(workbench):
    bench = workbench(key=("account_id",), identifiers=())
    bench.agreed(suppressed={"a": ("all", "erasure")})
    bench.table("select 'a' as account_id, 'x' as row_hash")
    assert bench.push().added == 1


@pytest.mark.parametrize("missing", ["column", "consent", "suppressions"])
def test_a_sync_whose_consent_cannot_be_asked_is_refused(workbench, missing):
    bench = workbench(consent=EMAIL, key=("touchpoint_id",), identifiers=())
    bench.agreed("a")
    whose = "" if missing == "column" else "'a' as profile_id, "
    bench.table(f"select 't' as touchpoint_id, {whose}'x' as row_hash")
    if missing != "column":
        bench.consent_tables = replace(bench.consent_tables, **{missing: None})
    result = bench.push(skip_gates=True)
    assert (result.status, result.error.reason) == ("refused", "consent")
    assert bench.destination.calls == []
