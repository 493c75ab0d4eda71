"""A scheduled command that cannot begin (no manifest, a wrong setting, a warehouse that does not open) knows no sync whose state it could
tell. So whoever is told of syncs is told of the command itself: once, and again when it works.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sync import private
from sync.cli.app import App
from sync.cli.session import chosen_environment
from sync.engine.alerts import Change, tell
from sync.engine.context import new_run_id
from sync.engine.scrub import scrub
from sync.errors import HeadwaterError, UnexpectedError


@contextmanager
def alarmed(app: App, command: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Within, `sync <command>` does its work, or raises and is told of; what it says of syncs is its own business."""
    name = f"sync {command}"
    try:
        yield
    except (click.Abort, click.exceptions.Exit, click.ClickException):  # of the person who typed it
        raise
    except Exception as error:
        with suppress(Exception):  # the error itself is what counts
            _tell_failure(app, name, error, options)
        raise
    with suppress(Exception):
        _tell_recovery(app, name, options)


def _tell_failure(app: App, name: str, error: Exception, options: Mapping[str, Any]) -> None:
    if not _is_heard(app, options):
        return
    told = error if isinstance(error, HeadwaterError) else UnexpectedError.of(name, error)
    file = _file(app, name)
    if file.exists():
        return
    if _tell(app, Change(name, "failed", "success", scrub(told.message))):
        private.make_folder(file.parent, below=app.project.private)
        with private.open_file(file) as opened:
            opened.write(json.dumps({"message": scrub(told.message)}).encode())


def _tell_recovery(app: App, name: str, options: Mapping[str, Any]) -> None:
    file = _file(app, name)
    if file.exists() and _is_heard(app, options) and _tell(app, Change(name, "success", "failed")):
        file.unlink()


def _is_heard(app: App, options: Mapping[str, Any]) -> bool:
    """Nobody hears of the sandbox, of what would only be tried, or of a machine that may not go live."""
    from sync.config.live import check_listed

    if options.get("dry_run") or not options.get("alert", True):
        return False
    if chosen_environment(bool(options.get("sandbox"))) != "live":
        return False
    check_listed(app.project, app.target)
    return True


def _tell(app: App, change: Change) -> bool:
    """Whether everybody heard it, whosever syncs they ask for."""
    receivers = [replace(one, owners=()) for one in app.destinations.alerts()]
    missed = tell(
        receivers,
        [change],
        owners={},
        run_id=new_run_id(),
        log=lambda event, **facts: app.output.log(event, facts),
    )
    return bool(receivers) and not missed


def _file(app: App, name: str) -> Path:
    """There while the command does not work, as far as anybody was told."""
    return app.project.private / "alarms" / f"{name.replace(' ', '_')}.json"
