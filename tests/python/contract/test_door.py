"""What counts as taken: nothing but the status and the shape that a verb must see. Each answer is one of a server that nobody wrote for us."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import pytest

from sync.destinations import registry
from sync.destinations.base import PollsJobs, PullsResults, RemovesMembers
from sync.destinations.http import HttpClient
from sync.errors import (
    ConfigError,
    DestinationError,
    MisconfiguredError,
    NotYetThereError,
    RedirectError,
    RejectedError,
    TransientError,
    UnexpectedAnswerError,
    UnsentError,
)
from sync.records import Mode, Record, SyncObject

from .conftest import Bench, records

PAGE = b"<html><form>log in</form></html>"


class Wire:
    """A server that answers each request with what `reply` writes to the socket, and keeps the requests' heads."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads: list[str] = []
        self.blurts = False  # answers before it has read anything
        self.reply: Callable[[Any], None] = lambda _: None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                with connection.makefile("rb") as sent:
                    lines = [] if self.blurts else list(takewhile(b"\r\n".__ne__, sent))
                    length = [
                        int(line[15:]) for line in lines if line.startswith(b"Content-Length:")
                    ]
                    sent.read(sum(length))
                self.heads.append(b"".join(lines).decode("latin-1"))
                self.reply(connection)
            except OSError:
                return

    def answers(self, status: int, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        head = "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n"
        self.reply = lambda connection: connection.sendall(head + body)

    def answers_in_turn(self, *documents: Any) -> None:
        """200 with one document after the other."""
        left = list(documents)

        def reply(connection: Any) -> None:
            self.answers(200, json.dumps(left.pop(0)).encode())
            answer, self.reply = self.reply, reply
            answer(connection)

        self.reply = reply


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.listener.close()


def client(wire: Wire, **options: Any) -> HttpClient:
    return HttpClient(wire.url, vendor="mailer", **options)


WRONG = {
    "a login page": (200, PAGE),
    "a login page under 202": (202, PAGE),
    "a login page under 204": (204, b""),
    "half a document": (200, b'{"data": [{"id": "1"'),
    "no body": (200, b""),
    "blanks": (200, b"  \r\n"),
    "null": (200, b"null"),
    "a list": (200, b"[]"),
    "a text": (200, b'"ok"'),
    "another document": (200, b'{"hello": "world"}'),
    "an empty document": (200, b"{}"),
    "partial content": (206, b'{"data": []}'),
    "no information": (203, b'{"data": []}'),
    "reset content": (205, b""),
}
REDIRECTS = [300, 301, 302, 303, 304, 307, 308]
# What a verb of these may see without its rows having been refused; everything else must be an error.
OWED = {
    ("webhook", "no body"), ("webhook", "blanks"), ("webhook", "an empty document"),
    ("webhook", "another document"), ("webhook", "a login page under 204"),
    # Klaviyo answers a removal by 204 and events by 202, both without a body.
    ("klaviyo remove", "a login page under 204"),
    ("hubspot remove", "a login page under 204"), ("hubspot-event", "a login page under 204"),
    ("mailchimp-tag", "a login page under 204"),
    # Customer.io answers by 200 and says nothing, or `{}`.
    ("customer_io", "no body"), ("customer_io", "blanks"), ("customer_io", "an empty document"),
    # Of Attentive's answers to attributes and events the description has the status alone.
    *(
        (f"attentive-{kind}", answer)
        for kind in ("attribute", "event")
        for answer in ("no body", "blanks", "an empty document")
    ),
}  # fmt: skip


def verbs() -> list[Any]:
    """Every verb of every shipped destination that speaks HTTP."""
    found = []
    for declared in map(registry.declaration, registry.shipped()):
        if declared.name == "files":
            continue
        for kind, able in declared.objects.items():
            names = ["send"] if able.modes == {Mode.EVENT} else ["upsert"]
            names += ["remove"] if able.modes & {Mode.MIRROR, Mode.REMOVE} else []
            found += [
                pytest.param(declared.name, kind, name, id=f"{declared.name}-{kind}-{name}")
                for name in names
            ]
    return found


def called(wire: Wire, kind: str, object_kind: str, verb: str, *, known: bool = True) -> Any:
    """What a verb makes of two rows, with the object's id known so that the first request is the verb's own."""
    settings = registry.sandbox_settings(kind, base_url=wire.url, directory="/nowhere")
    for name in ("base_url", "url"):
        if name in settings:
            settings[name] = wire.url
    target = SyncObject(object_kind, "People")
    destination: Any = registry.create(kind, name=kind, settings=settings, target=target)
    for name in ("_list_id", "_audience_id"):
        if hasattr(destination, name):
            setattr(destination, name, "7")
    destination._key_property_exists = True
    able = registry.declaration(kind).objects[object_kind]
    rows = records(able, 2)
    if verb == "remove":
        rows = [
            Record(row.key, row.identifiers, remote_id=f"r{number}")
            for number, row in enumerate(rows)
        ]
    return getattr(destination, verb)(rows)


@pytest.mark.parametrize(("kind", "object_kind", "verb"), verbs())
@pytest.mark.parametrize("answer", WRONG)
def test_no_verb_takes_what_it_must_not_see_for_success(
    wire: Wire, kind: str, object_kind: str, verb: str, answer: str
) -> None:
    if {(kind, answer), (f"{kind} {verb}", answer), (f"{kind}-{object_kind}", answer)} & OWED:
        pytest.skip("this answer is what the verb is owed")
    if (kind, object_kind, verb) == ("klaviyo", "event", "send"):
        wire.answers(200 if WRONG[answer][0] == 202 else WRONG[answer][0], WRONG[answer][1])
    else:
        wire.answers(*WRONG[answer])
    try:
        result = called(wire, kind, object_kind, verb)
    except DestinationError as raised:
        error: DestinationError | None = raised
    else:
        taken = [*result.accepted, *result.pending]
        assert not taken, "a wrong answer was taken for success"
        error = result.error
    assert "log in" not in str(error)
    assert isinstance(error, UnexpectedAnswerError), "it may have been taken all the same"


@pytest.mark.parametrize(("kind", "object_kind", "verb"), verbs())
@pytest.mark.parametrize("status", REDIRECTS)
def test_no_verb_follows_a_redirect(
    wire: Wire, kind: str, object_kind: str, verb: str, status: int
) -> None:
    wire.answers(status, b"", f"Location: {wire.url}/elsewhere")
    with pytest.raises(RedirectError) as caught:
        called(wire, kind, object_kind, verb)
    assert caught.value.hint
    assert not any("/elsewhere" in head for head in wire.heads), "nobody goes where it leads"
    assert caught.value.unsent == (status in (307, 308))


@pytest.mark.parametrize("location", ["http://[::1", "mailto:x", "", "//", "http://\u00e9"])
def test_where_a_redirect_leads_is_not_even_looked_at(wire: Wire, location: str) -> None:
    """Its body is not read either: that may be a bomb."""
    bomb = gzip.compress(b"0" * 20_000_000)
    wire.answers(302, bomb, "Content-Encoding: gzip", f"Location: {location}")
    tracemalloc.start()
    with pytest.raises(RedirectError):
        client(wire).post("/people", {})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


@pytest.mark.parametrize("body", [b'{"id": "1"}', b""])
def test_klaviyos_events_are_taken_by_202_alone(wire: Wire, body: bytes) -> None:
    wire.answers(202, b"")
    assert len(called(wire, "klaviyo", "event", "send").accepted) == 2
    for status in (200, 201, 204):
        wire.answers(status, body)
        with pytest.raises(UnexpectedAnswerError):
            called(wire, "klaviyo", "event", "send")


@pytest.mark.parametrize(
    "body",
    [
        {"error": "no"}, {"ok": False}, {"success": False}, {"errors": ["x"]}, {"failed": "all"},
        {"failed": [{"key": "nobody"}]}, {"failed": [{"status": "bad"}]},
        {"status": "error", "message": "no"}, {"status": "FAILED", "failed": []}, {"statusCode": 502},
        {"code": "400"}, {"result": "rejected"}, {"errorMessage": "no"}, {"failed_count": 2},
        {"success": "False"}, {"ok": None}, {"success": "no"}, {"status": 500.0}, {"status": "HTTP 500"}, {"status": "unsuccessful"},
        {"status": {"code": 500}}, {"data": {"error": "x"}}, {"exception": "x"}, {"http_status": 500}, {"rejected": ["p00001"]}, {"faultstring": "x"},
        {"result": "nok"}, {"status": "Bad request"}, {"failed": [{"Key": "p00001"}]},
        {"results": [{"id": 1}, {"status": "error"}]}, {"isError": True}, {"has_errors": True}, {"status": False}, {"state": "failed"},
        {"accepted": False}, {"valid": False},
    ],
)  # fmt: skip
def test_a_webhook_that_speaks_of_an_error_has_taken_nothing(wire: Wire, body: Any) -> None:
    wire.answers(200, json.dumps(body).encode())
    with pytest.raises(UnexpectedAnswerError):
        called(wire, "webhook", "record", "upsert")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"ok": True, "error": None, "errors": []}, {"status": "success", "code": 0}, {"failed_count": 0},
        {"status": 202, "result": {"rows": 400}}, {"id": "error-1"},
        {"accepted": 2, "hasErrors": False}, {"rows": [{"key": "p1", "fields": {"failed_logins": 3, "status": "rejected"}}]},
    ],
)  # fmt: skip
def test_a_webhook_that_speaks_of_no_error_has_taken_all(wire: Wire, body: Any) -> None:
    wire.answers(200, json.dumps(body).encode())
    assert called(wire, "webhook", "record", "upsert").accepted


def test_a_klaviyo_job_says_of_how_many_profiles_it_is(wire: Wire) -> None:
    wire.answers(200, b'{"data": {"attributes": {"status": "complete"}}}')
    settings = registry.sandbox_settings("klaviyo", base_url=wire.url, directory="/nowhere")
    target = SyncObject("list", "People")
    klaviyo: Any = registry.create("klaviyo", name="klaviyo", settings=settings, target=target)
    with pytest.raises(UnexpectedAnswerError):
        klaviyo.poll("job")


def test_a_webhook_may_refuse_rows_by_their_key_alone(wire: Wire) -> None:
    wire.answers(200, b'{"failed": ["p00001"]}')
    result = called(wire, "webhook", "record", "upsert")
    assert [row.key for row in result.accepted] == ["p00000"]
    assert [(row.key, row.status) for row in result.failed] == [("p00001", "refused")]


@pytest.mark.parametrize(("received", "invalid"), [(1, 0), (0, 0), (2, 3), (2, -1), (200, 0)])
def test_an_ads_vendor_that_counts_other_rows_has_taken_none(
    wire: Wire, received: int, invalid: int
) -> None:
    body = {"audience_id": "7", "num_received": received, "num_invalid_entries": invalid}
    wire.answers(200, json.dumps(body).encode())
    with pytest.raises(UnexpectedAnswerError):
        called(wire, "meta", "audience", "upsert")


def test_a_contact_that_is_not_put_on_the_list_is_not_taken(wire: Wire) -> None:
    rows = [{"id": str(n), "properties": {"email": f"person{n}@shop.example"}} for n in (0, 1)]
    wire.answers_in_turn(
        {"status": "COMPLETE", "results": rows, "startedAt": "x", "completedAt": "x"},
        {"recordsIdsAdded": ["0"], "recordIdsRemoved": [], "recordIdsMissing": ["1"]},
    )
    result = called(wire, "hubspot", "list", "upsert")
    assert [row.key for row in result.accepted] == ["p00000"]
    assert [(row.key, row.status) for row in result.failed] == [("p00001", "not_on_the_list")]


def test_rows_that_a_partial_answer_does_not_name_are_open_and_at_no_fault(wire: Wire) -> None:
    body = {
        "status": "COMPLETE", "numErrors": 1, "errors": [], "startedAt": "x", "completedAt": "x",
        "results": [{"id": "1", "properties": {"email": "person0@shop.example"}}],
    }  # fmt: skip
    wire.answers(207, json.dumps(body).encode())
    result = called(wire, "hubspot", "contact", "upsert")
    assert [row.key for row in result.accepted] == ["p00000"]
    assert result.failed == []
    assert isinstance(result.error, UnexpectedAnswerError)


def contact(number: int, name: str | None = None) -> dict[str, Any]:
    return {"id": str(number), "properties": {"email": name or f"person{number}@shop.example"}}


@pytest.mark.parametrize(
    "body",
    [
        {"status": "CANCELED", "results": [contact(0), contact(1)]},
        {"results": [contact(0), contact(1)]},
        {"status": "COMPLETE", "results": [contact(0), contact(0)]},
        {"status": "COMPLETE", "numErrors": 1, "results": [contact(0), contact(1)]},
        {"status": "COMPLETE", "errors": [{"context": {}}], "results": [contact(0), contact(1)]},
        {"status": "COMPLETE", "results": [contact(0), contact(1), contact(2)]},
        {"status": "COMPLETE", "results": [contact(0), {"properties": {}}]},
        {"status": "COMPLETE", "results": ["0", "1"]},
        {"status": "COMPLETE", "results": [contact(0)], "errors": ["boom"]},
        {"status": "COMPLETE", "results": [contact(0)], "errors": [None]},
        {"status": "COMPLETE", "results": [contact(0)], "errors": [{"context": ["person1@shop.example"]}]},
        {"status": "COMPLETE", "results": [contact(0), {"id": "1", "properties": ["x"]}]},
        {"status": "COMPLETE", "results": [contact(0), contact(1)], "numErrors": "3"},
        {"status": "COMPLETE", "results": [contact(0), contact(1)], "numErrors": 3.0},
        {"status": "COMPLETE", "results": [contact(0), contact(9, "person0@shop.example")]},
        {"status": "COMPLETE", "results": [contact(0)], "errors": [{"context": {"ids": ["person0@shop.example"]}}]},
    ],
)  # fmt: skip
def test_a_batch_that_contradicts_itself_has_taken_nothing(wire: Wire, body: Any) -> None:
    wire.answers(200, json.dumps(body).encode())
    with pytest.raises(UnexpectedAnswerError):
        called(wire, "hubspot", "contact", "upsert")


@pytest.mark.parametrize(
    ("others", "taken"),
    [("old@x.example; Person1@shop.example", ["p00000", "p00001"]), ("else@x.example", ["p00000"])],
)
def test_a_contact_of_another_name_is_ours_if_it_has_our_address_too(
    wire: Wire, others: str, taken: list[str]
) -> None:
    found = {"id": "7", "properties": {"email": "x@x.example", "hs_additional_emails": others}}
    wire.answers_in_turn(
        {"status": "COMPLETE", "results": [contact(0), contact(7, "x@x.example")]},
        {"status": "COMPLETE", "results": [found]},
    )
    result = called(wire, "hubspot", "contact", "upsert")
    assert [row.key for row in result.accepted] == taken
    assert result.failed == []
    assert (result.error is None) is (len(taken) == 2)


@pytest.mark.parametrize("count", ['"2"', "true", "2.0", "[2]"])
def test_a_job_counts_in_numbers(wire: Wire, count: str) -> None:
    body = '{"data": {"attributes": {"status": "complete", "total_count": 2, "completed_count": %s, "failed_count": 0}}}'
    wire.answers(200, (body % count).encode())
    settings = registry.sandbox_settings("klaviyo", base_url=wire.url, directory="/nowhere")
    target = SyncObject("list", "People")
    klaviyo: Any = registry.create("klaviyo", name="klaviyo", settings=settings, target=target)
    with pytest.raises(UnexpectedAnswerError):
        klaviyo.poll("job")


def test_an_answer_that_says_one_thing_twice_says_nothing(wire: Wire) -> None:
    wire.answers(200, b'{"failed": ["p00001"], "failed": []}')
    with pytest.raises(UnexpectedAnswerError):
        called(wire, "webhook", "record", "upsert")


@pytest.mark.parametrize("path", ["", "/", "/hooks/", "/hooks/in?key=1"])
def test_the_address_is_asked_as_it_was_given(wire: Wire, path: str) -> None:
    wire.answers(200, b"{}")
    settings = {"url": wire.url + path}
    destination: Any = registry.create(
        "webhook", name="webhook", settings=settings, target=SyncObject("record", "x")
    )
    destination.check()
    assert wire.heads[0].startswith(f"POST {path or '/'} HTTP/1.1")


@pytest.mark.parametrize(
    "address",
    ["hooks.shop.example/in", "ftp://shop.example", "http://", "https:///x", "http://[::1", "http://shop.example:99999",
     "http://shop example/", "http:/shop.example", "//shop.example", "", "https://shöp.example/ü x"],
)  # fmt: skip
@pytest.mark.parametrize(("kind", "setting"), [("webhook", "url"), ("klaviyo", "base_url")])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(
    kind: str, setting: str, address: str
) -> None:
    object_kind = next(iter(registry.declaration(kind).objects))
    settings = registry.sandbox_settings(kind, base_url="http://127.0.0.1:9", directory="/nowhere")
    with pytest.raises(ConfigError, match=setting) as caught:
        registry.create(
            kind, name=kind, settings={**settings, setting: address}, target=SyncObject(object_kind)
        )
    assert "https://" in caught.value.message


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("http://hooks.shop.example/in", False), ("http://10.0.0.5:8080/", False), ("http://127.0.0.1.shop.example", False),
        ("http://localhost.shop.example", False), ("http://0.0.0.0:1", False), ("HTTP://shop.example", False),
        ("http://localhost:9", True), ("http://127.8.0.1:9", True), ("http://[::1]:9", True), ("https://shop.example", True),
    ],
)  # fmt: skip
def test_nothing_goes_in_clear_but_to_this_machine(address: str, taken: bool) -> None:
    target = SyncObject("record", "x")
    if taken:
        assert registry.create("webhook", name="w", settings={"url": address}, target=target)
        return
    with pytest.raises(ConfigError, match="setting 'url' begins with http://") as caught:
        registry.create("webhook", name="w", settings={"url": address}, target=target)
    assert "shop.example" not in caught.value.message


def test_who_is_not_reached_was_surely_not_sent_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    for asked, said in [
        (address, "refused"),
        (address.replace("http:", "https:"), "refused"),
        ("http://no-such-host.invalid", "DNS"),
    ]:
        with pytest.raises(UnsentError, match=said) as caught:
            HttpClient(asked, vendor="mailer").post("/people", {})
        assert caught.value.unsent
        assert caught.value.hint


def test_a_connection_that_cannot_be_made_secure_is_not_tried_again(wire: Wire) -> None:
    wire.answers(400, b"this is plain http")
    wire.blurts = True
    with pytest.raises(MisconfiguredError, match="secure") as caught:
        HttpClient(wire.url.replace("http:", "https:"), vendor="mailer").post("/people", {})
    assert not isinstance(caught.value, TransientError)
    assert "REQUESTS_CA_BUNDLE" in (caught.value.hint or "")


@pytest.mark.parametrize("is_reset", [False, True])
def test_what_ends_before_it_is_secure_has_carried_nothing(wire: Wire, is_reset: bool) -> None:
    def end(connection: Any) -> None:
        connection.recv(1)
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    wire.reply, wire.blurts = end, True
    with pytest.raises(UnsentError, match="before it was secure") as caught:
        HttpClient(wire.url.replace("http:", "https:"), vendor="mailer").post("/people", {})
    assert caught.value.unsent
    assert "https" in (caught.value.hint or "")


def test_a_connection_that_drops_may_have_carried_the_rows(wire: Wire) -> None:
    wire.reply = lambda _: None
    with pytest.raises(TransientError) as caught:
        client(wire).post("/people", {})
    assert not caught.value.unsent


@pytest.mark.parametrize("token", ["two\nlines", "snow\u2603man"])
def test_a_token_that_no_header_can_carry_is_a_setting_to_mend(wire: Wire, token: str) -> None:
    with pytest.raises(MisconfiguredError) as caught:
        client(wire, headers={"Authorization": token}).post("/people", {})
    assert token not in str(caught.value)


def dripping(head: bytes, piece: bytes) -> Callable[[Any], None]:
    def reply(connection: Any) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(piece)
            time.sleep(0.02)

    return reply


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    ],
    ids=["status", "headers", "body", "chunks", "until the end"],
)
def test_an_answer_has_a_deadline_as_a_whole(wire: Wire, head: bytes, piece: bytes) -> None:
    wire.reply = dripping(head, piece)
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"time|within"):
        client(wire, deadline_seconds=0.3).post("/people", {})
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_has_a_size_also_unpacked(wire: Wire, packed: bool) -> None:
    body = b'{"data": "' + b"0" * 3_000_000 + b'"}'
    headers = ["Content-Encoding: gzip"] if packed else []
    wire.answers(200, gzip.compress(body) if packed else body, *headers)
    with pytest.raises(UnexpectedAnswerError, match="larger"):
        client(wire, answer_bytes=1_000_000).post("/people", {})
    assert client(wire, answer_bytes=4_000_000).post("/people", {})["data"].startswith("0")


@pytest.mark.parametrize("lost", [1, 10])
def test_a_packed_answer_that_was_cut_is_lost(wire: Wire, lost: int) -> None:
    body = gzip.compress(b'{"data": []}' + b" " * 100)[:-lost]
    wire.answers(200, body, "Content-Encoding: gzip")
    with pytest.raises(UnexpectedAnswerError):
        client(wire).post("/people", {})


def test_an_encoding_that_nobody_asked_for_is_not_read(wire: Wire) -> None:
    wire.answers(200, b"{}", "Content-Encoding: br")
    with pytest.raises(UnexpectedAnswerError):
        client(wire).post("/people", {})


def test_only_the_vendors_own_404_says_that_somebody_is_not_there(wire: Wire) -> None:
    wire.answers(404, PAGE)
    with pytest.raises(MisconfiguredError):
        client(wire).get("/people/7", missing_ok=True)
    wire.answers(404, b'{"errors": [{"code": "not_found"}]}')
    assert client(wire).get("/people/7", missing_ok=True) is None


# ruff: noqa: E501 - a table
CODES = [
    # An expired token and limits in a 400, as Meta says them (public connectors' maps of its codes).
    ("meta", 400, {"error": {"code": 190, "error_subcode": 463, "type": "OAuthException"}}, "AuthError"),
    ("meta", 400, {"error": {"code": 102}}, "AuthError"),
    ("meta", 400, {"error": {"code": 80003, "error_subcode": 2446079}}, "RateLimitedError"),
    ("meta", 400, {"error": {"code": 17}}, "RateLimitedError"),
    ("meta", 403, {"error": {"code": 4}}, "RateLimitedError"),
    ("meta", 400, {"error": {"code": 613}}, "RateLimitedError"),
    ("meta", 400, {"error": {"code": 2}}, "TransientError"),
    ("meta", 400, {"error": {"code": 2650}}, "MisconfiguredError"),
    ("meta", 400, {"error": {"code": 2655}}, "MisconfiguredError"),
    ("meta", 403, {"error": {"code": 200, "error_subcode": 1870034}}, "MisconfiguredError"),
    ("meta", 400, {"error": {"code": 100, "error_subcode": 1713230}}, "MisconfiguredError"),
    ("meta", 400, {"error": {"code": 100, "error_subcode": 33}}, "GoneError"),
    ("meta", 400, {"error": {"code": 100}}, "RejectedError"),
    ("hubspot", 400, {"category": "VALIDATION_ERROR", "errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}, "MisconfiguredError"),
    ("hubspot", 400, {"category": "EXPIRED_AUTHENTICATION"}, "AuthError"),
    ("hubspot", 423, {"category": "LOCKED"}, "RateLimitedError"),
    ("hubspot", 477, {}, "RateLimitedError"),
    ("klaviyo", 410, {"errors": [{"code": "revision"}]}, "MisconfiguredError"),
    ("klaviyo", 403, {"errors": [{"code": "permission_denied"}]}, "AuthError"),
    ("google_data_manager", 400, {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "TERMS_AND_CONDITIONS_NOT_SIGNED"}]}}, "MisconfiguredError"),
    ("google_data_manager", 400, {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "INVALID_SHA256_FORMAT"}]}}, "RejectedError"),
    ("google_data_manager", 429, {"error": {"status": "RESOURCE_EXHAUSTED"}}, "RateLimitedError"),
    ("onesignal", 403, {"errors": ["Access denied.  Please include an 'Authorization: ...' header"]}, "AuthError"),
    ("onesignal", 409, {"errors": [{"title": "conflict"}]}, "RejectedError"),
    ("webhook", 404, {}, "GoneError"),
    ("webhook", 405, {}, "MisconfiguredError"),
    ("webhook", 422, {"code": "odd"}, "RejectedError"),
    ("webhook", 425, {}, "TransientError"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "status", "body", "error"), CODES)
def test_a_refusal_is_the_fault_of_what_its_code_says(
    wire: Wire, kind: str, status: int, body: Any, error: str
) -> None:
    wire.answers(status, json.dumps(body).encode())
    verdicts = registry.declaration(kind).verdicts
    with pytest.raises(DestinationError) as caught:
        client(wire, verdicts=verdicts).post("/people", {})
    assert type(caught.value).__name__ == error


NOT_THERE = [
    # (destination, object, what makes it, what the vendor says to the next request)
    ("klaviyo", "list", "list_id", 404, {"errors": [{"code": "not_found"}]}),
    ("meta", "audience", "audience_id", 400, {"error": {"code": 803}}),
    ("google_data_manager", "audience", "list_id", 404, {"error": {"status": "NOT_FOUND"}}),
    ("hubspot", "list", "list_id", 404, {"category": "OBJECT_NOT_FOUND"}),
    ("hubspot", "company", "_ensure_key_property", 400, {"errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "object_kind", "make", "status", "body"), NOT_THERE)
def test_what_was_made_a_moment_ago_is_waited_for(
    bench: Bench, wire: Wire, kind: str, object_kind: str, make: str, status: int, body: Any
) -> None:
    destination = bench.destination(kind, object_kind)
    http, there = destination.http, bench.destination(kind, object_kind).http
    getattr(destination, make)()
    wire.answers(status, json.dumps(body).encode())
    http.base_url = there.base_url = wire.url
    with pytest.raises(NotYetThereError) as caught:
        http.post("/members", {})
    assert caught.value.unsent
    assert caught.value.retry_after_seconds == 5
    with pytest.raises(MisconfiguredError):  # it was there before: somebody has deleted it
        there.post("/members", {})
    http._made_at -= 301
    with pytest.raises(MisconfiguredError):
        http.post("/members", {})


def test_a_property_that_a_vendor_does_not_have_is_named(wire: Wire) -> None:
    body = {
        "category": "VALIDATION_ERROR",
        "errors": [
            {"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["loyalty_tier"]}},
            {"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": "person@shop.example"}},
        ],
    }
    wire.answers(400, json.dumps(body).encode())
    with pytest.raises(MisconfiguredError, match="PROPERTY_DOESNT_EXIST: loyalty_tier") as caught:
        client(wire, verdicts=registry.declaration("hubspot").verdicts).post("/people", {})
    assert "shop.example" not in str(caught.value)
    assert "fields:" in (caught.value.hint or "")


def test_every_declared_verdict_that_stops_a_sync_says_what_to_do() -> None:
    from sync.destinations.answers import Fault, raised

    for declared in map(registry.declaration, registry.shipped()):
        for verdict in declared.verdicts.table.values():
            if verdict.fault in (Fault.AUTH, Fault.CONFIGURATION, Fault.GONE):
                assert raised(verdict, declared.name, "x").hint


def test_a_value_that_json_does_not_have_is_refused_and_not_lost(wire: Wire) -> None:
    with pytest.raises(RejectedError):
        client(wire).post("/people", {"share": float("inf")})


def test_reading_has_a_shape_too(wire: Wire) -> None:
    """A login page on the way to a job or to results is not "nothing there"."""
    import datetime as dt

    wire.answers(200, b'{"hello": "world"}')
    for declared in map(registry.declaration, registry.shipped()):
        if declared.name in ("files", "webhook"):
            continue
        object_kind = next(iter(declared.objects))
        settings = registry.sandbox_settings(declared.name, base_url=wire.url, directory="/nowhere")
        settings["base_url"] = wire.url
        destination: Any = registry.create(
            declared.name, name="x", settings=settings, target=SyncObject(object_kind, "x")
        )
        # Google leaves an empty list of user lists out of its document.
        calls = [] if declared.name == "google_data_manager" else [destination.check]
        if isinstance(destination, PollsJobs):
            calls.append(lambda to=destination: to.poll("1"))
        if isinstance(destination, PullsResults):
            calls.append(lambda to=destination: list(to.pull(dt.datetime(2026, 1, 1))))
        leaves = declared.objects[object_kind].modes & {Mode.MIRROR, Mode.REMOVE}
        if (
            isinstance(destination, RemovesMembers)
            and leaves
            and declared.name not in ("onesignal",)
        ):
            rows = records(declared.objects[object_kind], 1)
            calls.append(lambda to=destination, rows=rows: to.remove(rows))
        for call in calls:
            with pytest.raises(UnexpectedAnswerError):
                call()


def test_a_packed_answer_is_read_to_its_end_and_no_further(wire: Wire) -> None:
    """What is cut before its first byte is no empty answer, and a second part may refuse what the first takes."""
    whole, refusal = gzip.compress(b"{}"), gzip.compress(b'{"failed": ["p00000"]}')
    for body in (refusal[:10], whole + refusal):
        wire.answers(200, body, "Content-Encoding: gzip")
        with pytest.raises(UnexpectedAnswerError):
            called(wire, "webhook", "record", "upsert")
    wire.answers(200, whole, "Content-Encoding: gzip")
    assert len(called(wire, "webhook", "record", "upsert").accepted) == 2


def test_what_goes_before_an_answer_is_not_the_answer() -> None:
    """A 103 that is taken for it leaves the real one on the connection: the next request would read it as its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as sent:
            for number in (1, 2):
                list(takewhile(b"\r\n".__ne__, sent))
                connection.sendall(early + b"HTTP/1.1 102 Processing\r\n\r\n")
                body = b'{"n": %d}' % number
                time.sleep(0.05)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + body)

    threading.Thread(target=serve, daemon=True).start()
    http = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", vendor="mailer")
    assert [http.get("/a"), http.get("/b")] == [{"n": 1}, {"n": 2}]
    listener.close()


def test_another_protocol_is_no_answer(wire: Wire) -> None:
    wire.reply = lambda connection: connection.sendall(b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n")
    with pytest.raises(TransientError):
        client(wire).get("/lists")


@pytest.mark.parametrize("name", [".", "..", "%2e%2E", "../7"])
def test_no_value_makes_an_address_another_one(wire: Wire, name: str) -> None:
    """Every client folds `/lists/7/members/..` into `/lists/7`, which a DELETE would be of everybody."""
    wire.answers(200, b"{}")
    with pytest.raises(RejectedError, match="another one"):
        client(wire).request("DELETE", f"/lists/7/members/{name}")
    assert not wire.heads
    client(wire).request("DELETE", "/lists/7/members/a..b?of=/../")
    assert len(wire.heads) == 1
