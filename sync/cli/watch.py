"""How a run is watched: progress bars on a terminal, log lines otherwise."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sync.cli.output import Output
from sync.engine.context import SyncResult, Watcher

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class CommandWatcher(Watcher):
    """Draws a bar per sync with rate and time left where somebody looks, and writes log lines."""

    def __init__(self, output: Output, *, run_id: str, debug: bool = False) -> None:
        self._output = output
        self._run_id = run_id
        self._debug = debug
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> CommandWatcher:
        if sys.stderr.isatty() and not self._output.logs_json:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def planned(self, name: str, rows: int) -> None:
        self.log("planned", sync=name, rows=rows)
        if self._progress is not None:
            with self._lock:
                self._tasks[name] = self._progress.add_task(name, total=rows, rate="")

    def advanced(self, name: str, rows: int) -> None:
        if self._progress is not None and name in self._tasks:
            task = self._tasks[name]
            self._progress.advance(task, rows)
            speed = self._progress.tasks[task].speed
            self._progress.update(task, rate=f"{speed:,.0f} rows/s" if speed else "")

    def ended(self, result: SyncResult) -> None:
        self.log(
            "ended",
            sync=result.name,
            status=result.status,
            added=result.added,
            changed=result.changed,
            removed=result.removed,
            failed=result.failed,
            seconds=round(result.seconds, 2),
        )

    def log(self, event: str, **facts: Any) -> None:
        self._output.log(event, {"run_id": self._run_id, **facts})

    def bug(self, error: BaseException) -> None:
        if self._debug:
            self._output.trace(error)
