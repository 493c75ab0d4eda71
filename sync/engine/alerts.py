"""One hook that is told when a sync's state changes: it broke, or it works again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sync.engine.scrub import scrub

if TYPE_CHECKING:
    from sync.config.destinations import AlertConfig
    from sync.engine.context import SyncResult

GOOD = frozenset({"success", "skipped"})


def changes(results: Sequence[SyncResult]) -> list[dict[str, Any]]:
    """The syncs whose state is another than after their last run. A first run that succeeds is no news."""
    found = []
    for result in results:
        before = result.previous_status
        if result.status == "skipped" or result.interrupted:
            continue
        is_good = result.status in GOOD
        if is_good == (before is None or before in GOOD):
            continue
        found.append(
            {
                "sync": result.name,
                "status": result.status,
                "previous_status": before,
                "recovered": is_good,
                "failed": result.failed,
                "message": scrub(result.message or ""),
            }
        )
    return found


def tell_changes(
    config: AlertConfig,
    results: Sequence[SyncResult],
    *,
    run_id: str,
    log: Callable[..., None],
    post: Callable[[str, dict[str, Any]], int] | None = None,
) -> int:
    """Post what changed, one request a run; returns how many changes were told. A hook that fails never fails the run."""
    found = changes(results)
    if not found:
        return 0
    if config.type == "slack":
        body: dict[str, Any] = {"text": "\n".join(_line(change) for change in found)}
    else:
        body = {"schema_version": 1, "run_id": run_id, "changes": found}
    try:
        status = (post or _post)(config.url, body)
    except Exception as error:
        log("alert_failed", error=type(error).__name__)
        return 0
    if not 200 <= status < 300:
        log("alert_failed", status=status)
        return 0
    return len(found)


def _line(change: dict[str, Any]) -> str:
    if change["recovered"]:
        return f":white_check_mark: {change['sync']} works again."
    return f":x: {change['sync']} is {change['status']}. {change['message']}".rstrip()


def _post(url: str, body: dict[str, Any]) -> int:
    import requests

    return requests.post(url, json=body, timeout=10, allow_redirects=False).status_code
