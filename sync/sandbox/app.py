"""The sandbox's web application: a prefix per vendor, faults in front of them, and a page that shows what they hold."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request

from sync.sandbox import vendors
from sync.sandbox.faults import Faults
from sync.sandbox.page import page
from sync.sandbox.store import Store

# A vendor's stand-in is a module of `sync.sandbox.vendors` that has a `blueprint`; adding the module is all it takes.
VENDORS = tuple(
    sorted(
        found.name
        for found in pkgutil.iter_modules(vendors.__path__)
        if found.name not in ("answers",)
    )
)
# What a vendor says of itself as a whole, by its own code: a module's `REFUSALS` has the status and the body of each that it knows.
BY_CODE = ("limit_by_code", "token_by_code", "terms_by_code")
AUTHORIZATION: dict[
    str, str | None
] = {}  # how a vendor's Authorization header begins; None where it is left to the receiver
REFUSALS: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
SLOW_SECONDS = 0.2
RETRY_AFTER_SECONDS = 0.05


def create_app(store: Store, faults: Faults) -> Flask:
    """The application over one store."""
    app = Flask("sync.sandbox")
    app.extensions["headwater"] = (store, faults)
    for vendor in VENDORS:
        module = importlib.import_module(f"sync.sandbox.vendors.{vendor}")
        app.register_blueprint(module.blueprint, url_prefix=f"/{vendor}")
        AUTHORIZATION[vendor] = getattr(module, "AUTHORIZATION", None)
        REFUSALS[vendor] = getattr(module, "REFUSALS", {})
    app.before_request(_fault_before)
    app.after_request(_fault_after)
    app.add_url_rule("/", "page", page)
    return app


def store() -> Store:
    """The state of the sandbox, of the request at hand."""
    found: Store = current_app.extensions["headwater"][0]
    return found


def faults() -> Faults:
    """What goes wrong on purpose, of the request at hand."""
    found: Faults = current_app.extensions["headwater"][1]
    return found


def _vendor() -> str:
    return request.path.split("/")[1]


def _fault_before() -> Response | None:
    if _vendor() not in VENDORS:
        return None
    given, scheme = request.headers.get("Authorization"), AUTHORIZATION[_vendor()]
    if scheme and not (given and given.startswith(f"{scheme} ") and "sandbox" in given):
        return _answer(401, "unauthorized")
    fault = faults().draw(
        "token_expired",
        *BY_CODE,
        "429",
        "500",
        "500_after_commit",
        "reset",
        "half_answer",
        "redirect",
        "login_page",
        "slow",
    )
    g.fault = fault
    if fault in BY_CODE:
        refusal = REFUSALS[_vendor()].get(fault)
        return _coded(*refusal) if refusal else None
    if fault == "token_expired":
        return _answer(401, "token_expired")
    if fault == "429":
        answer = _answer(429, "rate_limited")
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer
    if fault == "500":
        return _answer(500, "internal")
    if fault == "redirect":
        return Response(status=302, headers={"Location": "/"})
    if fault == "login_page":
        return Response("<html><form>log in</form></html>", mimetype="text/html")
    if fault == "slow":
        time.sleep(SLOW_SECONDS)
    return None


def _fault_after(answer: Response) -> Response:
    if _vendor() not in VENDORS:
        return answer
    fault = g.get("fault")
    store().count_request(_vendor(), fault or str(answer.status_code))
    if fault == "500_after_commit":
        return _answer(500, "internal")
    if fault == "half_answer":
        half = answer.get_data()[: len(answer.get_data()) // 2] or b"{"
        return Response(half, status=200, mimetype=answer.mimetype)
    if fault == "reset":
        body = answer.get_data()
        broken = Response(_cut(body), status=answer.status_code, mimetype=answer.mimetype)
        broken.headers["Content-Length"] = str(len(body) + 1)
        return broken
    return answer


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionResetError


def _answer(status: int, code: str) -> Response:
    return _coded(
        status, {"errors": [{"code": code, "status": status, "title": code, "detail": code}]}
    )


def _coded(status: int, body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
