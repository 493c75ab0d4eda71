"""A webhook's stand-in: keeps rows by key, and events once per idempotency key."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store

NAME = "webhook"
TAKES_ANY_DOCUMENT = (
    True  # whatever object a receiver answers with takes every row, unless it speaks of an error
)
blueprint = Blueprint(NAME, __name__)


@blueprint.post("/")
@blueprint.post("")
def receive() -> Response:
    body = request.get_json()
    if body["action"] == "check":
        return jsonify({})
    object_id = store().object_id(NAME, "sync", body.get("sync") or "rows")
    failed = [row for row in body["rows"] if faults().draw("refuse_rows")]
    refused = {row["key"] for row in failed}
    rows = [row for row in body["rows"] if row["key"] not in refused]
    if body["action"] == "remove":
        store().drop_members(NAME, object_id, [row["key"] for row in rows])
    elif body["action"] == "erase":
        keys = {row["key"] for row in rows}
        store().drop_members(NAME, object_id, keys)
        store().drop_events(
            NAME,
            [
                (object_id, event["event_id"])
                for event in store().events(NAME, object_id)
                if event["data"]["key"] in keys
            ],
        )
    elif body["action"] == "event":
        at = clock.iso(clock.now())
        store().add_events(
            NAME, object_id, [(row["idempotency_key"], _kept(row), at) for row in rows]
        )
    else:
        store().put_members(NAME, object_id, {row["key"]: _kept(row) for row in rows})
    return jsonify({"failed": [{"key": key, "status": "invalid"} for key in sorted(refused)]})


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("key", "identifiers", "fields")}
