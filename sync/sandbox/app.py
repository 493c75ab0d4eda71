"""The sandbox's web application: a prefix per vendor, faults in front of them, and a page that shows what they hold."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request

from sync.destinations import registry
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
# Those of other packages: an entry point whose name is the destination's type, and whose object is such a module or has its names.
GROUP = "headwater.stand_ins"
SLOW_SECONDS = 0.2
RETRY_AFTER_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class StandIn:
    """What stands for one vendor in front of its blueprint."""

    blueprint: Blueprint
    authorization: str | None  # how its Authorization header begins; None where it is left to it
    refusals: Mapping[str, tuple[int, dict[str, Any]]]  # fault -> status and body
    takes_any_document: bool = False  # by contract, so that no document says that nothing was taken

    @classmethod
    def of(cls, module: Any) -> StandIn:
        """From a module that has `blueprint`, and `AUTHORIZATION`, `REFUSALS` and `TAKES_ANY_DOCUMENT` where they apply."""
        return cls(
            module.blueprint,
            getattr(module, "AUTHORIZATION", None),
            getattr(module, "REFUSALS", {}),
            getattr(module, "TAKES_ANY_DOCUMENT", False),
        )


def stand_ins(more: Mapping[str, Any] | None = None) -> dict[str, StandIn]:
    """Every stand-in by vendor: this package's, those of entry points, and `more`."""
    from sync.sandbox.declared import stand_in as declared

    modules: dict[str, Any] = {
        vendor: importlib.import_module(f"sync.sandbox.vendors.{vendor}") for vendor in VENDORS
    }
    modules |= _of_packages()
    for vendor, path in registry.declared_files().items():
        modules.setdefault(vendor, declared(path))
    modules |= more or {}
    return {vendor: StandIn.of(module) for vendor, module in sorted(modules.items())}


@cache
def _of_packages() -> dict[str, Any]:
    return {point.name: point.load() for point in importlib.metadata.entry_points(group=GROUP)}


def create_app(
    store: Store,
    faults: Faults,
    more: Mapping[str, Any] | None = None,
    *,
    only: str | None = None,
) -> Flask:
    """The application over one store. `more` are stand-ins beside those that are installed, by vendor; `only` is the one that is served."""
    app = Flask("sync.sandbox")
    there = stand_ins(more)
    app.extensions["headwater"] = (store, faults, there if only is None else {only: there[only]})
    for vendor, stand_in in app.extensions["headwater"][2].items():
        app.register_blueprint(stand_in.blueprint, url_prefix=f"/{vendor}")
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


def served() -> dict[str, StandIn]:
    """The stand-ins that there are, by vendor."""
    found: dict[str, StandIn] = current_app.extensions["headwater"][2]
    return found


def _vendor() -> str:
    return request.path.split("/")[1]


def _is_let_in(scheme: str | None) -> bool:
    """Whether a request has the sandbox's credentials, as its vendor wants them: the word `sandbox` is in each."""
    given = request.headers.get("Authorization") or ""
    if scheme is None:
        return True
    if scheme == "Basic" and given.startswith("Basic "):
        basic = request.authorization
        return basic is not None and "sandbox" in f"{basic.username}:{basic.password}"
    return given.startswith(f"{scheme} ") and "sandbox" in given


def _fault_before() -> Response | None:
    stand_in = served().get(_vendor())
    if stand_in is None:
        return None
    request.get_data()  # the server waits for what nobody read, and the sender for the server
    asks_token = request.path.endswith(registry.TOKEN_PATH)
    if not asks_token and not _is_let_in(stand_in.authorization):
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
        "other_json",
        "slow",
    )
    if fault == "other_json" and stand_in.takes_any_document:
        fault = None
    g.fault = fault
    if fault in BY_CODE:
        refusal = stand_in.refusals.get(fault)
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
    if fault == "other_json":
        return jsonify({"ok": True, "message": "Welcome"})
    if fault == "slow":
        time.sleep(SLOW_SECONDS)
    return None


def _fault_after(answer: Response) -> Response:
    if _vendor() not in served():
        return answer
    fault = g.get("fault")
    store().count_request(_vendor(), fault or str(answer.status_code))
    if fault == "500_after_commit":
        return _answer(500, "internal")
    if fault == "half_answer":
        half = answer.get_data()[: len(answer.get_data()) // 2] or b"{"
        return Response(half, status=200, mimetype=answer.mimetype)
    if fault == "reset":
        # 204 has no body that could be cut.
        body, status = answer.get_data() or b"{}", answer.status_code
        broken = Response(
            _cut(body), status=200 if status == 204 else status, mimetype=answer.mimetype
        )
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
