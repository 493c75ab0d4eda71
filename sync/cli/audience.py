"""`sync audience`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sync.audiences import answers, sampled
from sync.audiences.compiled import Compiled, Compiler
from sync.cli.app import App, Verb, json_option
from sync.cli.definitions import compiler, model_named, model_path
from sync.config.models import AudienceModel
from sync.errors import ConfigError, HeadwaterError, SelectionError

if TYPE_CHECKING:
    from sync.warehouses.base import Sample, Sampler, Session

_MANY = {"person": "people", "account": "companies"}


@click.group("audience")
@click.pass_obj
def audience(app: App) -> None:
    """Ask audiences: why, why not, how many, what an edit changes."""
    app.asks = True


@audience.command("list", cls=Verb, example="sync audience list")
@json_option
@click.pass_obj
def list_audiences(app: App, as_json: bool) -> int:
    """Show every audience with its size as the last build left it."""
    found = []
    with app.warehouse.session() as session:
        for one in app.manifest.audiences():
            found.append({
                "name": one.name, "entity": one.entity, "members": _size(session, one, False),
                "held_out": _size(session, one, True), "is_definition": one.definition is not None,
                "description": one.description.partition(" **")[0],
            })  # fmt: skip
    if as_json:
        app.output.document({"audiences": found})
        return 0
    app.output.table(
        ["audience", "of", "members", "held out", "description"],
        [
            [
                one["name"],
                _MANY.get(str(one["entity"]), one["entity"]),
                "not built" if one["members"] is None else one["members"],
                one["held_out"],
                one["description"],
            ]
            for one in found
        ],
    )
    return 0


@audience.command("why", cls=Verb, example="sync audience why anna@example.com lapsed_buyers")
@click.argument("who")
@click.argument("name")
@json_option
@click.pass_obj
def why(app: App, who: str, name: str, as_json: bool) -> int:
    """Say why WHO is in the audience NAME or is not: each condition, and those that alone would bring them in.

    WHO is an id, old or new, or a value that a person is known by. NAME is an audience or a file. It is asked of the data as it is now.
    """
    names = {model.name.removeprefix("audience_") for model in app.manifest.audiences()}
    if who.removeprefix("audience_") in names and name.removeprefix("audience_") not in names:
        raise SelectionError(
            f"'{who}' is an audience, and stands where the person is asked for.",
            hint=f"the person comes first: sync audience why {name} {who}",
        )
    with compiler(app) as dbt:
        compiled = _compiled(app, dbt, name)
    with app.warehouse.session() as session:
        ids = _ids(app, session, who) if compiled.entity == "person" else [who]
        found = answers.why(session, app.warehouse.dialect, compiled, ids)
    if found["entity_id"] is None:
        raise SelectionError(
            f"nobody known by that is among the {_MANY.get(compiled.entity, compiled.entity)} of the last build.",
            hint="name an id of profiles, or an e-mail or number as it is in profile_identifiers.",
        )
    if as_json:
        app.output.document(found)
        return 0
    _show_why(app, found)
    return 0


def _show_why(app: App, found: dict[str, Any]) -> None:
    verdict = "is in" if found["is_member"] else "is not in"
    held = ", held out" if found["is_holdout"] else ""
    app.output.text(f"{found['entity_id']} {verdict} {found['audience']}{held}.")
    app.output.text(found["sentence"])
    app.output.text()
    app.output.table(
        ["holds", "condition", "where", ""],
        [
            [
                "yes" if one["passes"] else "no",
                one["words"],
                one["path"],
                "alone keeps them out" if one["alone"] else "",
            ]
            for one in found["conditions"]
        ],
    )
    if found["left_out_by"] in ("sample", "limit"):
        app.output.text()
        app.output.text(
            f"Every condition that must hold does; the {found['left_out_by']} leaves them out."
        )


@audience.command("preview", cls=Verb, example="sync audience preview lapsed_buyers")
@click.argument("name")
@click.option(
    "--watch",
    is_flag=True,
    help="Go on, with a new answer whenever the file is saved; by a sample.",
)
@json_option
@click.pass_obj
def preview(app: App, name: str, watch: bool, as_json: bool) -> int:
    """Show whom an audience would hold now: size, consent, reach, what each condition keeps and drops, ten members, masked.

    NAME is an audience of the project, as its file is now, or a file: a model (.sql), or a definition alone (.yml). Nothing is built.
    """
    if watch:
        return _watch(app, name, as_json)
    with compiler(app) as dbt:
        compiled = _compiled(app, dbt, name)
    _preview(app, compiled, as_json)
    return 0


def _watch(app: App, name: str, as_json: bool) -> int:
    """An answer each time the file is saved, until it is interrupted: by a sample of people in memory, as dbt stays warm beside it."""
    draw = app.warehouse.sampler()
    if draw is None:
        raise ConfigError(
            f"a sample in memory is for DuckDB, and this is {app.warehouse.dialect.name}.",
            hint="sync audience preview without --watch asks the warehouse itself.",
        )
    path = Path(name) if Path(name).is_file() else model_path(app, _model(app, name))
    samples: dict[str, Sample] = {}
    seen = 0.0
    with compiler(app) as dbt:
        while True:
            if path.stat().st_mtime != seen:
                seen = path.stat().st_mtime
                try:
                    _answer(app, draw, _compiled(app, dbt, name), samples, as_json)
                except HeadwaterError as error:
                    app.output.note(str(error))
            time.sleep(0.1)


def _answer(
    app: App, draw: Sampler, compiled: Compiled, samples: dict[str, Sample], as_json: bool
) -> None:
    """By the sample of its relation, which is drawn once; exactly, where that does not know those whom the audience asks for."""
    if not compiled.is_of_each:
        app.output.note(
            f"{compiled.name} asks for others than the person (a group, a rank, a company), whom a sample does not know: this is exact."
        )
        _preview(app, compiled, as_json)
        return
    if compiled.relation not in samples:
        samples[compiled.relation] = draw(compiled.relation, compiled.key, sampled.PEOPLE)
    found = sampled.estimate(samples[compiled.relation], compiled)
    if as_json:
        app.output.document(found)
        return
    many = _MANY.get(found["entity"], found["entity"])
    error = f", give or take {found['error_percent']} % of all" if found["error_percent"] else ""
    about = "about " if found["error_percent"] else ""
    app.output.text(
        f"{found['audience']}: {about}{found['members']:,} of {found['of']:,} {many}{error}, by {found['sampled']:,} of them"
    )
    _show_conditions(app, found)


def _preview(app: App, compiled: Compiled, as_json: bool) -> None:
    with app.warehouse.session() as session:
        found = answers.preview(session, compiled)
    if as_json:
        app.output.document(found)
    else:
        _show_preview(app, found)


def _show_conditions(app: App, found: dict[str, Any]) -> None:
    app.output.table(
        ["condition", "keeps", "drops", "drops alone", "where"],
        [
            [one["words"], one["keeps"], one["drops"], one["drops_alone"], one["path"]]
            for one in found["conditions"]
        ],
    )


def _show_preview(app: App, found: dict[str, Any]) -> None:
    output = app.output
    many = _MANY.get(found["entity"], found["entity"])
    held = f", {found['held_out']:,} of them held out" if found["held_out"] else ""
    output.text(f"{found['audience']}: {found['members']:,} of {found['of']:,} {many}{held}")
    output.text(found["sentence"])
    if found["members"] == found["of"] and found["of"]:
        output.note(f"Mind: this is everybody, none of the {many} is left out.")
    for one in found["conditions"]:
        if found["of"] and 0 in (one["keeps"], one["drops"]):
            told = "keeps nobody" if one["keeps"] == 0 else "drops nobody"
            output.note(f"Mind: {one['path']} {told}: {one['words']}")
    output.text()
    _show_conditions(app, found)
    if found["consent"]:
        output.text()
        output.table(
            ["agreed to", "for", "members"],
            [[one["channel"], one["purpose"], one["members"]] for one in found["consent"]],
        )
    if found["reach"]:
        output.text()
        output.table(
            ["destination", "asks consent", "reaches", "as in"],
            [
                [one["destination"], one["consent"], one["reached"], ", ".join(one["syncs"])]
                for one in found["reach"]
            ],
        )
    if found["examples"]:
        output.text()
        names = list(found["examples"][0])
        output.table(names, [[one[name] for name in names] for one in found["examples"]])


@audience.command("diff", cls=Verb, example="sync audience diff lapsed_buyers")
@click.argument("name")
@click.option(
    "--to", "file", type=click.Path(path_type=Path, dir_okay=False), help="The new definition."
)
@json_option
@click.pass_obj
def diff(app: App, name: str, file: Path | None, as_json: bool) -> int:
    """Show who would enter and leave the audience NAME by its new definition, each counted for one cause.

    The new definition is that of the model's file now, or of --to FILE; the old one is that of dbt's last build or parse, and the members
    are those of the last build.
    """
    model = _model(app, name)
    if model.definition is None:
        raise ConfigError(
            f"{model.name} is plain SQL: it has no conditions that could be told apart."
        )
    with compiler(app) as dbt:
        new = dbt.file(file or model_path(app, model), model.name)
        old = dbt.definition(model.definition, model.name)
    if old.entity != new.entity:
        raise ConfigError(
            f"{model.name} is of entity {old.entity}, and the new definition of {new.entity}: nobody is in both."
        )
    with app.warehouse.session() as session:
        is_built = bool(session.columns(model.relation))
        found = answers.diff(session, old, new, model.relation if is_built else None)
    if as_json:
        app.output.document(found)
        return 0
    output = app.output
    output.text(
        f"{found['audience']}: {found['before']:,} now, {found['enters']:,} enter, "
        f"{found['leaves']:,} leave, {found['after']:,} after"
    )
    output.text(f"before: {found['sentence_before']}")
    output.text(f"after:  {found['sentence_after']}")
    if found["into_holdout"] or found["out_of_holdout"]:
        output.text(
            f"of those who stay, {found['into_holdout']:,} are held out from now on, "
            f"{found['out_of_holdout']:,} no longer"
        )
    if found["causes"]:
        output.text()
        output.table(
            ["move", "how many", "because of"],
            [[one["moves"], one["people"], _cause(one)] for one in found["causes"]],
        )
    return 0


def _cause(one: dict[str, Any]) -> str:
    if one["because"] == "data":
        return "data or time moved since the last build"
    if one["because"] == "gone":
        return "they are there no more (merged or erased)"
    return "; ".join(one["conditions"])


@audience.command("overlap", cls=Verb, example="sync audience overlap lapsed_buyers vip_buyers")
@click.argument("names", nargs=-1, required=True)
@json_option
@click.pass_obj
def overlap(app: App, names: tuple[str, ...], as_json: bool) -> int:
    """Show how many are in each two of some audiences, as the last build left them."""
    models = [_model(app, name) for name in dict.fromkeys(names)]
    if len(models) < 2:
        raise click.UsageError("two audiences or more are wanted.")
    entities = {one.entity for one in models}
    if len(entities) > 1:
        raise ConfigError(
            f"these are of different entities ({', '.join(sorted(entities))}): nobody is in both."
        )
    with app.warehouse.session() as session:
        columns = [_columns(session, one) for one in models]
        key = next((name for name in columns[0] if name.endswith("_id")), "profile_id")
        found = answers.overlap(session, [(one.name, one.relation) for one in models], key)
    if as_json:
        app.output.document(found)
        return 0
    sizes = {one["name"]: one["members"] for one in found["audiences"]}
    app.output.table(
        ["audience", "and", "in both", "of the first", "of the second"],
        [
            [
                one["one"],
                one["other"],
                one["both"],
                _share(one["both"], sizes[one["one"]]),
                _share(one["both"], sizes[one["other"]]),
            ]
            for one in found["pairs"]
        ],
    )
    return 0


@audience.command("history", cls=Verb, example="sync audience history lapsed_buyers --days 30")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True)
@json_option
@click.pass_obj
def history(app: App, name: str, days: int, as_json: bool) -> int:
    """Show by day how many entered and left the audience NAME, and how many were in it."""
    model = _model(app, name)
    relation = app.manifest.relation("audience_memberships")
    with app.warehouse.session() as session:
        if relation is None or not session.columns(relation):
            raise ConfigError("audience_memberships is not built yet.", hint="dbt build")
        found = answers.history(session, app.warehouse.dialect, relation, model.name, days)
    if as_json:
        app.output.document({"audience": model.name, "days": found})
        return 0
    app.output.table(
        ["day (UTC)", "entered", "left", "members"],
        [[one["day"], one["entered"], one["left"], one["members"]] for one in found],
    )
    return 0


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _compiled(app: App, dbt: Compiler, name: str) -> Compiled:
    """An audience of the project as its file is now, or that of a file."""
    path = Path(name)
    if path.suffix in (".sql", ".yml", ".yaml"):
        if not path.is_file():
            raise SelectionError(f"there is no file {name}.")
        stem = path.stem if path.stem.startswith("audience_") else f"audience_{path.stem}"
        return dbt.file(path, stem)
    model = _model(app, name)
    return dbt.file(model_path(app, model), model.name)


def _model(app: App, name: str) -> AudienceModel:
    return model_named(
        app.manifest.audiences(), "audience", name,
        hint="sync audience list shows all; a new one wants dbt parse, or the name of its file.",
    )  # fmt: skip


def _ids(app: App, session: Session, who: str) -> list[str]:
    from sync.state.sent import PeopleTables, known_ids

    people = PeopleTables(
        identifiers=app.manifest.relation("profile_identifiers"),
        aliases=app.manifest.consent_tables().aliases,
        touchpoints=None,
    )
    return known_ids(session, app.warehouse.dialect.literal, people, who)


def _columns(session: Session, model: AudienceModel) -> list[str]:
    found = [column.name for column in session.columns(model.relation)]
    if not found:
        raise ConfigError(
            f"{model.name} is not built yet.", hint=f"dbt build --select +{model.name}"
        )
    return found


def _size(session: Session, model: AudienceModel, held_out: bool) -> int | None:
    columns = [column.name for column in session.columns(model.relation)]
    if not columns:
        return None
    if held_out and "is_holdout" not in columns:
        return 0
    where = " where is_holdout" if held_out else ""
    return int(
        session.rows(f"select count(*) as counted from {model.relation}{where}")[0]["counted"]
    )
