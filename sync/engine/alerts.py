"""Whoever asked for it is told when a sync's state changes: it broke, it works again, it does not come any more, it is unlike its last
runs. Once per change, which the table of runs remembers when it arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync.engine.scrub import scrub
from sync.errors import RefusedError

if TYPE_CHECKING:
    from sync.config.destinations import AlertConfig
    from sync.engine.context import SyncResult

GOOD = frozenset({"success", "skipped"})
SUCCEEDED = frozenset({"spike", "drop", "slow"})  # worth a look
UNUSUAL = SUCCEEDED | {"failures"}  # `sync status` says so, and no push
Post = Callable[[str, str, Any], int]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one sync, and what it was before."""

    sync: str
    status: str
    previous_status: str | None
    message: str = ""
    failed: int = 0

    @property
    def recovered(self) -> bool:
        """Whether it is good news."""
        return self.status in GOOD

    def document(self) -> dict[str, Any]:
        """As a webhook gets it."""
        return {
            "sync": self.sync,
            "status": self.status,
            "previous_status": self.previous_status,
            "recovered": self.recovered,
            "failed": self.failed,
            "message": self.message,
        }

    def line(self) -> str:
        """As a person reads it."""
        if self.recovered:
            again = "is as usual again" if self.previous_status in UNUSUAL else "works again"
            return f":white_check_mark: {self.sync} {again}."
        if self.status in UNUSUAL:
            return f":warning: {self.sync}: {self.status}. {self.message}".rstrip()
        said = self.message or (f"{self.failed:,} rows failed." if self.failed else "")
        return f":x: {self.sync} is {self.status}. {said}".rstrip()


def changes(
    results: Sequence[SyncResult], told: Mapping[str, str | None] | None = None
) -> list[Change]:
    """The syncs whose state is another than what was `told` of them last, or, where nothing was, than after their last run: one that was
    partial and fails now is news too. A first run that succeeds is none.
    """
    found = []
    for result in results:
        before = (told or {}).get(result.name) or result.previous_status
        if result.status == "skipped" or result.interrupted or _is_under_way(result):
            continue
        if _as_a_push_ends(result.status) == _as_a_push_ends(before):
            continue
        message = scrub(result.message or "")
        found.append(Change(result.name, result.status, before, message, result.failed))
    return found


def _is_under_way(result: SyncResult) -> bool:
    """Another push of it is not over yet, and says how it ended; one that never does is `died`."""
    return isinstance(result.error, RefusedError) and result.error.reason == "running"


def _as_a_push_ends(state: str | None) -> str:
    if state is None or state in GOOD | SUCCEEDED:
        return "success"
    return "partial" if state == "failures" else state


def tell(
    receivers: Sequence[AlertConfig],
    found: Sequence[Change],
    *,
    owners: Mapping[str, Sequence[str]],
    run_id: str,
    log: Callable[..., None],
    post: Post | None = None,
) -> set[str]:
    """Tell each receiver what changed of the syncs it hears of, in one message; returns the syncs whose news did not reach everybody.

    `owners` by sync. A receiver that fails is logged, and fails neither the run nor the others.
    """
    missed: set[str] = set()
    for receiver in receivers:
        heard = [one for one in found if receiver.hears(owners.get(one.sync, ()))]
        if not heard:
            continue
        try:
            status = (post or _post)(receiver.type, receiver.url, _body(receiver, heard, run_id))
        except Exception as error:
            log("alert_failed", receiver=receiver.type, error=type(error).__name__)
            missed |= {one.sync for one in heard}
            continue
        if not 200 <= status < 300:
            log("alert_failed", receiver=receiver.type, status=status)
            missed |= {one.sync for one in heard}
    return missed


def _body(receiver: AlertConfig, heard: Sequence[Change], run_id: str) -> Any:
    if receiver.type == "webhook":
        return {"schema_version": 1, "run_id": run_id, "changes": [one.document() for one in heard]}
    text = "\n".join(one.line() for one in heard)
    return {"text": text} if receiver.type == "slack" else text


def _post(kind: str, url: str, body: Any) -> int:
    if kind == "apprise":
        import apprise

        told = apprise.Apprise()
        is_known = told.add(url)
        return 200 if is_known and told.notify(title="Headwater", body=body) else 400
    import requests

    # What it answers beside its status is not waited for: it may never end.
    with requests.post(url, json=body, timeout=10, allow_redirects=False, stream=True) as answer:
        return answer.status_code
