"""`sync validate`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click

from sync.audiences.compiled import Compiler, definition_in, definition_text
from sync.audiences.lines import line_of_key
from sync.audiences.schema import schema
from sync.cli.app import App, Verb, json_option
from sync.cli.definitions import Mistake, mistakes_said
from sync.config.definitions import GUARD_KEYS, SYNC_KEYS
from sync.config.manifest import Manifest
from sync.errors import ConfigError, HeadwaterError, closest

_MISSING = re.compile(r"depends on a node named '(?P<name>[^']+)' which was not found")
_KEY_OF = re.compile(r"(?P<key>\w+): *[\"']?$")
_COLUMN = re.compile(r"'(\w+)' is used, ")


@click.command("validate", cls=Verb, example="sync validate")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--schema", "shows_schema", is_flag=True, help="Print the JSON Schema for editors.")
@json_option
@click.pass_obj
def validate(app: App, files: tuple[Path, ...], shows_schema: bool, as_json: bool) -> int:
    """Check every definition, journey and sync, and what columns are used for, without a warehouse: file, line and key of each mistake.

    FILES are some of them: models, or a definition alone as YAML. What only tables know, columns of models without a contract, is left to
    the build.
    """
    offline = Compiler(
        app.project, profiles_dir=app.profiles_dir, target=app.target_name, offline=True
    )
    with offline as dbt:
        if shows_schema:
            made = schema(dbt.tables(), SYNC_KEYS, GUARD_KEYS)
            app.output.text(json.dumps(made, indent=2))
            return 0
        checked, problems = 0, []
        listed, manifest = files, None
        if not files:
            written = app.project.private / "dbt_offline" / "validated.json"
            dbt.write_manifest(written)
            manifest = Manifest(written)
            listed = tuple(_definitions(app, manifest))
        for path in listed:
            checked += 1
            problems += _of_definition(app, dbt, path)
        if manifest is not None:
            count, wrong = _of_syncs(app, manifest)
            checked, problems = checked + count, problems + wrong
            problems += [_of_purpose(app, told) for told in dbt.columns_of_other_purposes()]
    if as_json:
        app.output.document({"checked": checked, "problems": [asdict(one) for one in problems]})
    else:
        for one in problems:
            app.output.text(str(one))
        wrong_files = len({one.file for one in problems})
        app.output.text(
            f"{checked} definitions, journeys and syncs, {_counted(len(problems), 'mistake')} in {_counted(wrong_files, 'file')}."
        )
    return 1 if problems else 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _definitions(app: App, manifest: Manifest) -> Iterator[Path]:
    """Models of the project that hand a definition to a macro."""
    for file in manifest.model_files(app.project.name):
        path = app.project.directory / file
        if path.is_file() and definition_in(path) is not None:
            yield path


def _of_definition(app: App, dbt: Compiler, path: Path) -> list[Mistake]:
    found = definition_in(path)
    text = path.read_text(encoding="utf-8")
    kind, first = found or ("journey" if re.search(r"^steps:", text, re.MULTILINE) else "audience", 1)  # fmt: skip
    try:
        name = path.stem if path.suffix == ".sql" else "definition"
        if kind == "journey":
            dbt.journey_file(path, name)
        else:
            dbt.file(path, name)
    except ConfigError as error:
        directory = app.project.directory
        shown = path.resolve()
        shown = shown.relative_to(directory) if shown.is_relative_to(directory) else shown
        missing = _MISSING.search(str(error))
        if missing:
            return [_missing(app, missing["name"], str(shown), text)]
        said = str(error).partition("': ")[2] or str(error)
        return [_placed(one, path, first) for one in mistakes_said(said, str(shown), first)]
    return []


def _placed(problem: Mistake, path: Path, first: int) -> Mistake:
    """With its line, where only the key was told: steps of a journey have no lines of their own in what dbt says."""
    if problem.line is not None:
        return problem
    line = line_of_key(definition_text(path), problem.key, problem.said)
    return problem if line is None else replace(problem, line=line + first - 1)


def _missing(app: App, name: str, file: str, text: str) -> Mistake:
    """A model that dbt did not find, by the word of the definition that names it; the nearest that there is."""
    word = name.removeprefix("event_")
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines, 1) if word in line), None)
    key = _KEY_OF.search(lines[at - 1].partition(word)[0]) if at else None
    try:
        names = {one.name for one in app.manifest.models()} - {name}
    except HeadwaterError:  # never parsed: nothing is near
        names = set()
    said = f"there is no model {name}{closest(name, sorted(names))}"
    return Mistake(file, at, key["key"] if key else "", f"'{word}': {said}")


def _of_purpose(app: App, told: str) -> Mistake:
    """A column that is for some purposes alone and used for another; or one whose purposes are none."""
    file, _, said = told.partition(": ")
    file = file.partition(", ")[0]
    found = _COLUMN.match(said)
    path, line = app.project.directory / file, None
    if found and path.is_file():
        lines = path.read_text(encoding="utf-8").lower().splitlines()
        line = next(
            (n for n, one in enumerate(lines, 1) if re.search(rf"\b{found[1]}\b", one)), None
        )
    return Mistake(file, line, "", said if found else told.partition(", ")[2])


def _of_syncs(app: App, manifest: Manifest) -> tuple[int, list[Mistake]]:
    """Every sync block; a mistake over several is told for the project."""
    count, problems = 0, []
    for name, file, error in manifest.checked_syncs():
        count += 1
        if error is not None:
            problems.append(Mistake(file, _line_of(app.project.directory / file, name), f"sync {name}", str(error)))  # fmt: skip
    return count, problems


def _line_of(path: Path, name: str) -> int | None:
    """Where an exposure is named."""
    if path.is_file():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.fullmatch(rf"\s*-?\s*name:\s*[\"']?{re.escape(name)}[\"']?\s*", line):
                return number
    return None
