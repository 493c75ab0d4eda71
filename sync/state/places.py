"""Where each sync's rows are: the account that its destination's settings reached, the object there, and the key that names a row.

A new line is written whenever one of them is another, so the table is small and read as a whole, once per command. From it is known,
without asking a vendor, which account settings reach that were used before, where rows were sent that are not sent there any more, and
which syncs fill one object.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from sync.config.models import SyncDefinition
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session, Warehouse


@dataclass(frozen=True, slots=True)
class Place:
    """One line: `place` is `SyncDefinition.place`, `connection` names the settings without holding them."""

    sync_id: str
    destination: str
    place: str
    account: str
    object: str
    key: str
    connection: str

    @classmethod
    def of(cls, definition: SyncDefinition, connection: str = "") -> Place:
        """Where `definition` sends, whose account is known."""
        kind, name = definition.object.kind, definition.object.name
        return cls(
            sync_id=definition.sync_id,
            destination=definition.destination,
            place=definition.place,
            account=definition.account,
            object=f"{kind} '{name}'" if name else kind,
            key=", ".join(definition.key),
            connection=connection,
        )

    @property
    def filled(self) -> str:
        """`SyncDefinition.filled` of that place."""
        return self.place.partition("-")[0]

    def __str__(self) -> str:
        return f"{self.object} of account {self.account or self.destination} under {self.key}"


class Places:
    """The lines of one environment. Safe to use from several threads."""

    def __init__(self, tables: Tables, dialect: Dialect, *, environment: str) -> None:
        self._tables = tables
        self._dialect = dialect
        self._literal = dialect.literal
        self._environment = environment
        self._turn = threading.Lock()
        self._is_loaded = False
        self._lines: list[Place] = []
        self._latest: dict[str, Place] = {}  # sync id -> its last line
        self._fillers: dict[str, set[str]] = defaultdict(set)  # what is filled -> sync ids
        self._learnt: dict[str, str] = {}  # settings -> account, asked in this run

    def load(self, warehouse: Warehouse) -> None:
        """Read what is known, once.

        Raises:
            WarehouseError: it cannot be read.
        """
        with self._turn:
            if self._is_loaded:
                return
            with warehouse.session() as session:
                rows = session.rows(
                    "select sync_name, destination, place, account, object, key_columns, connection "
                    f"from {self._tables.places} "
                    f"where environment = {self._literal(self._environment)} order by seen_at"
                )
            for row in rows:
                self._add(Place(*row.values()))
            self._is_loaded = True

    def keep(self, session: Session, place: Place, now: dt.datetime) -> None:
        """Write `place` down where it is not the last line of its sync."""
        if self.last(place.sync_id) == place:
            return
        row = {
            "environment": self._environment,
            "sync_name": place.sync_id,
            "destination": place.destination,
            "place": place.place,
            "account": place.account,
            "object": place.object,
            "key_columns": place.key,
            "connection": place.connection,
            "seen_at": now,
        }
        session.execute(self._dialect.inserting(self._tables.places, [row]))
        with self._turn:
            self._add(place)

    def _add(self, line: Place) -> None:
        self._lines.append(line)
        self._latest[line.sync_id] = line
        self._fillers[line.filled].add(line.sync_id)

    def learn(self, connection: str, account: str) -> None:
        """The vendor was asked; the next sync with these settings need not."""
        with self._turn:
            self._learnt[connection] = account

    def account_of(self, connection: str) -> str | None:
        """The account that these settings reached before."""
        with self._turn:
            if connection in self._learnt:
                return self._learnt[connection]
        before = self._last(lambda line: line.connection == connection)
        return before.account if before else None

    def last_account(self, destination: str) -> str | None:
        """The account that the destination of that name reached last."""
        before = self._last(lambda line: line.destination == destination)
        return before.account if before else None

    def last(self, sync_id: str) -> Place | None:
        """The last line of a sync."""
        with self._turn:
            return self._latest.get(sync_id)

    def described(self, sync_id: str, place: str) -> Place | None:
        """The line that says where `place` of this sync is."""
        return self._last(lambda line: line.sync_id == sync_id and line.place == place)

    def others(self, definition: SyncDefinition, known: Collection[str]) -> list[str]:
        """Ids of other syncs, of those that are `known`, that fill the same object."""
        return sorted(self._filling(definition) & set(known))

    def gone(self, definition: SyncDefinition, known: Collection[str]) -> list[str]:
        """Ids of syncs, of which none is `known` any more, that filled the same object."""
        return sorted(self._filling(definition) - set(known))

    def _filling(self, definition: SyncDefinition) -> set[str]:
        with self._turn:
            return self._fillers.get(definition.filled, set()) - {definition.sync_id}

    def _last(self, is_meant: Callable[[Place], bool]) -> Place | None:
        with self._turn:
            return next(filter(is_meant, reversed(self._lines)), None)
