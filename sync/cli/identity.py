"""`sync identity diff`."""

from __future__ import annotations

from typing import Any

import click

from sync.cli.app import App, Verb, json_option
from sync.identity.graph import IdentityGraph
from sync.identity.review import review


@click.group("identity")
def identity() -> None:
    """Review what identity resolution did."""


@identity.command("diff", cls=Verb, example="sync identity diff --entity account")
@click.option("--entity", default="person", show_default=True, help="Which entity.")
@click.option(
    "--builds", default=1, show_default=True, type=click.IntRange(1), help="How many builds back."
)
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(1), help="Rows of each list."
)
@click.option("--show-values", is_flag=True, help="Print shared values unmasked.")
@json_option
@click.pass_obj
def diff(app: App, entity: str, builds: int, top: int, show_values: bool, as_json: bool) -> int:
    """Show what the last build that changed anything did: merged, split, created, retired; the largest; the most shared."""
    with app.warehouse.session() as session:
        graph = IdentityGraph(session, app.warehouse.dialect, app.manifest, entity)
        result = review(graph, session, runs=builds, top=top, show_values=show_values)
    if as_json:
        app.output.document(result)
    else:
        _show(app, result)
    return 0


def _show(app: App, result: dict[str, Any]) -> None:
    output = app.output
    share = result["changed_percent"]
    told = f", {share} % of those before changed" if share is not None else ""
    output.text(
        f"{result['entity']}: {result['ids_before']:,} ids before, {result['ids_now']:,} now{told}"
    )
    output.text()
    output.table(["event", "ids"], [[event, count] for event, count in result["events"].items()])
    output.text()
    output.table(
        ["largest", "records"],
        [[one["entity_id"], one["record_count"]] for one in result["largest"]],
    )
    output.text()
    output.table(
        ["most shared", "value", "records", "links nobody because"],
        [
            [one["identifier_type"], one["value"], one["records"], one["dropped_reason"]]
            for one in result["most_shared"]
        ],
    )
