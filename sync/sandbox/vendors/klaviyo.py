"""Klaviyo's stand-in: lists, profiles, subscriptions, bulk jobs, events, and what became of the e-mails a flow sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store
from sync.sandbox.vendors.answers import error, paged

NAME = "klaviyo"
AUTHORIZATION = "Klaviyo-API-Key"
PROFILES = "profiles"
SUBSCRIPTIONS = f"{NAME}:subscriptions"  # of a profile, which only shows them where it is asked to
PHONES = "phones"  # which profile has a number
# An account has metrics of several ages for one thing: the names are those of help pages and of accounts shown in public, not ours.
METRICS = {
    "delivered": ["Received Email"],
    "opened": ["Opened Email"],
    "clicked": ["Clicked Email"],
    "bounced": ["Bounced Email"],
    "unsubscribed": [
        "Unsubscribed from Email Marketing",
        "Unsubscribed",
        "Unsubscribed from List",
        "Manually Suppressed from Email Marketing",
    ],
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
blueprint = Blueprint(NAME, __name__)


def _id(text: str) -> str:
    return "01" + hashlib.sha256(text.encode()).hexdigest()[:24].upper()


def _owner(phone: str) -> str | None:
    """The profile that has a number."""
    key = store().member(NAME, PHONES, phone)
    profile = store().member(NAME, PROFILES, key) if key else None
    return str(key) if profile and profile.get("phone_number") == phone else None


def _resource(kind: str, key: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": key,
        "attributes": attributes,
        "links": {"self": f"{request.host_url}{kind}/{key}"},
    }


@blueprint.get("/api/accounts")
def accounts() -> Response:
    return jsonify(
        {
            "data": [_resource("account", "AbC123", {"timezone": "UTC"})],
            "links": {"self": request.url},
        }
    )


@blueprint.get("/api/lists")
def lists() -> Response:
    wanted = re.search(r'equals\(name,"(.*)"\)', request.args.get("filter", ""))
    name = wanted and wanted.group(1).replace('\\"', '"').replace("\\\\", "\\")
    rows = [
        _resource("list", key, {"name": found})
        for _, key, found in store().objects(NAME, "list")
        if name is None or found == name
    ]
    return jsonify({"data": rows, "links": {"self": request.url}})


@blueprint.post("/api/lists")
def make_list() -> tuple[Response, int]:
    name = request.get_json()["data"]["attributes"]["name"]
    key = store().object_id(NAME, "list", name)
    return jsonify({"data": _resource("list", key, {"name": name})}), 201


@blueprint.post("/api/profile-bulk-import-jobs")
def import_profiles() -> tuple[Response, int]:
    data = request.get_json()["data"]
    profiles = data["attributes"]["profiles"]["data"]
    if len(profiles) > 10_000:
        return error(400, "too_many_profiles")
    list_ids = [row["id"] for row in data.get("relationships", {}).get("lists", {}).get("data", [])]
    job_id = uuid.uuid4().hex
    failed_whole = bool(faults().draw("job_failed"))
    taken, refused = {}, []
    phones: dict[str, str] = {}
    for profile in profiles:
        attributes = profile["attributes"]
        email = attributes.get("email")
        if (email and not EMAIL.fullmatch(email)) or faults().draw("refuse_rows"):
            refused.append(attributes)
            continue
        phone = attributes.get("phone_number")
        key = _id(str(attributes.get("external_id") or email or phone))
        if phone and (phones.get(phone) or _owner(phone)) not in (None, key):
            refused.append({**attributes, "code": "duplicate_profile"})
            continue
        if phone:
            phones[phone] = key
        taken[key] = attributes
    if not failed_whole:
        store().put_members(NAME, PROFILES, taken)
        store().put_members(NAME, PHONES, phones)
        for list_id in list_ids:
            store().put_members(NAME, list_id, dict.fromkeys(taken, True))
    store().put_job(
        NAME,
        job_id,
        {
            "status": "cancelled" if failed_whole else "complete",
            "taken": list(taken),
            "refused": refused,
        },
    )
    attributes = {
        "status": "queued",
        "created_at": clock.iso(clock.now()),
        "total_count": len(profiles),
    }
    return jsonify({"data": _resource("profile-bulk-import-job", job_id, attributes)}), 202


@blueprint.get("/api/profile-bulk-import-jobs/<job_id>")
def job(job_id: str) -> Response | tuple[Response, int]:
    return _standing("profile-bulk-import-job", job_id)


def _standing(kind: str, job_id: str) -> Response | tuple[Response, int]:
    """How a job stands; one that suppresses counts whom it skipped, which is nobody, and no failures."""
    found = store().job(NAME, job_id)
    if found is None:
        return error(404, "not_found")
    refused = len(found["refused"])
    attributes = {
        "status": found["status"],
        "created_at": clock.iso(clock.now()),
        "total_count": len(found["taken"]) + refused,
        "completed_count": len(found["taken"]),
        "failed_count" if kind == "profile-bulk-import-job" else "skipped_count": refused,
    }
    return jsonify({"data": _resource(kind, job_id, attributes)})


@blueprint.get("/api/profile-bulk-import-jobs/<job_id>/import-errors")
def import_errors(job_id: str) -> Response:
    rows = [
        _resource(
            "import-error",
            str(index),
            {
                "code": attributes.pop("code", "invalid"),
                "title": "Invalid input",
                "detail": "Invalid input",
                "source": {"pointer": f"/data/attributes/profiles/data/{index}"},
                "original_payload": attributes,
            },
        )
        for index, attributes in enumerate(store().job(NAME, job_id)["refused"])
    ]
    return paged(rows)


@blueprint.get("/api/profiles")
def profiles() -> Response | tuple[Response, int]:
    if "filter" not in request.args:
        first = store().members(NAME, PROFILES, limit=int(request.args.get("page[size]", 20)))
        return paged([_resource("profile", key, attributes) for key, attributes in first.items()])
    condition = re.fullmatch(r"any\((\w+),(\[.*\])\)", request.args["filter"])
    if condition is None:
        return error(400, "invalid_filter")
    attribute, wanted = condition[1], set(json.loads(condition[2]))
    if attribute == "external_id":
        known = {key: store().member(NAME, PROFILES, key) for key in map(_id, sorted(wanted))}
    else:
        known = store().members(NAME, PROFILES)
    found = {
        key: attributes
        for key, attributes in known.items()
        if attributes is not None and attributes.get(attribute) in wanted
    }
    if request.args.get("additional-fields[profile]") == "subscriptions":
        found = {
            key: {**attributes, "subscriptions": _subscriptions(key)}
            for key, attributes in found.items()
        }
    return paged([_resource("profile", key, attributes) for key, attributes in found.items()])


NEVER = {"email": {"can_receive_email_marketing": True, "consent": "NEVER_SUBSCRIBED", "suppression": [], "list_suppressions": []},
         "sms": {"can_receive_sms_marketing": False, "consent": "NEVER_SUBSCRIBED"}}  # fmt: skip


def _subscriptions(key: str) -> dict[str, Any]:
    said = store().member(SUBSCRIPTIONS, PROFILES, key) or {}
    return {
        channel: {"marketing": {**never, **said.get(channel, {})}}
        for channel, never in NEVER.items()
    }


def _answered(rows: list[tuple[str, str, str, dict[str, Any]]]) -> None:
    """Write what is said of the profile that has an address, which is made where there is none: (attribute, address, channel, said)."""
    known = {
        (attribute, str(found[attribute]).lower()): key
        for key, found in store().members(NAME, PROFILES).items()
        for attribute in ("email", "phone_number")
        if found.get(attribute)
    }
    made, told = dict[str, Any](), dict[str, Any]()
    for attribute, address, channel, said in rows:
        key = known.get((attribute, address.lower()))
        if key is None:
            key = _id(address)
            made[key] = {attribute: address}
        before = told.get(key) or store().member(SUBSCRIPTIONS, PROFILES, key) or {}
        told[key] = {**before, channel: {**before.get(channel, {}), **said}}
    store().put_members(NAME, PROFILES, made)
    store().put_members(SUBSCRIPTIONS, PROFILES, told)


@blueprint.post("/api/profile-subscription-bulk-<verb>-jobs")
def subscribe(verb: str) -> tuple[Response | str, int]:
    """Who is subscribed is suppressed no more, whoever suppressed them; an import of the past says when."""
    attributes = request.get_json()["data"]["attributes"]
    profiles = attributes["profiles"]["data"]
    if len(profiles) > 1000 or faults().draw("refuse_rows"):
        return error(400, "invalid")
    wanted = {"create": "SUBSCRIBED", "delete": "UNSUBSCRIBED"}[verb]
    rows = []
    for profile in profiles:
        subscriptions = profile["attributes"].pop("subscriptions")
        ((attribute, address),) = profile["attributes"].items()
        ((channel, said),) = subscriptions.items()
        marketing = dict(said["marketing"])
        if marketing.pop("consent") != wanted:
            return error(400, "invalid")
        at = marketing.pop("consented_at", None)
        if (at is not None) != bool(attributes.get("historical_import")) or marketing:
            return error(400, "invalid")
        told: dict[str, Any] = {"consent": wanted}
        if verb == "create":
            told |= {"consent_timestamp": at} if at else {}
            told |= {"suppression": []} if channel == "email" else {}
        rows.append((attribute, address, channel, told))
    _answered(rows)
    listed = (request.get_json()["data"].get("relationships") or {}).get("list")
    if listed:
        addresses = {address.lower() for _, address, _, _ in rows}
        members = {
            key: True
            for key, found in store().members(NAME, PROFILES).items()
            if {str(found.get("email")).lower(), str(found.get("phone_number")).lower()} & addresses
        }
        store().put_members(NAME, listed["data"]["id"], members)
    return "", 202


@blueprint.post("/api/profile-suppression-bulk-<verb>-jobs")
def suppress(verb: str) -> tuple[Response, int]:
    """By hand, and back; whoever is suppressed for another reason stays so, and is skipped."""
    profiles = request.get_json()["data"]["attributes"]["profiles"]["data"]
    if len(profiles) > 100:
        return error(400, "too_many_profiles")
    failed = bool(faults().draw("job_failed")) or bool(faults().draw("refuse_rows"))
    emails = [profile["attributes"]["email"] for profile in profiles]
    by_hand = {"reason": "USER_SUPPRESSED", "timestamp": clock.iso(clock.now())}
    said = {"suppression": [by_hand] if verb == "create" else []}
    if not failed:
        _answered([("email", email, "email", said) for email in emails])
    job_id = uuid.uuid4().hex
    status = "cancelled" if failed else "complete"
    store().put_job(NAME, job_id, {"status": status, "taken": emails, "refused": []})
    kind = f"profile-suppression-bulk-{verb}-job"
    attributes = {
        "status": "queued",
        "created_at": clock.iso(clock.now()),
        "total_count": len(emails),
    }
    return jsonify({"data": _resource(kind, job_id, attributes)}), 202


@blueprint.get("/api/profile-suppression-bulk-<verb>-jobs/<job_id>")
def suppression_job(verb: str, job_id: str) -> Response | tuple[Response, int]:
    return _standing(f"profile-suppression-bulk-{verb}-job", job_id)


@blueprint.get("/api/lists/<list_id>/profiles")
def on_list(list_id: str) -> Response | tuple[Response, int]:
    condition = re.fullmatch(r"any\((email|phone_number),(\[.*\])\)", request.args["filter"])
    if condition is None:
        return error(400, "invalid_filter")
    attribute, wanted = condition[1], set(json.loads(condition[2]))
    members, profiles = store().members(NAME, list_id), store().members(NAME, PROFILES)
    return paged(
        [
            _resource("profile", key, profiles[key])
            for key in members
            if key in profiles and profiles[key].get(attribute) in wanted
        ]
    )


@blueprint.delete("/api/lists/<list_id>/relationships/profiles")
def remove_from_list(list_id: str) -> tuple[Response | str, int]:
    keys = [row["id"] for row in request.get_json()["data"]]
    if len(keys) > 1000:
        return error(400, "too_many_profiles")
    store().drop_members(NAME, list_id, keys)
    return "", 204


@blueprint.post("/api/event-bulk-create-jobs")
def create_events() -> tuple[Response | str, int]:
    people = request.get_json()["data"]["attributes"]["events-bulk-create"]["data"]
    if len(people) > 1000:
        return error(400, "too_many_events")
    by_metric: dict[str, list[tuple[str, Any, str]]] = {}
    for person in people:
        profile = person["attributes"]["profile"]["data"]["attributes"]
        key = _id(
            str(profile.get("external_id") or profile.get("email") or profile.get("phone_number"))
        )
        if store().member(NAME, PROFILES, key) is None:
            store().put_members(NAME, PROFILES, {key: profile})
        for event in person["attributes"]["events"]["data"]:
            attributes = event["attributes"]
            metric = attributes["metric"]["data"]["attributes"]["name"]
            # Klaviyo keeps one event per profile, metric and unique_id.
            event_id = f"{key}:{attributes['unique_id']}"
            by_metric.setdefault(metric, []).append(
                (
                    event_id,
                    {"profile": key, **attributes},
                    attributes.get("time") or clock.iso(clock.now()),
                )
            )
    for metric, events in by_metric.items():
        store().add_events(NAME, store().object_id(NAME, "metric", metric), events)
    return "", 202


@blueprint.post("/api/profile-merge")
def merge_profiles() -> tuple[Response, int]:
    """One source a request: it goes from all lists, and whoever it went into is on those that it was on."""
    data = request.get_json()["data"]
    sources = [row["id"] for row in data["relationships"]["profiles"]["data"]]
    target = data["id"]
    if len(sources) != 1 or data["type"] != "profile-merge" or target in sources:
        return error(400, "invalid")
    gone, kept = (store().member(NAME, PROFILES, key) for key in (sources[0], target))
    if gone is None or kept is None:
        return error(404, "not_found")
    store().put_members(NAME, PROFILES, {target: {**gone, **kept}})
    store().drop_members(NAME, PROFILES, sources)
    for _, object_id, _ in store().objects(NAME, "list"):
        if store().member(NAME, object_id, sources[0]):
            store().put_members(NAME, object_id, {target: True})
            store().drop_members(NAME, object_id, sources)
    return jsonify({"data": {"type": "profile", "id": target, "links": {}}}), 201


@blueprint.post("/api/data-privacy-deletion-jobs")
def delete_profile() -> tuple[Response | str, int]:
    """One identifier a request; the profile goes from all lists, and its events with it."""
    profile = request.get_json()["data"]["attributes"]["profile"]["data"]
    named = {**profile.get("attributes", {}), **({"id": profile["id"]} if "id" in profile else {})}
    if len(named) != 1:
        return error(400, "invalid")
    attribute, value = next(iter(named.items()))
    known = store().members(NAME, PROFILES)
    keys = {
        key
        for key, found in known.items()
        if (key if attribute == "id" else found.get(attribute)) == value
    }
    phones = [str(known[key].get("phone_number")) for key in keys]
    store().drop_members(NAME, PHONES, phones)
    store().drop_members(SUBSCRIPTIONS, PROFILES, keys)
    for object_id in (PROFILES, *(key for _, key, _ in store().objects(NAME, "list"))):
        store().drop_members(NAME, object_id, keys)
    store().drop_events(
        NAME,
        [
            (event["object_id"], event["event_id"])
            for event in store().events(NAME)
            if event["data"]["profile"] in keys
        ],
    )
    return "", 202


@blueprint.get("/api/metrics")
def metrics() -> Response:
    def metric(key: str, name: str, integration: str) -> dict[str, Any]:
        return _resource("metric", key, {"name": name, "integration": {"name": integration}})

    own = [
        metric(f"{kind}-{number}", name, "Klaviyo")
        for kind, names in METRICS.items()
        for number, name in enumerate(names)
    ]
    sent = [metric(key, name, "API") for _, key, name in store().objects(NAME, "metric")]
    return jsonify({"data": own + sent, "links": {"self": request.url}})


@blueprint.get("/api/events")
def events() -> Response:
    """What became of the e-mail that a flow sent for each event received."""
    condition = request.args.get("filter", "")
    wanted = (re.search(r'equals\(metric_id,"([^"]*)"\)', condition) or ["", ""])[1]
    since = (re.search(r"greater-or-equal\(datetime,([^)]*)\)", condition) or ["", ""])[1].rstrip(
        "Z"
    )
    names = {key: name for _, key, name in store().objects(NAME, "metric")}
    rows, people = [], {}
    for event in store().events(NAME):
        sent_at = dt.datetime.fromisoformat(event["at"]).replace(tzinfo=None)
        for outcome, at in clock.outcomes(event["event_id"], sent_at):
            number = clock.draw(event["event_id"], "metric") % len(METRICS[outcome])
            if f"{outcome}-{number}" != wanted or at.isoformat() < since:
                continue
            person = event["data"]["profile"]
            people[person] = store().member(NAME, PROFILES, person) or {}
            flow = names.get(event["object_id"], "flow")
            row = _resource(
                "event",
                _id(f"{event['event_id']}:{outcome}"),
                {
                    "datetime": clock.iso(at),
                    "timestamp": int(at.replace(tzinfo=dt.UTC).timestamp()),
                    "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{event['event_id']}:{outcome}")),
                    "event_properties": {"$flow": flow, "Campaign Name": flow},
                },
            )
            row["relationships"] = {"profile": {"data": {"type": "profile", "id": person}}}
            rows.append(row)
    included = [_resource("profile", key, attributes) for key, attributes in people.items()]
    return paged(rows, size=1000, included=included)


@blueprint.get("/api/campaigns")
def campaigns() -> Response:
    if "'email'" not in request.args.get("filter", ""):
        return jsonify({"data": [], "links": {"self": request.url}})
    first: dict[str, str] = {}
    for event in store().events(NAME):
        first.setdefault(event["object_id"], event["at"])
    rows = [
        _resource(
            "campaign",
            name,
            {
                "name": name,
                "status": "Sent",
                "archived": False,
                "audiences": {"included": []},
                "send_strategy": {"method": "immediate"},
                "send_options": {"use_smart_sending": True, "ignore_unsubscribes": False},
                "created_at": first[key],
                "updated_at": first[key],
                "send_time": first[key],
            },
        )
        for _, key, name in store().objects(NAME, "metric")
        if key in first
    ]
    return jsonify({"data": rows, "links": {"self": request.url}})
