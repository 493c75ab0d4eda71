"""Filters of amplitude.yml."""

from __future__ import annotations


def mapping_host(value: object) -> str:
    """Where users are mapped, of the region that events go to: `api2.amplitude.com` takes events alone."""
    return str(value).replace("api2.", "api.", 1)
