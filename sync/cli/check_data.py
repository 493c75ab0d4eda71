"""`sync check --data`: what of the raw values staging could not read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync.state.unread import UnreadColumn, unread_columns

if TYPE_CHECKING:
    from sync.cli.app import App
    from sync.cli.output import Output


def check_data(app: App, *, as_json: bool) -> int:
    """Show every column of which something was lost; 1 where a loss is above what warns."""
    with app.warehouse.session() as session:
        found = unread_columns(session, app.manifest)
    if as_json:
        columns = [{**dataclasses.asdict(one), "percent": round(one.percent, 3)} for one in found]
        app.output.document({"columns": columns})
    else:
        show_unread(app.output, found)
    return 1 if any(one.verdict in ("warned", "stopped") for one in found) else 0


def show_unread(output: Output, found: Sequence[UnreadColumn]) -> None:
    """A line on all that was counted, and a table of the columns that lost something."""
    lost = [one for one in found if one.unread]
    if not found:
        output.text("Nothing was counted yet: run dbt build.")
        return
    output.text(
        f"{sum(one.values for one in found):,} raw values in {len(found):,} columns: "
        f"{sum(one.unread for one in lost):,} in {len(lost):,} columns could not be read."
    )
    if lost:
        output.table(
            [
                "model",
                "column",
                "values",
                "unread",
                "%",
                "such as (9 a digit, a a letter)",
                "build",
            ],
            [
                [
                    one.model,
                    one.column,
                    one.values,
                    one.unread,
                    f"{one.percent:.1f}",
                    one.shapes,
                    one.verdict,
                ]
                for one in lost
            ],
        )
