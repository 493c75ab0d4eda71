"""What one vendor does that another does not: a test per fact that bites."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from sync.destinations import registry
from sync.errors import ConfigError, RejectedError
from sync.records import Campaign, CampaignDay, Record, SyncObject

from . import content
from .conftest import Bench, records, settled


def rows(kind: str, object_kind: str, count: int) -> list[Record]:
    return records(registry.declaration(kind).objects[object_kind], count)


def sent_bodies(destination: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Bodies of the requests from here on."""
    bodies: list[Any] = []
    session = destination.http._session
    original = session.request

    def request(method: str, url: str, **options: Any) -> Any:
        bodies.append(options.get("json"))
        return original(method, url, **options)

    monkeypatch.setattr(session, "request", request)
    return bodies


@pytest.mark.parametrize(
    ("kind", "object_kind"), [("meta", "audience"), ("google_data_manager", "audience")]
)
def test_an_address_that_is_not_hashed_never_leaves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str, object_kind: str
) -> None:
    destination = bench.destination(kind, object_kind)
    bodies = sent_bodies(destination, monkeypatch)
    clear = Record("clear", {"email_sha256": "person@shop.example"})
    good = rows(kind, object_kind, 2)
    result = settled(destination, destination.upsert([good[0], clear, good[1]]))
    assert [(row.key, row.status) for row in result.failed] == [("clear", "not_hashed")]
    assert len(result.accepted) == 2
    assert "person@shop.example" not in json.dumps(bodies)


def test_hubspot_takes_over_a_company_it_has_under_the_same_domain(bench: Bench) -> None:
    companies = "/hubspot/crm/v3/objects/companies"
    there = {"name": "Old name", "domain": "company0.example", "phone": "kept"}
    made = requests.post(
        bench.url("hubspot") + companies,
        json={"properties": there},
        headers={"Authorization": "Bearer sandbox"},
        timeout=5,
    ).json()
    result = bench.destination("hubspot", "company").upsert(rows("hubspot", "company", 2))
    store = bench.store()
    held = store.members("hubspot", "companies")
    store.close()
    assert len(held) == 2, "no second company of the same domain"
    assert held[made["id"]]["phone"] == "kept"
    assert {row.key: row.remote_id for row in result.accepted}["p00000"] == made["id"]


def test_hubspot_clears_a_property_with_an_empty_text(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = bench.destination("hubspot", "contact")
    bodies = sent_bodies(destination, monkeypatch)
    destination.upsert([Record("p1", {"email": "a@shop.example"}, {"first_name": None})])
    assert bodies[-1]["inputs"][0]["properties"]["firstname"] == ""


def test_hubspot_fails_the_second_of_two_rows_with_one_address(bench: Bench) -> None:
    twice = [Record("p1", {"email": "a@shop.example"}), Record("p2", {"email": "A@shop.example"})]
    result = bench.destination("hubspot", "contact").upsert(twice)
    assert [row.key for row in result.accepted] == ["p1"]
    assert [(row.key, row.status) for row in result.failed] == [("p2", "duplicate")]


def test_hubspot_says_that_a_new_address_is_another_contacts(bench: Bench) -> None:
    """Nothing is taken over or merged: which of the two is whom, a person says."""
    destination = bench.destination("hubspot", "contact")
    first, second = rows("hubspot", "contact", 2)
    ids = {one.key: one.remote_id for one in destination.upsert([first, second]).accepted}
    moved = replace(
        first, identifiers=second.identifiers, remote_id=ids[first.key], has_new_address=True
    )
    with pytest.raises(RejectedError, match="another contact's") as caught:
        destination.upsert([moved])
    assert (caught.value.code, caught.value.known) == ("CONFLICT", True)
    assert second.identifiers["email"] not in str(caught.value)
    assert len(bench.store().members("hubspot", "contacts")) == 2


def test_hubspot_leaves_the_first_address_of_a_contact_that_has_the_new_one(bench: Bench) -> None:
    destination = bench.destination("hubspot", "contact")
    row = rows("hubspot", "contact", 1)[0]
    known = destination.upsert([row]).accepted[0].remote_id
    moved = replace(row, remote_id=known, has_new_address=True)
    before = destination.http.requests_sent
    assert destination.upsert([moved]).accepted[0].remote_id == known
    assert destination.http.requests_sent - before == 2, "read, and upserted as ever"


def test_klaviyo_changes_the_address_of_the_profile_that_has_the_key(bench: Bench) -> None:
    destination = bench.destination("klaviyo", "list")
    row = rows("klaviyo", "list", 1)[0]
    settled(destination, destination.upsert([row]))
    now = replace(row, identifiers={**row.identifiers, "email": "new@shop.example"})
    settled(destination, destination.upsert([now]))
    held = list(bench.store().members("klaviyo", "profiles").values())
    assert [one["email"] for one in held] == ["new@shop.example"]


def test_klaviyo_has_a_number_on_one_profile(bench: Bench) -> None:
    destination = bench.destination("klaviyo", "list")
    first, second = rows("klaviyo", "list", 2)
    second = replace(
        second, identifiers={**second.identifiers, "phone": first.identifiers["phone"]}
    )
    result = settled(destination, destination.upsert([first, second]))
    assert [(one.key, one.status) for one in result.failed] == [(second.key, "duplicate_profile")]
    able = registry.declaration("klaviyo").objects["list"]
    assert "phone" in able.conflicts["duplicate_profile"]


def test_hubspot_removes_a_contact_whose_id_was_lost(bench: Bench) -> None:
    destination = bench.destination("hubspot", "contact")
    sent = rows("hubspot", "contact", 3)
    destination.upsert(sent)
    destination.remove([Record(sent[0].key, sent[0].identifiers)])
    store = bench.store()
    left = store.members("hubspot", "contacts")
    store.close()
    assert sorted(row["email"] for row in left.values()) == [
        "person1@shop.example", "person2@shop.example",
    ]  # fmt: skip


def test_leaving_a_hubspot_list_keeps_the_contact(bench: Bench) -> None:
    destination = bench.destination("hubspot", "list")
    sent = rows("hubspot", "list", 3)
    destination.upsert(sent)
    destination.remove(sent[:2])
    store = bench.store()
    contacts = store.count_members("hubspot", "contacts")
    members = store.count_members("hubspot", destination.list_id())
    store.close()
    assert (contacts, members) == (3, 1)


def test_klaviyo_finds_a_profile_by_address_when_its_external_id_was_changed(bench: Bench) -> None:
    destination = bench.destination("klaviyo", "list")
    sent = rows("klaviyo", "list", 2)
    settled(destination, destination.upsert(sent))
    store = bench.store()
    for key, profile in store.members("klaviyo", "profiles").items():
        store.put_members("klaviyo", "profiles", {key: {**profile, "external_id": "theirs"}})
    store.close()
    destination.remove([Record("unknown key", {"email": "person0@shop.example"})])
    store = bench.store()
    left = store.count_members("klaviyo", destination.list_id())
    store.close()
    assert left == 1


def test_nobody_is_ever_subscribed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, object_kind in [("klaviyo", "list"), ("klaviyo", "event"), ("hubspot", "contact")]:
        destination = bench.destination(kind, object_kind)
        bodies = sent_bodies(destination, monkeypatch)
        verb = destination.send if object_kind == "event" else destination.upsert
        settled(destination, verb(rows(kind, object_kind, 5)))
        said = json.dumps(bodies)
        assert bodies
        assert "subscriptions" not in said
        assert "consent" not in said.lower()


def test_onesignal_says_when_a_message_reached_nobody(bench: Bench) -> None:
    bench.faults.shares = {"refuse_rows": 1}
    result = bench.destination("onesignal", "message").send(rows("onesignal", "message", 1))
    assert [(row.status, row.retryable) for row in result.failed] == [("nobody_reached", False)]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, ["no_text"]),
        ({"message": "", "title": "Hello"}, ["no_text"]),
        ({"message": None}, ["no_text"]),
        ({"message": 0}, []),
        ({"template_id": "be4a8044-bbd6-11e4-a581-000c2940e62c"}, []),
    ],
)
def test_a_message_without_a_text_is_not_sent(
    bench: Bench, fields: dict[str, Any], status: list[str]
) -> None:
    row = Record("t1", {"profile_id": "p1"}, fields, None, "k")
    result = bench.destination("onesignal", "message").send([row])
    assert [one.status for one in result.failed] == status
    store = bench.store()
    assert len(store.events("onesignal")) == 1 - len(status)
    store.close()


def test_meta_sends_good_rows_of_a_batch_with_bad_ones(bench: Bench) -> None:
    bench.faults.shares = {"refuse_rows": 0.02}
    result = bench.destination("meta", "audience").upsert(rows("meta", "audience", 500))
    assert len(result.accepted) + len(result.failed) == 500
    assert {row.status for row in result.failed} == {"invalid_entry"}
    assert len(result.accepted) > 450


def test_google_tells_how_many_rows_it_refused_and_why(bench: Bench) -> None:
    """PARTIAL_SUCCESS is no success: which rows were refused is for the engine to find out."""
    bench.faults.shares = {"refuse_rows": 0.1}
    google = bench.destination("google_data_manager", "audience")
    sent = google.upsert(rows("google_data_manager", "audience", 60))
    google.poll(sent.job)
    status = google.poll(sent.job)
    assert (status.done, status.all_failed, status.accepted) == (True, None, ())
    assert "PROCESSING_ERROR" in status.some_failed
    held = bench.store().rows("select count(*) from members where vendor = 'google_data_manager'")
    assert 0 < status.failed_count == 60 - held[0][0]


@pytest.mark.parametrize("word", ["FAILED", "FAILURE"])
def test_google_says_failed_in_two_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    google = bench.destination("google_data_manager", "audience")
    answer = {"requestStatusPerDestination": [{"requestStatus": word}]}
    monkeypatch.setattr(google.http, "get", lambda *_, **__: answer)
    assert google.poll("job").all_failed


def test_google_gets_an_address_only_from_what_the_ledger_will_know(bench: Bench) -> None:
    """A country that came as a field could not be named in a removal, and the address would stay."""
    google = bench.destination("google_data_manager", "audience")
    (row,) = rows("google_data_manager", "audience", 1)
    names = {name: row.identifiers[name] for name in ("first_name_sha256", "last_name_sha256")}
    half = Record("p", names, {"country": "DE", "postal_code": "10115"})
    assert [error.status for error in google.upsert([half]).failed] == ["no_identifier"]


@pytest.mark.parametrize("kind", ["meta", "google_data_manager"])
def test_every_hash_that_makes_a_member_is_declared(kind: str) -> None:
    """What is not declared would stay when it changes."""
    audience = registry.declaration(kind).objects["audience"]
    named = {name for names in audience.members for name in names}
    assert {("email_sha256",), ("phone_sha256",)} <= set(audience.members)
    assert named <= audience.identifiers


def test_a_webhook_is_signed_with_the_secret(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib
    import hmac
    import time

    destination = bench.destination("webhook", "record", signing_secret="key")
    seen: list[Any] = []
    session = destination.http._session
    original = session.request

    def request(method: str, url: str, **options: Any) -> Any:
        seen.append(options)
        return original(method, url, **options)

    monkeypatch.setattr(session, "request", request)
    for _ in range(2):
        destination.upsert(rows("webhook", "record", 2))
    ids = set()
    for sent in seen:
        at, request_id, mac = (
            part.partition("=")[2] for part in sent["headers"]["X-Headwater-Signature"].split(",")
        )
        # As docs/destinations.md tells the receiver.
        signed = f"{at}.{request_id}.".encode() + sent["data"]
        assert mac == hmac.new(b"key", signed, hashlib.sha256).hexdigest()
        assert abs(time.time() - int(at)) < 60
        ids.add(request_id)
    assert len(ids) == 2  # a request that is sent again is no copy of the first
    assert seen[0]["data"] == seen[1]["data"]
    assert seen[0]["headers"]["Idempotency-Key"]


def google_conversion(number: int, **fields: Any) -> Record:
    at = {"occurred_at": dt.datetime(2026, 11, 2, 9, number)}
    return Record(f"order-{number}", {"gclid": f"Cj0{number}"}, {**at, **fields})


def test_google_counts_an_order_that_it_has_already_as_taken(bench: Bench) -> None:
    """Halves are sent to find a bad row, and a crash sends a batch again: neither makes a sale twice, nor fails it."""
    first, both = [google_conversion(1)], [google_conversion(1), google_conversion(2)]
    destination = bench.destination("google_data_manager", "conversion")
    for rows in (first, first, both, both):
        status = done(destination, destination.send(rows).job)
        assert (status.all_failed, status.failed_count) in ((None, None), (None, 0))
        assert status.failed_count is None or not status.some_failed
    assert len(bench.store().events("google_data_manager")) == 2


def test_google_tells_refused_orders_from_those_it_has(bench: Bench) -> None:
    destination = bench.destination("google_data_manager", "conversion")
    settled(destination, destination.send([google_conversion(number) for number in range(20)]))
    bench.faults.shares = {"refuse_rows": 0.3}
    rows = [google_conversion(number) for number in range(10, 50)]
    status = done(destination, destination.send(rows).job)
    assert status.some_failed
    refused = status.failed_count
    assert refused is not None
    assert len(bench.store().events("google_data_manager")) >= 50 - refused
    assert 0 < refused < 30  # the ten that it has are none of them


def done(destination: Any, job: str) -> Any:
    while not (status := destination.poll(job)).done:
        pass
    return status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"occurred_at": "2026-11-02"}, "no_time"),
        ({"occurred_at": None}, "no_time"),
        ({"value": "12,50"}, "no_value"),
        ({"value": True}, "no_value"),
        ({"ad_user_data": "granted"}, "no_consent"),
        ({"ad_personalization": 1}, "no_consent"),
    ],
)
def test_google_would_refuse_a_whole_request_for_one_conversion_that_is_none(
    bench: Bench, fields: dict[str, Any], status: str
) -> None:
    destination = bench.destination("google_data_manager", "conversion")
    result = destination.send([google_conversion(1, **fields), google_conversion(2)])
    assert [(row.key, row.status) for row in result.failed] == [("order-1", status)]
    assert [row.key for row in settled(destination, result).accepted] == ["order-2"]


def test_google_conversions_of_somebody_say_their_own_consent(bench: Bench) -> None:
    destination = bench.destination("google_data_manager", "conversion")
    said = {"ad_user_data": True, "ad_personalization": False}
    settled(destination, destination.send([google_conversion(1, **said)]))
    (event,) = bench.store().events("google_data_manager")
    assert event["data"]["consent"] == {
        "adUserData": "CONSENT_GRANTED",
        "adPersonalization": "CONSENT_DENIED",
    }


def test_a_google_list_has_the_membership_that_the_settings_say(bench: Bench) -> None:
    for kind, info in (
        ("audience", {"uploadKeyTypes": ["CONTACT_ID"], "contactIdInfo": FIRST_PARTY}),
        ("user_audience", {"uploadKeyTypes": ["USER_ID"], "userIdInfo": FIRST_PARTY}),
        (
            "mobile_audience",
            {
                "uploadKeyTypes": ["MOBILE_ID"],
                "mobileIdInfo": {**FIRST_PARTY, "keySpace": "IOS", "appId": "1"},
            },
        ),
    ):
        destination = bench.destination("google_data_manager", kind, membership_days=30)
        destination.target = SyncObject(kind, f"A {kind}")
        made = bench.store().member("google_data_manager:types", "lists", destination.list_id())
        assert made == {
            "displayName": f"A {kind}",
            "membershipStatus": "OPEN",
            "membershipDuration": "2592000s",
            "ingestedUserListInfo": info,
        }
        again = bench.destination("google_data_manager", kind)
        again.target = destination.target
        assert "members stay 30 days" in again.check()


FIRST_PARTY = {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}


def test_a_google_list_of_mobile_ids_is_of_one_app(bench: Bench) -> None:
    destination = bench.destination("google_data_manager", "mobile_audience", mobile_app_id=None)
    with pytest.raises(ConfigError, match="mobile ids"):
        destination.upsert([Record("a", {"mobile_id": "x"})])


def test_what_google_campaigns_cost_is_pulled_where_there_is_a_developer_token(
    bench: Bench,
) -> None:
    destination = bench.destination("google_data_manager", "audience")
    settled(destination, destination.upsert(rows("google_data_manager", "audience", 200)))
    since = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(days=1)
    found = list(destination.pull(since))
    days = [row for row in found if isinstance(row, CampaignDay)]
    assert [row.campaign_name for row in found if isinstance(row, Campaign)] == ["Lapsed buyers"]
    assert len({row.date for row in days}) == len(days) == 2
    assert {
        (row.spend, row.currency, row.impressions, row.clicks, row.conversions) for row in days
    } == {(4.32, "EUR", 600, 12, 1.0)}
    without = bench.destination("google_data_manager", "audience", developer_token=None)
    assert list(without.pull(since)) == []


@pytest.mark.parametrize("kind", ["deal", "association", "task"])
def test_hubspot_ties_to_whom_it_has_and_the_others_go_again(bench: Bench, kind: str) -> None:
    """A contact or company that is not there yet fails the row, so that a later push finds it."""
    there = Record("there", {"email": "ada@shop.example", "account_id": "a1"})
    content.hubspot_there(bench.url("hubspot"), [there])
    at = {"occurred_at": dt.datetime(2026, 12, 1)} if kind == "task" else {}
    good = Record("there", {"email": "Ada@Shop.example", "account_id": "a1"}, at)
    lone = Record("lone", {"email": "nobody@shop.example", "account_id": "a9"}, at)
    destination = bench.destination("hubspot", kind)
    verb = destination.send if kind == "task" else destination.upsert
    result = verb([good, lone])
    assert [row.key for row in result.accepted] == ["there"]
    status = "not_associated" if kind == "deal" else "not_there"
    assert [(row.key, row.status, row.retryable) for row in result.failed] == [
        ("lone", status, True)
    ]
    if kind != "task":
        content.hubspot_there(bench.url("hubspot"), [lone])
        assert [row.key for row in destination.upsert([lone]).accepted] == ["lone"]
        deals = bench.store().members("hubspot", "deals")
        assert sorted(row["headwater_deal_id"] for row in deals.values()) in ([], ["lone", "there"])


def test_an_audit_sees_who_is_tied_no_more(bench: Bench) -> None:
    rows = [Record(f"k{n}", {"email": f"p{n}@shop.example", "account_id": "a1"}) for n in range(3)]
    content.hubspot_there(bench.url("hubspot"), rows)
    destination = bench.destination("hubspot", "association")
    destination.upsert(rows[:2])
    assert destination.there(rows) == {"k0", "k1"}
    destination.remove(rows[:1])
    assert destination.there(rows) == {"k1"}


@pytest.mark.parametrize(
    ("kind", "row", "status"),
    [
        ("event", Record("a", {}, {"visits": 1}), "no_identifier"),
        ("task", Record("a", {"email": "p@shop.example"}, {"occurred_at": None}), "no_time"),
        ("task", Record("a", {"email": "p@shop.example"}, {"occurred_at": "soon"}), "no_time"),
    ],
)
def test_hubspot_would_refuse_a_whole_request_for_one_row(
    bench: Bench, kind: str, row: Record, status: str
) -> None:
    content.hubspot_there(bench.url("hubspot"), [row])
    result = bench.destination("hubspot", kind).send([row])
    assert [(one.status, one.retryable) for one in result.failed] == [(status, False)]


def test_a_custom_object_has_its_key_in_a_group_that_it_has(bench: Bench) -> None:
    destination = bench.destination("hubspot", "custom_object")
    destination.upsert([Record("s-1", {}, {"plan": "gold"})])
    assert [name for _, _, name in bench.store().objects("hubspot", "property:Lapsed buyers")] == [
        "headwater_id"
    ]
    (row,) = bench.store().members("hubspot", "Lapsed buyers").values()
    assert row == {"plan": "gold", "headwater_id": "s-1"}


def test_hubspot_results_come_by_pages_and_say_who_opted_out(bench: Bench) -> None:
    people = [Record(f"k{n}", {"email": f"p{n}@shop.example"}) for n in range(400)]
    content.hubspot_there(bench.url("hubspot"), people)
    found = list(bench.destination("hubspot", "contact").pull(dt.datetime(2020, 1, 1)))
    assert len({row.event_id for row in found}) == len(found) > 400
    assert {"delivered", "opened", "clicked"} <= {row.kind for row in found}
    assert {row.kind for row in found} <= {
        "delivered",
        "opened",
        "clicked",
        "bounced",
        "unsubscribed",
    }
    assert {row.recipient for row in found} <= {row.identifiers["email"] for row in people}
    later = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(days=1)
    assert list(bench.destination("hubspot", "contact").pull(later)) == []


@pytest.mark.parametrize("value", [None, -1, "12", True, float("nan")])
def test_meta_is_not_sent_a_value_that_is_none(bench: Bench, value: Any) -> None:
    good = Record("good", {"mobile_id": "6032d997-3ab0-4de0-aa16-8af0e5b482fb"}, {"value": 0})
    bad = Record("bad", {"mobile_id": "6032d997-3ab0-4de0-aa16-8af0e5b482fc"}, {"value": value})
    result = bench.destination("meta", "value_audience").upsert([good, bad])
    assert [(row.key, row.status, row.retryable) for row in result.failed] == [
        ("bad", "no_value", False)
    ]
    assert [row.key for row in result.accepted] == ["good"]


@pytest.mark.parametrize(
    ("kind", "shared", "wanted"),
    [
        ("audience", "", {}),
        ("value_audience", "", {"is_value_based": True}),
        ("audience", "act_12, 34,", {"shared": ["12", "34"]}),
    ],
)
def test_a_meta_audience_is_made_as_the_sync_wants_it(
    bench: Bench, kind: str, shared: str, wanted: dict[str, Any]
) -> None:
    destination = bench.destination("meta", kind, shared_with=shared)
    made = bench.store().member("meta:made", "audiences", destination.audience_id())
    assert made == {
        "name": "Lapsed buyers",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "description": "Kept by Headwater.",
        **wanted,
    }


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("email", {"message": "<p>Hello</p>"}),
        ("email", {"title": "Hello"}),
        ("email", {"title": "", "template_id": "t"}),
        ("sms", {"title": "Hello"}),
        ("sms", {}),
    ],
)
def test_onesignal_is_not_sent_a_message_without_what_its_channel_wants(
    bench: Bench, kind: str, fields: dict[str, Any]
) -> None:
    result = bench.destination("onesignal", kind).send([Record("a", {"profile_id": "p"}, fields)])
    assert [(row.status, row.retryable) for row in result.failed] == [("no_text", False)]


def test_onesignal_results_say_the_channel_of_their_message(bench: Bench) -> None:
    """An opt-out of e-mail is none of push."""
    for kind in ("message", "email", "sms"):
        rows = [
            Record(f"{kind}-{n}", {"profile_id": f"p{n}"}, {"title": "Hi", "message": "Hello"},
                   idempotency_key=f"{kind}-{n}")
            for n in range(40)
        ]  # fmt: skip
        assert len(bench.destination("onesignal", kind).send(rows).accepted) == 40
    found = list(bench.destination("onesignal", "message").pull(dt.datetime(2020, 1, 1)))
    channels = {(row.campaign_id, row.channel) for row in found}
    assert channels == {
        ("Lapsed buyers", "push"),
        ("Lapsed buyers (email)", "email"),
        ("Lapsed buyers (sms)", "sms"),
    }
