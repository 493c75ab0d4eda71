"""By the command line, as an operator meets it: what is not delivered is never green, and what is no row's fault is booked on none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sync.errors import WarehouseError

PUSH = ("push", "--select", "hook_people", "--attempts", "1", "--json")
STATUS = ("status", "--select", "hook_people", "--json")


@pytest.fixture
def receiver(lab: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A receiver whose answer to rows the test sets: a function of the request's body to (status, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = server.says(body) if body["rows"] else (200, b"")  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.says = lambda _: (200, b"{}")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("HOOK_URL", f"http://127.0.0.1:{server.server_port}/in/")
    yield server
    server.shutdown()
    server.server_close()


def ran(lab: Any, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = lab.sync(*arguments)
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b""), (200, b"<html>log in</html>"), (401, b""),
        *(pytest.param(*one, marks=pytest.mark.long) for one in ((200, b'{"failed": ['), (203, b"{}"), (404, b""))),
    ],
)  # fmt: skip
def test_what_was_not_delivered_is_in_no_ledger_and_nobody_is_blamed(
    lab: Any, receiver: Any, capsys: pytest.CaptureFixture[str], status: int, body: bytes
) -> None:
    receiver.says = lambda _: (status, body)
    for _ in range(2):
        code, document = ran(lab, capsys, *PUSH)
        (one,) = document["syncs"]
        assert (code, one["status"], one["added"], one["failed"]) == (1, "failed", 0, 10)
    assert lab.sql("select count(*) from analytics_sync.ledger where row_hash <> '?'") == [(0,)]
    assert lab.sql("select count(*) from analytics_sync.failures") == [(0,)]
    assert ran(lab, capsys, *STATUS)[0] == 1
    receiver.says = lambda _: (204, b"")
    code, document = ran(lab, capsys, *PUSH)
    assert (code, document["syncs"][0]["status"]) == (0, "success")
    assert ran(lab, capsys, *STATUS)[0] == 0


def test_a_quarantined_row_is_red_until_somebody_has_looked(
    lab: Any, receiver: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.says = lambda body: (
        200,
        json.dumps(
            {"failed": [{"key": row["key"]} for row in body["rows"] if row["key"] == "p3"]}
        ).encode(),
    )
    for _ in range(7):
        code, document = ran(lab, capsys, *PUSH)
        assert (code, document["syncs"][0]["status"] == "success") == (1, False)
    (one,) = document["syncs"]
    assert (one["status"], one["withheld"]) == ("partial", {"quarantined": 1})
    assert "quarantined" in one["message"]
    code, document = ran(lab, capsys, *STATUS)
    assert (code, document["syncs"][0]["left_behind"]) == (1, 1)
    assert lab.sync("failures", "--select", "hook_people", "--dismiss") == 0
    capsys.readouterr()
    code, document = ran(lab, capsys, *PUSH)
    assert (code, document["syncs"][0]["withheld"]) == (0, {"dismissed": 1})
    assert ran(lab, capsys, *STATUS)[0] == 0


def test_a_run_of_before_that_withheld_quarantined_rows_is_not_green_either(
    lab: Any, receiver: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(lab, capsys, *PUSH)[0] == 0
    lab.sql(
        "insert into analytics_sync.withheld select environment, run_id, sync_name, 'quarantined', 3 "
        "from analytics_sync.runs where sync_name = 'hook_people'"
    )
    assert ran(lab, capsys, *STATUS)[0] == 1


@pytest.mark.parametrize("refused", ["start", "finish", "last_status"])
def test_an_end_that_the_warehouse_could_not_write_down_is_not_green(
    lab: Any, receiver: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    refused: str,
) -> None:  # fmt: skip
    def full(*_: object, **__: object) -> None:
        raise WarehouseError("DuckDB: the disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(f"sync.state.runs.RunLog.{refused}", full)
        broken.setattr("sync.state.runs.RunLog.record", full)
        assert lab.sync(*PUSH) == 1
    capsys.readouterr()
    assert lab.sync(*STATUS) == 1
    (one,) = json.loads(capsys.readouterr().out)["syncs"]
    assert one["status"] == "failed"
    assert "the disk is full" in one["message"]
    assert "could not write this end down" in one["message"]
    lab.sql("delete from analytics_sync.leases")  # of a process that is no more
    assert lab.sync(*PUSH) == 0
    capsys.readouterr()
    assert lab.sync(*STATUS) == 0
