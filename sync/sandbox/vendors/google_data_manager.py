"""Google Data Manager's stand-in: user lists of members and events of conversion actions, filled by requests that are decided later; and
reports as Google Ads has them.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store

NAME = "google_data_manager"
AUTHORIZATION = "Bearer"
SHA256 = re.compile(r"[0-9a-f]{64}")
TYPES = f"{NAME}:types"  # what lists were made with
UPLOADS = {"CONTACT_ID": "userData", "USER_ID": "userIdData", "MOBILE_ID": "mobileData"}
DUPLICATE = "PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID"
LISTS = "/v1/accountTypes/<kind>/accounts/<account>/userLists"
blueprint = Blueprint(NAME, __name__)


def _error(status: int, said: str, reason: str) -> tuple[int, dict[str, Any]]:
    """As Google's APIs say it (google.rpc.Status with ErrorInfo): .../devguides/concepts/understand-errors, read 2026-11-28."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "datamanager.googleapis.com",
    }
    return status, {"error": {"code": status, "status": said, "message": reason, "details": [info]}}


def _refused(status: int, said: str, reason: str) -> tuple[Response, int]:
    status, body = _error(status, said, reason)
    return jsonify(body), status


REFUSALS = {
    "limit_by_code": _error(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"),
    "token_by_code": _error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
    "terms_by_code": _error(400, "INVALID_ARGUMENT", "TERMS_AND_CONDITIONS_NOT_SIGNED"),
}


def _list(key: str, name: str) -> dict[str, Any]:
    return {"id": key, "name": f"userLists/{key}", "displayName": name, **_told(key)}


def _told(key: str) -> dict[str, Any]:
    """What a list was made with, of what Google tells again."""
    made = store().member(TYPES, "lists", key) or {}
    return {name: made[name] for name in ("membershipDuration",) if name in made}


def _takes(list_id: str) -> set[str]:
    """Which kind of members a list takes."""
    made = store().member(TYPES, "lists", list_id) or {}
    kinds = (made.get("ingestedUserListInfo") or {}).get("uploadKeyTypes") or ["CONTACT_ID"]
    return {UPLOADS[kind] for kind in kinds}


@blueprint.get(LISTS)
def lists(kind: str, account: str) -> Response:  # noqa: ARG001
    return jsonify(
        {"userLists": [_list(key, name) for _, key, name in store().objects(NAME, "audience")]}
    )


@blueprint.post(LISTS)
def make_list(kind: str, account: str) -> Response:  # noqa: ARG001
    body = request.get_json()
    key = store().object_id(NAME, "audience", body["displayName"])
    store().put_members(TYPES, "lists", {key: body})
    return jsonify({**_list(key, body["displayName"]), **_told(key)})


@blueprint.post("/v1/audienceMembers:<verb>")
def members(verb: str) -> Response | tuple[Response, int]:
    body = request.get_json()
    rows = body["audienceMembers"]
    if verb not in ("ingest", "remove"):
        return _refused(404, "NOT_FOUND", "NOT_FOUND")
    if len(rows) > 10_000:
        return _refused(400, "INVALID_ARGUMENT", "TOO_MANY_AUDIENCE_MEMBERS")
    kinds = {name for row in rows for name in UPLOADS.values() if name in row}
    if any(kinds != _takes(one["productDestinationId"]) for one in body["destinations"]):
        return _refused(400, "INVALID_ARGUMENT", "INVALID_USER_LIST_TYPE")
    keys = [_key(row) for row in rows]
    if None in keys or body.get("encoding") != "HEX":
        return _refused(400, "INVALID_ARGUMENT", "INVALID_HEX_ENCODING")
    job_id = uuid.uuid4().hex
    failed = bool(faults().draw("job_failed"))
    share = faults().shares.get("refuse_rows", 0) * 1000 if verb == "ingest" else 0
    refused = [key for key in keys if share > clock.draw(str(key), "refuse")]
    every, keys = keys, [key for key in keys if key not in refused]
    if not failed:
        for destination in body["destinations"]:
            list_id = destination["productDestinationId"]
            if verb == "ingest":
                said = {
                    "account": destination["operatingAccount"],
                    "through": destination.get("loginAccount"),
                    **{name: body.get(name) for name in ("consent", "termsOfService", "encoding")},
                }
                taken = {
                    str(key): {**_data(row), **said, **_own_consent(row)}
                    for key, row in zip(every, rows, strict=True)
                    if key not in refused
                }
                store().put_members(NAME, list_id, taken)
            else:
                store().drop_members(NAME, list_id, [str(key) for key in keys])
    status = "FAILED" if failed else "SUCCESS" if not refused else "PARTIAL_SUCCESS"
    if refused and not keys:
        status = "FAILED"
    errors = {"PROCESSING_ERROR_REASON_INVALID_FORMAT": len(refused)} if refused else {}
    store().put_job(NAME, job_id, {"status": status, "asked": 0, "errors": errors})
    return jsonify({"requestId": job_id})


@blueprint.post("/v1/events:ingest")
def events() -> Response | tuple[Response, int]:
    """An event of an order that the action has already is refused, and so is one of long ago."""
    body = request.get_json()
    rows = body["events"]
    if len(rows) > 2000:
        return _refused(400, "INVALID_ARGUMENT", "TOO_MANY_EVENTS")
    if body.get("encoding") != "HEX" or not all(map(_is_event, rows)):
        return _refused(400, "INVALID_ARGUMENT", "INVALID_HEX_ENCODING")
    job_id = uuid.uuid4().hex
    failed = bool(faults().draw("job_failed"))
    share = faults().shares.get("refuse_rows", 0) * 1000
    errors: dict[str, int] = {}
    for destination in [] if failed else body["destinations"]:
        action = store().object_id(NAME, "conversion", destination["productDestinationId"])
        there = {event["event_id"] for event in store().events(NAME, action)}
        taken: list[tuple[str, Any, str]] = []
        for row in rows:
            known = row["transactionId"]
            if share > clock.draw(known, "refuse"):
                reason = "PROCESSING_ERROR_REASON_INVALID_EVENT"
            elif known in there:
                reason = DUPLICATE
            else:
                there.add(known)
                account = {"account": destination["operatingAccount"]}
                consent = {"consent": row.get("consent", body.get("consent"))}
                taken.append((known, {**row, **account, **consent}, row["eventTimestamp"]))
                continue
            errors[reason] = errors.get(reason, 0) + 1
        store().add_events(NAME, action, taken)
    refused = sum(errors.values())
    status = (
        "FAILED" if failed or refused == len(rows) else "PARTIAL_SUCCESS" if refused else "SUCCESS"
    )
    told = {"eventsIngestionStatus": {"recordCount": str(len(rows))}}
    store().put_job(NAME, job_id, {"status": status, "asked": 0, "errors": errors, "told": told})
    return jsonify({"requestId": job_id})


def _is_event(row: dict[str, Any]) -> bool:
    identifiers = (row.get("userData") or {}).get("userIdentifiers", [])
    hashed = not identifiers or _member(identifiers) is not None
    return hashed and bool(identifiers or row.get("adIdentifiers"))


def _data(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(row[name] for name in UPLOADS.values() if name in row)
    return found


def _own_consent(row: dict[str, Any]) -> dict[str, Any]:
    return {"consent": row["consent"]} if "consent" in row else {}


def _key(row: dict[str, Any]) -> str | None:
    data = _data(row)
    if "userIdentifiers" in data:
        return _member(data["userIdentifiers"])
    return str(data["userId"]) if "userId" in data else str(data["mobileIds"][0])


def _member(identifiers: list[dict[str, Any]]) -> str | None:
    """What the member is kept under; None when an identifier is not hashed as it must be."""
    texts = [
        value
        for identifier in identifiers
        for value in (
            identifier.get("emailAddress"),
            identifier.get("phoneNumber"),
            (identifier.get("address") or {}).get("givenName"),
        )
        if value
    ]
    if not texts or not all(SHA256.fullmatch(text) for text in texts):
        return None
    return str(texts[0])


@blueprint.get("/v1/requestStatus:retrieve")
def status() -> Response | tuple[Response, int]:
    job_id = request.args["requestId"]
    job = store().job(NAME, job_id)
    if job is None:
        return _refused(404, "NOT_FOUND", "NOT_FOUND")
    # The first time it is asked, the vendor is still at it.
    store().put_job(NAME, job_id, {**job, "asked": job["asked"] + 1})
    found = "PROCESSING" if not job["asked"] else job["status"]
    row: dict[str, Any] = {"requestStatus": found}
    if found != "PROCESSING":
        row |= job.get("told", {})
    if found in ("FAILED", "PARTIAL_SUCCESS"):
        errors = job["errors"] or {"PROCESSING_ERROR_REASON_INTERNAL_ERROR": 1}
        row["errorInfo"] = {
            "errorCounts": [
                {"recordCount": str(count), "reason": reason} for reason, count in errors.items()
            ]
        }
    return jsonify({"requestStatusPerDestination": [row]})


@blueprint.post("/v25/customers/<account>/googleAds:search")
def search(account: str) -> Response | tuple[Response, int]:  # noqa: ARG001
    """A campaign for each list and each conversion action, and its figures of three days."""
    if not request.headers.get("developer-token"):
        return _refused(401, "UNAUTHENTICATED", "DEVELOPER_TOKEN_MISSING")
    query = request.get_json()["query"]
    campaigns = {
        str(clock.draw(key, "campaign") + 1): (key, name) for _, key, name in store().objects(NAME)
    }
    if "segments.date" not in query:
        rows = [
            {"campaign": {"id": one, "name": name, "status": "ENABLED"}}
            for one, (_, name) in campaigns.items()
        ]
        return jsonify(_page(query, rows))
    first, last = re.findall(r"'([0-9-]+)'", query)
    days = [(clock.now().date() - dt.timedelta(days=back)).isoformat() for back in range(3)]
    rows = [
        _day(one, key, day)
        for one, (key, _) in campaigns.items()
        for day in days
        if first <= day <= last
    ]
    return jsonify(_page(query, rows))


def _page(query: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """As it is answered: an empty list is left out, the fields that were asked for are not."""
    fields = query.removeprefix("SELECT ").partition(" FROM ")[0].replace(" ", "")
    return {"results": rows, "fieldMask": fields} if rows else {"fieldMask": fields}


def _day(campaign: str, key: str, day: str) -> dict[str, Any]:
    impressions = (store().count_members(NAME, key) or len(store().events(NAME, key))) * 3
    figures = {
        "costMicros": str(impressions * 7200),
        "impressions": str(impressions),
        "clicks": str(impressions // 50),
        "conversions": impressions // 600,
    }
    return {
        "campaign": {"id": campaign},
        "segments": {"date": day},
        "customer": {"currencyCode": "EUR"},
        "metrics": figures,
    }
