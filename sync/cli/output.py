"""The only printer: results on stdout, everything else on stderr, colour only where somebody looks."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from sync.engine.scrub import scrub
from sync.errors import ConfigError, HeadwaterError, SelectionError

if TYPE_CHECKING:
    import click
    from rich.console import Console

SCHEMA_VERSION = 1
_LOUD = frozenset(
    {
        "batch_failed",
        "not_acknowledged",
        "not_recorded",
        "quarantined",
        "recovered",
        "gates_skipped",
        "removals_allowed",
        "additions_allowed",
        "events_allowed",
        "changes_allowed",
        "alert_failed",
        "metrics_not_sent",
    }
)


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
        """Something worth knowing that is not the result; where it cannot be written, what is being done goes on."""
        with suppress(OSError):
            _say(sys.stderr, message)

    def log(self, event: str, facts: dict[str, Any]) -> None:
        """A log line on stderr: JSON when asked for; as text only what a person would act on."""
        facts = {
            name: scrub(fact) if name == "message" and isinstance(fact, str) else fact
            for name, fact in facts.items()
        }
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
        self.note(f"{self._red('Error:')} {scrub(message)}")
        if hint:
            self.note(f"Hint:  {hint}")

    def trace(self, error: BaseException) -> None:
        """A traceback, for --debug: where each error came from, and what ours say. What others say may quote data, and is left out."""
        self.note("".join(_traced(traceback.TracebackException.from_exception(error), error)))

    def error(self, error: HeadwaterError, *, debug: bool = False) -> None:
        """What happened and the next step."""
        if debug:
            self.trace(error)
        self.note(f"{self._red('Error:')} {_said(error)}")
        if error.hint:
            self.note(f"Hint:  {error.hint}")

    def usage(self, error: click.ClickException) -> None:
        """A wrong command line, in click's own words."""
        error.show(file=sys.stderr)

    def bug(self, error: BaseException, *, debug: bool = False) -> None:
        """An error nobody foresaw. Its text may quote data, so only its kind and place are shown."""
        if debug:
            self.trace(error)
            return
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
        self.note(f"{self._red('Error:')} unexpected {type(error).__name__}{place}.")
        self.note("Hint:  run again with --debug for the traceback.")

    def _write(self, text: str) -> None:
        with suppress(BrokenPipeError):  # `sync list | head`
            _say(sys.stdout, text)

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


def _say(stream: TextIO, line: str) -> None:
    """One line; a reader who has left hears no more, also when Python writes out what is left at its end."""
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def _traced(trace: traceback.TracebackException, error: BaseException) -> Iterator[str]:
    """The lines of a traceback and of what caused it, oldest first, as Python prints them but for the texts."""
    cause, why = trace.__cause__, "The above exception was the direct cause of the following:"
    before: BaseException | None = error.__cause__
    if cause is None and trace.__context__ is not None and not trace.__suppress_context__:
        cause, before = trace.__context__, error.__context__
        why = "During handling of the above exception, another occurred:"
    if cause is not None and before is not None:
        yield from _traced(cause, before)
        yield f"\n{why}\n\n"
    yield "Traceback (most recent call last):\n"
    yield from trace.stack.format()
    said = f": {_said(error)}" if isinstance(error, HeadwaterError) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{said}\n"


def _said(error: HeadwaterError) -> str:
    """What is wrong with a file or a command line is told with what stands there: no row is quoted in it."""
    is_ours = isinstance(error, ConfigError | SelectionError)
    return error.message if is_ours else scrub(error.message)


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
