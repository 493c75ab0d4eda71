"""What staging could not read of the raw values when it was last built: counts and shapes, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.warehouses.base import Session


@dataclass(frozen=True, slots=True)
class UnreadColumn:
    """One raw column as one model reads it."""

    model: str
    column: str
    values: int  # that were there
    unread: int
    shapes: str  # of what was lost: digits as 9, letters as a
    verdict: str  # read, allowed (below the warning), warned, stopped
    counted_at: str

    @property
    def percent(self) -> float:
        """The share that was lost."""
        return 100 * self.unread / self.values if self.values else 0.0


def unread_columns(session: Session, manifest: Manifest) -> list[UnreadColumn]:
    """Every column that staging counted, the greatest loss first; nothing of models that are gone, or before the first build."""
    table = manifest.source("sync", "unread_values")
    known = {column.name for column in session.columns(table)}
    if not known:
        return []
    verdict = "verdict" if "verdict" in known else "'warned'"  # a table of before, until dbt builds
    rows = session.rows(
        f"select model_name, column_name, value_count, unread_count, shapes, {verdict} as verdict, counted_at from {table}"
    )
    models = {model.name for model in manifest.models()}
    found = [
        UnreadColumn(
            model=str(row["model_name"]),
            column=str(row["column_name"]),
            values=int(row["value_count"]),
            unread=int(row["unread_count"]),
            shapes=str(row["shapes"] or ""),
            verdict=str(row["verdict"]),
            counted_at=str(row["counted_at"]),
        )
        for row in rows
        if row["model_name"] in models
    ]
    return sorted(found, key=lambda one: (-one.percent, one.model, one.column))
