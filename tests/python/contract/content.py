"""What each destination should hold of a table's rows, in the vendors' own words, and what its stand-in does hold.

Both sides know nothing of the modules that they judge: names are written here as the vendors' pages have them (each module's docstring
names these), and the stand-in's file is read by SQL of its own.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sync.records import Record

NAME = "Lapsed buyers"
Row = dict[str, Any]
Held = dict[Any, Any]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def idempotency_key(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {number}"))


# -- rows: no two have a value in common, so that what is swapped or left out shows -------------------


def _own(number: int) -> Row:
    """Columns of every type that go everywhere."""
    return {
        "lifetime_value_eur": number + 0.25,
        "visits": number * 7,
        "is_vip": number % 2 == 0,
        "last_order_at": dt.datetime(2026, 11, 1, 8, 30, number % 60, 250_000 * (number % 3)),
        "birth_date": dt.date(1970, 1, 1) + dt.timedelta(days=number),
        "note": f'"{number}", Zoë & Łukasz\n🎉',
    }


def _person(number: int) -> Row:
    return {"first_name": f"Zoë {number}", "last_name": f"Müller {number}"}


def _place(number: int) -> Row:
    return {
        "street": f"{number} Hauptstraße",
        "city": f"Köln {number}",
        "region": f"NW {number}",
        "country": f"DE{number}",
        "postal_code": f"0{number:04d}",
        "time_zone": f"Europe/Berlin{number}",
    }


def klaviyo_profile(number: int) -> Row:
    more = {
        "organization": f"Firm {number}",
        "locale": f"de-{number}",
        "title": f"Dr. {number}",
        "image": f"https://img.example/{number}",
    }
    lists = {"tags": [f"t{number}", "b"], "size": {"eu": number}}
    return _person(number) | more | _place(number) | _own(number) | lists


def klaviyo_event(number: int) -> Row:
    at = {"occurred_at": dt.datetime(2026, 11, 2, 9, number % 60), "profile_id": f"person-{number}"}
    return _person(number) | _own(number) | at | {"tags": [f"t{number}"]}


def hubspot_contact(number: int) -> Row:
    more = {
        "job_title": f"Buyer {number}",
        "street": f"{number} Road",
        "postal_code": f"0{number:04d}",
        "language": f"de{number}",
        "city": f"Köln {number}",
    }
    return _person(number) | more | _own(number) | {"cleared": None}


def hubspot_company(number: int) -> Row:
    return {"account_name": f"Firm {number}", "employee_count": number + 5} | _own(number)


def no_fields(_: int) -> Row:
    return {}


def onesignal_tags(number: int) -> Row:
    return {"language": f"de{number}", "cleared": None} | _own(number)


def onesignal_message(number: int) -> Row:
    text = {
        "message": f"We kept {number} for you",
        "title": f"Hello {number}",
        "url": f"https://shop.example/{number}",
        "template_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"template {number}")),
        "step": f"reminder {number}",
    }
    # A title, an address and a template may be missing; one of text and template may not.
    absent = [("title",), ("url",), ("template_id",), ("message",), ()][number % 5]
    return {name: value for name, value in text.items() if name not in absent} | _own(number)


def anything(number: int) -> Row:
    return _person(number) | _own(number) | {"tags": [f"t{number}"], "size": {"eu": number}}


# -- identifiers: some rows lack some ------------------------------------------------------------------


def email_or_phone(number: int) -> dict[str, str]:
    both = {"email": f"person{number}@shop.example", "phone": f"+4930{number:07d}"}
    return _some(both, [("phone",), ("email",), ()][number % 3])


def email(number: int) -> dict[str, str]:
    return {"email": f"person{number}@shop.example"}


def pair(number: int) -> dict[str, str]:
    return {"email": f"person{number}@shop.example", "account_id": f"acc-{number}"}


def either(number: int) -> dict[str, str]:
    return _some(pair(number), [("account_id",), ("email",), ()][number % 3])


def domain(number: int) -> dict[str, str]:
    return {"domain": f"company{number}.example"}


def profile_id(number: int) -> dict[str, str]:
    return {"profile_id": f"person-{number}"}


META = {
    "email_sha256": "EMAIL",
    "phone_sha256": "PHONE",
    "first_name_sha256": "FN",
    "last_name_sha256": "LN",
    "city_sha256": "CT",
    "region_sha256": "ST",
    "postal_code_sha256": "ZIP",
    "country_sha256": "COUNTRY",
    "gender_sha256": "GEN",
    "birth_year_sha256": "DOBY",
    "birth_month_sha256": "DOBM",
    "birth_day_sha256": "DOBD",
}


def meta_hashes(number: int) -> dict[str, str]:
    every = {name: sha(f"{name} {number}") for name in META}
    absent = [("phone_sha256",), ("email_sha256",), ("city_sha256", "birth_day_sha256"), ()]
    return _some(every, absent[number % 4])


def meta_mobiles(number: int) -> dict[str, str]:
    """Some are known by their device alone."""
    device = {"mobile_id": f"6032d997-3ab0-4de0-aa16-{number:012d}"}
    return device if number % 3 == 0 else meta_hashes(number) | (device if number % 3 == 1 else {})


def meta_value(number: int) -> Row:
    return {"value": number / 2}


def google_hashes(number: int) -> dict[str, str]:
    every = {
        name: sha(f"{name} {number}")
        for name in ("email_sha256", "phone_sha256", "first_name_sha256", "last_name_sha256")
    }
    every |= {"country": "DE", "postal_code": f"0{number:04d}"}
    absent = [
        ("phone_sha256",),
        ("postal_code",),
        ("first_name_sha256", "last_name_sha256", "country", "postal_code"),
        (),
    ]
    return _some(every, absent[number % 4])


def _some(every: dict[str, str], absent: Iterable[str]) -> dict[str, str]:
    return {name: value for name, value in every.items() if name not in absent}


# -- values as a vendor writes them ----------------------------------------------------------------------


def _json(value: Any) -> Any:
    """ISO 8601, UTC with a Z and as many digits as there are; everything else as it is."""
    if isinstance(value, dt.datetime):
        digits = f".{value.microsecond // 1000:03d}" if value.microsecond else ""
        return value.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"
    return value.isoformat() if isinstance(value, dt.date) else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(_json(value))


def _all(fields: Row, *, but: Iterable[str] = ()) -> Row:
    return {name: _json(value) for name, value in fields.items() if name not in but}


# -- what should be held: (object, member) -> content -----------------------------------------------------


def klaviyo_list(key: str, ids: dict[str, str], fields: Row) -> Held:
    own = {"first_name", "last_name", "organization", "locale", "title", "image"}
    places = {
        "street": "address1",
        "city": "city",
        "region": "region",
        "country": "country",
        "postal_code": "zip",
        "time_zone": "timezone",
    }
    profile = {"external_id": key} | {name: fields[name] for name in own}
    profile["location"] = {theirs: fields[name] for name, theirs in places.items()}
    profile["properties"] = _all(fields, but=own | set(places))
    for name, theirs in (("email", "email"), ("phone", "phone_number")):
        if name in ids:
            profile[theirs] = ids[name]
    return {(NAME, key): profile}


def klaviyo_profiles(key: str, ids: dict[str, str], fields: Row) -> Held:
    return {key: held for (_, key), held in klaviyo_list(key, ids, fields).items()}


def phone(number: int) -> dict[str, str]:
    return {"phone": f"+4930{number:07d}"}


def klaviyo_consent(number: int) -> Row:
    """Some say when they agreed."""
    at = dt.datetime(2026, 3, 1, 8, number % 60, number // 60 % 60)
    return {"consented_at": at if number % 2 else None}


def klaviyo_subscription(channel: str, address: str) -> Callable[..., Held]:
    def held(key: str, ids: dict[str, str], fields: Row) -> Held:
        said: Row = {"consent": "SUBSCRIBED"}
        if fields["consented_at"] is not None:
            said["consent_timestamp"] = _json(fields["consented_at"])
        if channel == "email":
            said["suppression"] = []
        return {ids[address]: {channel: said}}

    return held


def klaviyo_suppression(key: str, ids: dict[str, str], fields: Row) -> Held:
    return {ids["email"]: {"email": {"suppression": ["USER_SUPPRESSED"]}}}


def klaviyo_subscribed(attribute: str, channel: str) -> Callable[[Path], Held]:
    """Who is subscribed, by address: who unsubscribed is not among them."""

    def held(folder: Path) -> Held:
        said = _of(folder, "klaviyo:subscriptions", "profiles")
        return {
            profile[attribute]: said[member]
            for member, profile in _of(folder, "klaviyo", "profiles").items()
            if said.get(member, {}).get(channel, {}).get("consent") == "SUBSCRIBED"
        }

    return held


def klaviyo_suppressed(folder: Path) -> Held:
    said = _of(folder, "klaviyo:subscriptions", "profiles")
    held = {}
    for member, profile in _of(folder, "klaviyo", "profiles").items():
        reasons = [
            one["reason"] for one in said.get(member, {}).get("email", {}).get("suppression", [])
        ]
        if reasons:
            held[profile["email"]] = {"email": {"suppression": reasons}}
    return held


def klaviyo_events(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    event = {
        "properties": _all(fields),
        "time": _json(fields["occurred_at"]),
        "metric": NAME,
        "external_id": fields["profile_id"],
        "unique_id": idempotency_key(number),
        **{
            theirs: ids[name]
            for name, theirs in (("email", "email"), ("phone", "phone_number"))
            if name in ids
        },
    }
    return {idempotency_key(number): event}


def hubspot_contacts(key: str, ids: dict[str, str], fields: Row) -> Held:
    theirs = {
        "first_name": "firstname",
        "last_name": "lastname",
        "job_title": "jobtitle",
        "street": "address",
        "postal_code": "zip",
        "language": "hs_language",
    }
    properties = {theirs.get(name, name): _text(value) for name, value in fields.items()}
    return {ids["email"]: properties | {"email": ids["email"]}}


def hubspot_companies(key: str, ids: dict[str, str], fields: Row) -> Held:
    theirs = {"account_name": "name", "employee_count": "numberofemployees"}
    properties = {theirs.get(name, name): _text(value) for name, value in fields.items()}
    return {key: properties | {"domain": ids["domain"], "headwater_account_id": key}}


def hubspot_there(base_url: str, rows: Iterable[Record]) -> None:
    """The contacts and companies of rows, put into the stand-in."""
    rows = list(rows)
    for kind, name, unique in (
        ("contacts", "email", "email"),
        ("companies", "account_id", "headwater_account_id"),
    ):
        known = sorted({row.identifiers[name] for row in rows if name in row.identifiers})
        for start in range(0, len(known), 100):
            inputs = [
                {"idProperty": unique, "id": value, "properties": {unique: value}}
                for value in known[start : start + 100]
            ]
            requests.post(
                f"{base_url}/hubspot/crm/v3/objects/{kind}/batch/upsert",
                json={"inputs": inputs},
                headers={"Authorization": "Bearer sandbox"},
                timeout=10,
            ).raise_for_status()


def hubspot_deal(number: int) -> Row:
    more = {
        "name": f"Deal {number}",
        "amount": number + 0.5,
        "stage": f"stage{number}",
        "closed_at": dt.datetime(2026, 12, 1, 8, number % 60),
    }
    return more | {
        name: value for name, value in _own(number).items() if name in ("visits", "note")
    }


def hubspot_deals(key: str, ids: dict[str, str], fields: Row) -> Held:
    theirs = {"name": "dealname", "stage": "dealstage", "closed_at": "closedate"}
    properties = {theirs.get(name, name): _text(value) for name, value in fields.items()}
    tied = {
        kind: ids[name]
        for kind, name in (("contacts", "email"), ("companies", "account_id"))
        if name in ids
    }
    return {key: properties | {"headwater_deal_id": key, "of": tied}}


def hubspot_custom(key: str, ids: dict[str, str], fields: Row) -> Held:
    properties = {
        name: _text(value) for name, value in fields.items() if not isinstance(value, list | dict)
    }
    return {key: properties | {"email": ids["email"], "headwater_id": key}}


def hubspot_pair(key: str, ids: dict[str, str], fields: Row) -> Held:
    return {(ids["email"], ids["account_id"]): {}}


def hubspot_task(number: int) -> Row:
    return {
        "occurred_at": dt.datetime(2026, 12, 2, 9, number % 60),
        "subject": f"Call {number}",
        "body": f"They bought {number}",
        "priority": ("LOW", "MEDIUM", "HIGH")[number % 3],
        "type": f"TYPE{number}",
        "owner_id": str(number),
    }


def hubspot_tasks(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    tied = {
        kind: ids[name]
        for kind, name in (("contacts", "email"), ("companies", "account_id"))
        if name in ids
    }
    task = {
        "hs_timestamp": _json(fields["occurred_at"]),
        "hs_task_subject": fields["subject"],
        "hs_task_body": fields["body"],
        "hs_task_priority": fields["priority"],
        "hs_task_type": fields["type"],
        "hs_task_status": "NOT_STARTED",
        "hubspot_owner_id": fields["owner_id"],
    }
    return {fields["subject"]: task | {"of": tied}}


def hubspot_event(number: int) -> Row:
    return _own(number) | {"occurred_at": dt.datetime(2026, 11, 2, 9, number % 60)}


def hubspot_events(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    event = {
        "eventName": NAME,
        "email": ids["email"],
        "uuid": idempotency_key(number),
        "occurredAt": _json(fields["occurred_at"]),
        "properties": {
            name: _text(value) for name, value in fields.items() if name != "occurred_at"
        },
    }
    return {idempotency_key(number): event}


def meta_audience(key: str, ids: dict[str, str], fields: Row) -> Held:
    member = ids.get("email_sha256") or ids["phone_sha256"]
    return {(NAME, member): {META[name]: value for name, value in ids.items()}}


def meta_valued(key: str, ids: dict[str, str], fields: Row) -> Held:
    member = ids.get("email_sha256") or ids.get("phone_sha256") or ids["mobile_id"]
    said = {META.get(name, "MADID"): value for name, value in ids.items()}
    return {(NAME, member): said | {"LOOKALIKE_VALUE": str(fields["value"])}}


def google_audience(key: str, ids: dict[str, str], fields: Row) -> Held:
    said = []
    if "email_sha256" in ids:
        said.append({"emailAddress": ids["email_sha256"]})
    if "phone_sha256" in ids:
        said.append({"phoneNumber": ids["phone_sha256"]})
    if {"first_name_sha256", "last_name_sha256", "country", "postal_code"} <= set(ids):
        address = {
            "givenName": ids["first_name_sha256"],
            "familyName": ids["last_name_sha256"],
            "regionCode": ids["country"],
            "postalCode": ids["postal_code"],
        }
        said.append({"address": address})
    request = {
        "account": {"accountType": "GOOGLE_ADS", "accountId": "4711"},
        "through": {"accountType": "GOOGLE_ADS", "accountId": "42"},
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        "encoding": "HEX",
    }
    return {(NAME, ids["email_sha256"]): {"userIdentifiers": said, **request}}


def google_ids(kind: str, name: str) -> Callable[..., Held]:
    """Members by an id that goes as it is; consent is each one's own, and nobody was asked where a row has none."""
    said = {True: "CONSENT_GRANTED", False: "CONSENT_DENIED", None: "CONSENT_STATUS_UNSPECIFIED"}

    def held(key: str, ids: dict[str, str], fields: Row) -> Held:
        person = {"userId": ids[name]} if kind == "user" else {"mobileIds": [ids[name]]}
        request = {
            "account": {"accountType": "GOOGLE_ADS", "accountId": "1"},
            "through": None,
            "consent": {
                "adUserData": said[fields["ad_user_data"]],
                "adPersonalization": said[fields["ad_personalization"]],
            },
            "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
            "encoding": "HEX",
        }
        return {(NAME, ids[name]): {**person, **request}}

    return held


def google_consent(number: int) -> Row:
    """Each pair of answers, so nobody's too: who was asked nothing may not count as who agreed."""
    answers = (True, False, None)
    return {
        "ad_user_data": answers[number % 3],
        "ad_personalization": answers[(number + number // 3) % 3],
    }


def google_click(number: int) -> dict[str, str]:
    """A click, an address, or both."""
    clicks = {"gclid": f"Cj0{number}", "gbraid": f"0AA{number}", "wbraid": f"Cks{number}"}
    name = [*clicks][number % 3]
    hashes = google_hashes(number) if number % 2 else {}
    return hashes | ({} if number % 5 == 0 and hashes else {name: clicks[name]})


def google_conversion(number: int) -> Row:
    at = {"occurred_at": dt.datetime(2026, 11, 2, 9, number % 60, number // 60)}
    value = (
        {"value": number + 0.25, "currency": ("EUR", "USD", "GBP")[number % 3]}
        if number % 7
        else {}
    )
    return at | value


def google_conversions(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    event: Row = {
        "transactionId": key,
        "eventTimestamp": _json(fields["occurred_at"]),
        "eventSource": "WEB",
        "account": {"accountType": "GOOGLE_ADS", "accountId": "1"},
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
    }
    if "value" in fields:
        event |= {"conversionValue": fields["value"], "currency": fields["currency"]}
    if clicks := {name: ids[name] for name in ("gclid", "gbraid", "wbraid") if name in ids}:
        event["adIdentifiers"] = clicks
    if "email_sha256" in ids:
        ((_, member),) = google_audience(key, ids, fields).items()
        event["userData"] = {"userIdentifiers": member["userIdentifiers"]}
    return {key: event}


def google_log(folder: Path) -> Held:
    query = "select event_id, data from events where vendor = 'google_data_manager'"
    return {row[0]: json.loads(row[1]) for row in _read(folder, query)}


def onesignal_users(key: str, ids: dict[str, str], fields: Row) -> Held:
    tags = {name: _text(value) for name, value in fields.items() if value is not None}
    return {ids["profile_id"]: {"tags": tags | {NAME: "true"}}}


def onesignal_messages(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    # A UUID of version 3, the same for the same event for ever.
    kept = str(uuid.uuid3(uuid.NAMESPACE_OID, idempotency_key(number)))
    body = {
        "app_id": "00000000-0000-4000-8000-000000000001",
        "target_channel": "push",
        "name": NAME,
        "include_aliases": {"external_id": [ids["profile_id"]]},
        "idempotency_key": kept,
        "data": {
            "key": key,
            **_all(fields, but={"message", "title", "url", "template_id"}),
        },
    }
    for name, place in (("message", "contents"), ("title", "headings")):
        if name in fields:
            body[place] = {"en": fields[name]}
    for name in ("url", "template_id"):
        if name in fields:
            body[name] = fields[name]
    return {kept: body}


def onesignal_email(number: int) -> Row:
    text = {
        "title": f"Hello {number}",
        "message": f"<p>We kept {number} for you</p>",
        "preheader": f"Until {number}",
        "template_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"template {number}")),
    }
    absent = [("message",), ("template_id",), ("preheader",), ()][number % 4]
    return {name: value for name, value in text.items() if name not in absent} | _own(number)


def onesignal_sms(number: int) -> Row:
    text = {"message": f"We kept {number} for you", "template_id": f"template-{number}"}
    absent = [("message",), ("template_id",), ()][number % 3]
    return {name: value for name, value in text.items() if name not in absent} | _own(number)


def onesignal_written(channel: str) -> Callable[..., Held]:
    places = {
        "email": {
            "title": "email_subject",
            "message": "email_body",
            "preheader": "email_preheader",
        },
        "sms": {},
    }[channel]

    def held(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
        kept = str(uuid.uuid3(uuid.NAMESPACE_OID, idempotency_key(number)))
        texts = ("title", "message", "preheader", "template_id")
        body = {
            "app_id": "00000000-0000-4000-8000-000000000001",
            "target_channel": channel,
            "name": f"{NAME} ({channel})",
            "include_aliases": {"external_id": [ids["profile_id"]]},
            "idempotency_key": kept,
            "custom_data": {"key": key, **_all(fields, but=texts)},
        }
        for name in set(texts) & set(fields):
            body[places.get(name, name)] = fields[name]
        if channel == "sms":
            body |= {"sms_from": "+4930999"}
            if "message" in body:
                body["contents"] = {"en": body.pop("message")}
        return {kept: body}

    return held


def webhook_records(key: str, ids: dict[str, str], fields: Row) -> Held:
    return {(NAME, key): {"key": key, "identifiers": ids, "fields": _all(fields)}}


def webhook_events(key: str, ids: dict[str, str], fields: Row, number: int) -> Held:
    return {idempotency_key(number): {"key": key, "identifiers": ids, "fields": _all(fields)}}


def file_rows(key: str, ids: dict[str, str], fields: Row) -> Held:
    return {key: {"key": key, **ids, **_all(fields)}}


# -- what is held ------------------------------------------------------------------------------------------


def _read(folder: Path, query: str, *values: str) -> list[Any]:
    with sqlite3.connect(folder / "sandbox.sqlite") as database:
        return database.execute(query, values).fetchall()


MEMBERS = """
    select objects.name, members.member_id, members.data
    from members inner join objects on objects.vendor = members.vendor and objects.id = members.object_id
    where members.vendor = ?
"""


def _members(folder: Path, vendor: str) -> Held:
    """Members of every list or audience that the vendor has, ours or not."""
    return {(row[0], row[1]): json.loads(row[2]) for row in _read(folder, MEMBERS, vendor)}


def _of(folder: Path, vendor: str, object_id: str) -> Held:
    query = "select member_id, data from members where vendor = ? and object_id = ?"
    return {row[0]: json.loads(row[1]) for row in _read(folder, query, vendor, object_id)}


def klaviyo_members(folder: Path) -> Held:
    profiles = _of(folder, "klaviyo", "profiles")
    return {
        (name, profiles[member]["external_id"]): profiles[member]
        for name, member in _members(folder, "klaviyo")
    }


def klaviyo_log(folder: Path) -> Held:
    profiles, held = _of(folder, "klaviyo", "profiles"), {}
    query = "select data from events where vendor = 'klaviyo'"
    for (text,) in _read(folder, query):
        event = json.loads(text)
        name = event.pop("metric")["data"]["attributes"]["name"]
        held[event["unique_id"]] = {**event, "metric": name, **profiles[event.pop("profile")]}
        held[event["unique_id"]].pop("profile", None)
    return held


def hubspot_records(kind: str, unique: str) -> Callable[[Path], Held]:
    return lambda folder: {row[unique]: row for row in _of(folder, "hubspot", kind).values()}


def hubspot_list(folder: Path) -> Held:
    contacts = _of(folder, "hubspot", "contacts")
    return {
        (name, contacts[member]["email"]): contacts[member]
        for name, member in _members(folder, "hubspot")
        if name in (NAME, "Another")
    }


def _called(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What the team knows contacts and companies by, by their id."""
    contacts = {key: row["email"] for key, row in _of(folder, "hubspot", "contacts").items()}
    companies = _of(folder, "hubspot", "companies").items()
    return contacts, {key: row["headwater_account_id"] for key, row in companies}


def hubspot_held_deals(folder: Path) -> Held:
    contacts, companies = _called(folder)
    held = {}
    for member, row in _of(folder, "hubspot", "deals").items():
        tied = {}
        for kind, names in (("contacts", contacts), ("companies", companies)):
            for pair in _of(folder, "hubspot:ties", f"deals|{kind}"):
                deal, _, other = pair.partition("|")
                if deal == member:
                    tied[kind] = names[other]
        held[row["headwater_deal_id"]] = row | {"of": tied}
    return held


def hubspot_held_pairs(folder: Path) -> Held:
    contacts, companies = _called(folder)
    pairs = [pair.partition("|") for pair in _of(folder, "hubspot:ties", "contacts|companies")]
    return {(contacts[one], companies[other]): {} for one, _, other in pairs}


def hubspot_held_tasks(folder: Path) -> Held:
    names = dict(zip(("contacts", "companies"), _called(folder), strict=True))
    held = {}
    for row in _of(folder, "hubspot", "tasks").values():
        row["of"] = {kind: names[kind][known] for kind, known in row["of"].items()}
        held[row["hs_task_subject"]] = row
    return held


def hubspot_log(folder: Path) -> Held:
    query = "select event_id, data from events where vendor = 'hubspot'"
    return {row[0]: json.loads(row[1]) for row in _read(folder, query)}


def onesignal_log(folder: Path) -> Held:
    query = "select event_id, data from events where vendor = 'onesignal'"
    held = {row[0]: json.loads(row[1]) for row in _read(folder, query)}
    for body in held.values():
        body.pop("to")
    return held


def webhook_log(folder: Path) -> Held:
    query = "select event_id, data from events where vendor = 'webhook'"
    return {row[0]: json.loads(row[1]) for row in _read(folder, query)}


def jsonl(folder: Path) -> list[Row]:
    """Every line of the change log, in the order in which a loader applies it."""
    return [
        json.loads(line)
        for path in sorted((folder / "files" / "Lapsed_buyers").iterdir())
        for line in path.read_text().splitlines()
    ]


def logged(folder: Path) -> Held:
    """What the change log comes to."""
    held: Held = {}
    for row in jsonl(folder):
        action, key = row.pop("_action"), row.pop("_key")
        row.pop("_idempotency_key", None)
        if action == "remove":
            held.pop(key, None)
        else:
            held[key] = {**row, "key": key}
    return held


def csv_rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Content:
    """One kind of object of one destination."""

    kind: str
    object_kind: str
    identifiers: Callable[[int], dict[str, str]]
    fields: Callable[[int], Row]
    expected: Callable[..., Held]
    held: Callable[[Path], Held]
    another: str | None = None  # kind of the stand-in's objects, of which there is one before ours
    settings: tuple[tuple[str, str], ...] = ()
    needs: Callable[[str, Iterable[Record]], None] | None = None  # puts what must be there before

    def __str__(self) -> str:
        return f"{self.kind}-{self.object_kind}"

    @property
    def is_example(self) -> bool:
        """Whether it is its vendor's first of rows, or of events."""
        every = RECORDS if self in RECORDS else EVENTS
        return next(case for case in every if case.kind == self.kind) is self


def _in_list(expected: Callable[..., Held]) -> Callable[..., Held]:
    return lambda *row: {(NAME, key): value for key, value in expected(*row).items()}


RECORDS = [
    Content("klaviyo", "list", email_or_phone, klaviyo_profile, klaviyo_list, klaviyo_members, "list"),
    Content("klaviyo", "profile", email_or_phone, klaviyo_profile, klaviyo_profiles,
            lambda folder: {row["external_id"]: row for row in _of(folder, "klaviyo", "profiles").values()}),
    Content("klaviyo", "email_subscription", email, klaviyo_consent, klaviyo_subscription("email", "email"),
            klaviyo_subscribed("email", "email"), "list"),
    Content("klaviyo", "sms_subscription", phone, klaviyo_consent, klaviyo_subscription("sms", "phone"),
            klaviyo_subscribed("phone_number", "sms"), "list"),
    Content("klaviyo", "suppression", email, no_fields, klaviyo_suppression, klaviyo_suppressed),
    Content("hubspot", "contact", email, hubspot_contact, hubspot_contacts, hubspot_records("contacts", "email")),
    Content("hubspot", "company", domain, hubspot_company, hubspot_companies, hubspot_records("companies", "headwater_account_id")),
    Content("hubspot", "list", email, hubspot_contact, _in_list(hubspot_contacts), hubspot_list, "list"),
    Content("hubspot", "deal", either, hubspot_deal, hubspot_deals, hubspot_held_deals, needs=hubspot_there),
    Content("hubspot", "custom_object", email, hubspot_contact, hubspot_custom, hubspot_records(NAME, "headwater_id")),
    Content("hubspot", "association", pair, no_fields, hubspot_pair, hubspot_held_pairs, needs=hubspot_there),
    Content("meta", "audience", meta_hashes, no_fields, meta_audience, lambda folder: _members(folder, "meta"), "audience"),
    Content("meta", "value_audience", meta_mobiles, meta_value, meta_valued, lambda folder: _members(folder, "meta"), "audience"),
    Content("google_data_manager", "audience", google_hashes, no_fields, google_audience,
            lambda folder: _members(folder, "google_data_manager"), "audience",
            (("customer_id", "4711"), ("login_customer_id", "42"))),
    Content("google_data_manager", "user_audience", lambda number: {"user_id": f"u-{number}"}, google_consent,
            google_ids("user", "user_id"), lambda folder: _members(folder, "google_data_manager")),
    Content("google_data_manager", "mobile_audience", lambda number: {"mobile_id": f"{number:08d}-0000-4000-8000-000000000000"},
            google_consent, google_ids("mobile", "mobile_id"), lambda folder: _members(folder, "google_data_manager")),
    Content("onesignal", "tag", profile_id, onesignal_tags, onesignal_users, lambda folder: _of(folder, "onesignal", "users")),
    Content("webhook", "record", email_or_phone, anything, webhook_records, lambda folder: _members(folder, "webhook")),
    Content("files", "table", email_or_phone, anything, file_rows, logged, settings=(("format", "jsonl"),)),
]  # fmt: skip
EVENTS = [
    Content("klaviyo", "event", email_or_phone, klaviyo_event, klaviyo_events, klaviyo_log),
    Content("google_data_manager", "conversion", google_click, google_conversion, google_conversions, google_log),
    Content("hubspot", "event", email, hubspot_event, hubspot_events, hubspot_log),
    Content("hubspot", "task", either, hubspot_task, hubspot_tasks, hubspot_held_tasks, needs=hubspot_there),
    Content("onesignal", "message", profile_id, onesignal_message, onesignal_messages, onesignal_log),
    Content("onesignal", "email", profile_id, onesignal_email, onesignal_written("email"), onesignal_log),
    Content("onesignal", "sms", profile_id, onesignal_sms, onesignal_written("sms"), onesignal_log,
            settings=(("sms_from", "+4930999"),)),
    Content("webhook", "event", email_or_phone, anything, webhook_events, webhook_log),
]  # fmt: skip
