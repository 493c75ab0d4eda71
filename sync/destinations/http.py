"""HTTP for destinations: one session, one door. What does not come through it as the verb must see it, was not taken.

No redirect is followed. A request says which status and which JSON count (`Answer`), the destination whose fault a refusal is
(`Verdicts`). An answer has a deadline and a size, also once unpacked. Bodies are never logged and never quoted in an error: a vendor
may echo what it was sent. What an error keeps of an answer is the vendor's own code, a short word.
"""

from __future__ import annotations

import csv
import datetime as dt
import email.utils
import io
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import loads
from typing import Any

import requests
import urllib3

from sync.destinations import transport
from sync.destinations.answers import (
    ANY_JSON,
    NO_CONTENT,
    Answer,
    Verdicts,
    codes,
    properties,
    shown_code,
)
from sync.errors import (
    DestinationError,
    RedirectError,
    RejectedError,
    UnexpectedAnswerError,
)

ANSWER_BYTES = 64_000_000  # the largest page that a vendor was seen to give is a tenth of it
CHUNK_BYTES = 65_536
NEW_SECONDS = 300.0  # for so long what was made may not be visible yet
WORD = re.compile(rb"[A-Za-z]{1,20}")  # an answer that is no JSON and no page
DOTS = re.compile(
    r"/(?:\.|%2e){1,2}(?=/|$)", re.I
)  # what every client folds: `/lists/7/members/..` is all of list 7
BY_STATUS = frozenset({401, 403, 407, 408, 425, 429})  # what says all without a body, as 5xx does

Limiter = Callable[[str], None]  # waits for its turn in a rate group


def _no_limit(_group: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: status, headers and body. Its `repr` shows neither, since a vendor may echo what it was sent."""

    vendor: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnexpectedAnswerError: it is none, says a name twice, or is empty.
        """
        if (body := _json(self.content)) is None:
            raise self._no("JSON")
        return body

    def text(self) -> str:
        """The body as text in UTF-8.

        Raises:
            UnexpectedAnswerError: it is none.
        """
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._no("text in UTF-8") from None

    def ndjson(self) -> list[Any]:
        """A document a line; empty lines are none.

        Raises:
            UnexpectedAnswerError: a line is no JSON.
        """
        documents = [_json(line) for line in self.content.splitlines() if line.strip()]
        if None in documents:
            raise self._no("JSON a line")
        return documents

    def csv(self) -> list[dict[str, str]]:
        """A row a line, by the names of the header.

        Raises:
            UnexpectedAnswerError: a row has more or fewer cells than the header, or the header says a name twice.
        """
        try:
            lines = list(csv.reader(io.StringIO(self.text(), newline=""), strict=True))
        except csv.Error:
            raise self._no("a table") from None
        header = lines[0] if lines else []
        rows = [line for line in lines[1:] if line]
        if len(set(header)) < len(header) or any(len(row) != len(header) for row in rows):
            raise self._no("a table")
        return [dict(zip(header, row, strict=True)) for row in rows]

    @property
    def codes(self) -> list[str]:
        """The vendor's short codes, where the body is an error's: words that may be shown and kept."""
        return codes(_json(self.content))

    def _no(self, what: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"{self.vendor}: an answer of {self.status} is no {what}: nothing counts as taken."
        )


class HttpClient:
    """Requests to one vendor with one credential. Safe to use from several threads.

    `limiter` is called with the rate group before each request, `auth` for headers that change with time. Nothing is retried here.
    """

    def __init__(
        self,
        base_url: str,
        *,
        vendor: str,
        headers: Mapping[str, str] | None = None,
        auth: Callable[[], Mapping[str, str]] | None = None,
        limiter: Limiter = _no_limit,
        verdicts: Verdicts | None = None,
        session: requests.Session | None = None,
        deadline_seconds: float = transport.DEADLINE_SECONDS,
        answer_bytes: int = ANSWER_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.vendor = vendor
        self.limiter = limiter
        self.requests_sent = 0
        self._address = base_url  # with the slash at its end, if it has one
        self._headers = dict(headers or {})
        self._auth = auth or dict
        self._verdicts = verdicts or Verdicts()
        self._session = session or transport.session(self.base_url, deadline_seconds)
        self._deadline_seconds = deadline_seconds
        self._answer_bytes = answer_bytes
        self._clock = clock
        self._made_at = float("-inf")

    def made(self) -> None:
        """Something was made at the vendor just now: for a while, "it is not there" is waited for."""
        self._made_at = self._clock()

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        group: str = "default",
        missing_ok: bool = False,
        answer: Answer | None = None,
    ) -> Any:
        """Body of a GET as JSON; None for 404 when `missing_ok`."""
        return self.request(
            "GET", path, params=params, group=group, missing_ok=missing_ok, answer=answer
        )

    def post(self, path: str, body: Any = None, *, group: str = "default", **options: Any) -> Any:
        """`request` with POST and a JSON body."""
        return self.request("POST", path, json=body, group=group, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        group: str = "default",
        missing_ok: bool = False,
        answer: Answer | None = None,
    ) -> Any:
        """Send one request and return its JSON body (None when none is owed).

        `path` may be a whole URL of the same vendor, as in a link to the next page; an empty one is the address as it was given.
        `answer` says what counts as taken; without it, any JSON and 204. With `missing_ok` the vendor's own 404 is None.

        Raises:
            AuthError: 401 or 403, or a code that says so.
            RateLimitedError: 429, or a code that says so, with the seconds of Retry-After.
            MisconfiguredError: 3xx, 404, TLS, an address that is none, or a code that says so.
            NotYetThereError: the same of what was made a moment ago (`made`).
            UnsentError: nobody was reached.
            UnexpectedAnswerError: a success that is not what must be seen.
            TransientError: 408, 425, 5xx, a timeout or a dropped connection: the request may have been taken.
            RejectedError: any other 4xx.
        """
        with self._sent(method, path, group, json, data, params, headers) as reply:
            return self._read(method, reply, answer, missing_ok=missing_ok)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        statuses: Iterable[int] = (200,),
        json: Any = None,
        data: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        group: str = "default",
    ) -> Reply:
        """Send one request and return its status, headers and body, for answers that are no JSON or that say rows apart in an error.

        `statuses` are those that the module reads itself, 4xx among them where the body says which rows were refused. Any other raises
        what `request` raises. A body that is read this way is the module's to judge: what is in it was not seen to be the vendor's.
        """
        with self._sent(method, path, group, json, data, params, headers) as reply:
            said = self._said(method, reply)
            content = self._bounded(reply)
            if reply.status_code not in statuses:
                if reply.status_code >= 400:
                    raise self._refusal(said, reply, _json(content))
                raise UnexpectedAnswerError(f"{said}, which is not owed: nothing counts as taken.")
            return Reply(self.vendor, reply.status_code, dict(reply.headers), content)

    @contextmanager
    def _sent(
        self,
        method: str,
        path: str,
        group: str,
        json: Any,
        data: bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Iterator[requests.Response]:
        """The answer to one request, whatever it says."""
        url = self._url(path)
        if DOTS.search(url.partition("?")[0]):
            raise RejectedError(
                f"{self.vendor}: a value that is '.' or '..' would make the address another one.",
                code="address",
                known=True,
            )
        self.limiter(group)
        self.requests_sent += 1
        try:
            reply = self._session.request(
                method,
                url,
                json=json,
                data=data,
                params=params,
                headers={**self._headers, **self._auth(), **(headers or {})},
                timeout=(transport.CONNECT_SECONDS, transport.READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
        except DestinationError:
            raise
        except requests.exceptions.InvalidJSONError:
            raise RejectedError(
                f"{self.vendor}: a value cannot be said in JSON.", code="not_json", known=True
            ) from None
        except (
            OSError,
            urllib3.exceptions.HTTPError,
            ValueError,
        ) as error:  # requests' own are of the first
            raise transport.failure(self.vendor, method, error) from None
        with reply:
            yield reply

    def _said(self, method: str, reply: requests.Response) -> str:
        """How a message about an answer begins. A redirect is none."""
        status = reply.status_code
        said = f"{self.vendor}: {method} answered {status}"
        if 300 <= status < 400:
            raise RedirectError(
                f"{said}, a redirect, and redirects are not followed.",
                "put the address that answers itself into destinations.yml: https, host, path and a slash at "
                "its end count.",
                unsent=status in (307, 308),
            )
        return said

    def _bounded(self, reply: requests.Response) -> bytes:
        """The body; none where the status says all without it and the body cannot be read."""
        try:
            return self._content(reply)
        except UnexpectedAnswerError:
            if reply.status_code not in BY_STATUS and reply.status_code < 500:
                raise
            return b""

    def _refusal(self, said: str, reply: requests.Response, body: Any) -> DestinationError:
        shown = shown_code(body, reply.status_code)
        shown = ": ".join(filter(None, (shown, ", ".join(properties(body)))))
        said += f" ({shown})." if shown else "."
        after = retry_after(reply.headers)
        is_new = self._clock() - self._made_at < NEW_SECONDS
        return self._verdicts.error(
            self.vendor, said, reply.status_code, codes(body), after, is_new=is_new
        )

    def _read(
        self, method: str, reply: requests.Response, wanted: Answer | None, *, missing_ok: bool
    ) -> Any:
        status = reply.status_code
        said = self._said(method, reply)
        content = self._bounded(reply)
        body = _json(content)
        if status == 404 and missing_ok and isinstance(body, dict | list):
            return None
        if status >= 400:
            raise self._refusal(said, reply, body)
        if wanted is None:
            wanted = NO_CONTENT if status == 204 else ANY_JSON
        if body is None and wanted.word and WORD.fullmatch(content.strip()):
            body = {}
        if missing := wanted.misses(status, bool(content.strip()), body):
            raise UnexpectedAnswerError(
                f"{said} with {missing}: nothing counts as taken.",
                f"look whether the address of {self.vendor} in destinations.yml is that of its API, and no "
                "proxy or login page stands before it.",
            )
        return body

    def _content(self, reply: requests.Response) -> bytes:
        """The body, unpacked, within its bounds."""
        encoding = reply.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise self._lost("came in an encoding that nobody asked for")
        unpack = zlib.decompressobj(47) if encoding not in ("", "identity") else None
        content = bytearray()
        came = False
        try:
            for chunk in reply.raw.stream(CHUNK_BYTES, decode_content=False):
                came = True
                room = self._answer_bytes - len(content) + 1
                content += unpack.decompress(chunk, room) if unpack else chunk
                if len(content) > self._answer_bytes:
                    raise self._lost(f"is larger than {self._answer_bytes:,} bytes")
        except (urllib3.exceptions.HTTPError, OSError, zlib.error) as error:
            late = transport.is_late(error)
            raise self._lost(
                f"did not end within {self._deadline_seconds:.0f} s" if late else "ended too early"
            ) from None
        if unpack and came and not unpack.eof:
            raise self._lost("ended too early")
        if unpack and unpack.unused_data:  # another part, which may refuse what the first takes
            raise self._lost("goes on after its end")
        return bytes(content)

    def _lost(self, why: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(f"{self.vendor}: an answer {why}: nothing counts as taken.")

    def _url(self, path: str) -> str:
        if not path:
            return self._address
        if path.startswith(("http://", "https://")):
            # A page link names the vendor's own host; what counts is what follows it.
            path = "/" + path.split("://", 1)[1].partition("/")[2]
            prefix = "/" + self.base_url.split("://", 1)[1].partition("/")[2]
            if prefix != "/" and path.startswith(prefix):
                path = path[len(prefix) :]
        return self.base_url + path


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait as Retry-After says, given as seconds or as an HTTP date (RFC 9110, 10.2.3); None without one."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        seconds = float(value)
        return (
            max(0.0, seconds) if seconds < float("inf") else None
        )  # nan is no number of seconds either
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=dt.UTC)
        return max(0.0, when.timestamp() - (time.time() if now is None else now))
    except (ValueError, OverflowError):  # a number of it may be beyond what a date can hold
        return None


def vendor_code(body: Any) -> str | None:
    """The vendor's short code in an error's body."""
    return shown_code(body, 0)


def _json(content: bytes) -> Any:
    """The document; None where there is none, or where it says one thing twice (RFC 8259, 4)."""
    try:
        return loads(content, object_pairs_hook=_once) if content.strip() else None
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name occurs twice")
    return document
