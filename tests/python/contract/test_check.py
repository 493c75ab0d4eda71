"""What `check` tells of one sync before anything is sent: its own object, the scopes that it needs, the fields that the vendor has."""

from __future__ import annotations

from typing import Any

import pytest

from sync.config.models import Model, SyncDefinition
from sync.destinations import registry
from sync.engine.connect import Connection
from sync.engine.plan.planner import map_columns
from sync.engine.preflight import check_fields
from sync.errors import AuthError, DestinationError, MisconfiguredError, RefusedError
from sync.records import Mode, Record, SyncObject

from .conftest import Bench, records, settled

NAMED = [("klaviyo", "list"), ("meta", "audience"), ("google_data_manager", "audience"), ("hubspot", "list")]  # fmt: skip


@pytest.mark.parametrize(("kind", "object_kind"), NAMED)
def test_check_looks_for_the_object_of_the_sync_and_makes_none(
    bench: Bench, kind: str, object_kind: str
) -> None:
    assert "'Lapsed buyers' will be made" in bench.destination(kind, object_kind).check()
    assert "'Lapsed buyers' will be made" in bench.destination(kind, object_kind).check()
    destination = bench.destination(kind, object_kind)
    able = registry.declaration(kind).objects[object_kind]
    settled(destination, destination.upsert(records(able, 1)))
    assert "'Lapsed buyers' is there" in bench.destination(kind, object_kind).check()


def asked(bench: Bench, kind: str, object_kind: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of what a check asks."""
    paths: list[str] = []
    destination = bench.destination(kind, object_kind)
    session = destination.http._session
    original = session.request

    def request(method: str, url: str, **options: Any) -> Any:
        paths.append(url.removeprefix(bench.url(kind)).partition("?")[0])
        return original(method, url, **options)

    monkeypatch.setattr(session, "request", request)
    destination.check()
    return paths


@pytest.mark.parametrize(
    ("kind", "object_kind", "path"),
    [
        ("klaviyo", "list", "/klaviyo/api/profiles"),
        ("klaviyo", "list", "/klaviyo/api/lists"),
        ("klaviyo", "event", "/klaviyo/api/events"),
        ("hubspot", "contact", "/hubspot/crm/v3/objects/contacts"),
        ("hubspot", "company", "/hubspot/crm/v3/objects/companies"),
        ("hubspot", "list", "/hubspot/crm/v3/lists/object-type-id/0-1/name/Lapsed%20buyers"),
        ("onesignal", "message", "/onesignal/notifications"),
    ],
)
def test_check_asks_what_its_own_sync_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str, object_kind: str, path: str
) -> None:
    assert path in asked(bench, kind, object_kind, monkeypatch)


def test_an_event_sync_needs_no_scope_of_lists(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/klaviyo/api/lists" not in asked(bench, "klaviyo", "event", monkeypatch)


def answering(monkeypatch: pytest.MonkeyPatch, destination: Any, path: str, answer: Any) -> None:
    """Have one path of the vendor answered by `answer`, or refused by it."""
    original = destination.http.request

    def request(method: str, asked: str, **options: Any) -> Any:
        if path not in asked:
            return original(method, asked, **options)
        if isinstance(answer, DestinationError):
            raise answer
        return answer

    monkeypatch.setattr(destination.http, "request", request)


@pytest.mark.parametrize(
    ("object_kind", "scopes", "missing"),
    [
        ("contact", ["crm.objects.contacts.read"], "crm.objects.contacts.write"),
        ("list", ["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.lists.read"], "crm.lists.write"),
        ("company", ["crm.objects.contacts.write", "crm.objects.companies.read"], "crm.objects.companies.write"),
    ],
)  # fmt: skip
def test_a_token_that_lacks_a_scope_of_this_sync_is_told_before_anything_is_sent(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    object_kind: str,
    scopes: list[str],
    missing: str,
) -> None:
    destination = bench.destination("hubspot", object_kind)
    answering(monkeypatch, destination, "access-token-info", {"scopes": scopes})
    with pytest.raises(AuthError, match=f"lacks the scopes {missing}, which a {object_kind}"):
        destination.check()


def test_a_token_that_does_not_tell_its_scopes_is_tried_by_reading(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = bench.destination("hubspot", "contact")
    answering(monkeypatch, destination, "access-token-info", MisconfiguredError("404"))
    assert destination.check()


def test_an_audience_of_another_kind_is_not_filled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = bench.destination("meta", "audience")
    page = {"data": [{"id": "1", "name": "Lapsed buyers", "subtype": "LOOKALIKE"}]}
    answering(monkeypatch, destination, "customaudiences", page)
    with pytest.raises(MisconfiguredError, match="'Lapsed buyers' is of another kind"):
        destination.check()


@pytest.mark.parametrize(
    ("said", "shown"),
    [({"membershipDuration": "2592000s"}, ", members stay 30 days"), ({}, "is there")],
)
def test_check_says_how_long_members_stay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], shown: str
) -> None:
    destination = bench.destination("google_data_manager", "audience")
    page = {"userLists": [{"id": "1", "displayName": "Lapsed buyers", **said}]}
    answering(monkeypatch, destination, "userLists", page)
    assert destination.check().endswith(shown)


def test_a_list_that_fills_itself_is_not_filled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = bench.destination("hubspot", "list")
    found = {"list": {"listId": "1", "processingType": "DYNAMIC"}}
    answering(monkeypatch, destination, "/name/", found)
    with pytest.raises(MisconfiguredError, match="'Lapsed buyers' is filled by filters"):
        destination.check()


def definition(mode: Mode = Mode.MIRROR) -> SyncDefinition:
    return SyncDefinition(
        name="hubspot_contacts",
        destination="crm",
        object=SyncObject("contact"),
        mode=mode,
        key=("profile_id",),
        identifiers=("email",),
        model=Model("model.x.sync_hubspot__contacts", "sync_hubspot__contacts", "t", frozenset()),
        path="models/activation/_activation__exposures.yml",
        fields={"loyalty_tier": "tier"},
    )


COLUMNS = ["profile_id", "email", "first_name", "tier", "hs_object_id", "row_hash"]


def fields_of(bench: Bench, definition: SyncDefinition) -> None:
    destination = bench.destination("hubspot", "contact")
    connection = Connection(destination, destination.declaration, "x")
    check_fields(definition, connection, map_columns(definition, COLUMNS))


def test_properties_that_the_vendor_lacks_are_one_message_that_names_columns(bench: Bench) -> None:
    bench.faults.shares = {"unknown_property": 1}
    with pytest.raises(RefusedError) as caught:
        fields_of(bench, definition())
    assert caught.value.reason == "fields"
    assert caught.value.message == (
        "sync 'hubspot_contacts': HubSpot does not take 2 of its fields: column 'hs_object_id' goes to property "
        "'hs_object_id', which nobody may write, column 'tier' goes to property 'loyalty_tier', which is not there."
    )
    assert "_activation__exposures.yml" in (caught.value.hint or "")
    store = bench.store()
    store.object_id("hubspot", "property:contacts", "loyalty_tier")
    store.close()
    with pytest.raises(RefusedError, match="does not take 1 of its fields: column 'hs_object_id'"):
        fields_of(bench, definition())


def test_a_sync_that_only_removes_asks_for_no_property(bench: Bench) -> None:
    bench.faults.shares = {"unknown_property": 1}
    fields_of(bench, definition(Mode.REMOVE))


def test_where_the_vendor_does_not_tell_nothing_is_refused(bench: Bench) -> None:
    fields_of(bench, definition())


def test_the_stand_in_refuses_a_property_as_the_vendor_does(bench: Bench) -> None:
    bench.faults.shares = {"unknown_property": 1}
    with pytest.raises(MisconfiguredError, match="PROPERTY_DOESNT_EXIST: loyalty_tier"):
        bench.destination("hubspot", "contact").upsert(
            [Record("p1", {"email": "a@shop.example"}, {"loyalty_tier": "gold"})]
        )
