"""The instant a stand-in takes as now: HEADWATER_AS_OF where it is set, so that a demo on old data gets results in its own time."""

from __future__ import annotations

import datetime as dt
import hashlib
import os

# Share of messages that come to each end, per thousand.
DELIVERED, OPENED, CLICKED, BOUNCED, UNSUBSCRIBED = 970, 450, 160, 20, 8


def now() -> dt.datetime:
    """UTC without zone."""
    given = os.environ.get("HEADWATER_AS_OF")
    if given:
        return dt.datetime.fromisoformat(given)
    return dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)


def iso(instant: dt.datetime) -> str:
    """An instant as vendors write it: UTC, ISO 8601, with a Z."""
    return instant.replace(tzinfo=None).isoformat(timespec="seconds") + "+00:00"


def draw(name: str, what: str) -> int:
    """0 to 999, the same for the same words for ever."""
    return int(hashlib.sha256(f"{what}|{name}".encode()).hexdigest()[:8], 16) % 1000


def outcomes(message_id: str, sent_at: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """(kind, instant) of what becomes of one message: delivered or bounced within minutes, opened within two days."""
    if draw(message_id, "bounced") < BOUNCED:
        return [("bounced", sent_at + dt.timedelta(minutes=1))]
    found = []
    if draw(message_id, "delivered") < DELIVERED:
        found.append(("delivered", sent_at + dt.timedelta(minutes=2)))
        opened_at = sent_at + dt.timedelta(minutes=10 + draw(message_id, "when") * 2)
        if draw(message_id, "opened") < OPENED:
            found.append(("opened", opened_at))
            if draw(message_id, "clicked") < CLICKED * 1000 // OPENED:
                found.append(("clicked", opened_at + dt.timedelta(minutes=1)))
            if draw(message_id, "unsubscribed") < UNSUBSCRIBED * 1000 // OPENED:
                found.append(("unsubscribed", opened_at + dt.timedelta(minutes=3)))
    return found
