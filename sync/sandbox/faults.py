"""Faults a stand-in can be asked for, drawn from a seed so that a run can be repeated."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence

from sync.errors import ConfigError

KINDS = {
    "429": "too many requests, with Retry-After",
    "500": "refused before anything was taken",
    "500_after_commit": "taken, then answered 500",
    "reset": "taken, then the connection drops in the middle of the answer",
    "half_answer": "taken, then half a document, whole in its length",
    "redirect": "302, and nothing taken",
    "login_page": "200 with a page, and nothing taken",
    "other_json": "200 with a document of another form, and nothing taken",
    "slow": "a slow answer",
    "refuse_rows": "one row of a batch in two is refused",
    "job_failed": "an asynchronous job fails as a whole",
    "token_expired": "401",
    "limit_by_code": "too many requests, by the vendor's own code and status",
    "token_by_code": "an expired token, the same way",
    "terms_by_code": "terms that nobody has accepted, the same way",
    "unknown_property": "HubSpot takes only properties that it has or that were made, and so do declared vendors that tell which they have",
}


class Faults:
    """Says which fault, if any, the next request meets. `shares` are 0 to 1 per kind."""

    def __init__(self, shares: Mapping[str, float] | None = None, *, seed: int = 0) -> None:
        self.shares = dict(shares or {})
        self._random = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, texts: Sequence[str], *, seed: int = 0) -> Faults:
        """Faults from `--fault KIND:SHARE` options.

        Raises:
            ConfigError: an unknown kind, or a share that is not a number from 0 to 1.
        """
        shares = {}
        for text in texts:
            kind, _, share = text.partition(":")
            try:
                shares[kind] = float(share or "0.1")
            except ValueError:
                shares[kind] = -1
            if kind not in KINDS or not 0 <= shares[kind] <= 1:
                raise ConfigError(
                    f"--fault {text}: want KIND:SHARE with a share from 0 to 1.",
                    f"kinds are {', '.join(KINDS)}.",
                )
        return cls(shares, seed=seed)

    def draw(self, *kinds: str) -> str | None:
        """One of `kinds`, or None."""
        with self._lock:
            for kind in kinds:
                if self.shares.get(kind) and self._random.random() < self.shares[kind]:
                    return kind
        return None
