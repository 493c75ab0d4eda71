"""A webhook on loopback that keeps what it is sent, as slow as a test wants it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """Members by key, every event's key in order, and gates to hold answers back."""

    def __init__(self) -> None:
        self.members: dict[str, Any] = {}
        self.events: list[str] = []
        self.bodies: list[dict[str, Any]] = []  # of requests without rows, such as alerts
        self.erased: list[str] = []
        self.requests = 0
        self.lock = threading.Lock()
        self.arrived = threading.Semaphore(0)  # released at each request with rows
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()
        self.delay = 0.0
        self.url = ""

    def take(self, body: dict[str, Any]) -> None:
        if "rows" not in body:
            self.bodies.append(body)
            return
        with self.lock:
            self.requests += 1
            for row in body["rows"]:
                if body["action"] in ("remove", "erase"):
                    self.members.pop(row["key"], None)
                    if body["action"] == "erase":
                        self.erased.append(row["key"])
                elif body["action"] == "event":
                    self.events.append(row["key"])
                else:
                    self.members[row["key"]] = row
        if body["rows"]:
            self.arrived.release()
            self.gate.wait(60)
            threading.Event().wait(self.delay)


@contextmanager
def running_hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.take(body)
            try:
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
            except OSError:
                pass  # the sender was killed

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.gate.set()
        server.shutdown()
        server.server_close()
