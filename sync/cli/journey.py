"""`sync journey`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sync.audiences import journeys
from sync.audiences.compiled import Compiler
from sync.cli.app import App, Verb, json_option
from sync.cli.audience import compiler, model_path
from sync.config.models import JourneyModel
from sync.errors import SelectionError, closest


@click.group("journey")
def journey() -> None:
    """Ask journeys: where people stand, what the next build does, what an edit changes."""


@journey.command("list", cls=Verb, example="sync journey list")
@json_option
@click.pass_obj
def list_journeys(app: App, as_json: bool) -> int:
    """Show every journey, with how many are inside by the last build."""
    found = []
    with app.warehouse.session() as session:
        for one in app.manifest.journeys():
            counts: dict[str, Any] = {"entered": None, "left": None}
            if session.columns(one.relation):
                counts = session.rows(
                    "select coalesce(sum(case when node_type = 'entry' then 1 else 0 end), 0) as entered, "
                    "coalesce(sum(case when node_type = 'exit' then 1 else 0 end), 0) as gone "
                    f"from {one.relation}"
                )[0]
                counts = {"entered": int(counts["entered"]), "left": int(counts["gone"])}
            found.append({"name": one.name, **counts})
    if as_json:
        app.output.document({"journeys": found})
        return 0
    app.output.table(
        ["journey", "entered", "left"],
        [[one["name"], one["entered"], one["left"]] for one in found],
    )
    return 0


@journey.command("show", cls=Verb, example="sync journey show win_back")
@click.argument("name")
@click.option("--picture", is_flag=True, help="A Mermaid flow chart instead of a table.")
@json_option
@click.pass_obj
def show(app: App, name: str, picture: bool, as_json: bool) -> int:
    """Show the steps of a journey: how many stand before each, passed it, and would pass it in a build now.

    NAME is a journey of the project, as its file is now.
    """
    model = _model(app, name)
    with compiler(app) as dbt:
        compiled = dbt.journey_file(model_path(app, model), model.name)
    with app.warehouse.session() as session:
        found = journeys.show(session, compiled)
    if as_json:
        app.output.document(found)
        return 0
    if picture:
        app.output.text(journeys.picture(found))
        return 0
    output = app.output
    output.text(
        f"{found['journey']}: {found['entered']:,} entered, {found['entering']:,} would now"
    )
    output.text(f"entry: {found['entry']}")
    if found["exit_when"]:
        output.text(f"exit when: {found['exit_when']}")
    output.text()
    output.table(
        ["step", "type", "what", "before it", "passed", "a build now"],
        [
            [
                one["name"],
                one["type"],
                one["words"],
                one["standing"],
                _outcomes(one["passed"]),
                _outcomes(one["next"]),
            ]
            for one in found["steps"]
        ],
    )
    return 0


@journey.command("diff", cls=Verb, example="sync journey diff win_back")
@click.argument("name")
@click.option(
    "--to", "file", type=click.Path(path_type=Path, dir_okay=False), help="The new definition."
)
@json_option
@click.pass_obj
def diff(app: App, name: str, file: Path | None, as_json: bool) -> int:
    """Show who would receive what in a build now because the journey NAME was edited, and who no longer.

    The new definition is that of the model's file now, or of --to FILE; the old one is that of dbt's last build or parse. An edit that the
    build would refuse is refused here with the same words.
    """
    model = _model(app, name)
    with compiler(app) as dbt:
        new = _new(app, dbt, model, file)
        old = dbt.journey(model.definition, model.name)
    with app.warehouse.session() as session:
        found = journeys.diff(session, old, new)
    if as_json:
        app.output.document(found)
        return 0
    moved = [one for one in found["steps"] if one["only_by_the_edit"] or one["no_longer"]]
    if not moved:
        app.output.text(f"{found['journey']}: a build now would do the same by both definitions.")
        return 0
    app.output.table(
        ["step", "type", "outcome", "because of the edit", "no longer", "in any case"],
        [
            [
                one["name"],
                one["type"],
                one["outcome"],
                one["only_by_the_edit"],
                one["no_longer"],
                one["in_any_case"],
            ]
            for one in moved
        ],
    )
    return 0


def _new(app: App, dbt: Compiler, model: JourneyModel, file: Path | None) -> Any:
    return dbt.journey_file(file or model_path(app, model), model.name)


def _outcomes(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())


def _model(app: App, name: str) -> JourneyModel:
    found = {one.name: one for one in app.manifest.journeys()}
    for wanted in (name, f"journey_{name}"):
        if wanted in found:
            return found[wanted]
    near = closest(name if name.startswith("journey_") else f"journey_{name}", found)
    raise SelectionError(
        f"there is no journey '{name}'{near}.",
        hint="sync journey list shows all; a new one wants dbt parse.",
    )
