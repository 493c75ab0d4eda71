"""What `push` and `status --alert` share: whoever asked for it is told, and what arrived is remembered in the table of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sync.cli.app import App
from sync.config.models import SyncDefinition
from sync.engine.alerts import Change, tell
from sync.errors import WarehouseError
from sync.state.runs import RunLog
from sync.state.tables import Tables
from sync.warehouses.base import Session, now_utc


class Alerts:
    """The receivers of destinations.yml, and what they were told of each sync; only of live runs."""

    def __init__(
        self,
        app: App,
        definitions: Iterable[SyncDefinition],
        *,
        run_id: str,
        log: Callable[..., None],
    ) -> None:
        self._app = app
        self._receivers = app.destinations.alerts()
        self._definitions = {one.name: one for one in definitions}
        self._run_id = run_id
        self._log = log

    def told(self) -> dict[str, str | None]:
        """What was told of each sync last; nothing where nobody hears, or the warehouse cannot say."""
        if not self._receivers:
            return {}
        try:
            with self._app.warehouse.session() as session:
                return {name: self._log_of(name).last_told(session) for name in self._definitions}
        except WarehouseError as error:
            self._log("alerts_not_read", message=error.message)
            return {}

    def tell(self, found: Sequence[Change]) -> None:
        """Tell what changed. What does not reach everybody who hears of it is not remembered, so that it is told again."""
        if not self._receivers or not found:
            return
        owners: Mapping[str, Sequence[str]] = {
            name: one.owners for name, one in self._definitions.items()
        }
        missed = tell(self._receivers, found, owners=owners, run_id=self._run_id, log=self._log)
        try:
            with self._app.warehouse.session(write=True) as session:
                for change in found:
                    if change.sync not in missed:
                        self._remember(session, change)
        except WarehouseError as error:  # it is told again, which is better than never
            self._log("alerts_not_recorded", message=error.message)

    def _remember(self, session: Session, change: Change) -> None:
        self._log_of(change.sync).note(
            session,
            command="alert",
            mode=self._definitions[change.sync].mode.value,
            now=now_utc(),
            status=change.status,
        )

    def _log_of(self, name: str) -> RunLog:
        return RunLog(
            Tables.of(self._app.manifest),
            self._app.warehouse.dialect,
            environment="live",
            sync_name=self._definitions[name].sync_id,
            run_id=self._run_id,
        )
