"""Tests out of a declared file: its examples, and the suite against the stand-in that is made of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from headwater.testing.adapter import Adapter, events, every_type, members
from headwater.testing.suite import DestinationSuite
from sync.destinations.declared import form, templates
from sync.destinations.declared.connector import connector
from sync.destinations.declared.files import DeclaredFile, load, names_object
from sync.destinations.registry import TOKEN_PATH, settings_in_sandbox
from sync.destinations.settings import parse
from sync.destinations.values import json_bytes
from sync.records import Record, SyncObject, Value
from sync.sandbox.declared import StandIn, stand_in

__all__ = ["declared_adapter", "declared_suites", "example_names", "run_example"]


def declared_suites(path: Path) -> dict[str, type[DestinationSuite]]:
    """A test class for each kind of object of a file, by name: `globals().update(declared_suites(path))`.

    What a row should be is made from the file here, so that it shows that the parts fit; write `examples` for what it should be
    by the vendor's pages.
    """
    file = load(path)
    made = {}
    for kind in file.vendor.objects:
        name = "Test" + "".join(word.title() for word in f"{file.vendor.name}_{kind}".split("_"))
        made[name] = type(name, (DestinationSuite,), {"adapter": declared_adapter(file, kind)})
    return made


def declared_adapter(file: DeclaredFile, kind: str, **told: Any) -> Adapter:
    """What the suite must be told of one kind of object, from its file; `told` is what is known better."""
    offered = file.vendor.objects[kind]
    served = stand_in(file.path)
    is_event = offered.send is not None
    has_name = names_object(offered)
    title = "Lapsed buyers" if has_name else kind

    def held(store: Any, vendor: str, name: str) -> Mapping[Any, Any]:
        return members(kind)(store, vendor, name if has_name else title)

    given: dict[str, Any] = {
        "identifiers": lambda number: identifiers(offered, number),
        "fields": lambda number: fields(offered, number),
        "holds": lambda record: _holds(file, served, kind, record),
        "held": events if is_event else held,
        "names_refused_rows": _names_refused_rows(offered),
        "objects_are_apart": has_name and not is_event,
        "reads_answers": not all(v.answer.empty for v in offered.verbs.values()),
        "rows": min(300, 3 * offered.batch_rows),
        "stand_in": served,
    }
    return Adapter(connector(file), kind, **{**given, **told})


def _names_refused_rows(offered: form.Object) -> bool:
    sent = offered.send or offered.upsert or offered.remove
    return sent is not None and (bool(sent.refused) or sent.per == "row")


def identifiers(offered: form.Object, number: int) -> dict[str, str]:
    """Identifiers of a row, each of the kind that its name says."""
    made = {}
    for name in offered.identifiers:
        if name in offered.hashed:
            made[name] = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
        elif "email" in name:
            made[name] = f"Person{number}@shop.example"
        elif "phone" in name:
            made[name] = f"+4930{number:07d}"
        else:
            made[name] = f"{name}/{number}"
    return made


def fields(offered: form.Object, number: int) -> dict[str, Value]:
    """Fields of a row, of every type where any may be sent."""
    if offered.fields is not None:
        return {name: f"{name} {number}" for name in offered.fields}
    at = dt.datetime(2026, 11, 2, 9) + dt.timedelta(minutes=number)
    more: dict[str, Value] = {"occurred_at": at} if offered.send is not None else {}
    return {**every_type(number), **more}


def _holds(file: DeclaredFile, served: StandIn, kind: str, record: Record) -> dict[Any, Any]:
    offered = file.vendor.objects[kind]
    verb = offered.send or offered.upsert
    if verb is None:
        return {}
    scope = file.rows(kind)
    words = {
        "object": "Lapsed buyers",
        **{
            name: one.sandbox or one.default or "sandbox"
            for name, one in file.vendor.settings.items()
        },
    }
    node = verb.body if verb.per == "row" else templates.item(verb.body)
    row = json.loads(json_bytes(templates.compiled(node, scope)(words, record)))
    if offered.send is not None:
        return {record.idempotency_key: row}
    parts = [
        templates.text("${" + name + "}", scope)(words, record) for name in served.key_names(kind)
    ]
    return {"|".join(str(part) for part in parts if part is not templates.MISSING): row}


def _into(told: Mapping[str, Any] | None) -> Record | None:
    """Whom a row of an example was merged into."""
    if told is None:
        return None
    return Record(str(told["key"]), dict(told.get("identifiers") or {}), {}, told.get("remote_id"))


def example_names(file: DeclaredFile) -> list[str]:
    """What tells the examples of a file apart."""
    return [f"{number}-{one.object}-{one.verb}" for number, one in enumerate(file.vendor.examples)]


def run_example(path: Path, number: int) -> list[str]:
    """What differs between an example of a file and what the destination does: nothing, where it is right."""
    file = load(path)
    example = file.vendor.examples[number]
    kind = connector(file)
    with _recorded(example) as (url, seen):
        given = settings_in_sandbox(kind, base_url=url, directory="/nowhere")
        settings = parse(
            kind.settings_type, "example", {**given, "base_url": url, **example.settings}
        )
        destination: Any = kind(settings, SyncObject(example.object, example.name), lambda _: None)
        rows = [
            Record(
                key=str(row["key"]),
                identifiers=dict(row.get("identifiers") or {}),
                fields=dict(row.get("fields") or {}),
                remote_id=row.get("remote_id"),
                idempotency_key=row.get("idempotency_key", f"00000000-0000-5000-8000-{place:012d}"),
                has_new_address=example.verb == "update",
                into=_into(row.get("into")),
            )
            for place, row in enumerate(example.rows)
        ]
        destination._known_id = example.known_id
        result = getattr(destination, "upsert" if example.verb == "update" else example.verb)(rows)
    wanted = {
        "request": [example.request],
        "accepted": example.accepted,
        "failed": example.failed,
        "pending": example.pending,
    }
    found = {
        "request": seen,
        "accepted": [row.key for row in result.accepted],
        "failed": {row.key: row.status for row in result.failed},
        "pending": list(result.pending),
    }
    return [
        f"{name} is {found[name]!r} and not {wanted[name]!r}"
        for name in wanted
        if found[name] != wanted[name]
    ]


@contextmanager
def _recorded(example: form.Example) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers as the example says, and what it was asked."""
    seen: list[dict[str, Any]] = []
    status, body = int(example.answer.get("status", 200)), example.answer.get("body")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked: dict[str, Any] = {"method": self.command, "path": self.path}
            if self.path.endswith(TOKEN_PATH):
                self.reply(200, {"access_token": "sandbox", "token_type": "Bearer"})
                return
            if sent and "form" in str(self.headers.get("Content-Type")):
                asked["body"] = dict(parse_qsl(sent.decode(), keep_blank_values=True))
            elif sent:
                asked["body"] = json.loads(sent)
            seen.append(asked)
            self.reply(status, body)

        def reply(self, status: int, body: Any) -> None:
            self.send_response(status)
            content = b"" if body is None else json.dumps(body).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
