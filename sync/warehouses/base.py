"""What the engine needs of a warehouse: a scoped session, Arrow in and out, and a few words of dialect.

The SQL that the engine writes is the same text everywhere; what differs is in `Dialect`. A session is short: it plans, or it
writes what was acknowledged; nothing is sent while one is open.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sync.config.models import Column
from sync.records import Proof

if TYPE_CHECKING:
    from sync.arrow import pa

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Words that differ between warehouses."""

    name: str
    string: str = "text"
    timestamp: str = "timestamp"
    escapes_backslash: bool = False
    upper_case: bool = False  # unquoted names are stored in upper case
    quote: str = '"'
    md5_of: str = "md5({0})"  # of a text, as hex
    sha256_of: str = "sha256({0})"  # of a text, as hex
    fingerprint_of: str = "bit_xor(hash({0}))"
    counted_as: str = "{0}"  # what a count of distinct texts counts: a hash, where that is cheaper
    compared_as: str = "{0}"  # what tells two hashes of rows apart: less of them, where a join is the cheaper for it
    json_text_of: str = "json_extract_string({0}, '$.{1}')"
    json_quoted_of: str = "cast(to_json({0}) as varchar)"  # of a text, as JSON has it
    matches_of: str = "regexp_matches({0}, {1})"
    one_writer: bool = False  # while a session may write, nobody else does
    # For how long, and up to how many, acknowledgements gather before they are written.
    group_seconds: float = 1.0
    group_rows: int = 50_000
    lease_believed_seconds: float = (
        2.0  # for how long a run that sends need not ask whether its lease is its own
    )

    def literal(self, value: str | int | float | bool | dt.datetime | None) -> str:
        """A constant. Timestamps are UTC without zone."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return repr(value)
        if isinstance(value, dt.datetime):
            text = value.strftime("%Y-%m-%d %H:%M:%S.%f")
            return f"cast('{text}' as {self.timestamp})"
        if self.escapes_backslash:
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
            return f"'{escaped}'"
        return "'" + value.replace("'", "''") + "'"

    def inserting(self, relation: str, rows: Sequence[Row]) -> str:
        """The statement that inserts a few rows, which have the same columns; others are null."""
        columns = ", ".join(rows[0])
        values = ", ".join(
            f"({', '.join(self.literal(value) for value in row.values())})" for row in rows
        )
        return f"insert into {relation} ({columns}) values {values}"

    def column(self, name: str) -> str:
        """A column's name, quoted: a model may name a column like a keyword."""
        stored = name.upper() if self.upper_case else name
        return f"{self.quote}{stored}{self.quote}"

    def fingerprint(self, expression: str) -> str:
        """Aggregate, text: differs when the set of strings differs, whatever their order."""
        return self.text(self.fingerprint_of.format(expression))

    def json_text(self, expression: str, name: str) -> str:
        """Text of one member of a JSON object that is kept as text; null when it is absent."""
        return self.json_text_of.format(expression, name)

    def json_object(self, members: Mapping[str, str]) -> str:
        """Texts by name as one JSON object, as text: names sorted, nulls left out; null without any."""
        if not members:
            return self.text("null")
        parts = []
        for name, expression in sorted(members.items()):
            named = self.literal(f', "{name}": ')
            quoted = self.json_quoted_of.format(expression)
            parts.append(f"case when {expression} is null then '' else {named} || {quoted} end")
        return f"'{{' || nullif(substr({' || '.join(parts)}, 3), '') || '}}'"

    def matches(self, expression: str, pattern: str) -> str:
        """Whether a text is as the pattern says, which begins with ^, ends with $ and has no backslash."""
        return self.matches_of.format(expression, self.literal(pattern))

    def count_distinct(self, expression: str) -> str:
        """Aggregate: how many different texts; rarely one less than there are, where hashes are counted."""
        return f"count(distinct {self.counted_as.format(expression)})"

    def text(self, expression: str) -> str:
        """`expression` as a string."""
        return f"cast({expression} as {self.string})"


class Session(Protocol):
    """One open connection. Column names are in lower case whatever the warehouse shows."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Every row of a small result.

        Raises:
            WarehouseError: the warehouse refused the query.
        """

    def stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """A result of any size, a bounded number of rows at a time."""

    def keep(self, name: str, query: str) -> str | None:
        """The relation `name`, of the rows of a query that is read more than once: kept until the session ends, or keeps another of that
        name; None where asking again costs less.
        """

    def columns(self, relation: str) -> list[Column]:
        """Columns of a relation, in order; none when it does not exist."""

    def execute(self, *statements: str) -> None:
        """Run statements, all or none."""

    def append(self, relation: str, rows: pa.Table) -> None:
        """Insert rows, all or none; columns are matched by name."""

    def merge(self, relation: str, rows: pa.Table, *, keys: Sequence[str]) -> None:
        """Insert rows, replacing those with the same keys, all or none. `rows` are unique by `keys`."""

    def while_alone(self, name: str, read: Callable[[], T]) -> T | None:
        """What `read` gave when it was asked for `name` first, as long as nobody else could have written since; None where others may
        write at any time. What this process itself wrote since does not show.
        """

    def transaction(self, *, proof: Proof | None = None) -> AbstractContextManager[None]:
        """Make what is written inside one unit; what is read inside may be as it was before.

        Raises:
            UnprovenError: it found none; nothing is written.
        """


class Sample(Protocol):
    """Rows of some people in memory, so that a question about all of them is answered at once."""

    total: int
    people: int

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The answer of a query over them."""


Sampler = Callable[[str, str, int], Sample]


class Warehouse(Protocol):
    """Where the activation tables and the ledger are."""

    dialect: Dialect

    def session(self, *, write: bool = False) -> AbstractContextManager[Session]:
        """A connection for the length of a `with`.

        Raises:
            WarehouseLockedError: another process holds the file for too long.
            WarehouseError: it cannot be reached.
        """

    def sampler(self) -> Sampler | None:
        """What draws a sample of a relation (its key, how many people); None where the warehouse is not on this machine."""

    def at_ease(self) -> None:
        """From here on questions are asked for which a person waits, and nothing is sent: they may take much of the machine."""

    def keep_open(self) -> AbstractContextManager[None]:
        """Within, what a session opened may stay open for the next one that follows soon."""

    def let_go(self) -> AbstractContextManager[None]:
        """Within, it does not, whatever `keep_open` says: something slow is being done between sessions."""

    def heed(self, stop: threading.Event) -> None:
        """Wait for nobody much longer once `stop` is set."""

    def close(self) -> None:
        """Let go of whatever is kept between sessions."""


def now_utc() -> dt.datetime:
    """The instant, UTC without zone: what every timestamp in the warehouse is."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
