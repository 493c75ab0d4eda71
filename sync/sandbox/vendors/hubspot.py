"""HubSpot's stand-in: records, upserted by a unique property, searched by domain, lists of record ids, what hangs on them, and what became
of e-mails.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store

NAME = "hubspot"
AUTHORIZATION = "Bearer"
INDEX = "hubspot:index"  # which record has a value of a property
INDEXED = ("email", "domain", "headwater_account_id", "headwater_deal_id", "headwater_id")
TIES = "hubspot:ties"  # who is tied to whom, by kinds
TASK_TYPES = {204: "contacts", 192: "companies"}
BATCH = 100
SECOND = "hs_additional_emails"
CORRELATION = "00000000-0000-4000-8000-000000000000"
# Some of the properties that every account has, and whether a person may write them.
PROPERTIES = {
    "contacts": {
        **dict.fromkeys(
            (
                "email",
                "firstname",
                "lastname",
                "phone",
                "jobtitle",
                "company",
                "address",
                "city",
                "zip",
                "state",
                "country",
                "hs_language",
                "lifecyclestage",
                "website",
            ),
            True,
        ),
        "hs_object_id": False,
        "hs_additional_emails": False,
    },
    "companies": {
        **dict.fromkeys(
            (
                "name",
                "domain",
                "numberofemployees",
                "phone",
                "address",
                "city",
                "zip",
                "state",
                "country",
                "industry",
                "annualrevenue",
                "lifecyclestage",
                "website",
            ),
            True,
        ),
        "hs_object_id": False,
    },
}
REFUSALS = {
    "limit_by_code": (
        429,
        {
            "status": "error",
            "message": "You have reached your secondly limit.",
            "errorType": "RATE_LIMIT",
            "category": "RATE_LIMITS",
            "policyName": "SECONDLY",
        },
    ),
    "token_by_code": (
        401,
        {
            "status": "error",
            "message": "The OAuth token used to make this call expired.",
            "category": "EXPIRED_AUTHENTICATION",
        },
    ),
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
blueprint = Blueprint(NAME, __name__)


def error(status: int, category: str, **more: Any) -> tuple[Response, int]:
    """As HubSpot says it: developers.hubspot.com/docs/api-reference/error-handling, read 2026-11-28."""
    body = {
        "status": "error",
        "message": category,
        "correlationId": CORRELATION,
        "category": category,
    }
    return jsonify({**body, **more}), status


def _record_id(kind: str, unique: str) -> str:
    return str(int(hashlib.sha256(f"{kind}|{unique}".encode()).hexdigest()[:10], 16))


def _find(kind: str, name: str, value: str) -> str | None:
    found: str | None = store().member(NAME + ":index", f"{kind}.{name}", value.lower())
    return found


def _new_id(kind: str, unique: str) -> str:
    """An id that no record has: whoever had it may have another address by now."""
    key = _record_id(kind, unique)
    while store().member(NAME, kind, key) is not None:
        unique += "'"
        key = _record_id(kind, unique)
    return key


def _put(kind: str, rows: dict[str, dict[str, str]]) -> None:
    for key in rows:
        _unindex(kind, store().member(NAME, kind, key) or {})
    store().put_members(NAME, kind, rows)
    store().object_id(NAME, "object", kind)
    for name in INDEXED:
        values = {row[name].lower(): key for key, row in rows.items() if row.get(name)}
        store().put_members(INDEX, f"{kind}.{name}", values)


def _unindex(kind: str, properties: dict[str, str]) -> None:
    for name in INDEXED:
        store().drop_members(INDEX, f"{kind}.{name}", [str(properties.get(name, "")).lower()])


def _row(key: str, properties: dict[str, str]) -> dict[str, Any]:
    now = clock.iso(clock.now())
    return {"id": key, "properties": properties, "createdAt": now, "updatedAt": now}


def _complete(results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> tuple[Response, int]:
    now = clock.iso(clock.now())
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return jsonify(body), 207 if errors else 200


def _refused(category: str, unique: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": category,
        "message": category,
        "context": {"id": [unique]},
        "links": {},
        "errors": [],
    }


def _known(kind: str) -> dict[str, bool]:
    """The properties there are, and whether they may be written."""
    made = (name for _, _, name in store().objects(NAME, f"property:{kind}"))
    return {**PROPERTIES.get(kind, {}), **dict.fromkeys(made, True)}


@blueprint.post("/oauth/v2/private-apps/get/access-token-info")
def token_info() -> Response:
    objects = ("contacts", "companies", "deals", "custom")
    crm = ("lists", *(f"objects.{one}" for one in objects))
    scopes = [f"crm.{one}.{verb}" for one in crm for verb in ("read", "write")]
    scopes.append("behavioral_events.event_definitions.read_write")
    return jsonify({"userId": 1, "hubId": 1, "appId": 1, "scopes": scopes})


@blueprint.get("/account-info/v3/details")
def details() -> Response:
    return jsonify({"portalId": 1, "accountType": "STANDARD", "timeZone": "UTC"})


@blueprint.get("/crm/v3/objects/<kind>")
def records(kind: str) -> Response:
    limit = int(request.args.get("limit", 10))
    rows = store().members(NAME, kind, limit=limit)
    return jsonify({"results": [_row(key, row) for key, row in rows.items()]})


@blueprint.post("/crm/v3/objects/<kind>")
def create(kind: str) -> tuple[Response, int]:
    properties = request.get_json()["properties"]
    key = _record_id(kind, repr(sorted(properties.items())))
    _put(kind, {key: properties})
    return jsonify(_row(key, properties)), 201


@blueprint.post("/crm/v3/objects/<kind>/batch/upsert")
def upsert(kind: str) -> Response | tuple[Response, int]:
    inputs = request.get_json()["inputs"]
    uniques = [row["id"].lower() for row in inputs]
    if len(inputs) > BATCH or len(set(uniques)) < len(uniques):
        return error(400, "VALIDATION_ERROR")
    if faults().shares.get("unknown_property"):
        unknown = {name for row in inputs for name in row["properties"]} - {*_known(kind)}
        if unknown:
            return _no_property(sorted(unknown))
    results, errors, taken = [], [], {}
    for row in inputs:
        bad = row["idProperty"] == "email" and not EMAIL.fullmatch(row["id"])
        if bad or faults().draw("refuse_rows"):
            errors.append(_refused("VALIDATION_ERROR", row["id"]))
            continue
        found = _find(kind, row["idProperty"], row["id"])
        key = found or _new_id(kind, row["id"].lower())
        old = store().member(NAME, kind, key)
        taken[key] = {**(old or {}), **row["properties"]}
        results.append({**_row(key, taken[key]), "new": old is None})
    _put(kind, taken)
    return _complete(results, errors)


@blueprint.post("/crm/v3/objects/<kind>/batch/create")
def create_batch(kind: str) -> Response | tuple[Response, int]:
    inputs = request.get_json()["inputs"]
    emails = [row["properties"].get("email", "") for row in inputs]
    if len(inputs) > BATCH:
        return error(400, "VALIDATION_ERROR")
    for email in emails:
        if owner := _find(kind, "email", email):
            return error(409, "CONFLICT", message=f"Contact already exists. Existing ID: {owner}")
    made = {
        _new_id(kind, email.lower()): row["properties"]
        for email, row in zip(emails, inputs, strict=True)
    }
    _put(kind, made)
    answer, _ = _complete([_row(key, properties) for key, properties in made.items()], [])
    return answer, 201


@blueprint.post("/crm/v3/objects/<kind>/batch/update")
def update(kind: str) -> tuple[Response, int]:
    results, errors, taken = [], [], {}
    inputs = request.get_json()["inputs"]
    for row in inputs:
        owner = _find(kind, "email", row["properties"].get("email", ""))
        if owner is not None and owner != row["id"]:
            # github.com/HubSpot/hubspot-api-python/issues/51, read 2026-11-29: the first alone is named, and nothing was taken.
            said = f"Contact already exists. Existing ID: {owner}"
            return error(409, "CONFLICT", message=said)
    for row in inputs:
        old = store().member(NAME, kind, row["id"])
        if old is None:
            errors.append(_refused("OBJECT_NOT_FOUND", row["id"]))
            continue
        taken[row["id"]] = {**old, **row["properties"]}
        results.append(_row(row["id"], taken[row["id"]]))
    _put(kind, taken)
    return _complete(results, errors)


@blueprint.post("/crm/v3/objects/<kind>/batch/read")
def read(kind: str) -> tuple[Response, int]:
    body = request.get_json()
    results, errors = [], []
    for row in body["inputs"]:
        name = body.get("idProperty")
        key = _find(kind, name, row["id"]) if name else row["id"]
        properties = key and store().member(NAME, kind, key)
        if key and properties:
            results.append(_row(key, properties))
        else:
            errors.append(_refused("OBJECT_NOT_FOUND", row["id"]))
    return _complete(results, errors)


@blueprint.post("/crm/v3/objects/<kind>/batch/archive")
def archive(kind: str) -> tuple[Response | str, int]:
    keys = [row["id"] for row in request.get_json()["inputs"]]
    if len(keys) > BATCH:
        return error(400, "VALIDATION_ERROR")
    for key in keys:
        properties = store().member(NAME, kind, key) or {}
        _unindex(kind, properties)
    store().drop_members(NAME, kind, keys)
    return "", 204


@blueprint.post("/crm/v3/objects/<kind>/merge")
def merge(kind: str) -> Response | tuple[Response, int]:
    """Both become one under a third id, as accounts have it that keep none of the two; it has the addresses and lists of both."""
    body = request.get_json()
    target, source = body["primaryObjectId"], body["objectIdToMerge"]
    kept, gone = (store().member(NAME, kind, key) for key in (target, source))
    if kept is None or gone is None:
        return error(404, "OBJECT_NOT_FOUND")
    if target == source:
        return error(400, "VALIDATION_ERROR")
    made, merged = _new_id(kind, f"{target}+{source}"), {**gone, **kept}
    more = {gone.get("email"), *gone.get(SECOND, "").split(";"), *kept.get(SECOND, "").split(";")}
    if second := sorted(one for one in more if one and one != kept.get("email")):
        merged[SECOND] = ";".join(second)
    for properties in (kept, gone):
        _unindex(kind, properties)
    store().drop_members(NAME, kind, [target, source])
    _put(kind, {made: merged})
    for email in second:
        store().put_members(INDEX, f"{kind}.email", {email.lower(): made})
    for _, key, _ in store().objects(NAME, "list"):
        if any(store().member(NAME, key, one) for one in (target, source)):
            store().drop_members(NAME, key, [target, source])
            store().put_members(NAME, key, {made: True})
    return jsonify(_row(made, merged))


@blueprint.post("/crm/v3/objects/contacts/gdpr-delete")
def delete_for_good() -> tuple[Response | str, int]:
    """By id; the contact goes from all lists too."""
    body = request.get_json()
    if "idProperty" in body:
        return error(400, "VALIDATION_ERROR")  # an address that nobody has would be blocked
    properties = store().member(NAME, "contacts", body["objectId"])
    if properties is None:
        return error(404, "OBJECT_NOT_FOUND")
    _unindex("contacts", properties)
    for object_id in ("contacts", *(key for _, key, _ in store().objects(NAME, "list"))):
        store().drop_members(NAME, object_id, [body["objectId"]])
    gone = body["objectId"]
    tied = "contacts|companies"
    pairs = [pair for pair in store().members(TIES, tied) if pair.startswith(f"{gone}|")]
    store().drop_members(TIES, tied, pairs)
    return "", 204


@blueprint.post("/crm/v3/objects/<kind>/search")
def search(kind: str) -> Response:
    """Records that have one of the values of the first filter, and none of the properties the others want absent."""
    first, *others = request.get_json()["filterGroups"][0]["filters"]
    found = []
    for value in first["values"]:
        key = _find(kind, first["propertyName"], value)
        properties = key and store().member(NAME, kind, key)
        if key and properties and not any(properties.get(row["propertyName"]) for row in others):
            found.append(_row(key, properties))
    return jsonify({"total": len(found), "results": found})


def _no_property(names: list[str]) -> tuple[Response, int]:
    """As HubSpot says it: the names in a context beside the code."""
    said = f"Property values were not valid: {names}"
    errors = [
        {"message": said, "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": [name]}}
        for name in names
    ]
    return error(400, "VALIDATION_ERROR", message=said, errors=errors)


def _property(name: str) -> dict[str, Any]:
    described = {"label": name, "type": "string", "fieldType": "text", "groupName": "information"}
    return {"name": name, **described, "description": "", "options": []}


@blueprint.get("/crm/v3/properties/<kind>")
def properties(kind: str) -> Response | tuple[Response, int]:
    """What properties there are; as long as any is taken, the stand-in does not tell."""
    if not faults().shares.get("unknown_property"):
        return error(403, "MISSING_SCOPES")
    rows = [
        {
            **_property(name),
            "modificationMetadata": {
                "archivable": False,
                "readOnlyDefinition": True,
                "readOnlyValue": not writable,
            },
        }
        for name, writable in _known(kind).items()
    ]
    return jsonify({"results": rows})


@blueprint.get("/crm/v3/properties/<kind>/<name>")
def property_of(kind: str, name: str) -> Response | tuple[Response, int]:
    known = {found for _, _, found in store().objects(NAME, f"property:{kind}")}
    return jsonify(_property(name)) if name in known else error(404, "OBJECT_NOT_FOUND")


@blueprint.post("/crm/v3/properties/<kind>")
def make_property(kind: str) -> tuple[Response, int]:
    name = request.get_json()["name"]
    store().object_id(NAME, f"property:{kind}", name)
    return jsonify({**_property(name), **request.get_json()}), 201


@blueprint.get("/crm/v3/properties/<kind>/groups")
def groups(kind: str) -> Response:
    return jsonify(
        {
            "results": [
                {"name": f"{kind}_information", "label": kind, "displayOrder": 0, "archived": False}
            ]
        }
    )


# -- what hangs on records -----------------------------------------------------------------------------


@blueprint.post("/crm/v4/associations/<one>/<other>/batch/associate/default")
def tie(one: str, other: str) -> Response | tuple[Response, int]:
    inputs = request.get_json()["inputs"]
    if len(inputs) > BATCH:
        return error(400, "VALIDATION_ERROR")
    results, errors, made = [], [], {}
    for row in inputs:
        ids = (row["from"]["id"], row["to"]["id"])
        known = [
            store().member(NAME, kind, key) for kind, key in zip((one, other), ids, strict=True)
        ]
        if None in known or (one == "contacts" and faults().draw("refuse_rows")):
            errors.append(_refused("VALIDATION_ERROR", ids[0]))
            continue
        made["|".join(ids)] = True
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
        results.append({"from": {"id": ids[0]}, "to": {"id": ids[1]}, "associationSpec": spec})
    store().put_members(TIES, f"{one}|{other}", made)
    return _complete(results, errors)


@blueprint.post("/crm/v4/associations/<one>/<other>/batch/archive")
def untie(one: str, other: str) -> tuple[str, int]:
    pairs = [
        f"{row['from']['id']}|{to['id']}"
        for row in request.get_json()["inputs"]
        for to in row["to"]
    ]
    store().drop_members(TIES, f"{one}|{other}", pairs)
    return "", 204


@blueprint.post("/crm/v4/associations/<one>/<other>/batch/read")
def ties(one: str, other: str) -> tuple[Response, int]:
    tied = [pair.split("|") for pair in store().members(TIES, f"{one}|{other}")]
    asked = [row["id"] for row in request.get_json()["inputs"]]
    results = [
        {
            "from": {"id": key},
            "to": [{"toObjectId": b, "associationTypes": []} for a, b in tied if a == key],
        }
        for key in asked
    ]
    return _complete(results, [])


@blueprint.post("/crm/v3/objects/tasks/batch/create")
def make_tasks() -> tuple[Response, int]:
    inputs = request.get_json()["inputs"]
    if len(inputs) > BATCH or faults().draw("refuse_rows"):
        return error(400, "VALIDATION_ERROR")
    if any(not row["properties"].get("hs_timestamp") for row in inputs):
        return error(400, "VALIDATION_ERROR")
    made = {}
    for row in inputs:
        of = {
            TASK_TYPES[one["types"][0]["associationTypeId"]]: one["to"]["id"]
            for one in row["associations"]
        }
        made[_new_id("tasks", repr(row))] = {**row["properties"], "of": of}
        _put("tasks", made)
    rows = [
        _row(key, {name: value for name, value in row.items() if name != "of"})
        for key, row in made.items()
    ]
    answer, _ = _complete(rows, [])
    return answer, 201


@blueprint.post("/events/v3/send/batch")
def send_events() -> tuple[Response | str, int]:
    inputs = request.get_json()["inputs"]
    if faults().draw("refuse_rows"):
        return error(400, "VALIDATION_ERROR")
    events = store().object_id(NAME, "event", inputs[0]["eventName"])
    now = clock.iso(clock.now())
    store().add_events(
        NAME, events, [(row["uuid"], row, row.get("occurredAt", now)) for row in inputs]
    )
    return "", 204


@blueprint.get("/email/public/v1/events")
def email_events() -> Response:
    """What became of one e-mail to every contact, and to whomever events are of, a page of three hundred at a time."""
    since, start = int(request.args["startTimestamp"]), int(request.args.get("offset") or 0)
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    sent_at = today - dt.timedelta(days=3)
    kinds = {
        "delivered": "DELIVERED",
        "opened": "OPEN",
        "clicked": "CLICK",
        "bounced": "BOUNCE",
        "unsubscribed": "STATUSCHANGE",
    }
    rows = []
    people = {str(row.get("email")) for row in store().members(NAME, "contacts").values()}
    people |= {str(event["data"]["email"]) for event in store().events(NAME)}
    for key in sorted(people):
        for outcome, at in clock.outcomes(f"email|{key}", sent_at):
            created = int(at.replace(tzinfo=dt.UTC).timestamp() * 1000)
            if outcome in kinds and created >= since:
                row = {
                    "id": hashlib.sha256(f"{key}|{outcome}".encode()).hexdigest()[:32],
                    "created": created,
                    "type": kinds[outcome],
                    "recipient": key,
                    "emailCampaignId": 7,
                }
                rows.append(
                    row
                    | (
                        {"portalSubscriptionStatus": "UNSUBSCRIBED"}
                        if outcome == "unsubscribed"
                        else {}
                    )
                )
    page = rows[start : start + 300]
    more = start + 300 < len(rows)
    return jsonify({"events": page, "hasMore": more, "offset": str(start + 300)})


def _list(key: str, name: str) -> dict[str, Any]:
    kind = {"objectTypeId": "0-1", "processingType": "MANUAL", "processingStatus": "COMPLETE"}
    return {"listId": key, "listVersion": 1, "name": name, **kind}


@blueprint.get("/crm/v3/lists/object-type-id/<type_id>/name/<name>")
def list_by_name(type_id: str, name: str) -> Response | tuple[Response, int]:  # noqa: ARG001
    for _, key, found in store().objects(NAME, "list"):
        if found == name:
            return jsonify({"list": _list(key, name)})
    return error(404, "OBJECT_NOT_FOUND")


@blueprint.post("/crm/v3/lists/")
def make_list() -> Response:
    name = request.get_json()["name"]
    return jsonify({"list": _list(store().object_id(NAME, "list", name), name)})


@blueprint.get("/crm/v3/lists/<list_id>/memberships")
def members(list_id: str) -> Response:
    after, limit = request.args.get("after", ""), int(request.args.get("limit", 100))
    keys = list(store().members(NAME, list_id, after=after, limit=limit))
    now = clock.iso(clock.now())
    body: dict[str, Any] = {
        "results": [{"recordId": key, "membershipTimestamp": now} for key in keys],
        "total": store().count_members(NAME, list_id),
    }
    if len(keys) == limit:
        body["paging"] = {"next": {"after": keys[-1]}}
    return jsonify(body)


@blueprint.put("/crm/v3/lists/<list_id>/memberships/<verb>")
def memberships(list_id: str, verb: str) -> Response:
    keys = request.get_json()
    known = [key for key in keys if store().member(NAME, "contacts", key) is not None]
    if verb == "add":
        store().put_members(NAME, list_id, dict.fromkeys(known, True))
    else:
        store().drop_members(NAME, list_id, keys)
    return jsonify(
        {
            "recordsIdsAdded": known if verb == "add" else [],
            "recordIdsRemoved": [],
            "recordIdsMissing": sorted(set(keys) - set(known)),
        }
    )
