"""OneSignal's stand-in: users with tags, push messages kept once per idempotency key, and who clicked."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store
from sync.sandbox.vendors.answers import error

NAME = "onesignal"
AUTHORIZATION = "Key"
USERS = "users"
MESSAGES = "messages"
blueprint = Blueprint(NAME, __name__)


def _onesignal_id(external_id: str) -> str:
    return str(uuid.UUID(hashlib.md5(external_id.encode(), usedforsecurity=False).hexdigest()))


@blueprint.post("/apps/<app_id>/users")
def make_user(app_id: str) -> tuple[Response, int]:  # noqa: ARG001
    body = request.get_json()
    external_id = body["identity"]["external_id"]
    if faults().draw("refuse_rows"):
        return error(400, "invalid")
    old = store().member(NAME, USERS, external_id)
    store().put_members(NAME, USERS, {external_id: _tagged(old, body)})
    for tag in body["properties"].get("tags", {}):
        store().object_id(NAME, "tag", tag)
    identity = {"external_id": external_id, "onesignal_id": _onesignal_id(external_id)}
    return jsonify({"identity": identity, "properties": body["properties"]}), 200 if old else 201


@blueprint.get("/apps/<app_id>/users/by/external_id/<external_id>")
def user(app_id: str, external_id: str) -> Response | tuple[Response, int]:  # noqa: ARG001
    found = store().member(NAME, USERS, external_id)
    if found is None:
        return error(404, "not_found")
    identity = {"external_id": external_id, "onesignal_id": _onesignal_id(external_id)}
    return jsonify({"identity": identity, "properties": found})


@blueprint.patch("/apps/<app_id>/users/by/external_id/<external_id>")
def update_user(app_id: str, external_id: str) -> tuple[Response, int]:  # noqa: ARG001
    old = store().member(NAME, USERS, external_id)
    if old is None:
        return error(404, "not_found")
    body = request.get_json()
    store().put_members(NAME, USERS, {external_id: _tagged(old, body)})
    return jsonify({"properties": body["properties"]}), 202


@blueprint.delete("/apps/<app_id>/users/by/external_id/<external_id>")
def delete_user(app_id: str, external_id: str) -> tuple[Response | str, int]:  # noqa: ARG001
    if store().member(NAME, USERS, external_id) is None:
        return error(404, "not_found")
    store().drop_members(NAME, USERS, [external_id])
    return "", 200


def _tagged(old: Any, body: dict[str, Any]) -> dict[str, Any]:
    tags = {**((old or {}).get("tags") or {}), **body["properties"].get("tags", {})}
    return {"tags": {name: value for name, value in tags.items() if value != ""}}


@blueprint.post("/notifications")
def make_message() -> Response:
    body = request.get_json()
    key = body.get("idempotency_key") or str(uuid.uuid4())
    external_ids = body["include_aliases"]["external_id"]
    if faults().draw("refuse_rows"):
        return jsonify({"id": "", "errors": ["All included players are not subscribed"]})
    store().object_id(NAME, MESSAGES, body.get("name") or "push")
    store().add_events(
        NAME,
        MESSAGES,
        [
            (
                key,
                {**body, "to": external_ids},
                clock.iso(clock.now()),
            )
        ],
    )
    return jsonify({"id": str(uuid.uuid5(uuid.NAMESPACE_OID, key)), "external_id": None})


@blueprint.get("/notifications")
def messages() -> Response:
    limit, offset = int(request.args.get("limit", 50)), int(request.args.get("offset", 0))
    events = store().events(NAME, MESSAGES)[::-1]
    rows = [_message(event) for event in events[offset : offset + limit]]
    return jsonify(
        {"total_count": len(events), "offset": offset, "limit": limit, "notifications": rows}
    )


def _message(event: dict[str, Any]) -> dict[str, Any]:
    kinds = {kind for kind, _ in clock.outcomes(event["event_id"], clock.now())}
    sent_at = int(dt.datetime.fromisoformat(event["at"]).timestamp())
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, event["event_id"])),
        "app_id": request.args["app_id"],
        "name": event["data"]["name"],
        "include_aliases": {"external_id": event["data"]["to"]},
        "data": event["data"].get("data") or {},
        "queued_at": sent_at,
        "completed_at": sent_at,
        "successful": int("delivered" in kinds),
        "errored": int("bounced" in kinds),
        "failed": int("unsubscribed" in kinds and "delivered" not in kinds),
        "converted": int("clicked" in kinds),
    }
