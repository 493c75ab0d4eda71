"""`sync migrate`."""

from __future__ import annotations

import click

from sync.cli.app import App, Verb, agreed
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.engine.account import located_for_plan
from sync.engine.migrate import KEEP, START_OVER, Migration
from sync.engine.plan import capability
from sync.engine.plan.plan import plan_sync


@click.command("migrate", cls=Verb, example="sync migrate klaviyo_lapsed_buyers --keep")
@click.argument("sync")
@click.option("--keep", is_flag=True, help="What was sent counts as sent where it is sent now.")
@click.option("--start-over", is_flag=True, help="Send every row; what was sent stays elsewhere.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sandbox", is_flag=True, help="The sandbox's state.")
@click.pass_obj
def migrate(app: App, sync: str, keep: bool, start_over: bool, yes: bool, sandbox: bool) -> int:
    """Say what becomes of rows that SYNC sent to another account or object, or under another key, than it has now.

    Without a choice it says what there is to choose. Nothing is sent; the next push goes by it.
    """
    if keep and start_over:
        raise click.UsageError("--keep and --start-over exclude each other: give one.")
    environment = chosen_environment(sandbox)
    definition, shared = app.sync(sync), planning(app, environment)
    shared.places.load(app.warehouse)
    with connector(app, environment, start=False) as connections:
        definition = located_for_plan(definition, connections, shared.places)
        declaration = connections.declaration(definition.destination)
        with app.warehouse.session() as session:
            planned = plan_sync(
                shared,
                session,
                definition,
                hashed=declaration.hashed,
                offered=capability.object_type(definition, declaration),
            )
    migration = Migration(shared, definition, planned.plan)
    if not migration.is_due:
        app.output.note(f"{sync}: what it sent is where it sends now; there is nothing to migrate.")
        return 0
    for where, count in planned.plan.elsewhere:
        app.output.text(f"{sync} has {count:,} rows in {where}.")
    for former, count in planned.plan.abandoned:
        app.output.text(f"'{former}', which no exposure defines any more, has {count:,} rows here.")
    flags = {KEEP: "--keep", START_OVER: "--start-over"}
    choices = migration.choices()
    if not (keep or start_over):
        for choice, words in choices.items():
            app.output.text(f"{flags[choice]}: {words}.")
        if planned.plan.abandoned and not planned.plan.elsewhere:
            former = planned.plan.abandoned[0][0]
            app.output.text(f"Or say `id: {former}` in its `sync:`: it is that one, renamed.")
        return 0
    choice = KEEP if keep else START_OVER
    if choice in choices and not agreed(f"{flags[choice]}: {choices[choice]}. Go on?", yes=yes):
        app.output.note(f"{sync}: nothing was changed.")
        return 1
    app.output.note(f"{sync}: {migration.run(choice)}.")
    return 0
