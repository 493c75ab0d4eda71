"""Personal data out of texts that others wrote: the last guard before a message is kept or shown."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s\"'<>@,;:]+@[^\s\"'<>@,;:]+\.[^\s\"'<>@,;:]+")
_PHONE = re.compile(r"(?<![\w-])\+?[0-9][0-9 ().-]{7,}[0-9](?![\w-])")
_HASH = re.compile(r"\b[0-9a-f]{64}\b", re.I)
_SECRET = re.compile(r"(?i)\b(bearer|token|key|secret|password|authorization)([=: ]+)[^\s,;\"']+")


def scrub(text: str) -> str:
    """`text` without e-mails, phone numbers, hashed identifiers and secrets, at most 500 characters."""
    text = _EMAIL.sub("[email]", text)
    text = _HASH.sub("[hash]", text)
    text = _PHONE.sub("[phone]", text)
    return _SECRET.sub(r"\1\2[secret]", text)[:500]
