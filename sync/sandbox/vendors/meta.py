"""Meta's stand-in: custom audiences of hashed rows, and the figures of a campaign run on each."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox import clock
from sync.sandbox.app import faults, store

NAME = "meta"
AUTHORIZATION = "Bearer"
SHA256 = re.compile(r"[0-9a-f]{64}")
CAMPAIGN_DAYS = 3
CLEAR = ("EXTERN_ID", "MADID", "LOOKALIKE_VALUE")  # what is not hashed
MADE = "meta:made"  # what audiences were made with, and shared with


def _error(code: int, subcode: int | None, said: str) -> dict[str, Any]:
    """As the Graph API says it: developers.facebook.com/docs/graph-api/guides/error-handling, read 2026-11-28."""
    named = {} if subcode is None else {"error_subcode": subcode}
    error = {"message": said, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return {"error": {**error, **named}}


REFUSALS = {
    "limit_by_code": (400, _error(80003, 2446079, "There have been too many calls")),
    "token_by_code": (400, _error(190, 463, "Session has expired")),
    "terms_by_code": (400, _error(200, 1870034, "Terms of service not accepted")),
}
blueprint = Blueprint(NAME, __name__)


@blueprint.get("/v25.0/act_<account>/customaudiences")
def audiences(account: str) -> Response:  # noqa: ARG001
    rows = [
        {"id": key, "name": name, "subtype": "CUSTOM"}
        for _, key, name in store().objects(NAME, "audience")
    ]
    return jsonify({"data": rows})


@blueprint.post("/v25.0/act_<account>/customaudiences")
def make_audience(account: str) -> Response:  # noqa: ARG001
    body = request.get_json()
    key = store().object_id(NAME, "audience", body["name"])
    store().put_members(MADE, "audiences", {key: body})
    return jsonify({"id": key})


@blueprint.post("/v25.0/<audience_id>/adaccounts")
def share(audience_id: str) -> Response:
    made = store().member(MADE, "audiences", audience_id)
    shared = {**made, "shared": request.get_json()["adaccounts"]}
    store().put_members(MADE, "audiences", {audience_id: shared})
    return jsonify({"success": True})


@blueprint.get("/v25.0/<audience_id>")
def audience(audience_id: str) -> Response:
    """How many are matched: here everybody who was sent, of fewer than a hundred nobody says."""
    held = len(store().members(NAME, audience_id))
    return jsonify(
        {"id": audience_id, "approximate_count_lower_bound": held if held >= 100 else -1}
    )


@blueprint.route("/v25.0/<audience_id>/users", methods=["POST", "DELETE"])
def users(audience_id: str) -> Response | tuple[Response, int]:
    payload = request.get_json()["payload"]
    rows, schema = payload["data"], payload["schema"]
    if len(rows) > 10_000:
        return jsonify(_error(100, None, "Invalid parameter")), 400
    good, invalid = {}, 0
    for row in rows:
        member = _member(schema, row)
        # A fault is drawn by the row, so that the same row is refused however the batch is cut.
        refused = request.method == "POST" and faults().shares.get(
            "refuse_rows", 0
        ) * 1000 > clock.draw(member or "", "refuse")
        if member is None or refused:
            invalid += 1
        else:
            good[member] = {name: value for name, value in zip(schema, row, strict=True) if value}
    if request.method == "DELETE":
        store().drop_members(NAME, audience_id, good)
    else:
        store().put_members(NAME, audience_id, good)
    return jsonify(
        {
            "audience_id": audience_id,
            "session_id": "1",
            "num_received": len(rows),
            "num_invalid_entries": invalid,
            "invalid_entry_samples": {},
        }
    )


def _member(schema: list[str], row: list[str]) -> str | None:
    """What the row is kept under: its best identifier; None for a row that is not hashed as it must be."""
    values = dict(zip(schema, row, strict=True))
    if any(
        value and name not in CLEAR and not SHA256.fullmatch(value)
        for name, value in values.items()
    ):
        return None
    for name in ("EMAIL", "PHONE", "MADID"):
        if values.get(name):
            return values[name]
    rest = "|".join(value for name, value in values.items() if name != "LOOKALIKE_VALUE")
    return rest if rest.strip("|") else None


@blueprint.get("/v25.0/act_<account>/campaigns")
def campaigns(account: str) -> Response:  # noqa: ARG001
    started = f"{_days()[-1]}T00:00:00+0000"
    rows = [
        {
            "id": f"c{key}",
            "name": name,
            "effective_status": "ACTIVE",
            "start_time": started,
        }
        for _, key, name in store().objects(NAME, "audience")
    ]
    return jsonify({"data": rows})


@blueprint.get("/v25.0/act_<account>/insights")
def insights(account: str) -> Response:  # noqa: ARG001
    span = json.loads(request.args["time_range"])
    rows = [
        _day(key, name, day)
        for _, key, name in store().objects(NAME, "audience")
        for day in _days()
        if span["since"] <= day.isoformat() <= span["until"]
    ]
    return jsonify({"data": rows})


def _days() -> list[dt.date]:
    """The days the campaigns have run, newest first."""
    today = clock.now().date()
    return [today - dt.timedelta(days=back) for back in range(CAMPAIGN_DAYS)]


def _day(key: str, name: str, day: dt.date) -> dict[str, Any]:
    people = store().count_members(NAME, key)
    impressions = people * (3 + clock.draw(f"{key}{day}", "impressions") % 5)
    clicks = impressions * (5 + clock.draw(f"{key}{day}", "clicks") % 20) // 1000
    return {
        "campaign_id": f"c{key}",
        "campaign_name": name,
        "account_currency": "EUR",
        "date_start": day.isoformat(),
        "date_stop": day.isoformat(),
        "spend": f"{impressions * 0.0072:.2f}",
        "impressions": str(impressions),
        "clicks": str(clicks),
        "actions": [{"action_type": "purchase", "value": str(clicks // 12)}],
    }
