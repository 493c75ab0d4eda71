"""Values as they may be printed."""

from __future__ import annotations


def mask(identifier_type: str, value: str | None, *, show: bool) -> str | None:
    """A value as it may be printed: enough to recognise it, not enough to use it."""
    if value is None or show:
        return value
    if identifier_type == "email" and "@" in value:
        local, _, domain = value.partition("@")
        return f"{local[:1]}***@{domain[:1]}***"
    return f"{value[:2]}***{value[-2:]}" if len(value) > 6 else "***"
