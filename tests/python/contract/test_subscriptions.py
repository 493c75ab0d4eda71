"""Nobody is subscribed who did not agree, and nobody whom the vendor knows to have said no."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sync.config.models import Consent, Model, SyncDefinition
from sync.destinations import registry
from sync.engine.plan import capability
from sync.errors import RefusedError
from sync.records import Mode, Record, SyncObject

from .conftest import Bench, settled

SUBSCRIBING = [
    (declared.name, kind, one.subscribes)
    for declared in map(registry.declaration, registry.shipped())
    for kind, one in declared.objects.items()
    if one.subscribes
]


def definition(kind: str, mode: Mode, consent: Consent | None, identifier: str) -> SyncDefinition:
    return SyncDefinition(
        name="newsletter",
        path="models/newsletter.yml",
        model=Model("newsletter", "newsletter", "model.p.newsletter", frozenset()),
        destination="d",
        object=SyncObject(kind, "Newsletter"),
        mode=mode,
        key=("profile_id",),
        identifiers=(identifier,),
        consent=consent,
    )


@pytest.mark.parametrize(("vendor", "kind", "channel"), SUBSCRIBING)
def test_a_sync_that_subscribes_asks_for_the_consent_of_its_channel(
    vendor: str, kind: str, channel: str
) -> None:
    declared = registry.declaration(vendor)
    (identifier, *_) = sorted(declared.objects[kind].identifiers)
    right = Consent(channel, "marketing")
    for mode in declared.objects[kind].modes:
        for consent in (None, Consent("ads", "marketing"), right):
            asked = definition(kind, mode, consent, identifier)
            if consent == right or mode is Mode.REMOVE:
                assert capability.object_type(asked, declared).subscribes == channel
                continue
            with pytest.raises(RefusedError, match=f"agreed to {channel}") as caught:
                capability.object_type(asked, declared)
            assert caught.value.reason == "consent"
            assert "consent=" in str(caught.value.hint)


def klaviyo(bench: Bench, kind: str = "email_subscription", **settings: Any) -> Any:
    return bench.destination("klaviyo", kind, **settings)


def person(name: str, **fields: Any) -> Record:
    return Record(name, {"email": f"{name}@shop.example"}, fields)


def said(bench: Bench) -> dict[str, Any]:
    """What the stand-in has of each address."""
    store = bench.store()
    profiles = store.members("klaviyo", "profiles")
    told = store.members("klaviyo:subscriptions", "profiles")
    store.close()
    return {
        profiles[key]["email"].partition("@")[0]: answers.get("email", {})
        for key, answers in told.items()
    }


def test_who_has_unsubscribed_there_or_is_suppressed_is_refused(bench: Bench) -> None:
    gone, hushed, new = person("gone"), person("hushed"), person("new")
    settled(klaviyo(bench), klaviyo(bench).upsert([gone, hushed]))
    settled(klaviyo(bench), klaviyo(bench).remove([gone]))
    suppression = klaviyo(bench, "suppression")
    settled(suppression, suppression.upsert([hushed]))
    shouted = Record("gone", {"email": "GONE@Shop.example"})
    result = klaviyo(bench).upsert([shouted, hushed, new])
    assert [(row.key, row.status, row.retryable) for row in result.failed] == [
        ("gone", "unsubscribed", False),
        ("hushed", "suppressed", False),
    ]
    assert [row.key for row in result.accepted] == ["new"]
    assert said(bench)["gone"]["consent"] == "UNSUBSCRIBED"
    assert said(bench)["hushed"]["suppression"]


def test_who_agreed_again_is_subscribed_where_the_sync_says_so(bench: Bench) -> None:
    gone = person("gone")
    klaviyo(bench).upsert([gone])
    klaviyo(bench).remove([gone])
    result = klaviyo(bench, resubscribe=True).upsert([gone])
    assert [row.key for row in result.accepted] == ["gone"]
    assert said(bench)["gone"]["consent"] == "SUBSCRIBED"


def test_a_consent_of_the_past_is_told_with_its_time_and_no_other(bench: Bench) -> None:
    """One request says of all its rows that they are of the past."""
    at, later = dt.datetime(2026, 3, 1, 8), dt.datetime(2999, 1, 1)
    rows = [
        person("then", consented_at=at),
        person("now", consented_at=None),
        person("text", consented_at="2026-03-01"),
        person("later", consented_at=later),
    ]
    result = klaviyo(bench).upsert(rows)
    assert [(row.key, row.status) for row in result.failed] == [
        ("text", "no_time"),
        ("later", "no_time"),
    ]
    assert said(bench)["then"]["consent_timestamp"] == "2026-03-01T08:00:00Z"
    assert "consent_timestamp" not in said(bench)["now"]
    assert {*said(bench)} == {"then", "now"}


def test_an_audit_sees_who_is_not_subscribed_any_more(bench: Bench) -> None:
    rows = [person("stays"), person("leaves"), person("never")]
    klaviyo(bench).upsert(rows[:2])
    klaviyo(bench).remove(rows[1:2])
    assert klaviyo(bench).there(rows) == {"stays"}


def test_suppressions_are_taken_back_and_seen(bench: Bench) -> None:
    rows = [person("one"), person("two")]
    destination = klaviyo(bench, "suppression")
    assert [one.key for one in settled(destination, destination.upsert(rows)).accepted] == [
        "one",
        "two",
    ]
    assert destination.there(rows) == {"one", "two"}
    settled(destination, destination.remove(rows[:1]))
    assert destination.there(rows) == {"two"}


def test_a_profile_that_is_removed_is_deleted(bench: Bench) -> None:
    destination = klaviyo(bench, "profile")
    settled(destination, destination.upsert([person("one"), person("two")]))
    assert destination.there([person("one"), person("two")]) == {"one", "two"}
    destination.remove([person("one")])
    assert destination.there([person("one"), person("two")]) == {"two"}


def test_somebody_without_an_address_of_the_channel_fails_alone(bench: Bench) -> None:
    nobody = Record("nobody", {"email": ""})
    result = klaviyo(bench).upsert([nobody, person("one")])
    assert [(row.key, row.status) for row in result.failed] == [("nobody", "no_identifier")]
    assert [row.key for row in result.accepted] == ["one"]
