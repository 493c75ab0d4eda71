"""Compiled rule trees, by dbt: the macros of the project are the only compiler there is."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sync.config.project import Project
from sync.errors import ConfigError

_BLOCK = re.compile(r"\{%-?\s*set\s+(\w+)\s*-?%\}.*?\{%-?\s*endset\s*-?%\}", re.DOTALL)
_CALL = re.compile(r"\b(?:audience|journey)\(\s*(\w+)\s*\)")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition of an audience. `number` is that of its columns leaf_N and would_N in the rows."""

    number: int
    path: str
    words: str
    is_negated: bool  # members must not meet it
    sql: str

    @property
    def said(self) -> str:
        """The condition as a member must stand to it."""
        return f"not ({self.words})" if self.is_negated else self.words


@dataclass(frozen=True, slots=True)
class Reach:
    """What a destination needs of a person or company to reach it."""

    destination: str
    consent: str  # channel and purpose, empty where none is asked
    syncs: tuple[str, ...]  # of the project, that ask for the same


@dataclass(frozen=True, slots=True)
class Compiled:
    """An audience as dbt compiled it, and the queries that answer for it."""

    name: str
    entity: str
    key: str
    shown: tuple[str, ...]  # traits that its conditions use
    sentence: str
    leaves: tuple[Leaf, ...]
    settings: tuple[str, ...]  # those of sample, limit and holdout that it has
    rows: str
    reach: str
    reaches: tuple[Reach, ...]
    consent: str | None
    relation: str  # of everybody
    is_of_each: (
        bool  # whether somebody is a member by what is known of them alone, whoever else there is
    )

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Compiled:
        """From the document of the macro `audience_questions`."""
        return cls(
            name=told["name"],
            entity=told["entity"],
            key=told["key"],
            shown=tuple(told["shown"]),
            sentence=told["sentence"],
            leaves=tuple(Leaf(**leaf) for leaf in told["leaves"]),
            settings=tuple(told["settings"]),
            rows=told["rows"],
            reach=told["reach"],
            reaches=tuple(
                Reach(
                    one["destination"],
                    " ".join((one["consent"] or {}).values()),
                    tuple(sorted(one["syncs"])),
                )
                for one in told["reaches"]
            ),
            consent=told["consent"],
            relation=told["relation"],
            is_of_each=told["is_of_each"],
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journey; `sources` are (step, outcome) that lead to it, outcome None for any."""

    name: str
    type: str
    words: str
    sources: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """What people entered a journey by, and how many are inside by it."""

    version: str
    inside: int
    is_kept: bool  # an earlier one, by which its people go on


@dataclass(frozen=True, slots=True)
class CompiledJourney:
    """A journey as dbt compiled it, and the queries that answer for it; `logged`, `passed`, `standing` are None where it has no log."""

    name: str
    key: str  # the column that says who goes through it
    entry: str
    exit_when: str | None
    steps: tuple[Step, ...]
    next: str
    logged: str | None
    passed: str | None
    standing: str | None
    versions: tuple[Version, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> CompiledJourney:
        """From the document of the macro `journey_questions`."""
        steps = tuple(
            Step(
                node["name"],
                node["type"],
                node["words"],
                tuple((way["node"], way["outcome"]) for way in node["sources"]),
            )
            for node in told["nodes"]
        )
        return cls(
            name=told["name"],
            key=told["key"],
            entry=told["entry"],
            exit_when=told["exit_when"],
            steps=steps,
            next=told["next"],
            logged=told["logged"],
            passed=told["passed"],
            standing=told["standing"],
            versions=tuple(Version(**one) for one in told["versions"]),
        )


class Compiler:
    """dbt in a process of its own, started at the first question and kept until `close`."""

    def __init__(
        self,
        project: Project,
        *,
        profiles_dir: Path | None = None,
        target: str | None = None,
        offline: bool = False,
    ) -> None:
        """`offline` asks no warehouse: what only its tables know is not known then."""
        self._project = project
        self._folder = project.private / ("dbt_offline" if offline else "dbt")
        self._environment = {"HEADWATER_OFFLINE": "1"} if offline else {}
        self._options = ["--project-dir", str(project.directory)]
        self._options += ["--target-path", str(self._folder), "--log-path", str(self._folder)]
        self._options += ["--profiles-dir", str(profiles_dir)] if profiles_dir else []
        self._options += ["--target", target] if target else []
        self._options += ["--no-populate-cache"] if offline else []
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Compiler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            if self._process.stdin:
                self._process.stdin.close()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None

    def file(self, path: Path, name: str) -> Compiled:
        """The audience of a file: a model as the project has it (.sql), or its definition alone as YAML.

        Raises:
            ConfigError: the file has no definition, or a wrong one.
        """
        return self._compiled(*_block(path), name)

    def journey_file(self, path: Path, name: str) -> CompiledJourney:
        """The journey of a file, with the log of the journey of that name.

        Raises:
            ConfigError: the file has no definition, or one that the next build would refuse.
        """
        block, variable = _block(path)
        return CompiledJourney.of(self._document(block, variable, name, "journey_questions"))

    def tables(self) -> dict[str, list[str]]:
        """The words that may stand somewhere in a definition, as the macros check them."""
        found: dict[str, list[str]] = self._value("definition_tables")
        return found

    def columns_of_other_purposes(self) -> list[str]:
        """What stops a build since a sync uses a column for a purpose that is not its own: messages that begin with the file."""
        found: list[str] = self._value("columns_of_other_purposes")
        return found

    def _value(self, macro: str) -> Any:
        answer = self._ask({"inline": f"{{{{ tojson(headwater.{macro}()) }}}}", "as_of": None})
        if "error" in answer:
            raise ConfigError(_told(answer["error"], macro))
        return json.loads(answer["compiled"])

    def write_manifest(self, path: Path) -> None:
        """The project as dbt reads it, definitions unread.

        Raises:
            ConfigError: dbt cannot read the project.
        """
        answer = self._ask({"manifest": str(path)})
        if "error" in answer:
            raise ConfigError(f"dbt cannot read the project: {answer['error'].strip()}")

    def journey(self, definition: Mapping[str, Any], name: str) -> CompiledJourney:
        """The journey of a definition that was read already; that a build would refuse it now is no error."""
        block = _raw(json.dumps(definition, ensure_ascii=False))
        told = self._document(
            block, "fromjson(definition)", name, "journey_questions", ", checks=false"
        )
        return CompiledJourney.of(told)

    def definition(self, definition: Mapping[str, Any], name: str) -> Compiled:
        """The audience of a definition that was read already, such as the manifest keeps.

        Raises:
            ConfigError: it is wrong.
        """
        text = json.dumps(definition, ensure_ascii=False)
        return self._compiled(_raw(text), "fromjson(definition)", name)

    def replayed(
        self,
        path: Path,
        name: str,
        *,
        now: dt.datetime,
        log: str | None,
        audience: Mapping[str, Any] | None,
    ) -> CompiledJourney:
        """The journey of a file at an instant, with another log than its own, and an audience by its definition instead of its table."""
        block, variable = _block(path)
        told = json.dumps(json.dumps({"log": log or "", "audience": audience}, ensure_ascii=False))
        more = f", checks=false, replayed=fromjson({told})"
        return CompiledJourney.of(
            self._document(block, variable, name, "journey_questions", more, now=now)
        )

    def _compiled(self, block: str, expression: str, name: str) -> Compiled:
        return Compiled.of(self._document(block, expression, name, "audience_questions"))

    def _document(
        self,
        block: str,
        expression: str,
        name: str,
        macro: str,
        more: str = "",
        *,
        now: dt.datetime | None = None,
    ) -> dict[str, Any]:
        called = json.dumps(name)
        inline = f"{block}{{{{ headwater.{macro}({expression}, {called}{more}) }}}}"
        answer = self._ask({"inline": inline, "as_of": f"{now:%Y-%m-%d %H:%M:%S}" if now else None})
        if "error" in answer:
            raise ConfigError(_told(answer["error"], name))
        document: dict[str, Any] = json.loads(answer["compiled"])
        return document

    def _ask(self, question: Mapping[str, Any]) -> dict[str, str]:
        if self._process is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "sync.audiences.worker", *self._options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                cwd=self._project.directory,
                env={**os.environ, **self._environment, "DBT_LOG_LEVEL": "none"},
            )
        process = self._process
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass
        line = process.stdout.readline()
        if not line:
            raise ConfigError(
                "dbt could not be started to compile the audience.",
                hint="dbt parse says why, in this environment.",
            )
        answer: dict[str, str] = json.loads(line)
        return answer


def definition_in(path: Path) -> tuple[str, int] | None:
    """Whether a model hands a definition to a macro: `audience` or `journey`, and the line in which the definition's text begins."""
    if path.suffix != ".sql":
        return None
    text = path.read_text(encoding="utf-8")
    call = _CALL.search(text)
    block = next((one for one in _BLOCK.finditer(text) if call and one[1] == call[1]), None)
    if call is None or block is None:
        return None
    return call[0].partition("(")[0], text[: block.start()].count("\n") + 1


def definition_text(path: Path) -> str:
    """The YAML of a file's definition, as it stands there."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".sql":
        return text
    call = _CALL.search(text)
    block = next((one for one in _BLOCK.finditer(text) if call and one[1] == call[1]), None)
    return re.sub(r"\{%-?\s*(set\s+\w+|endset)\s*-?%\}", "", block[0]) if block else ""


def _block(path: Path) -> tuple[str, str]:
    """Jinja that sets a definition, and the name it is under."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}.") from error
    if path.suffix != ".sql":
        return _raw(text), "definition"
    call = _CALL.search(text)
    block = next((one for one in _BLOCK.finditer(text) if call and one[1] == call[1]), None)
    if block is None:
        raise ConfigError(
            f"{path} is plain SQL: it has no conditions that could be told apart.",
            hint="{% set definition %} ... {% endset %} and headwater.audience(definition) have.",
        )
    return block[0], block[1]


def _raw(text: str) -> str:
    if "endraw" in text:
        raise ConfigError("a definition cannot hold the word endraw.")
    return "{% set definition %}{% raw %}" + text + "{% endraw %}{% endset %}"


def _told(error: str, name: str) -> str:
    """dbt's words without what is of the way it was asked."""
    lines = []
    for line in error.splitlines():
        if line.strip().startswith(
            ("> in macro", "> called by", "Compilation Error", "Runtime Error", "Encountered")
        ):
            continue
        if line.strip():
            lines.append(line.strip())
    text = re.sub(r"\binline_query(, |: )", "", "\n".join(lines))
    return f"'{name}': {text}"
