"""Filters of meta_conversions.yml."""

from __future__ import annotations


def limited(value: object) -> list[str]:
    """How Meta is told that it may use an event's data only in part (LDU), or that it may use all."""
    return ["LDU"] if value is True or str(value).lower() == "true" else []
