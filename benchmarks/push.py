"""The real `sync push` of a table to an HTTP sink on loopback: the first push, nothing changed, 1 % changed, 1 % removed.

Every push is a process of its own, its start included in the time; the sink is another process that reads each request and counts
its rows. The webhook destination is used as it ships and live: retries, intents, claims and ledger on, and its limiter, set so high that
it is the push which is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_least, at_most
from benchmarks.measured import Measured
from benchmarks.peers.drt_core import DrtCore
from benchmarks.sync_project import Ran, SyncProject

# Counts rows by the key that each has; answers as the webhook's contract says.
SINK = r"""
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
counts = {"requests": 0, "rows": 0}
turn = threading.Lock()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        rows = body.count(b'@example.com')
        with turn:
            counts["requests"] += 1
            counts["rows"] += rows
        self.answer(b"{}")
    def do_GET(self):
        self.answer(json.dumps(counts).encode())
        counts.update(requests=0, rows=0)
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

TABLE = """
select
    md5(cast(number as varchar)) as profile_id,
    'person' || cast(number as varchar) || '@example.com' as email,
    'First' || cast(number % 1000 as varchar) as first_name,
    number % 100 as order_count,
    cast(number % 5000 as double) / 10 as lifetime_value_eur,
    number % 3 = 0 as is_subscriber,
    cast(null as varchar) as withheld_reason,
    md5('content' || cast(number as varchar)) as row_hash
from range({rows}) as numbers(number)
"""


LIMITS = {"default": {"requests": 100_000, "seconds": 1, "parallel": 4}}


def run(options: Namespace) -> list[Figure]:
    rows: int = options.rows
    with tempfile.TemporaryDirectory(prefix="headwater-push-") as folder, sink() as url:
        project = SyncProject(
            Path(folder) / "project",
            models={"sync_webhook__people": TABLE.format(rows=rows)},
            syncs={
                "webhook_people": (
                    "sync_webhook__people",
                    {
                        "destination": "webhook",
                        "object": {"record": "people"},
                        "mode": "mirror",
                        "key": ["profile_id"],
                        "identifiers": ["email"],
                    },
                )
            },
            destinations={"webhook": {"type": "webhook", "url": url, "limits": LIMITS}},
            live=True,
        )
        _say(f"building a table of {rows:,} rows")
        project.build()
        found = []
        peer = _peer(options, Path(folder) / "peer", project, url)
        first = _push(project, "first push")
        sent = drained(url)
        _expect(first, added=rows)
        found += [
            Figure(
                "rows/s, first push",
                rows / first.seconds,
                "rows/s",
                rows / peer.seconds if peer else None,
                at_least(60_000),
            ),
            Figure(
                "peak memory, first push",
                first.peak_bytes / 1e6,
                "MB",
                peer.peak_bytes / 1e6 if peer else None,
                at_most(250),
            ),
            Figure("requests, first push", sent["requests"], "requests"),
            Figure("rows received, first push", sent["rows"], "rows", rows, at_least(1, "ratio")),
        ]
        nothing = _push(project, "nothing changed")
        _expect(nothing)
        found.append(Figure("nothing changed", nothing.seconds, "s", goal=at_most(1.5)))
        project.sql(
            "update analytics.sync_webhook__people set order_count = order_count + 1, "
            "row_hash = md5(row_hash) where order_count = 7"
        )
        changed = _push(project, "1 % changed")
        _expect(changed, changed=rows // 100)
        sent = drained(url)
        found += [
            Figure("1 % changed", changed.seconds, "s", goal=at_most(2.5)),
            Figure("rows sent, 1 % changed", sent["rows"], "rows", rows / 100, at_most(1, "ratio")),
        ]
        project.sql("delete from analytics.sync_webhook__people where order_count = 11")
        removed = _push(project, "1 % removed")
        _expect(removed, removed=rows // 100)
        found += [
            Figure("1 % removed", removed.seconds, "s", goal=at_most(2.5)),
            Figure(
                "peak memory, later pushes",
                max(nothing.peak_bytes, changed.peak_bytes, removed.peak_bytes) / 1e6,
                "MB",
                goal=at_most(250),
            ),
        ]
        return found


def _peer(options: Namespace, folder: Path, project: SyncProject, url: str) -> Measured | None:
    """drt-core on the same table and sink, where it is asked for."""
    if not options.peer:
        return None
    if not options.peer_python:
        raise SystemExit("--peer needs --peer-python, or HEADWATER_PEER_PYTHON")
    drt = DrtCore(
        folder,
        options.peer_python,
        database=project.database,
        table="analytics.sync_webhook__people",
        url=url,
    )
    _say(options.peer)
    found = drt.run()
    sent = drained(url)["rows"]
    if sent != options.rows:
        raise RuntimeError(f"{options.peer} sent {sent:,} of {options.rows:,} rows")
    _say(f"  {found.seconds:.2f} s, {found.peak_bytes / 1e6:.0f} MB; a second run sends all again")
    return found


@contextmanager
def sink() -> Iterator[str]:
    """The sink, in a process of its own, on a port of its own."""
    process = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def drained(url: str) -> dict[str, int]:
    """What the sink has counted since it was last asked."""
    with urllib.request.urlopen(url) as answer:
        counts: dict[str, int] = json.loads(answer.read())
    return counts


def _push(project: SyncProject, what: str) -> Ran:
    _say(what)
    began = time.perf_counter()
    done = project.run("push")
    _say(
        f"  {done.seconds:.2f} s, {done.peak_bytes / 1e6:.0f} MB "
        f"({time.perf_counter() - began:.2f} s with the interpreter around it)"
    )
    if done.code != 0:
        raise RuntimeError(f"sync push ended with {done.code}: {done.answer}")
    return done


def _expect(done: Ran, **numbers: int) -> None:
    result = done.answer["syncs"][0]
    wanted = {"added": 0, "changed": 0, "removed": 0, "failed": 0} | numbers
    found = {name: result[name] for name in wanted}
    if found != wanted:
        raise RuntimeError(f"expected {wanted}, pushed {found}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer", choices=["drt-core"], help="run it beside, from --peer-python")
    parser.add_argument("--peer-python", default=os.environ.get("HEADWATER_PEER_PYTHON"))


BENCHMARK = Benchmark(
    "push", "A push of a table to a local sink: first, unchanged, 1 % changed.", run, add_arguments
)
