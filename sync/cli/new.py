"""`sync new`."""

from __future__ import annotations

import click

from sync.cli.app import App, Verb, json_option
from sync.entrance.files import Act
from sync.entrance.kinds import KINDS, Asked, Team, nearest_kind, plan_new


@click.command("new", cls=Verb, example="headwater new audience lapsed_buyers")
@click.argument("kind", metavar=f"[{'|'.join(KINDS)}]")
@click.argument("name")
@click.option("--audience", metavar="NAME", help="Who enters a journey, or goes into a sync.")
@click.option("--table", metavar="NAME", help="Table of a source; customers unless told.")
@click.option("--schema", metavar="NAME", help="Schema of a source's tables; raw_NAME unless told.")
@json_option
@click.pass_obj
def new(
    app: App,
    kind: str,
    name: str,
    audience: str | None,
    table: str | None,
    schema: str | None,
    as_json: bool,
) -> int:
    """Write a working source, identifier, trait, event, audience, journey or sync.

    The model, its description and its name in the registry: it builds as it stands, and is yours to change. A file that is there is
    never written over. The name of a sync is destination__object.
    """
    if kind not in KINDS:
        raise click.UsageError(nearest_kind(kind))
    team = Team(app.project_dir)
    plan_new(team, kind, Asked(name, audience, table, schema))
    team.changes.write()
    if as_json:
        app.output.document({"steps": [step.document() for step in team.changes.steps]})
        return 0
    for step in team.changes.steps:
        verb = {Act.WRITE: "wrote", Act.ADD: "added to", Act.KEEP: "kept"}.get(step.act, "by hand")
        app.output.text(f"{verb:<9} {step.path}: {step.what}")
        for line in step.text.splitlines():
            app.output.text(f"            {line}")
    return 0
