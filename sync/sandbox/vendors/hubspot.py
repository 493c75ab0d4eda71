"""HubSpot's stand-in: contacts and companies, upserted by a unique property."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store
from sync.sandbox.vendors.answers import error

NAME = "hubspot"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
blueprint = Blueprint(NAME, __name__)


def _record_id(kind: str, unique: str) -> str:
    return str(int(hashlib.sha256(f"{kind}|{unique}".encode()).hexdigest()[:10], 16))


@blueprint.get("/crm/v3/objects/<kind>")
def records(kind: str) -> Response:
    limit = int(request.args.get("limit", 10))
    rows = store().members(NAME, kind, limit=limit)
    return jsonify({"results": [{"id": key, "properties": row} for key, row in rows.items()]})


@blueprint.post("/crm/v3/objects/<kind>/batch/upsert")
def upsert(kind: str) -> Response | tuple[Response, int]:
    inputs = request.get_json()["inputs"]
    if len(inputs) > 100:
        return error(400, "VALIDATION_ERROR")
    uniques = [row["id"].lower() for row in inputs]
    if len(set(uniques)) < len(uniques):
        return error(400, "VALIDATION_ERROR")
    results, errors, taken = [], [], {}
    now = clock.iso(clock.now())
    for row in inputs:
        bad = row["idProperty"] == "email" and not EMAIL.fullmatch(row["id"])
        if bad or faults().draw("refuse_rows"):
            errors.append(_refused(row))
            continue
        key = _record_id(kind, row["id"].lower())
        old = store().member(NAME, kind, key)
        taken[key] = {**(old or {}), **row["properties"]}
        results.append(
            {
                "id": key,
                "properties": taken[key],
                "new": old is None,
                "createdAt": now,
                "updatedAt": now,
            }
        )
    store().put_members(NAME, kind, taken)
    store().object_id(NAME, "object", kind)
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": now,
        "completedAt": now,
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
        return jsonify(body), 207
    return jsonify(body)


def _refused(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": "Property values were not valid",
        "context": {"id": [row["id"]]},
    }


@blueprint.post("/crm/v3/objects/<kind>/batch/archive")
def archive(kind: str) -> tuple[Response | str, int]:
    keys = [row["id"] for row in request.get_json()["inputs"]]
    if len(keys) > 100:
        return error(400, "VALIDATION_ERROR")
    store().drop_members(NAME, kind, keys)
    return "", 204


@blueprint.get("/crm/v3/properties/<kind>/<name>")
def property_of(kind: str, name: str) -> Response | tuple[Response, int]:
    known = {found for _, _, found in store().objects(NAME, f"property:{kind}")}
    return jsonify({"name": name}) if name in known else error(404, "OBJECT_NOT_FOUND")


@blueprint.post("/crm/v3/properties/<kind>")
def make_property(kind: str) -> tuple[Response, int]:
    name = request.get_json()["name"]
    store().object_id(NAME, f"property:{kind}", name)
    return jsonify({"name": name}), 201
