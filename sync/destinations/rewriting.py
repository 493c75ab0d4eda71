"""A file that was written here, once more without some rows: row by row, so that a table of any size takes bounded memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator
from typing import IO, Any

KEYS = ("key", "_key")  # the columns of `files` that name a row
FORMATS = (".csv", ".jsonl", ".parquet")
ROWS = 10_000  # of a Parquet file at once
csv.field_size_limit(2**31 - 1)  # what was written is read, however long a text is


def without(kind: str, given: IO[bytes], stream: IO[bytes], keys: Collection[str]) -> int:
    """Copy a file of that format to `stream` without the rows whose key is one of `keys`; how many those were."""
    return {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet}[kind](
        given, stream, frozenset(keys)
    )


def _csv(given: IO[bytes], stream: IO[bytes], keys: frozenset[str]) -> int:
    out = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    places, found = [], 0
    for number, text in enumerate(_rows(io.TextIOWrapper(given, encoding="utf-8", newline=""))):
        line = next(csv.reader(io.StringIO(text, newline="")), [])
        if number == 0:
            places = [place for place, name in enumerate(line) if name in KEYS]
        # A key that a spreadsheet would run has an apostrophe before it.
        elif any(line[place] in keys or line[place].removeprefix("'") in keys for place in places):
            found += 1
            continue
        out.write(text)
    out.detach()
    return found


def _rows(lines: Iterable[str]) -> Iterator[str]:
    """The rows of a CSV as they are written: a line ends one where no quotes are open."""
    row = ""
    for line in lines:
        row += line
        if row.count('"') % 2 == 0:
            yield row
            row = ""
    if row:
        yield row


def _json_lines(given: IO[bytes], stream: IO[bytes], keys: frozenset[str]) -> int:
    found = 0
    for line in given:
        row = json.loads(line)
        if any(row.get(name) in keys for name in KEYS):
            found += 1
        else:
            stream.write(line)
    return found


def _parquet(given: IO[bytes], stream: IO[bytes], keys: frozenset[str]) -> int:
    import pyarrow.parquet as pq

    from sync.arrow import pa, pc

    file, found = pq.ParquetFile(given), 0
    names = [name for name in KEYS if name in file.schema_arrow.names]
    with pq.ParquetWriter(stream, file.schema_arrow) as writer:
        for batch in file.iter_batches(ROWS):
            kept: Any = batch
            for name in names:
                gone = pc.is_in(kept.column(name), value_set=pa.array(sorted(keys), pa.string()))
                kept = kept.filter(pc.invert(gone))
            found += batch.num_rows - kept.num_rows
            writer.write_batch(kept)
    return found
