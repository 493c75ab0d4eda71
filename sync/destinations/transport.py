"""Connections that end: pooled, with the environment's proxies and certificates, each answer with a deadline as a whole.

A timeout of a socket begins anew with each byte, so that a server which gives one every few seconds is never done. Here the time that
is left is what the socket is given for the next one.
"""

from __future__ import annotations

import http
import http.client
import io
import os
import ssl
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sync.errors import DestinationError, MisconfiguredError, TransientError, UnsentError

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0  # without a byte
DEADLINE_SECONDS = 300.0  # from the request to the last byte of its answer


class LateError(TimeoutError):
    """The answer was not all there in time."""


class UnsecuredError(OSError):
    """The connection ended before it was secure, so that no request was on it."""


class _Secure(HTTPSConnection):
    """Tells an end before the first byte of a request from one after it, which sounds the same."""

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            if _is_tls(error):
                raise
            raise UnsecuredError(str(error)) from error


class _Timed(io.RawIOBase):
    """A socket's bytes, until the deadline."""

    def __init__(self, sock: Any, seconds: float) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._socket = sock
        self._ends = time.monotonic() + seconds
        self._pause = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise LateError
        self._socket.settimeout(left if self._pause is None else min(self._pause, left))
        try:
            got: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            if time.monotonic() >= self._ends:
                raise LateError from None
            raise
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reply(http.client.HTTPResponse):
    """Status, headers and body: all of them within the deadline."""

    def __init__(self, sock: Any, *arguments: Any, seconds: float, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock, seconds))

    def _read_status(self) -> tuple[str, int, str]:
        """The next status. One that goes before the answer (103) is passed over as 100 is: taken for the answer, it would leave the
        real one on the connection, for the next request to read as its own. 101 says that what follows is no HTTP.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
            raise http.client.BadStatusLine(str(status))
        is_interim = status < http.HTTPStatus.OK
        return version, http.client.CONTINUE if is_interim else status, reason


class _Session(requests.Session):
    """Looks at no redirect: requests reads its body, without bounds, to tell where the next request would go."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class _Adapter(requests.adapters.HTTPAdapter):
    """Pools whose connections read through `_Reply`, behind a proxy too."""

    def __init__(self, seconds: float) -> None:
        self._pools = _pools(seconds)
        super().__init__(pool_connections=4, pool_maxsize=16)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = self._pools
        return manager


@cache  # making four classes takes longer than all the rest of a session
def _pools(seconds: float) -> dict[str, Any]:
    reply = staticmethod(partial(_Reply, seconds=seconds))
    plain = type("Plain", (HTTPConnection,), {"response_class": reply})
    secure = type("Secure", (_Secure,), {"response_class": reply})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def session(base_url: str, deadline_seconds: float = DEADLINE_SECONDS) -> requests.Session:
    """Pooled, with the environment's proxies and certificates. What it says is read once, and ~/.netrc never: requests lets an
    entry of the host replace the Authorization header (https://requests.readthedocs.io/en/latest/user/authentication/, read 2026-11-27).
    """
    made = _Session()
    made.trust_env = False
    made.proxies = requests.utils.get_environ_proxies(base_url)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    made.verify = bundle or True
    made.headers["Accept-Encoding"] = "gzip, deflate"  # what is unpacked within bounds
    adapter = _Adapter(deadline_seconds)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def failure(vendor: str, method: str, error: BaseException) -> DestinationError:
    """What a request that got no answer means: an address that is none, nobody reached, or an answer that was lost."""
    causes = list(_causes(error))
    said = f"{vendor}: {method} "
    if tls := next((one for one in causes if _is_tls(one)), None):
        reason = getattr(tls, "verify_message", None) or getattr(tls, "reason", None) or "refused"
        if _lacks_authorities(tls):
            reason = "the file of authorities is not there"
        return MisconfiguredError(
            f"{said}was not sent: no secure connection ({reason}).",
            "look at the address in destinations.yml (http or https, its host) and at its certificate; "
            "REQUESTS_CA_BUNDLE names a file of authorities of your own.",
        )
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in causes):
        return UnsentError(
            f"{said}was not sent: the host's name is not known (DNS).",
            f"look at the address of {vendor} in destinations.yml and at the network.",
        )
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        return UnsentError(
            f"{said}was not sent: the connection was refused.",
            f"look at the address of {vendor} in destinations.yml, and whether something listens there.",
        )
    if any(isinstance(one, UnsecuredError) for one in causes) and not _is_tunnel(causes):
        return UnsentError(
            f"{said}was not sent: the connection ended before it was secure.",
            f"look whether the address of {vendor} in destinations.yml is one of https, and at what stands "
            "before it.",
        )
    if any(isinstance(one, urllib3.exceptions.NewConnectionError) for one in causes) or _is_tunnel(
        causes
    ):
        return UnsentError(
            f"{said}was not sent: no connection could be made.",
            f"look at the address of {vendor} in destinations.yml, at the network and at its proxy.",
        )
    if any(
        isinstance(one, requests.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError)
        for one in causes
    ):
        return UnsentError(f"{said}was not sent: no connection within {CONNECT_SECONDS:.0f} s.")
    if isinstance(error, ValueError):  # requests' errors of addresses and headers are ValueErrors
        return MisconfiguredError(
            f"{said}was not sent: an address or a header of it is malformed ({type(error).__name__}).",
            f"look at the address and the credentials of {vendor} in destinations.yml, and at the proxy that the environment "
            "names: one of SOCKS wants pip install pysocks.",
        )
    if any(isinstance(one, TimeoutError | requests.Timeout) for one in causes):
        return TransientError(f"{said}was sent and not answered in time.")
    return TransientError(f"{said}was sent and its answer was lost ({type(error).__name__}).")


def is_late(error: BaseException) -> bool:
    """Whether an answer was too slow."""
    return any(
        isinstance(one, TimeoutError | urllib3.exceptions.ReadTimeoutError)
        for one in _causes(error)
    )


def _is_tls(error: BaseException) -> bool:
    """No secure connection could be made; an end in the midst of one is a lost answer."""
    passing = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError)
    if isinstance(error, ssl.SSLError | ssl.CertificateError) and not isinstance(error, passing):
        return "timed out" not in str(error)
    return _lacks_authorities(error)


def _lacks_authorities(error: BaseException) -> bool:
    return isinstance(error, OSError) and "CA certificate bundle" in str(error)


def _is_tunnel(causes: list[BaseException]) -> bool:
    return any(
        isinstance(one, OSError) and str(one).startswith("Tunnel connection") for one in causes
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from, told in `args` or in `reason`."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        related = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        waiting += [found for found in related if isinstance(found, BaseException)]
