"""`sync check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from sync.audiences.compiled import definition_in
from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.check_data import check_data
from sync.cli.definitions import Mistake, mistakes_said, model_path
from sync.cli.session import chosen_environment, connector
from sync.config.models import Column, SyncDefinition
from sync.config.registry import check_names
from sync.engine.connect import Connector
from sync.engine.plan import capability, gates
from sync.engine.plan.plan import tells_merges
from sync.engine.plan.planner import map_columns
from sync.engine.preflight import check_fields
from sync.engine.scrub import scrub
from sync.errors import HeadwaterError, RefusedError
from sync.state.tables import Tables


@click.command("check", cls=Verb, example="sync check --select destination:hubspot")
@selection_options
@click.option("--sandbox", is_flag=True, help="Try the local stand-ins.")
@click.option(
    "--data",
    is_flag=True,
    help="What of the raw values staging could not read; tries no destination.",
)
@json_option
@click.pass_obj
def check(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    data: bool,
    as_json: bool,
) -> int:
    """Try definitions, tables, modes, credentials, objects and fields of each sync, or with --data what staging reads; send nothing."""
    if data:
        if select or exclude or sandbox:
            raise click.UsageError(
                "--data is about sources: it takes no --select, --exclude, --sandbox."
            )
        return check_data(app, as_json=as_json)
    check_names(app.project)
    definitions = app.syncs(select, exclude)
    found: list[dict[str, Any]] = []
    environment = chosen_environment(sandbox)
    shut = app.why_not_live(environment)
    with connector(app, environment) as connections:
        for definition in definitions:
            connections.declaration(definition.destination)
        columns = _columns(app, definitions)
        for definition in definitions:
            found.append(_check_one(connections, definition, columns))
    wrong = list(mistakes(app))
    if as_json:
        app.output.document(
            {
                "syncs": found,
                "refused": _refused(shut) if shut else None,
                "mistakes": [asdict(one) for one in wrong],
            }
        )
    else:
        app.output.table(
            ["sync", "destination", "API version", "ok", ""],
            [
                [
                    one["name"],
                    one["destination"],
                    one["api_version"],
                    one["ok"],
                    one["message"] or one["reaches"],
                ]
                for one in found
            ],
        )
        for one in found:
            if not one["ok"]:
                app.output.refusal(one["message"], one["hint"])
        for one in found:
            if one["keeps_both"]:
                app.output.text(
                    f"{one['name']}: who is merged into another stays there too: {one['keeps_both']}"
                )
        if shut:
            app.output.refusal(shut.message, shut.hint)
        for told in wrong:
            app.output.text(str(told))
    return 0 if all(one["ok"] for one in found) and not shut and not wrong else 1


def mistakes(app: App) -> Iterator[Mistake]:
    """What dbt found wrong in definitions when it last read the project."""
    for model in app.manifest.wrong():
        path = model_path(app, model)
        found = definition_in(path)
        first = found[1] if found else 1
        for said in model.mistakes:
            yield from mistakes_said(said, model.path, first)


def _refused(error: RefusedError) -> dict[str, Any]:
    return {"reason": error.reason, "message": error.message, "hint": error.hint}


def _columns(app: App, definitions: list[SyncDefinition]) -> dict[str, list[Column]]:
    Tables.of(app.manifest)
    with app.warehouse.session() as session:
        return {
            definition.model.relation: session.columns(definition.model.relation)
            for definition in definitions
        }


def _check_one(
    connections: Connector,
    definition: SyncDefinition,
    columns: dict[str, list[Column]],
) -> dict[str, Any]:
    declaration = connections.declaration(definition.destination)
    answer: dict[str, Any] = {
        "name": definition.name,
        "destination": definition.destination,
        "api_version": declaration.api_version,
        "ok": True,
        "reaches": None,
        "message": None,
        "hint": None,
        "keeps_both": None,
    }
    try:
        gates.check_definitions(definition)
        offered = capability.object_type(definition, declaration)
        if tells_merges(definition):
            answer["keeps_both"] = offered.why_it_keeps_both or None
        found = columns[definition.model.relation]
        mapping = map_columns(definition, [column.name for column in found])
        capability.check_columns(definition, mapping, found, offered)
        connection = connections.connect(definition.destination, definition.object)
        answer["reaches"] = connection.destination.check()
        check_fields(definition, connection, mapping)
    except HeadwaterError as error:
        answer |= {"ok": False, "message": scrub(error.message), "hint": error.hint}
    return answer
