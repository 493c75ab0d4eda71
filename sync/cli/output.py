"""The only printer: results on stdout, everything else on stderr, colour only where somebody looks."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sync.errors import HeadwaterError

if TYPE_CHECKING:
    import click
    from rich.console import Console

SCHEMA_VERSION = 1
_LOUD = frozenset(
    {"batch_failed", "not_acknowledged", "not_recorded", "quarantined", "recovered",
     "gates_skipped", "removals_allowed", "left_elsewhere", "alert_failed"}
)  # fmt: skip


class Output:
    """Writes text tables, JSON documents, notes and errors."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self.logs_json = False
        self.debug = False

    def document(self, content: dict[str, Any]) -> None:
        """One JSON document on stdout."""
        document = {"schema_version": SCHEMA_VERSION, **content}
        self._write(json.dumps(document, ensure_ascii=False, default=str))

    def text(self, line: str = "") -> None:
        """A line of the result, on stdout."""
        self._write(line)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table on stdout: boxed and coloured on a terminal, plain aligned columns in a pipe."""
        cells = [["" if cell is None else _plain(cell) for cell in row] for row in rows]
        numeric = [
            bool(rows) and all(_is_number(row[index]) for row in rows)
            for index in range(len(headings))
        ]
        if sys.stdout.isatty():
            self._rich_table(headings, cells, numeric)
            return
        widths = [
            max([len(heading), *(len(row[index]) for row in cells)])
            for index, heading in enumerate(headings)
        ]
        for row in [list(headings), *cells]:
            aligned = [
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            ]
            self._write("  ".join(aligned).rstrip())

    def note(self, message: str) -> None:
        """Something worth knowing that is not the result."""
        print(message, file=sys.stderr, flush=True)

    def log(self, event: str, facts: dict[str, Any]) -> None:
        """A log line on stderr: JSON when asked for; as text only what a person would act on."""
        if self.logs_json:
            at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            self.note(json.dumps({"at": at, "event": event, **facts}, default=str))
        elif event in _LOUD:
            told = ", ".join(
                f"{key} {value}" for key, value in facts.items() if key not in ("run_id", "sync")
            )
            self.note(f"{facts.get('sync', 'sync')}: {event.replace('_', ' ')} ({told})")

    def refusal(self, message: str, hint: str | None) -> None:
        """Why one sync of several did not succeed."""
        self.note(f"{self._red('Error:')} {message}")
        if hint:
            self.note(f"Hint:  {hint}")

    def trace(self, error: BaseException) -> None:
        """A traceback, for --debug."""
        traceback.print_exception(error, file=sys.stderr)

    def error(self, error: HeadwaterError, *, debug: bool = False) -> None:
        """What happened and the next step."""
        if debug:
            traceback.print_exception(error, file=sys.stderr)
        self.note(f"{self._red('Error:')} {error.message}")
        if error.hint:
            self.note(f"Hint:  {error.hint}")

    def usage(self, error: click.ClickException) -> None:
        """A wrong command line, in click's own words."""
        error.show(file=sys.stderr)

    def bug(self, error: BaseException, *, debug: bool = False) -> None:
        """An error nobody foresaw. Its text may quote data, so only its kind and place are shown without --debug."""
        if debug:
            traceback.print_exception(error, file=sys.stderr)
            return
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
        self.note(f"{self._red('Error:')} unexpected {type(error).__name__}{place}.")
        self.note("Hint:  run again with --debug for the traceback; it may quote data.")

    def _write(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def _red(self, text: str) -> str:
        if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[31m{text}\x1b[0m"

    def _rich_table(
        self, headings: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]
    ) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        self._console = self._console or Console()
        table = Table(box=box.SIMPLE_HEAD)
        for heading, right in zip(headings, numeric, strict=True):
            table.add_column(heading, justify="right" if right else "left")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)
