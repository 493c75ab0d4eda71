"""Declared destinations: what a file says is what is sent, and what no file may say is answered with its line."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.testing.adapter import members
from headwater.testing.declared import _recorded as recorded
from headwater.testing.declared import (
    declared_adapter,
    declared_suites,
    example_names,
    identifiers,
    run_example,
)
from headwater.testing.suite import DestinationSuite
from sync.destinations import registry
from sync.destinations.answers import codes
from sync.destinations.declared import FOLDER, files, form, in_folder, page, templates
from sync.destinations.declared.__main__ import main
from sync.destinations.declared.asking import form_bytes
from sync.destinations.declared.connector import compared, connector
from sync.destinations.registry import settings_in_sandbox
from sync.destinations.settings import parse
from sync.destinations.values import json_bytes
from sync.errors import (
    AuthError,
    ConfigError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    UnexpectedAnswerError,
)
from sync.records import Record, SyncObject
from sync.sandbox import start_sandbox
from sync.sandbox.store import Store

from .conftest import is_an_example

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "destinations.md"
FILES = in_folder(FOLDER)


# -- what the stand-ins hold, in the vendors' words: written by hand from their pages ---------------------


def mailchimp_contact(record: Record) -> dict[Any, Any]:
    fields = {**_json(record), "FNAME": record.fields["first_name"]}
    del fields["first_name"]
    email = record.identifiers["email"]
    row = {"email_address": email, "status_if_new": "transactional", "merge_fields": fields}
    return {email: row}


def mailchimp_tag(record: Record) -> dict[Any, Any]:
    tags = {"tags": [{"name": "Lapsed buyers", "status": "active"}]}
    return {_md5(record.identifiers["email"]): tags}


def braze_user(record: Record) -> dict[Any, Any]:
    name = record.identifiers["external_id"]
    return {name: {"external_id": name, **_json(record)}}


def braze_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    time = fields.pop("occurred_at")
    name = record.identifiers["external_id"]
    return {
        name: {"external_id": name, "name": "Lapsed buyers", "time": time, "properties": fields}
    }


def iterable_user(record: Record) -> dict[Any, Any]:
    email = record.identifiers["email"]
    return {email: {"email": email, "dataFields": _json(record)}}


def iterable_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    at = dt.datetime.fromisoformat(fields.pop("occurred_at"))
    event = {
        "email": record.identifiers["email"],
        "eventName": "Lapsed buyers",
        "id": record.idempotency_key,
        "createdAt": int(at.timestamp()),
        "dataFields": fields,
        "createNewFields": True,
    }
    return {record.idempotency_key: event}


def customer_io_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    at = int(dt.datetime.fromisoformat(fields.pop("occurred_at")).timestamp())
    return {at: {"name": "Lapsed buyers", "timestamp": at, "data": fields}}


def mixpanel_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    at = dt.datetime.fromisoformat(fields.pop("occurred_at"))
    own = {
        "time": int(at.timestamp()),
        "distinct_id": record.identifiers["distinct_id"],
        "$insert_id": record.idempotency_key,
    }
    return {record.idempotency_key: {"event": "Lapsed buyers", "properties": {**fields, **own}}}


def salesforce_record(kind: str, renamed: dict[str, str], field: str) -> Any:
    """A record of Salesforce's, under its external id."""

    def holds(record: Record) -> dict[Any, Any]:
        fields = {renamed.get(name, name): value for name, value in _json(record).items()}
        (identifier,) = record.identifiers.values()
        own = {"attributes": {"type": kind}, "Customer_Id__c": record.key, field: identifier}
        return {record.key: {**fields, **own}}

    return holds


def salesforce_member(record: Record) -> dict[Any, Any]:
    told = record.identifiers
    return {
        record.key: {
            "attributes": {"type": "CampaignMember"},
            "ContactId": told["contact_id"],
            "LeadId": told["lead_id"],
        }
    }


def salesforce_members(store: Any, vendor: str, name: str) -> dict[Any, Any]:
    found = {}
    for _, key, called in store.objects(vendor, "campaign_member"):
        if called == name:
            for row in store.members(vendor, key).values():
                campaign, _, own = row.pop("Customer_Id__c").partition(":")
                assert campaign == row.pop("CampaignId") == key
                found[own] = row
    return found


def salesforce_task(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    del fields["occurred_at"]
    told = {"WhoId": record.identifiers["who_id"], "WhatId": record.identifiers["what_id"]}
    own = {"attributes": {"type": "Task"}, "Subject": "Lapsed buyers", **told}
    return {told["WhoId"]: {**fields, **own}}


def twilio_sms(record: Record) -> dict[Any, Any]:
    number, text = record.identifiers["phone"], record.fields["text"]
    service = "MG00000000000000000000000000000000"
    return {number: {"To": number, "MessagingServiceSid": service, "Body": text}}


def amplitude_user(record: Record) -> dict[Any, Any]:
    user = record.identifiers["user_id"]
    properties = {"$set": _json(record)}
    return {user: {"user_id": user, "event_type": "$identify", "user_properties": properties}}


def amplitude_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    at = dt.datetime.fromisoformat(fields.pop("occurred_at"))
    event = {
        "user_id": record.identifiers["user_id"],
        "event_type": "Lapsed buyers",
        "time": int(at.timestamp()) * 1000,
        "insert_id": record.idempotency_key,
        "event_properties": fields,
    }
    return {record.idempotency_key: event}


def posthog_person(record: Record) -> dict[Any, Any]:
    person = record.identifiers["distinct_id"]
    properties = {"$set": _json(record)}
    return {person: {"event": "$set", "distinct_id": person, "properties": properties}}


def posthog_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    event = {
        "event": "Lapsed buyers",
        "distinct_id": record.identifiers["distinct_id"],
        "timestamp": fields.pop("occurred_at"),
        "uuid": record.idempotency_key,
        "properties": fields,
    }
    return {record.idempotency_key: event}


def intercom_contact(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    told = dict(record.identifiers)
    return {told["email"]: {"role": "user", **told, "custom_attributes": fields}}


def intercom_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    told = record.identifiers
    event = {
        "event_name": "Lapsed buyers",
        "created_at": int(dt.datetime.fromisoformat(fields.pop("occurred_at")).timestamp()),
        "user_id": told["external_id"],
        "email": told["email"],
        "metadata": fields,
    }
    return {told["email"]: event}


def intercom_contacts(bench: Any, rows: Any) -> None:
    """Contacts, of whom tags and events are."""
    kind = bench.adapter.destination
    settings = parse(kind.settings_type, "intercom", bench.settings())
    made = kind(settings, SyncObject("contact"), lambda _: None).upsert(rows)
    assert len(made.accepted) == len(rows)


def intercom_tagged(store: Any, vendor: str, name: str) -> dict[Any, Any]:
    """Who has a tag, by the address of the contact."""
    ((_, contacts, _),) = store.objects(vendor, "contact") or [(None, None, None)]
    found = {}
    for _, tag, called in store.objects(vendor, "tag"):
        if called != name:
            continue
        for known, row in store.members(vendor, tag).items():
            assert row == {"id": tag}
            member = store.member(f"{vendor}:ids", f"{contacts}:keys", known)
            found[store.member(vendor, contacts, member)["email"]] = {}
    return found


def zendesk_user(record: Record) -> dict[Any, Any]:
    user = {**record.identifiers, "skip_verify_email": True, "user_fields": _json(record)}
    return {record.identifiers["email"]: {"user": user}}


def unique(*path: str) -> Any:
    """A reading of a stand-in's events by what stands at a path in each."""

    def held(store: Any, vendor: str, _: str) -> dict[Any, Any]:
        found = {}
        for event in store.events(vendor):
            name = event["data"]
            for step in path:
                name = name[step]
            found[name] = event["data"]
        return found

    return held


def of_kind(kind: str, *path: str) -> Any:
    """A reading of a stand-in's members of a kind without names, by what stands at a path in each."""

    def held(store: Any, vendor: str, _: str) -> dict[Any, Any]:
        found = {}
        for row in members(kind)(store, vendor, kind).values():
            told = row
            for step in path:
                told = told[step]
            found[told] = row
        return found

    return held


def meta_conversion(record: Record) -> dict[Any, Any]:
    told, fields = record.identifiers, _json(record)
    names = {
        "em": "email", "ph": "phone", "fn": "first_name", "ln": "last_name", "ct": "city", "st": "region", "zp": "postal_code",
        "country": "country",
    }  # fmt: skip
    person = {theirs: told[f"{ours}_sha256"] for theirs, ours in names.items()}
    event = {
        "event_name": "Lapsed buyers",
        "event_time": int(dt.datetime.fromisoformat(fields["occurred_at"]).timestamp()),
        "event_id": record.key,
        "action_source": "system_generated",
        "user_data": {
            **person,
            **{name: told[name] for name in ("external_id", "fbc", "fbp")},
            "client_user_agent": fields["client_user_agent"],
        },
        "custom_data": {"value": fields["value"], "currency": "EUR"},
    }
    if "limited_data_use" in fields:
        event["data_processing_options"] = ["LDU"] if fields["limited_data_use"] else []
        event |= {"data_processing_options_country": 0, "data_processing_options_state": 0}
    return {record.key: event}


def attentive_subscription(name: str) -> Any:
    def holds(record: Record) -> dict[Any, Any]:
        address = record.identifiers[name]
        return {address: {"user": {name: address}, "signUpSourceId": "none"}}

    return holds


def attentive_attribute(record: Record) -> dict[Any, Any]:
    user = dict(record.identifiers)
    return {user["phone"]: {"user": user, "properties": _json(record)}}


def attentive_event(record: Record) -> dict[Any, Any]:
    fields = _json(record)
    event = {
        "type": "Lapsed buyers",
        "user": dict(record.identifiers),
        "occurredAt": fields.pop("occurred_at"),
        "externalEventId": record.idempotency_key,
        "properties": fields,
    }
    return {record.idempotency_key: event}


def snapchat_member(record: Record) -> dict[Any, Any]:
    return {record.identifiers["email_sha256"]: [record.identifiers["email_sha256"]]}


def tiktok_conversion(record: Record) -> dict[Any, Any]:
    told, fields = record.identifiers, _json(record)
    event = {
        "event": "Lapsed buyers",
        "event_time": int(dt.datetime.fromisoformat(fields["occurred_at"]).timestamp()),
        "event_id": record.key,
        "user": {
            "email": told["email_sha256"],
            "phone": told["phone_sha256"],
            "external_id": told["external_id_sha256"],
            "ttclid": told["ttclid"],
            "ttp": told["ttp"],
            "user_agent": fields["user_agent"],
        },
        "properties": {"value": fields["value"], "currency": "EUR", "order_id": fields["order_id"]},
    }
    if "page_url" in fields:
        event["page"] = {"url": fields["page_url"]}
    return {record.key: event}


def tiktok_conversion_fields(number: int) -> dict[str, Any]:
    page = {"page_url": f"https://shop.example/{number}"} if number % 2 else {}
    return {
        "occurred_at": dt.datetime(2026, 11, 2, 9) + dt.timedelta(minutes=number),
        "value": number + 0.25,
        "currency": "EUR",
        "order_id": f"p{number}",
        "user_agent": f"Mozilla/5.0 {number}",
        **page,
    }


def linkedin_conversion(record: Record) -> dict[Any, Any]:
    told, fields = record.identifiers, _json(record)
    user: dict[str, Any] = {
        "userIds": [
            {"idType": "SHA256_EMAIL", "idValue": told["email_sha256"]},
            {"idType": "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "idValue": told["li_fat_id"]},
        ]
    }
    event = {
        "conversion": "urn:lla:llaPartnerConversion:Lapsed buyers",
        "conversionHappenedAt": int(dt.datetime.fromisoformat(fields["occurred_at"]).timestamp())
        * 1000,
        "user": user,
        "eventId": record.key,
    }
    if "value" in fields:
        event["conversionValue"] = {"currencyCode": "EUR", "amount": str(fields["value"])}
    if "last_name" in fields:
        user["userInfo"] = {
            "firstName": "Zoë",
            "lastName": fields["last_name"],
            "countryCode": "DE",
        }
    return {record.key: event}


def linkedin_conversion_fields(number: int) -> dict[str, Any]:
    """Some have no value, and some but half a name, of which neither half goes."""
    at = dt.datetime(2026, 11, 2, 9) + dt.timedelta(minutes=number)
    value = {"value": number + 0.25, "currency": "EUR"} if number % 2 else {}
    name = {"last_name": f"Müller {number}"} if number % 3 else {}
    return {"occurred_at": at, "first_name": "Zoë", "country": "DE", **value, **name}


def tiktok_members(store: Any, vendor: str, name: str) -> dict[Any, Any]:
    """Each in the audience that its row names."""
    rows = members("audience")(store, vendor, name)
    return {
        key: "here" if row == [{"id": key, "audience_ids": [name]}] else row
        for key, row in rows.items()
    }


PERSON = {"first_name": "FirstName", "last_name": "LastName"}
HOLDS: dict[tuple[str, str], dict[str, Any]] = {
    ("salesforce", "contact"): {"holds": salesforce_record("Contact", PERSON, "Email")},
    ("salesforce", "lead"): {"holds": salesforce_record("Lead", PERSON, "Email")},
    ("salesforce", "account"): {"holds": salesforce_record("Account", {}, "Website")},
    ("salesforce", "campaign_member"): {"holds": salesforce_member, "held": salesforce_members},
    ("salesforce", "task"): {"holds": salesforce_task, "held": unique("WhoId")},
    ("twilio", "sms"): {"holds": twilio_sms, "held": unique("To")},
    ("amplitude", "user"): {"holds": amplitude_user},
    ("amplitude", "event"): {"holds": amplitude_event, "held": unique("insert_id")},
    ("amplitude", "cohort"): {
        "holds": lambda record: {record.identifiers["user_id"]: record.identifiers["user_id"]}
    },
    ("posthog", "person"): {"holds": posthog_person},
    ("posthog", "event"): {"holds": posthog_event, "held": unique("uuid")},
    ("intercom", "contact"): {"holds": intercom_contact, "held": of_kind("contact", "email")},
    ("intercom", "tag"): {
        "holds": lambda record: {record.identifiers["email"]: {}},
        "held": intercom_tagged,
        "needs": intercom_contacts,
    },
    ("intercom", "event"): {
        "holds": intercom_event, "held": unique("email"), "needs": intercom_contacts,
    },
    ("linkedin", "segment"): {
        "holds": lambda record: {
            record.identifiers["email_sha256"]: {
                "action": "ADD",
                "userIds": [
                    {"idType": "SHA256_EMAIL", "idValue": record.identifiers["email_sha256"]}
                ],
            }
        }
    },
    ("meta_conversions", "conversion"): {
        "holds": meta_conversion,
        "held": unique("event_id"),
        "fields": lambda number: {
            "occurred_at": dt.datetime(2026, 11, 2, 9) + dt.timedelta(minutes=number),
            "value": number + 0.25,
            "currency": "EUR",
            "client_user_agent": f"Mozilla/5.0 {number}",
            **({"limited_data_use": number % 3 == 1, "data_processing_country": 0, "data_processing_state": 0} if number % 3 else {}),
        },
    },
    ("microsoft", "customer_list"): {
        "holds": lambda record: {record.identifiers["email_sha256"]: record.identifiers["email_sha256"]}
    },
    ("snapchat", "audience"): {"holds": snapchat_member},
    ("attentive", "sms_subscription"): {
        "holds": attentive_subscription("phone"), "held": of_kind("sms_subscription", "user", "phone"),
    },
    ("attentive", "email_subscription"): {
        "holds": attentive_subscription("email"), "held": of_kind("email_subscription", "user", "email"),
    },
    ("attentive", "attribute"): {"holds": attentive_attribute, "held": of_kind("attribute", "user", "phone")},
    ("attentive", "event"): {"holds": attentive_event, "held": unique("externalEventId")},
    ("tiktok_conversions", "conversion"): {
        "holds": tiktok_conversion,
        "held": unique("event_id"),
        "fields": tiktok_conversion_fields,
    },
    ("linkedin_conversions", "conversion"): {
        "holds": linkedin_conversion,
        "held": unique("eventId"),
        "fields": linkedin_conversion_fields,
        "identifiers": lambda number: {
            "email_sha256": hashlib.sha256(f"{number}".encode()).hexdigest(), "li_fat_id": f"fat-{number}",
        },
    },
    ("tiktok", "audience"): {
        "holds": lambda record: {record.identifiers["email_sha256"]: "here"},
        "held": tiktok_members,
    },
    ("zendesk", "user"): {"holds": zendesk_user, "held": of_kind("user", "user", "email")},
    ("sendgrid", "list"): {
        "holds": lambda record: {
            record.identifiers["email"]: {"email": record.identifiers["email"], **_json(record)}
        },
    },
    ("customer_io", "person"): {
        "holds": lambda record: {record.identifiers["email"]: _json(record)}
    },
    ("customer_io", "event"): {
        "holds": customer_io_event,
        "held": lambda store, vendor, _: {
            event["data"]["timestamp"]: event["data"] for event in store.events(vendor)
        },
    },
    ("slack", "message"): {
        "fields": lambda number: {"text": f"Ada & <!channel> {number}"},
        "holds": lambda record: {
            record.fields["text"]: {
                "channel": "Lapsed buyers",
                "text": str(record.fields["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            }
        },
        "held": lambda store, vendor, _: {
            html.unescape(event["data"]["text"]): event["data"] for event in store.events(vendor)
        },
    },
    ("mixpanel", "event"): {
        "holds": mixpanel_event,
        "held": lambda store, vendor, _: {
            event["data"]["properties"]["$insert_id"]: event["data"] for event in store.events(vendor)
        },
    },
    ("iterable", "user"): {"holds": iterable_user},
    ("iterable", "list"): {
        "holds": lambda record: {
            record.identifiers["email"]: {"email": record.identifiers["email"]}
        }
    },
    ("iterable", "event"): {
        "holds": iterable_event,
        "held": lambda store, vendor, _: {
            event["data"]["id"]: event["data"] for event in store.events(vendor)
        },
    },
    ("mailchimp", "contact"): {"holds": mailchimp_contact},
    ("mailchimp", "tag"): {"holds": mailchimp_tag, "objects_are_apart": False},
    ("pinterest", "customer_list"): {
        "holds": lambda record: {record.identifiers["email_sha256"]: record.identifiers["email_sha256"]}
    },
    ("braze", "user"): {"holds": braze_user},
    ("braze", "audience"): {
        "objects_are_apart": False,  # attributes of one user
        "holds": lambda record: {
            record.identifiers["external_id"]: {
                "external_id": record.identifiers["external_id"], "Lapsed buyers": True,
            }
        }
    },
    ("braze", "event"): {
        "holds": braze_event,
        "held": lambda store, vendor, _: {
            event["data"]["external_id"]: event["data"] for event in store.events(vendor)
        },
    },
}  # fmt: skip
for (_vendor, _kind), _told in HOLDS.items():
    _name = f"Test{_vendor.title()}{_kind.title().replace('_', '')}"
    _adapter = declared_adapter(files.load(FILES[_vendor]), _kind, **_told)
    _made = type(_name, (DestinationSuite,), {"adapter": _adapter})
    _is_example = is_an_example(_adapter.destination.declaration.objects, _kind)
    globals()[_name] = _made if _is_example else pytest.mark.long(_made)


def test_every_object_of_every_file_is_in_the_suite() -> None:
    offered = {
        (name, kind) for name, path in FILES.items() for kind in files.load(path).vendor.objects
    }
    assert offered == set(HOLDS)


@pytest.mark.parametrize(
    ("vendor", "number"),
    [
        pytest.param(name, number, id=f"{name}-{said}")
        for name, path in FILES.items()
        for number, said in enumerate(example_names(files.load(path)))
    ],
)
def test_an_example_is_sent_and_read_as_the_vendor_has_it(vendor: str, number: int) -> None:
    assert run_example(FILES[vendor], number) == []


# -- files that are wrong ---------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, str, int, str, str]] = {
    # what: (old, new, line of the new, message, allowed)
    "a key that is none": (
        "api_version:",
        "api_verson:",
        4,
        "api_verson is not a key here (did you mean 'api_version'?)",
        "title",
    ),
    "a key that is missing": ("title: Mailer\n", "", 1, "title is missing", "api_version"),
    "a key of an object": (
        "    batch_rows: 2",
        "    batch_row: 2",
        21,
        "objects.group.batch_row is not a key here (did you mean 'batch_rows'?)",
        "identifiers",
    ),
    "a mode that is none": (
        "[upsert, mirror]",
        "[upsert, miror]",
        20,
        "objects.group.modes.1 is 'miror' (did you mean 'mirror'?)",
        "upsert, mirror, add, remove, event, update_only",
    ),
    "a fault that is none": (
        "fault: wait",
        "fault: waits",
        14,
        "errors.0.fault is 'waits' (did you mean 'wait'?)",
        "auth, wait",
    ),
    "an answer that says nothing": (
        "answer: {fields: {refused: list}}\n      refused",
        "answer: {}\n      refused",
        30,
        "objects.group.upsert.answer wants `fields`",
        "",
    ),
    "a name that is none": (
        "email: $email, ",
        "email: $mail, ",
        29,
        "objects.group.upsert.body.members.$rows.email says '$mail' is not one of $api_key",
        "",
    ),
    "a filter that is none": (
        "# the address is the member\n      delete: /groups/$object_id/members/${email|lower}",
        "# the address is the member\n      delete: /groups/$object_id/members/${email|lowr}",
        35,
        "objects.group.remove.delete says '|lowr' is not one of escaped, lower, md5, milliseconds, number, soql, text, unix",
        "",
    ),
    "a condition of no name": (
        "email: $email, ",
        "email: $email, about: {$if: email, at: $email}, ",
        29,
        "objects.group.upsert.body.members.$rows.about.$if says '$if' wants a name such as `$email`",
        "",
    ),
    "a row that may be left out": (
        "{email: $email, ",
        "{$if: $email, email: $email, ",
        29,
        "objects.group.upsert.body.members.$rows says a row is sent, or refused, and never left out",
        "",
    ),
    "a rate group that is none": (
        "group: people",
        "group: persons",
        22,
        "objects.group.group is 'persons', which rate_limits has not",
        "default, people",
    ),
    "a mode without its verb": (
        "[upsert, mirror]",
        "[event]",
        18,
        "objects.group has mode event and no `send`",
        "",
    ),
    "identifiers that are not sent": (
        "email: $email, ",
        "",
        27,
        "objects.group.upsert names nobody",
        "email",
    ),
    "fields that are not sent": (
        "$also: {}",
        "kind: person",
        27,
        "objects.group.upsert leaves fields out",
        "",
    ),
    "a body without rows": (
        "{members: {$rows: {email: $email, $also: {}}}}",
        "{members: []}",
        27,
        "objects.group.upsert names nobody",
        "email",
    ),
    "a secret that is shown": (
        "account: {get: /me, at: id}",
        "account: {is: $api_key}",
        11,
        "account.is shows the secret 'api_key'",
        "",
    ),
    "an upsert of which 404 is a success": (
        "answer: {fields: {refused: list}}\n      refused",
        "missing_ok: true\n      answer: {fields: {refused: list}}\n      refused",
        30,
        "objects.group.upsert.missing_ok is for `update`, `update_only` and what lets go of rows",
        "",
    ),
    "an update of those who have no id": (
        "    remove:\n      per: row",
        "    update: {per: row, missing_ok: true, put: /people/$remote_id, body: {email: $email, $also: {}}, "
        "answer: {fields: {id: id}}}\n    remove:\n      per: row",
        32,
        "objects.group.update is for an object whose `upsert` gives `ids`",
        "",
    ),
    "an identifier that is a setting": (
        "    identifiers: [email]",
        "    identifiers: [email, api_key]",
        23,
        "objects.group.identifiers has 'api_key', which templates know for a setting or the object",
        "",
    ),
    "a host that is none": (
        "      post: /groups/$object_id/members",
        "      host: other\n      post: /groups/$object_id/members",
        28,
        "objects.group.upsert.host is 'other', which hosts has not",
        "",
    ),
    "a key that stands twice": (
        "    batch_rows: 2",
        "    batch_rows: 2\n    batch_rows: 3",
        21,
        "objects.group.batch_rows stands here twice",
        "",
    ),
    "a setting of a taken name": (
        "  api_key:\n    secret",
        "  base_url: {help: x}\n  api_key:\n    secret",
        7,
        "settings.base_url is a name that templates, or every destination, know already",
        "",
    ),
    "a setting that is called as the object": (
        "  api_key:\n    secret",
        "  object: {help: x}\n  api_key:\n    secret",
        7,
        "settings.object is a name that templates, or every destination, know already",
        "",
    ),
    "an address with a secret": (
        "base_url: https://api.mailer.example",
        "base_url: https://api.mailer.example/$api_key",
        5,
        "base_url shows the secret 'api_key': say it under `auth`",
        "",
    ),
    "a member of nothing": (
        "members: [[email]]",
        "members: [[]]",
        24,
        "objects.group.members has one of no identifiers",
        "",
    ),
    "a version that is a list": (
        "api_version: 2",
        "api_version: [2]",
        4,
        "api_version should be a valid string",
        "",
    ),
    "no yaml": ("title: Mailer", "title: [Mailer", 3, "this is no YAML", ""),
}
RIGHT = """\
name: mailer
title: Mailer
read: {2026-11-29: [docs.mailer.example/api]}
api_version: 2
base_url: https://api.mailer.example
settings:
  api_key:
    secret: true
    help: key with the scope members
auth: {bearer: $api_key}
account: {get: /me, at: id}
erasure: {how: the address is deleted from the group}
errors:
  - {code: quota, fault: wait}
rate_limits: {default: {requests: 10, seconds: 1}, people: {requests: 5, seconds: 1}}
objects:
  # people in a group
  group:
    member: address
    modes: [upsert, mirror]
    batch_rows: 2
    group: people
    identifiers: [email]
    members: [[email]]
    find: {get: /groups, answer: {form: list}, rows: ""}
    check: {get: /groups, answer: {form: list}}
    upsert:
      post: /groups/$object_id/members
      body: {members: {$rows: {email: $email, $also: {}}}}
      answer: {fields: {refused: list}}
      refused: [{rows: refused, by: email, is: $email, code: code}]
    remove:
      per: row
      # the address is the member
      delete: /groups/$object_id/members/${email|lower}
      answer: {statuses: [204], empty: true}
      missing_ok: true
    erase:
      per: row
      delete: /groups/$object_id/members/${email|lower}
      answer: {statuses: [204], empty: true}
    make: {post: /groups, body: {name: $object}, id: id, answer: {statuses: [201], fields: {id: id}}}
"""


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_answered_with_line_key_and_what_may_stand_there(
    tmp_path: Path, what: str
) -> None:
    old, new, line, message, allowed = WRONG[what]
    assert RIGHT.count(old) == 1
    path = tmp_path / "mailer.yml"
    path.write_text(RIGHT.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        files.load(path)
    said = caught.value.message
    assert said.startswith(f"mailer.yml, line {line}: "), said
    assert message in said
    assert allowed in (caught.value.hint or "")


def test_the_file_of_the_how_to_is_the_one_that_is_tried_here() -> None:
    assert f"```yml\n{RIGHT}```" in (ROOT / "docs" / "declare-a-destination.md").read_text()


@pytest.fixture
def mailer(tmp_path: Path) -> Path:
    folder = tmp_path / "destinations"
    folder.mkdir()
    path = folder / "mailer.yml"
    path.write_text(RIGHT)
    return path


def test_a_teams_own_file_is_a_destination_with_a_stand_in(
    mailer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_folders", [])
    registry.add_folder(mailer.parent)
    assert "mailer" in registry.names()
    assert "mailer" not in registry.shipped()
    with start_sandbox(tmp_path / "state.sqlite") as url:
        settings = registry.sandbox_settings("mailer", base_url=url, directory="/nowhere")
        one: Any = registry.create(
            "mailer", name="m", settings=settings, target=SyncObject("group", "Lapsed")
        )
        another: Any = registry.create(
            "mailer", name="m", settings=settings, target=SyncObject("group", "Another")
        )
        another.upsert([Record("k", {"email": "q@shop.example"})])
        assert one.check() == "group 'Lapsed' will be made"
        rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}, {"n": n}) for n in range(2)]
        assert len(one.upsert(rows).accepted) == 2
        assert one.check() == "group 'Lapsed' is there"
        assert len(one.remove(rows[:1]).accepted) == 1
        assert one.account() == "1"


def test_who_is_on_an_object_that_must_be_found_is_read_by_its_id(
    mailer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit asks before anything else does, and knew no id: every row lacked "what its address is made of"."""
    check = "    check: {get: /groups, answer: {form: list}}\n"
    read = "    read: {get: /groups/$object_id/members/$email, answer: {fields: {email: text}}}\n"
    mailer.write_text(RIGHT.replace(check, check + read).replace("${email|lower}", "$email"))
    monkeypatch.setattr(registry, "_folders", [])
    registry.add_folder(mailer.parent)

    def group(url: str) -> Any:
        settings = registry.sandbox_settings("mailer", base_url=url, directory="/nowhere")
        target = SyncObject("group", "Lapsed")
        return registry.create("mailer", name="m", settings=settings, target=target)

    rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}, {"n": n}) for n in range(3)]
    with start_sandbox(tmp_path / "state.sqlite") as url:
        assert (group(url).there(rows), group(url).differing(rows)) == (set(), {})
        assert group(url).check() == "group 'Lapsed' will be made"
        group(url).upsert(rows[:2])
        assert group(url).there(rows) == {"k0", "k1"}
        changed = [replace(row, fields={"n": 7}) for row in rows[:1]]
        assert group(url).differing([*changed, rows[1]]) == {"k0": ["n"], "k1": []}


def test_the_tests_of_a_teams_own_file_come_from_the_file(mailer: Path) -> None:
    (made,) = declared_suites(mailer).items()
    assert made[0] == "TestMailerGroup"
    assert issubclass(made[1], DestinationSuite)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"refused": [{"email": "stranger@shop.example", "code": "invalid"}]}, RejectedError),
        ({"refused": [{}]}, RejectedError),
        ({"refused": {"email": "P0@shop.example"}}, UnexpectedAnswerError),
    ],
)
def test_who_is_not_named_as_the_file_says_is_not_taken(
    mailer: Path, answer: Any, error: type[Exception]
) -> None:
    one = _at(mailer, answer)
    with pytest.raises(error) as caught:
        one.upsert([Record(f"k{n}", {"email": f"P{n}@shop.example"}) for n in range(2)])
    assert "shop.example" not in str(caught.value)


def test_a_row_that_waits_leaves_those_that_were_taken(mailer: Path) -> None:
    """Sent again they would be events that come twice; and all of them waiting is the request's."""
    one = _at(mailer, {"refused": [{"email": "p0@shop.example", "code": "quota"}]})
    rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}) for n in range(2)]
    result = one.upsert(rows)
    assert [row.key for row in result.accepted] == ["k1"]
    assert (result.failed, result.unsent) == ([], ["k0"])
    assert isinstance(result.error, RateLimitedError)
    with pytest.raises(RateLimitedError):
        one.upsert(rows[:1])


BY_PLACE = RIGHT.replace("answer: {fields: {refused: list}}", "answer: {form: list}").replace(
    "refused: [{rows: refused, by: email, is: $email, code: code}]",
    'refused: [{rows: "", by: $index, is: $index, when: {ok: false}, code: errors.0.word}]\n'
    '      ids: {rows: "", by: $index, is: $index, id: id}',
)


def test_an_answer_by_place_says_something_of_each_row(tmp_path: Path) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(BY_PLACE)
    rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}) for n in range(2)]
    told = [{"ok": True, "id": 7}, {"ok": False, "errors": [{"word": "invalid_email"}]}]
    result = _at(path, told).upsert(rows)
    assert [(row.key, row.remote_id) for row in result.accepted] == [("k0", "7")]
    assert [(row.key, row.status) for row in result.failed] == [("k1", "invalid_email")]
    for fewer in ([], told[:1], [*told, *told]):
        with pytest.raises(UnexpectedAnswerError):
            _at(path, fewer).upsert(rows)


@pytest.mark.parametrize("verb", ["remove", "erase"])
def test_who_is_taken_out_by_an_id_must_be_found_when_none_is_known(
    tmp_path: Path, verb: str
) -> None:
    """An answer that was lost gave none, and that row could never be taken out."""
    said = yaml.safe_load(RIGHT)
    offered = next(iter(said["objects"].values()))
    offered[verb] = {
        "per": "row",
        "delete": "/people/$remote_id",
        "answer": {"statuses": [204], "empty": True},
    }
    path = tmp_path / "mailer.yml"
    path.write_text(yaml.safe_dump(said))
    with pytest.raises(ConfigError, match=f"{verb}.*no `look_up` for who has none"):
        files.load(path)


LOOKED_UP = RIGHT.replace(
    "    check: {get",
    "    look_up: [{by: email, get: /people, query: {email: $email}, answer: {fields: {people: list}}, rows: people}]\n"
    "    check: {get",
).replace(
    """      post: /groups/$object_id/members
      body: {members: {$rows: {email: $email, $also: {}}}}
      answer: {fields: {refused: list}}
      refused: [{rows: refused, by: email, is: $email, code: code}]
""",
    """      per: row
      post: /people
      body: {email: $email, $also: {}}
      answer: {fields: {id: id}}
      ids: {id: id}
    update:
      per: row
      put: /people/$remote_id
      body: {email: $email, $also: {}}
      answer: {fields: {id: id}}
      ids: {id: id}
      missing_ok: true
""",
)


def test_an_identifier_that_is_empty_names_nobody(tmp_path: Path) -> None:
    """Asked for it, a vendor gives everybody, of whom the first would be taken for the row."""
    path = tmp_path / "mailer.yml"
    path.write_text(LOOKED_UP)
    one, seen = _at(path, {}), list[str]()
    one.http.request = lambda method, path, **_: seen.append(f"{method} {path}")
    result = one.upsert([Record("k", {"email": ""})])
    assert [row.status for row in result.failed] == ["no_identifier"]
    assert not seen


@pytest.mark.parametrize(
    ("known", "people", "there", "asked", "id_"),
    [
        (None, [], set(), ["GET /people", "POST /people"], "new"),
        (None, ["a"], {"a"}, ["GET /people", "PUT /people/a"], "a"),
        ("a", [], {"a"}, ["PUT /people/a"], "a"),
        ("gone", ["b"], {"b"}, ["PUT /people/gone", "GET /people", "PUT /people/b"], "b"),
        ("gone", [], set(), ["PUT /people/gone", "GET /people", "POST /people"], "new"),
    ],
)
def test_who_has_no_id_is_looked_up_and_made_where_nobody_is_found(
    tmp_path: Path, known: Any, people: list[str], there: set[str], asked: list[str], id_: str
) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(LOOKED_UP)
    one, seen = _at(path, {}), list[str]()

    def request(method: str, path: str, **_: Any) -> Any:
        seen.append(f"{method} {path}")
        if method == "GET":
            return {"people": [{"id": name} for name in people]}
        if method == "PUT":
            name = path.rpartition("/")[2]
            return {"id": name} if name in there else None
        return {"id": "new"}

    one.http.request = request
    result = one.upsert([Record("k", {"email": "p@shop.example"}, remote_id=known)])
    assert seen == asked
    assert [(row.key, row.remote_id) for row in result.accepted] == [("k", id_)]


def test_fields_that_are_not_there_are_named_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(
        RIGHT.replace("$also: {}", "$also: {rename: {first_name: FirstName}}").replace(
            "    check: {get",
            "    properties: {get: /fields, answer: {fields: {all: list}}, rows: all, when: {writable: true}}\n    check: {get",
        )
    )
    there = [{"name": "FirstName", "writable": True}, {"name": "score", "writable": False}]
    found = _at(path, {"all": there}).unknown_fields(["first_name", "score", "plan"])
    assert [(one.field, one.property, one.why) for one in found] == [
        ("score", "score", "nobody may write"),
        ("plan", "plan", "is not there"),
    ]


READ = [
    pytest.param(name, kind, id=f"{name}-{kind}")
    for name, path in FILES.items()
    for kind, offered in files.load(path).vendor.objects.items()
    if offered.read is not None
]


@pytest.mark.parametrize(("vendor", "kind"), READ)
def test_what_is_read_back_is_compared_with_what_was_sent(
    vendor: str, kind: str, tmp_path: Path
) -> None:
    """Who is gone and what was changed is told, and nothing else; an id that is not known is looked up."""
    adapter = declared_adapter(files.load(FILES[vendor]), kind)
    rows = adapter.records(range(6))
    with start_sandbox(tmp_path / "state.sqlite", only=vendor) as url:
        settings = registry.sandbox_settings(vendor, base_url=url, directory="/nowhere")
        target = SyncObject(kind)
        one: Any = registry.create(vendor, name=vendor, settings=settings, target=target)
        ids = {row.key: row.remote_id for row in one.upsert(rows).accepted}
        for known in (rows, [replace(row, remote_id=ids[row.key]) for row in rows]):
            assert set(one.there(known)) == {row.key for row in rows}
            assert one.differing(known) == {row.key: [] for row in rows}
        store = Store(tmp_path / "state.sqlite")
        ((_, place, _),) = store.objects(vendor, kind)
        gone, changed = list(store.members(vendor, place).items())[:2]
        store.drop_members(vendor, place, [gone[0]])
        text = json.dumps(changed[1]).replace("Zo\\u00eb", "Somebody else")
        store.put_members(vendor, place, {changed[0]: json.loads(text)})
        store.close()
        missing = {row.key for row in rows} - set(one.there(rows))
        assert len(missing) == 1
        told = one.differing([row for row in rows if row.key not in missing])
        assert {*told} == {row.key for row in rows} - missing
        (names,) = (found for found in told.values() if found)
        assert [name.lower().replace("_", "") for name in names] in (["firstname"], ["fname"])


def test_what_the_vendor_does_not_tell_is_no_difference() -> None:
    ours = {
        "a": 7,
        "b": "X ",
        "gone": 1,
        "in": {"c": True, "gone": 2},
        "at": "2026-11-01T08:00:00Z",
    }
    theirs = {"a": "7.0", "b": "x", "in": {"c": "true"}, "at": "2026-11-01T09:00:00.000+0100"}
    assert compared(ours, theirs) == [("a", True), ("b", True), ("c", True), ("at", True)]
    changed = compared(ours, {**theirs, "a": 8, "in": {"c": False}})
    assert [name for name, is_same in changed if not is_same] == ["a", "c"]
    assert compared(ours, {"id": 1}) == []
    told = compared({"a": "x", "b": None, "c": [1]}, {"a": None, "b": "", "c": [2]})
    assert told == [("a", False), ("b", True), ("c", False)]


def test_a_form_says_what_is_there() -> None:
    body = {"To": "+49 30", "Tags": ["a b", "c&d"], "Note": None, "Now": True}
    assert form_bytes(body) == b"To=%2B49+30&Tags=a+b&Tags=c%26d&Now=true"


HOOK = """
import hashlib

def reversed_domain(value):
    name, _, domain = value.partition("@")
    return f"{domain}!{name}"

def _not_one(value): ...
"""


def test_a_hook_is_functions_that_templates_may_use(tmp_path: Path) -> None:
    path, hook = tmp_path / "mailer.yml", tmp_path / "hook.py"
    path.write_text(
        RIGHT.replace("title: Mailer", "title: Mailer\nhook: hook.py").replace(
            "{email: $email,", "{email: '${email|reversed_domain}',"
        )
    )
    hook.write_text(HOOK)
    one, seen = _at(path, {"refused": []}), list[Any]()
    one.http.request = lambda *_, data, **__: seen.append(json.loads(data)) or {"refused": []}
    one.upsert([Record("k", {"email": "p@shop.example"})])
    assert seen == [{"members": [{"email": "shop.example!p"}]}]
    for wrong, said in [
        ("import nothing_of_the_kind", "cannot be read"),
        ("def two(one, another): ...", "takes other than one value"),
        ("def lower(value): ...", "is a filter already"),
        ("def another(value): ...", "'|reversed_domain' is not one of another"),
    ]:
        hook.write_text(wrong)
        files.load.cache_clear()
        with pytest.raises(ConfigError, match=r"mailer\.yml, line") as caught:
            files.load(path)
        assert said in caught.value.message
    path.write_text(RIGHT.replace("title: Mailer", "title: Mailer\nhook: ../hook.py"))
    files.load.cache_clear()
    with pytest.raises(ConfigError, match="no file of Python beside this one"):
        files.load(path)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"request_status": "ERROR", "error_code": "E3002", "debug_message": "x"}, "E3002"),
        ({"OperationErrors": [{"Code": 105, "ErrorCode": "InvalidCredentials"}]}, "105"),
        ({"BatchErrors": [], "PartialErrors": [{"Index": 0, "ErrorCode": "Unknown"}]}, "Unknown"),
    ],
)
def test_a_code_is_read_in_the_vendors_spelling(body: Any, code: str) -> None:
    assert codes(body)[0] == code


def test_an_error_that_is_a_list_is_read_by_its_codes() -> None:
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert codes(body) == ["REQUEST_LIMIT_EXCEEDED"]
    verdicts = connector(files.load(FILES["salesforce"])).declaration.verdicts
    error = verdicts.error("salesforce", "said", 403, codes(body))
    assert isinstance(error, RateLimitedError)


def test_sums_that_do_not_agree_are_no_success(tmp_path: Path) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(
        RIGHT.replace(
            "      refused: [{rows",
            "      taken_count: taken\n      refused_count: lost\n      refused: [{rows",
        )
    )
    rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}) for n in range(2)]
    assert len(_at(path, {"refused": [], "taken": 2, "lost": 0}).upsert(rows).accepted) == 2
    for counted, error in [
        ({"taken": 1, "lost": 1}, RejectedError),
        ({"taken": 1, "lost": 0}, RejectedError),
        ({"taken": 3, "lost": 0}, UnexpectedAnswerError),
        ({"taken": "2", "lost": 0}, UnexpectedAnswerError),
        ({}, UnexpectedAnswerError),
    ]:
        with pytest.raises(error):
            _at(path, {"refused": [], **counted}).upsert(rows)


def test_refused_rows_that_are_counted_and_not_named_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(
        RIGHT.replace("      refused: [{rows", "      refused_count: lost\n      refused: [{rows")
    )
    rows = [Record(f"k{n}", {"email": f"P{n}@shop.example"}) for n in range(2)]
    with pytest.raises(RejectedError):
        _at(path, {"refused": [], "lost": 1}).upsert(rows)


def test_events_that_could_come_twice_are_left_open_where_one_is_refused_and_not_named() -> None:
    """Sent in halves, those that were taken would be sent again."""
    kind = connector(files.load(FILES["braze"]))
    given = {"api_key": "x", "host": "rest.iad-01.braze.com", "workspace": "w"}
    settings = parse(kind.settings_type, "b", given)
    one: Any = kind(settings, SyncObject("event", "bought"), lambda _: None)
    one.http.request = lambda *_, **__: {"message": "success", "errors": [{"type": "x"}]}
    rows = [Record(f"k{n}", {"external_id": f"u{n}"}, {"occurred_at": "x"}) for n in range(2)]
    with pytest.raises(UnexpectedAnswerError):
        one.send(rows)
    with pytest.raises(RejectedError):
        one.send(rows[:1])


JOB = """\
      job:
        id: job
        poll: {get: /jobs/$job, answer: {fields: {state: text}}}
        status: state
        running: [queued]
        done: [complete]
        failed: [broken]
        taken_count: taken
"""


def test_a_job_decides_when_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(RIGHT.replace("      refused: [{rows", f"{JOB}      refused: [{{rows"))
    one = _at(path, {"refused": [], "job": "j/1"})
    result = one.upsert([Record("k", {"email": "p@shop.example"})])
    assert (result.job, list(result.pending), list(result.accepted)) == ("j/1", ["k"], [])
    asked: list[str] = []
    for answer, done, failed in [
        ({"state": "queued"}, False, None),
        ({"state": "complete", "taken": 1}, True, None),
        ({"state": "broken"}, True, "broken"),
    ]:
        one.http.request = lambda _, path, said=answer, **__: asked.append(path) or said
        status = one.poll("j/1")
        assert (status.done, status.all_failed) == (done, failed)
    assert set(asked) == {"/jobs/j%2F1"}
    for answer in ({"state": "resting", "taken": 1}, {"state": "complete"}):
        one.http.request = lambda *_, said=answer, **__: said
        with pytest.raises(UnexpectedAnswerError):
            one.poll("j/1")


@pytest.mark.parametrize(
    ("pages", "answers", "asked"),
    [
        ("{offset: start, size: 2}", [[1, 2], [3]], [{"start": 0}, {"start": 2}]),
        ("{offset: start, size: 2}", [[1, 2], []], [{"start": 0}, {"start": 2}]),
        ("{cursor: after, as: page}", [[1, 2], [3]], [{}, {"page": "c1"}]),
    ],
)
def test_the_object_is_looked_for_on_every_page(
    tmp_path: Path, pages: str, answers: list[list[int]], asked: list[dict[str, Any]]
) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(
        RIGHT.replace('rows: ""}', f"rows: items, pages: {pages}}}").replace(
            "find: {get: /groups, answer: {form: list}",
            "find: {get: /groups, answer: {fields: {items: list}}",
        )
    )
    one = _at(path, {})
    one._known_id = None
    seen: list[Any] = []

    def request(*_: Any, params: Any = None, **__: Any) -> Any:
        seen.append(params)
        rows = [{"name": str(n), "id": str(n)} for n in answers[len(seen) - 1]]
        return {"items": rows, **({"after": f"c{len(seen)}"} if len(seen) < len(answers) else {})}

    one.http.request = request
    assert one._found() is None
    assert seen == asked


def test_a_list_that_is_not_there_has_nobody_taken_out_in_silence(mailer: Path) -> None:
    """It may have been renamed, and those who are to go be on it still."""
    one = _at(mailer, {})
    one._known_id = None
    one.http.request = lambda *_, **__: []
    with pytest.raises(MisconfiguredError):
        one.remove([Record("k", {"email": "p@shop.example"})])


SCOPE = templates.Scope(["list_id", "object"], ["email", "phone"], has_rows=True)
ROW = Record(
    "k/1", {"email": "A/b?c@shop.example"}, {"at": dt.datetime(2026, 1, 2), "ok": True, "none": ""}
)


@pytest.mark.parametrize(
    ("template", "quoted", "said"),
    [
        ("/lists/$list_id/members/$email", True, "/lists/l%2F1/members/A%2Fb%3Fc%40shop.example"),
        ("/members/${email|lower|md5}", True, "/members/74eeb0b6f47a0e2bd3958499eaae131d"),
        ("$email", False, "A/b?c@shop.example"),
        ("$fields.ok", False, True),
        ("${fields.at|unix}", False, 1767312000),
        ("at ${fields.at}: ${fields.ok} $$5", False, "at 2026-01-02T00:00:00Z: true $5"),
        ("$phone", False, templates.MISSING),
        ("call $phone", False, templates.MISSING),
        ("/members/$phone", True, templates.MISSING),
        ("/members/${fields.none}", True, templates.MISSING),
    ],
)
def test_a_template_says_what_the_row_has(template: str, quoted: bool, said: Any) -> None:
    words = {"list_id": "l/1", "object": "Lapsed"}
    assert templates.text(template, SCOPE, quoted=quoted)(words, ROW) == said


def test_what_a_row_lacks_is_left_out_and_what_is_null_is_not() -> None:
    """A null would clear the phone of whoever has none here."""
    node = {"email": "$email", "phone": "$phone", "all": ["$phone", "$email"], "$also": {}}
    row = Record("k", ROW.identifiers, {"note": None})
    made = templates.compiled(node, SCOPE)({}, row)
    assert made == {
        "email": ROW.identifiers["email"],
        "all": [ROW.identifiers["email"]],
        "note": None,
    }


@pytest.mark.parametrize(
    ("condition", "is_there"),
    [
        ({"$if": "$email"}, True),
        ({"$if": ["$email", "$phone"]}, False),
        ({"$if_any": ["$phone", "$email"]}, True),
        ({"$if_any": ["$phone", "$fields.no"]}, False),
        ({"$if": "$fields.empty"}, False),
        ({"$if": "$fields.null"}, False),
        ({"$if": "$fields.zero"}, True),
        ({"$if": "$fields.false"}, True),
        ({"$if": "$email", "$if_any": ["$phone"]}, False),
    ],
)
def test_an_object_with_a_condition_is_there_where_the_row_has_what_it_names(
    condition: dict[str, Any], is_there: bool
) -> None:
    fields = {"empty": "", "null": None, "zero": 0, "false": False}
    row = Record("k", ROW.identifiers, fields)
    node = {"of": {**condition, "type": "told"}, "list": [{**condition, "type": "told"}, "$key"]}
    told = [{"type": "told"}] if is_there else []
    wanted = {"of": told[0]} if is_there else {}
    assert templates.compiled(node, SCOPE)({}, row) == {**wanted, "list": [*told, "k"]}


def test_a_batch_has_what_its_settings_tell_and_no_more() -> None:
    constant = templates.Scope(["account"], has_rows=False)
    node = {
        "list": [{"$if": "$account", "id": "$account"}],
        "of": {"$if": "$account", "id": "$account"},
    }
    made = templates.body(node, constant, SCOPE)
    assert made is not None
    assert made({"account": "7"}, [ROW]) == {"list": [{"id": "7"}], "of": {"id": "7"}}
    assert made({}, [ROW]) == {"list": []}


@pytest.mark.parametrize("template", ["$5", "costs $", "$Email", "${email", "$phones"])
def test_a_template_that_is_none_is_refused(template: str) -> None:
    with pytest.raises(templates.TemplateError):
        templates.text(template, SCOPE)


@pytest.mark.parametrize("address", ["http://api.mailer.example", "ftp://x.example", "https://"])
def test_nobody_is_sent_in_clear(tmp_path: Path, address: str) -> None:
    path = tmp_path / "mailer.yml"
    path.write_text(RIGHT.replace("https://api.mailer.example", address))
    kind = connector(files.load(path))
    settings = parse(kind.settings_type, "m", {"api_key": "x"})
    with pytest.raises(ConfigError, match="its address"):
        kind(settings, SyncObject("group", "Lapsed"), lambda _: None)


def test_a_list_without_an_id_is_none(mailer: Path) -> None:
    """Else its members would go to the list `None`."""
    one = _at(mailer, [{"name": "Lapsed"}])
    one._known_id = None
    with pytest.raises(UnexpectedAnswerError):
        one.upsert([Record("k", {"email": "p@shop.example"})])


def test_an_object_wants_its_name_where_requests_say_it(mailer: Path) -> None:
    kind = connector(files.load(mailer))
    settings = parse(kind.settings_type, "m", {"api_key": "x"})
    with pytest.raises(ConfigError, match="wants a name"):
        kind(settings, SyncObject("group"), lambda _: None)


def test_a_name_that_the_request_has_already_overwrites_nothing() -> None:
    """An audience of the name of the id would make everybody one person."""
    kind = connector(files.load(FILES["braze"]))
    given = {"api_key": "x", "host": "rest.iad-01.braze.com", "workspace": "w"}
    settings = parse(kind.settings_type, "b", given)
    one: Any = kind(settings, SyncObject("audience", "external_id"), lambda _: None)
    one.http.request = lambda *_, **__: pytest.fail("it was sent")
    with pytest.raises(ConfigError, match="'external_id' is the name of something else"):
        one.upsert([Record("k", {"external_id": "u1"})])


def test_two_fields_of_one_name_overwrite_nothing() -> None:
    kind = connector(files.load(FILES["mailchimp"]))
    given = {"api_key": "x", "data_center": "us6", "list_id": "l"}
    one: Any = kind(parse(kind.settings_type, "m", given), SyncObject("contact"), lambda _: None)
    one.http.request = lambda *_, **__: pytest.fail("it was sent")
    with pytest.raises(ConfigError, match="two fields would be 'FNAME'"):
        one.upsert([Record("k", {"email": "p@shop.example"}, {"first_name": "A", "FNAME": "B"})])


def _at(path: Path, answer: Any) -> Any:
    """The destination of a file, at a vendor that says one thing."""
    kind = connector(files.load(path))
    settings = parse(kind.settings_type, "m", {"api_key": "x", "base_url": "http://127.0.0.1:1"})
    one: Any = kind(settings, SyncObject("group", "Lapsed"), lambda _: None)
    one._known_id = "7"
    one.http.request = lambda *_, **__: answer
    return one


def test_the_schema_for_editors_is_that_of_the_form() -> None:
    path = FOLDER / "schema.json"
    assert json.loads(path.read_text()) == form.schema(), (
        "python -m sync.destinations.declared schema"
    )


@pytest.mark.parametrize("vendor", FILES)
def test_the_page_of_a_file_is_made_of_it(vendor: str) -> None:
    file = files.load(FILES[vendor])
    assert page.section(file).strip() in DOCS.read_text()
    assert page.entry(file) in (ROOT / "destinations.yml.example").read_text()


@pytest.mark.parametrize(
    ("arguments", "code"), [(["check"], 0), (["page"], 0), (["check", "x"], 2)]
)
def test_a_file_can_be_looked_at_by_itself(mailer: Path, arguments: list[str], code: int) -> None:
    assert main([*arguments, str(mailer)]) == code
    assert main(["check", str(mailer.parent / "none.yml")]) == 1


def _json(record: Record) -> dict[str, Any]:
    return dict(json.loads(json_bytes(record.fields)))


def _md5(email: str) -> str:
    return hashlib.md5(email.lower().encode()).hexdigest()


@pytest.mark.parametrize(
    ("vendor", "answer", "error"),
    [
        ("tiktok_conversions", {"code": 40105, "message": "x"}, AuthError),
        ("tiktok_conversions", {"code": 40100, "message": "x"}, RateLimitedError),
        ("tiktok_conversions", {"code": 40002, "message": "x"}, RejectedError),
        ("tiktok_conversions", {"code": 50000, "message": "x"}, UnexpectedAnswerError),
        ("tiktok_conversions", {"message": "OK"}, UnexpectedAnswerError),
        ("linkedin_conversions", {"elements": [{"status": 201}]}, UnexpectedAnswerError),
        ("linkedin_conversions", {"elements": [{"status": 429}, {"status": 429}]}, RateLimitedError),
        ("microsoft", {"PartialErrors": None}, UnexpectedAnswerError),
        (
            "microsoft",
            {"PartialErrors": [{"Index": n, "ErrorCode": "CustomerListTermsAndConditionsNotAccepted"} for n in (0, 1)]},
            MisconfiguredError,
        ),
        ("microsoft", {"PartialErrors": [{"Index": 7, "ErrorCode": "InvalidItem"}]}, RejectedError),
        ("snapchat", {"users": [{"user": {"number_uploaded_users": 1}}]}, RejectedError),
        ("snapchat", {"users": [{"user": {"number_uploaded_users": 3}}]}, UnexpectedAnswerError),
        ("snapchat", {"users": [{}]}, UnexpectedAnswerError),
    ],
)  # fmt: skip
def test_an_answer_of_success_that_says_otherwise_is_none(
    vendor: str, answer: dict[str, Any], error: type[Exception]
) -> None:
    file = files.load(FILES[vendor])
    ((kind, offered),) = file.vendor.objects.items()
    rows = [
        Record(f"k{n}", identifiers(offered, n), {"occurred_at": dt.datetime(2026, 11, 2)})
        for n in range(2)
    ]
    example = file.vendor.examples[0].model_copy(update={"answer": {"status": 200, "body": answer}})
    with recorded(example) as (url, _):
        made = connector(file)
        given = settings_in_sandbox(made, base_url=url, directory="/nowhere")
        settings = parse(made.settings_type, vendor, {**given, "base_url": url})
        destination: Any = made(settings, SyncObject(kind, "7"), lambda _: None)
        destination._known_id = "7"
        verb = destination.send if offered.send else destination.upsert
        with pytest.raises(error):
            verb(rows)
