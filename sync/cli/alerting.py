"""What `push`, `pull` and `status --alert` share: whoever asked for it is told, and what arrived is remembered in the table of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync.cli.app import App
from sync.config.models import SyncDefinition
from sync.engine.alerts import Change, tell
from sync.errors import WarehouseError
from sync.state.runs import PULL_OF, RunLog
from sync.state.tables import Tables
from sync.warehouses.base import Session, now_utc


@dataclass(frozen=True, slots=True)
class Subject:
    """What has a state that is told: a sync, or the results of a destination. `log_name` is its name in the table of runs."""

    name: str
    log_name: str
    mode: str
    owners: tuple[str, ...]

    @staticmethod
    def of(definitions: Iterable[SyncDefinition]) -> list[Subject]:
        """Each sync."""
        return [
            Subject(one.name, one.sync_id, one.mode.value, tuple(one.owners)) for one in definitions
        ]

    @staticmethod
    def of_pulls(definitions: Iterable[SyncDefinition]) -> list[Subject]:
        """The results of each destination, of which all hear whose syncs go there."""
        owners: dict[str, list[str]] = {}
        for one in definitions:
            owners.setdefault(one.destination, []).extend(one.owners)
        return [
            Subject(pull_name(destination), f"{PULL_OF}{destination}", "pull", tuple(names))
            for destination, names in owners.items()
        ]


def pull_name(destination: str) -> str:
    """How an alert calls the results of a destination."""
    return f"pull of {destination}"


class Alerts:
    """The receivers of destinations.yml, and what they were told of each subject; only of live runs."""

    def __init__(
        self,
        app: App,
        subjects: Iterable[Subject],
        *,
        run_id: str,
        log: Callable[..., None],
    ) -> None:
        self._app = app
        self._receivers = app.destinations.alerts()
        self._subjects = {one.name: one for one in subjects}
        self._run_id = run_id
        self._log = log

    def told(self) -> dict[str, str | None]:
        """What was told of each last; nothing where nobody hears, or the warehouse cannot say."""
        if not self._receivers:
            return {}
        try:
            with self._app.warehouse.session() as session:
                return {name: self._log_of(name).last_told(session) for name in self._subjects}
        except WarehouseError as error:
            self._log("alerts_not_read", message=error.message)
            return {}

    def tell(self, found: Sequence[Change]) -> None:
        """Tell what changed. What does not reach everybody who hears of it is not remembered, so that it is told again: where nothing was
        told before, what it was before is, since the run that is on record has the new state.
        """
        if not self._receivers or not found:
            return
        owners: Mapping[str, Sequence[str]] = {
            name: one.owners for name, one in self._subjects.items()
        }
        missed = tell(self._receivers, found, owners=owners, run_id=self._run_id, log=self._log)
        try:
            with self._app.warehouse.session(write=True) as session:
                for change in found:
                    if change.sync not in missed:
                        self._remember(session, change, change.status)
                    elif self._log_of(change.sync).last_told(session) is None:
                        self._remember(session, change, change.previous_status or "success")
        except WarehouseError as error:  # it is told again, which is better than never
            self._log("alerts_not_recorded", message=error.message)

    def _remember(self, session: Session, change: Change, status: str) -> None:
        self._log_of(change.sync).note(
            session,
            command="alert",
            mode=self._subjects[change.sync].mode,
            now=now_utc(),
            status=status,
        )

    def _log_of(self, name: str) -> RunLog:
        return RunLog(
            Tables.of(self._app.manifest),
            self._app.warehouse.dialect,
            environment="live",
            sync_name=self._subjects[name].log_name,
            run_id=self._run_id,
        )
