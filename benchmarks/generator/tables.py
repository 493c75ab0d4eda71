"""What a source hands over: its raw tables, and whom each record is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.generator.noise import Numbers, Rng, Texts, chance, texts
from benchmarks.generator.people import DAY, END


@dataclass(frozen=True, slots=True)
class Source:
    """Raw tables by name, and the truth about their records."""

    schema: str
    tables: dict[str, pd.DataFrame]
    truth: list[pd.DataFrame]


def truth(
    source_name: str,
    record_ids: Texts,
    *,
    who: Numbers | None = None,
    company: Numbers | None = None,
) -> pd.DataFrame:
    """Which person and which company each record is."""
    return pd.DataFrame(
        {
            "source_name": source_name,
            "source_record_id": record_ids,
            "person": _names("p", who, len(record_ids)),
            "account": _names("c", company, len(record_ids)),
        }
    )


def _names(letter: str, numbers: Numbers | None, count: int) -> Texts:
    """p1, p2, ...; nothing for -1."""
    if numbers is None:
        return texts([None] * count)
    return texts([f"{letter}{number + 1}" if number >= 0 else None for number in numbers])


def instants(seconds: Numbers) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Seconds since 1970 as UTC timestamps, written YYYY-MM-DD HH:MM:SS."""
    return seconds.astype("datetime64[s]")


def iso_instants(seconds: Numbers) -> Texts:
    """Seconds since 1970 as 2026-11-22T10:00:00Z."""
    return texts(
        np.datetime_as_string(seconds.astype("datetime64[s]"), timezone="UTC").astype(object)
    )


def spread(rng: Rng, since: Numbers, until: int = END) -> Numbers:
    """One instant after each of `since`, before `until`."""
    return since + (rng.random(len(since)) * np.maximum(until - 120 - since, 1)).astype(np.int64)


def exported_again(
    rng: Rng, table: pd.DataFrame, loaded_at: str, share: float = 0.015
) -> pd.DataFrame:
    """The table with some rows delivered a second time, a day later."""
    again = table[chance(rng, len(table), share)].copy()
    day_later = again[loaded_at] + np.timedelta64(DAY, "s")
    again[loaded_at] = np.minimum(day_later, np.datetime64(END - 60, "s"))
    return pd.concat([table, again], ignore_index=True)
