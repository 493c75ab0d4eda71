"""Access tokens that are renewed, for vendors whose tokens live an hour: by a refresh token (RFC 6749, section 6), or by the client's
own credentials (section 4.4).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from pydantic import SecretStr

from sync.destinations.answers import Answer
from sync.destinations.http import HttpClient
from sync.errors import AuthError, RejectedError

TOKEN = Answer(fields=(("access_token", str),))  # RFC 6749, 5.1
EARLY_SECONDS = (
    120.0  # renewed this long before it ends, so that no request in flight meets the end
)


class RefreshedToken:
    """The Authorization header of now. Safe to call from several threads."""

    def __init__(
        self,
        http: HttpClient,
        *,
        client_id: str,
        client_secret: SecretStr,
        refresh_token: SecretStr | None = None,
        scope: str | None = None,
        seconds: float = 3600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._scope = scope
        self._seconds = seconds  # how long a token lives, where the answer does not say
        self._clock = clock
        self._lock = threading.Lock()
        self._header: dict[str, str] = {}
        self._ends_at = float("-inf")

    def __call__(self) -> Mapping[str, str]:
        """Headers that authorise a request.

        Raises:
            AuthError: the refresh token is no longer taken.
            TransientError: the token endpoint does not answer.
        """
        with self._lock:
            if self._clock() >= self._ends_at - EARLY_SECONDS:
                self._renew()
            return dict(self._header)

    def _renew(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.get_secret_value(),
        }
        if self._refresh_token is not None:
            form["grant_type"] = "refresh_token"
            form["refresh_token"] = self._refresh_token.get_secret_value()
        if self._scope is not None:
            form["scope"] = self._scope
        try:
            answer = self._http.request(
                "POST",
                "",
                data=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                answer=TOKEN,
            )
        except RejectedError as error:
            what = "refresh token is" if self._refresh_token is not None else "client's secret is"
            name = "refresh_token" if self._refresh_token is not None else "client_secret"
            raise AuthError(
                f"{self._http.vendor}: the {what} not taken.",
                f"make a new one and set {name} in destinations.yml.",
            ) from error
        self._header = {"Authorization": f"Bearer {answer['access_token']}"}
        self._ends_at = self._clock() + float(answer.get("expires_in", self._seconds))
