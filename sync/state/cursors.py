"""How far each destination's results have been read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session


class Cursors:
    """One instant per destination: every result before it has been pulled."""

    def __init__(self, tables: Tables, dialect: Dialect, *, environment: str) -> None:
        self._table = tables.cursors
        self._literal = dialect.literal
        self._environment = environment

    def read(self, session: Session, destination: str) -> dt.datetime | None:
        """The instant, or None where nothing was pulled yet."""
        rows = session.rows(
            f"select max(cursor_at) as cursor_at from {self._table} where {self._of(destination)}"
        )
        found = rows[0]["cursor_at"] if rows else None
        return found if isinstance(found, dt.datetime) else None

    def moved(self, destination: str, cursor_at: dt.datetime, now: dt.datetime) -> list[str]:
        """Statements that set the instant."""
        values = ", ".join(
            self._literal(value) for value in (self._environment, destination, cursor_at, now)
        )
        return [
            f"delete from {self._table} where {self._of(destination)}",
            f"insert into {self._table} (environment, destination, cursor_at, updated_at) "
            f"values ({values})",
        ]

    def _of(self, destination: str) -> str:
        return (
            f"environment = {self._literal(self._environment)} "
            f"and destination = {self._literal(destination)}"
        )
