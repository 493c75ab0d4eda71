"""How all syncs stand at one moment, by one statement each: what a plan of many asks of the state tables but for what they hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

Rows = list[dict[str, Any]]


def dbt_failures(session: Session, tables: Tables) -> Rows:
    """What dbt could not build: unique_id, status, failed_at."""
    return session.rows(f"select unique_id, status, failed_at from {tables.dbt_failures}")


@dataclass(frozen=True, slots=True)
class Standing:
    """Read once: by plans that are shown, and by a push where nobody else can have come between."""

    unfinished: Mapping[str, list[str]]  # sync id -> runs that never ended, oldest first
    quarantined: frozenset[str]  # ids of syncs that have a row set aside
    dbt_failures: Rows

    @classmethod
    def read(
        cls, session: Session, tables: Tables, dialect: Dialect, *, environment: str
    ) -> Standing:
        """As the state tables have it now.

        Raises:
            WarehouseError: the warehouse refuses a query.
        """
        ours = f"environment = {dialect.literal(environment)}"
        unfinished: dict[str, list[str]] = defaultdict(list)
        for row in session.rows(
            f"select sync_name, run_id from {tables.runs} where {ours} and command = 'push' and status = 'running' "
            "order by started_at, run_id"
        ):
            unfinished[row["sync_name"]].append(row["run_id"])
        quarantined = session.rows(
            f"select distinct sync_name from {tables.failures} where {ours} and quarantined"
        )
        return cls(
            dict(unfinished),
            frozenset(row["sync_name"] for row in quarantined),
            dbt_failures(session, tables),
        )
