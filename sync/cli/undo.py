"""`sync undo`."""

from __future__ import annotations

import click

from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.engine.account import located_for_plan
from sync.engine.undo import Undone, syncs_of
from sync.engine.undo import undone as undo_one


@click.command("undo", cls=Verb, example="sync undo 20261129-173646-004895-c451a2")
@click.argument("run_id", metavar="RUN")
@selection_options
@click.option("--sandbox", is_flag=True, help="A run of the sandbox.")
@json_option
@click.pass_obj
def undo(
    app: App,
    run_id: str,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    as_json: bool,
) -> int:
    """Show the exact reverse of a run, and what of it has none; send nothing.

    RUN is an id that sync push --json, sync status or sync history shows. `sync push --undo RUN` does it, through the gates of every push.
    """
    environment = chosen_environment(sandbox)
    shared = planning(app, environment)
    shared.places.load(app.warehouse)
    definitions = syncs_of(shared, app.syncs(select, exclude), run_id)
    found: list[Undone] = []
    with app.warehouse.keep_open(), connector(app, environment, start=False) as connections:
        for definition in definitions:
            there = located_for_plan(definition, connections, shared.places)
            declaration = connections.declaration(definition.destination)
            found.append(undo_one(shared, there, declaration, run_id))
    if as_json:
        app.output.document(
            {
                "run_id": run_id,
                "syncs": [
                    {"name": one.name, "remove": one.remove, "add": one.add, "cannot": one.cannot}
                    for one in found
                ],
            }
        )
        return 0
    app.output.table(
        ["sync", "take out", "put in", "without a reverse"],
        [
            [
                one.name,
                one.remove,
                one.add,
                "; ".join(f"{count:,} {why}" for why, count in one.cannot.items()),
            ]
            for one in found
        ],
    )
    if any(one.remove or one.add for one in found):
        app.output.note(
            f"sync push --undo {run_id} does it, through its gates; who is in the table comes back with the push after."
        )
    return 0
