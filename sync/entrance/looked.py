"""What a look at a column found: shares of its rows, no value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sync.records import Kind

ENOUGH = 0.5  # of the filled values are valid: then the column is what it looks like


@dataclass(frozen=True, slots=True)
class Looked:
    """A column, and shares of its rows."""

    name: str
    kind: Kind
    filled: float
    distinct: float  # of the filled rows
    email: float = 0.0
    phone: float = 0.0
    named_phone: float = 0.0
    host: float = 0.0


def told(column: str) -> str:
    """A column in YAML; in quotes of its own where its name is none that SQL reads by itself."""
    return column if re.fullmatch(r"[a-z_][a-z0-9_]*", column) else f"'\"{column}\"'"


def pair(name: str, column: str) -> str:
    """An identifier or attribute and its column; one word where both are the same."""
    return name if name == column else f"{{{name}: {told(column)}}}"
