"""HTTP for destinations: one session, one place where a vendor's status becomes an error of ours.

Bodies are never logged and never quoted in an error: a vendor may echo what it was sent. What an error keeps of an answer
is the vendor's own code (a short word), found by the destination that knows where it stands.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from sync.errors import AuthError, RateLimitedError, RejectedError, TransientError

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0

Limiter = Callable[[str], None]  # waits for its turn in a rate group


def _no_limit(_group: str) -> None:
    return None


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
        session: requests.Session | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.vendor = vendor
        self.limiter = limiter
        self.requests_sent = 0
        self._headers = dict(headers or {})
        self._auth = auth or dict
        self._session = session or _session(self.base_url)

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        group: str = "default",
        missing_ok: bool = False,
    ) -> Any:
        """Body of a GET as JSON; None for 404 when `missing_ok`."""
        return self.request("GET", path, params=params, group=group, missing_ok=missing_ok)

    def post(self, path: str, body: Any = None, *, group: str = "default", **options: Any) -> Any:
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
    ) -> Any:
        """Send one request and return its JSON body (None when empty).

        `path` may be a whole URL of the same vendor, as in a link to the next page.

        Raises:
            AuthError: 401 or 403.
            RateLimitedError: 429, with the seconds of Retry-After.
            TransientError: 408, 5xx, a timeout or a dropped connection: the request may have been taken.
            RejectedError: any other 4xx.
        """
        url = self._url(path)
        self.limiter(group)
        self.requests_sent += 1
        try:
            answer = self._session.request(
                method,
                url,
                json=json,
                data=data,
                params=params,
                headers={**self._headers, **self._auth(), **(headers or {})},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
        except requests.RequestException as error:
            raise TransientError(
                f"{self.vendor}: no answer to {method} ({type(error).__name__})."
            ) from None
        if answer.status_code == 404 and missing_ok:
            return None
        if answer.status_code >= 400:
            raise self._error(method, answer)
        return _json(answer)

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            # A page link names the vendor's own host; what counts is what follows it.
            path = "/" + path.split("://", 1)[1].partition("/")[2]
            prefix = "/" + self.base_url.split("://", 1)[1].partition("/")[2]
            if prefix != "/" and path.startswith(prefix):
                path = path[len(prefix) :]
        return self.base_url + path

    def _error(self, method: str, answer: requests.Response) -> Exception:
        status = answer.status_code
        code = vendor_code(_json(answer))
        said = f"{self.vendor}: {method} answered {status}" + (f" ({code})." if code else ".")
        if status in (401, 403):
            return AuthError(said, f"look at the credentials of {self.vendor} in destinations.yml.")
        if status == 429:
            return RateLimitedError(said, retry_after_seconds=retry_after(answer.headers))
        if status == 408 or status >= 500:
            return TransientError(said, retry_after_seconds=retry_after(answer.headers))
        return RejectedError(said)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait as Retry-After says, given as seconds or as an HTTP date (RFC 9110, 10.2.3); None without one."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, when.timestamp() - (time.time() if now is None else now))


def vendor_code(body: Any) -> str | None:
    """The vendor's short code in an error's body, where it is a word and not a sentence that may quote the request."""
    found = body
    if isinstance(found, dict):
        errors = found.get("errors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            found = errors[0]
        elif isinstance(found.get("error"), dict):
            found = found["error"]
    if not isinstance(found, dict):
        return None
    for name in ("code", "category", "status", "type"):
        value = found.get(name)
        if isinstance(value, int) or (
            isinstance(value, str) and value.replace("_", "").isalnum() and len(value) <= 60
        ):
            return str(value)
    return None


def _json(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return None


def _session(base_url: str) -> requests.Session:
    """Pooled, with the environment's proxies and certificates. What it says is read once, and ~/.netrc never: requests lets an
    entry of the host replace the Authorization header (https://requests.readthedocs.io/en/latest/user/authentication/, read 2026-11-27).
    """
    session = requests.Session()
    session.trust_env = False
    session.proxies = requests.utils.get_environ_proxies(base_url)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    session.verify = bundle or True
    adapter = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=16)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
