"""What a run is about to do, written down in the warehouse before it may send: every key it adds, changes or takes out.

A run that ends on record takes its intents along. One that is killed leaves them: what it acknowledged is known, and the rest of its
intents may have been done or not. That is enough to go on from, on whatever machine and without a file of the run that died.

The identifiers of an intent are those that the request names. A row whose old identifiers are taken out before it is written (members
that are their identifiers) has these too: until the run has acknowledged that they are out, nothing else can be there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync.records import Action
from sync.state.ledger import UNKNOWN

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect

# After every batch of the run that died.
AFTER_ALL = 1_000_000_000


class Intents:
    """SQL over one sync's part of the intents."""

    def __init__(
        self,
        tables: Tables,
        dialect: Dialect,
        *,
        environment: str,
        sync_name: str,
        doubt: Action = Action.ATTEMPT,
        is_shared: bool = False,
    ) -> None:
        """`doubt` is what becomes of one that may have been done: an attempt, or an event that goes again. Where the object `is_shared`,
        another sync may have counted on an intent of which only the journal knew that it had let go: who left is asked about again, or
        each of the two would leave them to the other.
        """
        self._tables = tables
        self._literal = dialect.literal
        self._environment = environment
        self._sync_name = sync_name
        self._doubt = doubt
        undone = [Action.ATTEMPT, Action.OUTDATED]
        if is_shared:
            undone += [Action.REMOVE, Action.FORGET, Action.RELEASE]
        self._undone = ", ".join(self._literal(one) for one in undone)

    def write(self, planned: str, *, run_id: str, definition_hash: str) -> str:
        """The statement that keeps what a run is about to do; `planned` is a query of sync_key, identifiers,
        outdated_identifiers, remote_id.
        """
        names = (self._environment, self._sync_name, run_id, definition_hash)
        environment, sync_name, run, definition = (self._literal(name) for name in names)
        return (
            f"insert into {self._tables.intents} (environment, sync_name, run_id, sync_key, "
            "definition_hash, identifiers, outdated_identifiers, remote_id) "
            f"select {environment}, {sync_name}, {run}, sync_key, {definition}, identifiers, "
            f"outdated_identifiers, remote_id from ({planned}) as planned"
        )

    def count(self, run_ids: Sequence[str]) -> str:
        """A query of one number, `row_count`: how many keys they are."""
        return f"select count(*) as row_count from {self._tables.intents} where {self._of(run_ids)}"

    def drop(self, run_ids: Sequence[str]) -> str:
        """The statement that forgets them: the runs are over, and what they did is acknowledged."""
        return f"delete from {self._tables.intents} where {self._of(run_ids)}"

    def doubt(self, run_ids: Sequence[str], now: dt.datetime) -> str:
        """The statement that acknowledges what runs may have done."""
        return (
            f"insert into {self._tables.acknowledgements} (environment, sync_name, sync_key, action, "
            "row_hash, definition_hash, identifiers, remote_id, run_id, batch_number, acknowledged_at) "
            "select environment, sync_name, sync_key, action, row_hash, definition_hash, identifiers, "
            f"remote_id, run_id, batch_number, acknowledged_at from ({self.doubted(run_ids, now)}) as doubted"
        )

    def doubted(self, run_ids: Sequence[str], now: dt.datetime) -> str:
        """A query of what runs may have done and not acknowledged, as acknowledgements."""
        known = (
            "select run_id, sync_key, "
            f"max(case when action = {self._literal(Action.OUTDATED)} then 1 else 0 end) as is_out, "
            f"max(case when action in ({self._undone}) then 0 else 1 end) as is_done from {self._tables.acknowledgements} "
            f"where {self._of(run_ids)} group by run_id, sync_key"
        )
        return (
            "select intents.environment, intents.sync_name, intents.sync_key, "
            f"{self._literal(self._doubt)} as action, {self._literal(UNKNOWN)} as row_hash, "
            "intents.definition_hash, case when intents.outdated_identifiers is null or known.is_out = 1 "
            "then intents.identifiers else intents.outdated_identifiers end as identifiers, "
            f"intents.remote_id, intents.run_id, {AFTER_ALL} as batch_number, "
            f"{self._literal(now)} as acknowledged_at from {self._tables.intents} as intents "
            f"left join ({known}) as known on known.run_id = intents.run_id "
            f"and known.sync_key = intents.sync_key where {self._of(run_ids, 'intents.')} "
            "and coalesce(known.is_done, 0) = 0"
        )

    def _of(self, run_ids: Sequence[str], prefix: str = "") -> str:
        listed = ", ".join(self._literal(run_id) for run_id in run_ids)
        return (
            f"{prefix}environment = {self._literal(self._environment)} "
            f"and {prefix}sync_name = {self._literal(self._sync_name)} "
            f"and {prefix}run_id in ({listed})"
        )
