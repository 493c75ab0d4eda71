"""Answers several stand-ins give."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request


def error(status: int, code: str) -> tuple[Response, int]:
    """An error in the form most vendors use, without a word of what was sent."""
    body = {
        "errors": [{"id": code, "code": code, "status": status, "title": code, "detail": code}],
        "code": code,
    }
    return jsonify(body), status


def paged(
    rows: list[dict[str, Any]], *, size: int = 100, included: list[dict[str, Any]] | None = None
) -> Response:
    """One page of a JSON:API collection, with a link to the next."""
    start = int(request.args.get("page[cursor]") or 0)
    links = {"self": request.url}
    if start + size < len(rows):
        kept = "&".join(
            f"{name}={value}" for name, value in request.args.items() if name != "page[cursor]"
        )
        links["next"] = f"{request.base_url}?{kept}{'&' if kept else ''}page[cursor]={start + size}"
    body: dict[str, Any] = {"data": rows[start : start + size], "links": links}
    if included is not None:
        body["included"] = included
    return jsonify(body)
