"""The HTTP client every destination shares, and tokens that are renewed."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sync.destinations.http import HttpClient, Reply, retry_after, vendor_code
from sync.destinations.oauth import RefreshedToken
from sync.destinations.values import json_bytes
from sync.engine.scrub import scrub
from sync.errors import (
    AuthError,
    MisconfiguredError,
    RejectedError,
    TransientError,
    UnexpectedAnswerError,
)


@pytest.fixture
def vendor() -> Iterator[Any]:
    """A server that answers what the test puts into `answers` (status, body), and keeps requests in `seen`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.seen.append((dict(self.headers), body))  # type: ignore[attr-defined]
            status, answer = server.answers.pop(0)  # type: ignore[attr-defined]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.answers = [], []  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 24 Nov 2026 00:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1e9", 0.0),
        ("1e400", None),
        ("nan", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999999999", None),
        ("Wed, 21 Oct 2099 99999999999999:28:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    midnight = 1795478400.0
    assert retry_after({"Retry-After": header}, now=midnight) == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"message": "person@shop.example is not valid"},
        {"code": "person@shop.example"},
        {"errors": [{"detail": "person@shop.example", "code": "bad address person@shop.example"}]},
        {"errors": ["person@shop.example"]},
        ["person@shop.example"],
    ],
)
def test_what_a_vendor_echoes_is_not_in_the_error(vendor: Any, body: Any) -> None:
    vendor.answers.append((400, body))
    with pytest.raises(RejectedError) as caught:
        HttpClient(vendor.url, vendor="mailer").post("/members", {})
    assert "person" not in str(caught.value)


def test_a_vendors_short_code_is_kept() -> None:
    assert vendor_code({"errors": [{"code": "duplicate_profile"}]}) == "duplicate_profile"
    assert vendor_code({"error": {"code": 100, "message": "x"}}) == "100"


def test_nobody_listening_is_worth_a_retry() -> None:
    with pytest.raises(TransientError):
        HttpClient("http://127.0.0.1:9", vendor="mailer").get("/")


def token(vendor: Any, clock: Any) -> RefreshedToken:
    return RefreshedToken(
        HttpClient(vendor.url, vendor="ads"),
        client_id="id",
        client_secret=SecretStr("hush"),
        refresh_token=SecretStr("refresh"),
        clock=clock,
    )


def test_a_token_is_renewed_before_it_ends_and_not_sooner(vendor: Any) -> None:
    now = [0.0]
    made = token(vendor, lambda: now[0])
    vendor.answers += [
        (200, {"access_token": "one", "expires_in": 3600}),
        (200, {"access_token": "two", "expires_in": 3600}),
    ]
    assert made() == {"Authorization": "Bearer one"}
    now[0] = 3000
    assert made() == {"Authorization": "Bearer one"}
    now[0] = 3500
    assert made() == {"Authorization": "Bearer two"}
    assert len(vendor.seen) == 2


def test_a_refresh_token_that_is_not_taken_is_an_auth_error(vendor: Any) -> None:
    vendor.answers.append((400, {"error": "invalid_grant"}))
    with pytest.raises(AuthError) as caught:
        token(vendor, lambda: 0.0)()
    assert "refresh_token" in (caught.value.hint or "")
    assert "hush" not in str(caught.value)


def test_an_entry_of_netrc_replaces_no_token(
    vendor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    vendor.answers = [(200, {})]
    HttpClient(vendor.url, vendor="V", headers={"Authorization": "Bearer token"}).post("/")
    assert vendor.seen[0][0]["Authorization"] == "Bearer token"


def test_proxies_and_certificates_are_the_environments(
    vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", vendor.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/company.pem")
    vendor.answers = [(200, {"by": "proxy"})]
    client = HttpClient("http://vendor.example", vendor="V")
    assert client.post("/people") == {"by": "proxy"}
    assert client._session.verify == "/company.pem"
    monkeypatch.setenv("no_proxy", "vendor.example")
    assert HttpClient("http://vendor.example", vendor="V")._session.proxies == {}


def test_a_document_is_json_whatever_its_values_are() -> None:
    document = {
        "at": dt.datetime(2026, 11, 23, 12, 30, 1, 5),
        "day": dt.date(2026, 11, 23),
        "name": "Zoë \"Z\"\n",
        "share": float("nan"),
        "count": 2**53 + 1,
    }  # fmt: skip
    assert json.loads(json_bytes(document)) == {
        "at": "2026-11-23T12:30:01.000005Z",
        "day": "2026-11-23",
        "name": "Zoë \"Z\"\n",
        "share": None,
        "count": 2**53 + 1,
    }  # fmt: skip


def _reply(content: bytes, status: int = 200) -> Reply:
    return Reply("V", status, {"X-Id": "jane@shop.example"}, content)


def test_a_reply_is_read_in_each_form() -> None:
    assert _reply(b'{"a": 1}').json() == {"a": 1}
    assert _reply(b'{"a": 1}\n\n[2]\r\n').ndjson() == [{"a": 1}, [2]]
    assert _reply(b'email,code\r\n"a, b",x\r\n\r\n').csv() == [{"email": "a, b", "code": "x"}]
    assert _reply(b"").csv() == _reply(b"").ndjson() == []
    assert _reply("\ufeffZoë".encode()).text() == "Zoë"
    assert _reply(b'{"error": {"code": 80003}}', 400).codes == ["80003"]
    assert "jane" not in repr(_reply(b"jane@shop.example"))


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("json", b""),
        ("json", b"<html>"),
        ("json", b'{"a": 1, "a": 2}'),
        ("ndjson", b'{"a": 1}\n{"a": '),
        ("csv", b"email,code\na@shop.example\n"),
        ("csv", b"email,email\na,b\n"),
        ("csv", b'email\n"a@shop.example\n'),
        ("text", b"\xff\xfe\xfa"),
    ],
)
def test_a_reply_of_another_form_is_no_answer(form: str, content: bytes) -> None:
    """What a proxy says must not read as nobody refused."""
    with pytest.raises(UnexpectedAnswerError) as caught:
        getattr(_reply(content), form)()
    assert "shop.example" not in str(caught.value)


def test_an_exchange_gives_the_statuses_that_are_read_and_raises_the_rest(vendor: Any) -> None:
    refused = {"errors": [{"code": "invalid", "detail": "jane@shop.example"}]}
    vendor.answers = [(422, refused), (400, {"error": {"code": 80003}}), (202, {})]
    client = HttpClient(vendor.url, vendor="V")
    reply = client.exchange("POST", "/", statuses=(200, 422), data=b"x")
    assert (reply.status, reply.json(), reply.codes) == (422, refused, ["invalid"])
    with pytest.raises(RejectedError) as caught:
        client.exchange("POST", "/")
    assert scrub(str(caught.value)) == "V: POST answered 400 (80003)."
    with pytest.raises(UnexpectedAnswerError):
        client.exchange("POST", "/")


def test_a_file_of_authorities_that_is_not_there_is_a_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(MisconfiguredError, match="the file of authorities is not there"):
        HttpClient("https://127.0.0.1:9", vendor="mailer").get("/lists")
