"""Whether a run may send still. A process that was stopped does not know it, and somebody may have broken its lease meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sync.engine.push.groups import TRIES
from sync.errors import HeadwaterError, WarehouseError
from sync.state import leases
from sync.state.leases import LEASE_SECONDS, Leases
from sync.warehouses.base import now_utc

if TYPE_CHECKING:
    from sync.engine.retry import Retrier
    from sync.warehouses.base import Warehouse

# Between two requests of a run that is awake there is less, or the vendor is so slow that asking the warehouse is nothing beside it.
SLEPT_SECONDS = 2.0


class LeaseWatch:
    """Asked before each request, by several threads. What was proven within seconds, by a write as by a question, is believed."""

    def __init__(self, warehouse: Warehouse, lease: Leases, *, name: str, retrier: Retrier) -> None:
        self._warehouse = warehouse
        self._lease = lease
        self._name = name
        self._retrier = retrier
        self._believed = warehouse.dialect.lease_believed_seconds
        self._turn = threading.Lock()
        self._seen_at = lease.proven_at  # when this run was awake last

    def check(self) -> None:
        """Return where the lease is ours; the warehouse is asked where nobody has lately, or the process slept.

        Raises:
            HeadwaterError: the process slept beyond its lease, and another may be at it.
            LeaseLostError: another has it, or somebody broke it.
            WarehouseError: nobody can say.
        """
        with self._turn:
            now = leases.instant()
            awake = min(now - self._seen_at, now - self._lease.proven_at) < SLEPT_SECONDS
            if not awake or now - self._lease.proven_at >= self._believed:
                self._ask()
            self._seen_at = leases.instant()

    def _ask(self) -> None:
        if leases.instant() - self._lease.proven_at > LEASE_SECONDS:
            raise HeadwaterError(
                f"sync '{self._name}': its lease has expired.",
                hint="the process was stopped for too long; push again.",
            )
        for attempt in range(1, TRIES + 1):
            try:
                with self._warehouse.session() as session:
                    self._lease.prove(session, now_utc())
                return
            except WarehouseError:
                pause = self._retrier.policy.base_seconds * 2**attempt
                if attempt == TRIES or not self._retrier.pause(pause):
                    raise
