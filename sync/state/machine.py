"""What tells this start of this machine from another."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def boot_id() -> bytes:
    """A line that no other start of a machine has (Linux, random(4)); empty where the system does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    return b""
