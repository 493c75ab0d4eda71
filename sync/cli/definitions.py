"""What `sync audience` and `sync journey` share: a model by its name, its file, and dbt to compile it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sync.audiences.compiled import Compiler
from sync.cli.app import App
from sync.config.models import AudienceModel, JourneyModel, WrongModel
from sync.errors import ConfigError, SelectionError, closest

M = TypeVar("M", AudienceModel, JourneyModel)
_SAID = re.compile(r"(?P<key>[\w.>=<+\[\]:, ]*?)(?: \(line (?P<line>\d+)\))?: (?P<said>.*)")
_AT_LINE = re.compile(r"line (?P<line>\d+): (?P<said>.*)")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; `line` is None where the whole file is meant."""

    file: str
    line: int | None
    key: str
    said: str

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        return f"{place}: {self.key + ': ' if self.key else ''}{self.said}"


def mistakes_said(message: str, file: str, first: int) -> Iterator[Mistake]:
    """What dbt said of a definition, a mistake a line, with the lines of the file, in which the definition begins at line `first`."""
    lines = message.splitlines()
    if len(lines) > 1 and lines[0].endswith("mistakes:"):
        lines = lines[1:]
    for line in lines:
        found = _AT_LINE.fullmatch(line.strip()) or _SAID.fullmatch(line.strip())
        if found is None:
            yield Mistake(file, None, "", line.strip())
            continue
        told = found.groupdict()
        at = int(told["line"]) + first - 1 if told.get("line") else None
        yield Mistake(file, at, told.get("key") or "", told["said"].removesuffix("."))


def compiler(app: App) -> Compiler:
    """dbt, for the length of a `with`: it ends before the warehouse is opened again, for a DuckDB file has one writer.

    Raises:
        ConfigError: there is no warehouse yet; dbt would make an empty one to compile with.
    """
    with app.warehouse.session() as session:
        session.rows("select 1 as one")
    return Compiler(app.project, profiles_dir=app.profiles_dir, target=app.target_name)


def model_named(models: Iterable[M], kind: str, name: str, *, hint: str) -> M:
    """The audience or journey (`kind`) of that name, which may lack its prefix.

    Raises:
        SelectionError: there is none; with the nearest name.
    """
    found = {one.name: one for one in models}
    for wanted in (name, f"{kind}_{name}"):
        if wanted in found:
            return found[wanted]
    near = closest(name if name.startswith(f"{kind}_") else f"{kind}_{name}", found)
    raise SelectionError(f"there is no {kind} '{name}'{near}.", hint=hint)


def model_path(app: App, model: AudienceModel | JourneyModel | WrongModel) -> Path:
    """The model's file; that of a package is where dbt keeps packages."""
    directory = app.project.directory
    for folder in (directory, directory / "dbt_packages" / model.package):
        path = folder / model.path
        if path.is_file() and (folder != directory or model.package == app.project.name):
            return path
    raise ConfigError(f"{model.path} of {model.name} is not there.", hint="run dbt parse.")
