"""What Klaviyo's own metrics mean: every name in use, for each channel.

Accounts differ by age and by what they have switched on, so one thing has several names. Read 2026-11-28: help.klaviyo.com/hc/en-us/
articles/360036974872 (e-mail metrics: Unsubscribed, Unsubscribed from List, Dropped Email), .../24263920096027 (a profile that a person
or Klaviyo suppresses: Manually Suppressed from Email Marketing), developers.klaviyo.com/en/reference/webhooks_api_overview (consent
events; topics are named after metrics), and the metrics of accounts and connectors in public repositories (Unsubscribed from Email
Marketing, Unsubscribed from SMS Marketing, Clicked email to unsubscribe). Case and blanks are not the same everywhere.

A bounce suppresses for good, so that one whose property Bounce Type says soft is kept as `other`. A text that could not be delivered
once may be delivered next time: Failed to Deliver SMS is no bounce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sync.records import OTHER

# Metric -> kind and channel. `other`: kept, and counted by nothing.
METRICS: dict[str, tuple[str, str | None]] = {
    "received email": ("delivered", "email"),
    "opened email": ("opened", "email"),
    "clicked email": ("clicked", "email"),
    "bounced email": ("bounced", "email"),
    "marked email as spam": ("complained", "email"),
    "unsubscribed": ("unsubscribed", "email"),
    "unsubscribed from email": ("unsubscribed", "email"),
    "unsubscribed from email marketing": ("unsubscribed", "email"),
    "unsubscribed from list": ("unsubscribed", "email"),
    "manually suppressed from email marketing": ("unsubscribed", "email"),
    "received sms": ("delivered", "sms"),
    "clicked sms": ("clicked", "sms"),
    "unsubscribed from sms": ("unsubscribed", "sms"),
    "unsubscribed from sms marketing": ("unsubscribed", "sms"),
    "manually suppressed from sms marketing": ("unsubscribed", "sms"),
    "received push": ("delivered", "push"),
    "opened push": ("opened", "push"),
    "unsubscribed from push": ("unsubscribed", "push"),
    "unsubscribed from push marketing": ("unsubscribed", "push"),
}
# Words of an opt-out under a name that nobody has listed yet: stopping too much is mended, a lost refusal is not.
REFUSAL = re.compile(
    r"\b(un-?subscri\w+|opt(s|ed|ing)?[ -]?outs?|revo(ked?|cation)|suppress(ed|ion))\b"
)
CHANNELS = (
    ("sms", re.compile(r"\b(sms|mms|text|whatsapp)\b")),
    ("push", re.compile(r"\bpush\b")),
    ("email", re.compile(r"\be-?mail\b")),
)


def meaning(name: str, integration: str | None) -> tuple[str, str | None] | None:
    """Kind and channel of a metric; None for one that is not about messages, as an order of a shop is not.

    `integration` is the name of what records it: a metric of Klaviyo's own that means nothing to us is kept as `other`. One that a
    shop or an API records is left alone unless its name is that of an opt-out.
    """
    plain = " ".join(name.lower().split())
    if known := METRICS.get(plain):
        return known
    channel = next((one for one, word in CHANNELS if word.search(plain)), None)
    if REFUSAL.search(plain) and not plain.startswith(("clicked", "manually unsuppressed")):
        return "unsubscribed", channel
    if integration is None or integration.lower() == "klaviyo":
        return OTHER, channel
    return None


def is_soft(kind: str, properties: Mapping[str, Any]) -> bool:
    """Whether a bounce says of itself that it passes; one that says nothing counts as one for good."""
    return kind == "bounced" and str(properties.get("Bounce Type") or "").lower().startswith("soft")
