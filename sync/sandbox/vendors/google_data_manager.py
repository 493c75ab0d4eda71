"""Google Data Manager's stand-in: user lists of hashed members, filled by requests that are decided later."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store

NAME = "google_data_manager"
AUTHORIZATION = "Bearer"
SHA256 = re.compile(r"[0-9a-f]{64}")
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
    return {"id": key, "name": f"userLists/{key}", "displayName": name}


@blueprint.get(LISTS)
def lists(kind: str, account: str) -> Response:  # noqa: ARG001
    return jsonify(
        {"userLists": [_list(key, name) for _, key, name in store().objects(NAME, "audience")]}
    )


@blueprint.post(LISTS)
def make_list(kind: str, account: str) -> Response:  # noqa: ARG001
    name = request.get_json()["displayName"]
    return jsonify(_list(store().object_id(NAME, "audience", name), name))


@blueprint.post("/v1/audienceMembers:<verb>")
def members(verb: str) -> Response | tuple[Response, int]:
    body = request.get_json()
    rows = body["audienceMembers"]
    if verb not in ("ingest", "remove"):
        return _refused(404, "NOT_FOUND", "NOT_FOUND")
    if len(rows) > 10_000:
        return _refused(400, "INVALID_ARGUMENT", "TOO_MANY_AUDIENCE_MEMBERS")
    keys = [_member(row["userData"]["userIdentifiers"]) for row in rows]
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
                    str(key): {**row["userData"], **said}
                    for key, row in zip(every, rows, strict=True)
                    if key not in refused
                }
                store().put_members(NAME, list_id, taken)
            else:
                store().drop_members(NAME, list_id, [str(key) for key in keys])
    status = "FAILED" if failed else "SUCCESS" if not refused else "PARTIAL_SUCCESS"
    if refused and not keys:
        status = "FAILED"
    store().put_job(NAME, job_id, {"status": status, "asked": 0, "refused": len(refused)})
    return jsonify({"requestId": job_id})


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
    if found in ("FAILED", "PARTIAL_SUCCESS"):
        row["errorInfo"] = {
            "errorCounts": [
                {
                    "recordCount": str(job["refused"] or 1),
                    "reason": "PROCESSING_ERROR_REASON_INVALID_FORMAT"
                    if job["refused"]
                    else "PROCESSING_ERROR_REASON_INTERNAL_ERROR",
                }
            ]
        }
    return jsonify({"requestStatusPerDestination": [row]})
