"""What the pages show is what a team copies: every block goes into the foreign project, into the file its page names, and is built there.

Commands are held against what `sync`, dbt and make know. README.md's own are typed by integration/test_readme.py, the Python of
add-a-destination.md runs in contract/test_add_a_destination.py.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
import yaml
from dbt.cli.main import cli as dbt_cli

from sync.cli.main import cli as sync_cli
from sync.config.destinations import load_destinations
from sync.destinations import registry as destinations
from tests.python.package.projects import ROOT, copy_of_team_project

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
READER = Path(__file__).parent / "reader"  # what the reader has before the first page
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# A page names the file of a block in the sentence before it.
FILE = re.compile(r"`([\w/]+\.(?:sql|yml))`")
SHELLS = {"bash", "shell", "cron"}
# No text to copy: pictures, and what a command prints. Everything else runs.
NOT_COPIED = {
    "mermaid": "a picture",
    "": "what is printed",
    "yml": "a part by itself, whose like tests/python/audiences and identity build",
    "jinja": "a macro, which the team project has and make test-engine-v2 builds with",
}
# Python is run by contract/test_add_a_destination.py, toml is read below.
ELSEWHERE = {"python", "toml"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the file that the page says it stands in."""

    page: str
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for found in FENCE.finditer(text):
            before = text[: found.start()].rstrip().split("\n\n")[-1].split("```")[-1]
            named = FILE.findall(before)
            yield Block(
                page=page.relative_to(ROOT).as_posix(),
                line=text.count("\n", 0, found.start()) + 1,
                language=found[1],
                text=textwrap.dedent(found[2]),
                file=named[-1] if named else None,
            )


BLOCKS = list(blocks())
SQL = [block for block in BLOCKS if block.language == "sql"]
YAML = [block for block in BLOCKS if block.language == "yaml"]


def merged(old: Any, new: Any) -> Any:
    """Both documents in one: keys side by side, entries of one name in one, everything else as the new one has it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: merged(old[key], new[key]) if key in old else new[key] for key in new}
    if isinstance(old, list) and isinstance(new, list):
        named = {one["name"]: one for one in old if isinstance(one, dict) and "name" in one}
        if not named:
            return old + [one for one in new if one not in old]
        for one in new:
            named[one["name"]] = merged(named.get(one["name"], {}), one)
        return list(named.values())
    return new


class Reader:
    """The foreign project of somebody who copies every block of the docs into it."""

    def __init__(self, folder: Path) -> None:
        self.place = copy_of_team_project(folder)
        self.root = self.place.folder
        shutil.copytree(READER / "models", self.root / "models", dirs_exist_ok=True)
        self.merge("dbt_project.yml", yaml.safe_load((READER / "dbt_project.yml").read_text()))

    def path(self, file: str) -> Path:
        top = file in ("dbt_project.yml", "packages.yml", "destinations.yml")
        return self.root / file if top else self.root / "models" / file

    def merge(self, file: str, new: dict[str, Any]) -> None:
        path = self.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        old = yaml.safe_load(path.read_text()) if path.exists() else {"version": 2}
        path.write_text(yaml.safe_dump(merged(old, new), sort_keys=False))

    def register(self, models: list[str]) -> None:
        kinds = {
            "audience": "audiences", "journey": "journeys", "traits": "traits", "traits_lines": "product_line_traits",
            "traits_account": "account_traits",
        }  # fmt: skip
        registry: dict[str, list[str]] = {"records": ["stg_booking__guests"]}
        for model in models:
            words = model.split("_")
            kind = kinds.get("_".join(words[:2]), kinds.get(words[0]))
            if kind is not None:
                registry.setdefault(kind, []).append(model)
        self.merge("dbt_project.yml", {"vars": {"cdp_registry": registry}})

    def write(self, block: Block) -> None:
        document = yaml.safe_load(block.text)
        assert isinstance(document, dict), block
        if "guards" in document:  # what stands in the meta of a sync
            sync = {"name": "klaviyo_lapsed_buyers", "config": {"meta": {"sync": document}}}
            block_file, document = "activation/_activation__exposures.yml", {"exposures": [sync]}
        elif "renamed" in document:  # what stands in the definition of a journey
            path = self.path("journeys/journey_win_back.sql")
            path.write_text(path.read_text().replace("{% endset %}", f"{block.text}{{% endset %}}"))
            return
        else:
            assert block.file, f"{block}: the sentence before the block must name its file"
            block_file = block.file
        if block_file == "packages.yml":  # it says `headwater`, a folder that only the reader has
            assert set(document) == {"packages"}
            return
        self.merge(block_file, document)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The project with every block in it, and the raw table that add-a-source.md tells of, built; of its tests those of sources."""
    reader = Reader(tmp_path_factory.mktemp("docs"))
    for block in SQL:
        assert block.file, f"{block}: the sentence before the block must name its file"
        path = reader.path(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    for block in YAML:
        reader.write(block)
    models = [Path(block.file).stem for block in SQL if block.file]
    reader.register(models)
    raw_tables(reader)
    reader.place.dbt("deps")
    asked = [f"+{model}" for model in (*models, "stg_booking__guests")]
    unasked = ["winery,resource_type:seed", "resource_type:test", "resource_type:unit_test"]
    reader.place.dbt("build", "--select", *asked, "--exclude", *unasked)
    reader.place.dbt("test", "--select", "source:booking", "source:stream")
    return reader


def raw_tables(reader: Reader) -> None:
    """The winery's, and one guest, with the columns and types that the page declares, in the file that it names."""
    file = reader.path("staging/booking/_booking__sources.yml")
    declared = yaml.safe_load(file.read_text())["sources"][0]["tables"][0]
    where = Path(declared["config"]["meta"]["external_location"])
    here = reader.root / where.name
    file.write_text(file.read_text().replace(str(where), str(here)))
    guest = {
        "guest_no": "7", "mail": "ada.0@example-mail.test", "phone": "0660 1000137", "born": "1980-01-01",
        "created": "2026-03-01 10:00:00", "_loaded_at": "2026-11-20 10:00:00",
    }  # fmt: skip
    columns = ", ".join(
        f"cast('{guest.get(column['name'], 'Ada')}' as {column['data_type']}) as {column['name']}"
        for column in declared["columns"]
    )
    events = reader.path("staging/stream/_stream__sources.yml")
    lines = reader.root / "events.jsonl"
    events.write_text(events.read_text().replace("/data/events.jsonl", str(lines)))
    sku = [{"sku": "A-1", "quantity": 2}]
    about = {"traits": {"email": "ada.0@example-mail.test"}}
    order = {"revenue": "25.50", "products": sku}
    lines.write_text(json.dumps({"messageId": "m1", "context": about, "properties": order}))
    with duckdb.connect(str(reader.root / "winery.duckdb")) as warehouse:
        warehouse.execute(f"copy (select {columns}) to '{here}' (format parquet)")
        warehouse.execute("create schema dev_raw")
        for seed in (reader.root / "seeds").glob("*.csv"):
            warehouse.execute(
                f"create table dev_raw.{seed.stem} as from read_csv('{seed}', all_varchar=true)"
            )


def test_what_a_team_copies_builds_in_the_teams_project(reader: Reader) -> None:
    built = duckdb.connect(str(reader.root / "winery.duckdb"), read_only=True)
    tables = {row[0] for row in built.execute("select table_name from duckdb_tables()").fetchall()}
    views = {row[0] for row in built.execute("select view_name from duckdb_views()").fetchall()}
    built.close()
    assert {Path(block.file).stem for block in SQL if block.file} <= tables | views


def test_every_block_is_of_a_kind_that_something_runs() -> None:
    known = {"sql", "yaml", *SHELLS, *NOT_COPIED, *ELSEWHERE}
    assert [str(block) for block in BLOCKS if block.language not in known] == []
    assert len(SQL) > 5
    assert len(YAML) > 15


def test_the_syncs_of_the_docs_are_syncs(reader: Reader) -> None:
    assert "klaviyo_lapsed_buyers" in reader.place.sync("list")


def test_the_entry_point_of_the_docs_is_of_the_group_that_is_read() -> None:
    (block,) = (block for block in BLOCKS if block.language == "toml")
    assert destinations.GROUP in tomllib.loads(block.text)["project"]["entry-points"]


def test_destinations_of_the_docs_are_read(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_URL", "https://example.com/x")
    loaded = load_destinations(reader.root)
    assert loaded.alerts


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes links of them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


def test_links_between_pages_lead_to_a_page_and_a_heading() -> None:
    pages = [*PAGES, ROOT / "CHANGELOG.md", *(ROOT / "docs" / "decisions").glob("*.md")]
    broken = []
    for page in pages:
        for file, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
            target = page.parent / file if file else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.name}: {file}#{anchor}")
    assert broken == []


def test_what_a_version_asks_of_a_team_is_on_the_page_for_upgrades() -> None:
    page = (ROOT / "docs" / "upgrade.md").read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = changes.split("## [Unreleased]")[1].split("\n## ")[0]
    asked = [one for one in newest.split("\n- ") if re.search(r"\bTo do\b", one)]
    assert len(asked) > 5
    for entry in asked:
        words = re.findall(r"`([^`]+)`", entry)
        assert any(word.removeprefix("vars: ") in page for word in words), (
            f"docs/upgrade.md does not say: {entry}"
        )
    assert "docs/upgrade.md" in newest
    assert "(upgrade.md)" in (ROOT / "docs" / "adopt.md").read_text("utf-8")


# --- commands ---------------------------------------------------------------------------------------------------------

INLINE = re.compile(r"`((?:sync|headwater|dbt|python -m sync|python -m benchmarks) [^`<]+)`")
OURS = {"sync", "headwater"}
# What cannot be chosen in the reader's project, and why.
NOT_THERE = {"+matching_patterns": "matching is off until matching.md, step 1, switches it on"}
# Nothing of ours: what they do is the shell's, git's or pip's affair.
SHELL = {".", "cd", "cp", "export", "pip", "python3", "make"}


def commands() -> Iterator[tuple[str, str]]:
    """Where, and one command; from the blocks and from the words between."""
    for block in BLOCKS:
        if block.language in SHELLS:
            text = re.sub(r'"\n\s+', '" ', re.sub(r"(?<=\S)\n {5,}", " ", block.text))
            for line in text.splitlines():
                line = re.sub(r"^(?:[\d*/]+ ){5}", "", line)
                for command in re.split("&&", re.sub(r"(?:^|\s)#.*", "", line)):
                    if command.strip():
                        yield str(block), command.strip()
    for page in PAGES:
        for found in INLINE.finditer(FENCE.sub("", page.read_text("utf-8"))):
            for command in found[1].split("&&"):
                yield page.relative_to(ROOT).as_posix(), command.strip()


def understood(program: click.Command, words: list[str]) -> None:
    """As far as click reads a command line without running it: names of commands, options, and their values."""
    context = click.Context(program, info_name=program.name)
    while isinstance(program, click.Group) and words:
        name, rest = words[0], words[1:]
        found = program.get_command(context, name)
        if found is None:
            raise click.UsageError(f"there is no command '{name}'")
        program, words, context = found, rest, click.Context(found, info_name=name, parent=context)
    if "--help" not in words:
        program.make_parser(context).parse_args(words)


def words_of(command: str) -> list[str]:
    """A command's words from its program on: not what stands before it in the environment, or how it is found."""
    words = shlex.split(command.replace("\\|", "|"))
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    words = [words[0].removeprefix(".venv/bin/"), *words[1:]] if words else words
    return words[2:] if words[:2] == ["python", "-m"] else words


@pytest.mark.parametrize("program", [*sorted(OURS), "dbt"])
def test_commands_of_the_docs_have_names_and_options_that_the_program_knows(program: str) -> None:
    cli: click.Command = dbt_cli if program == "dbt" else sync_cli
    typed = [(where, words_of(command)) for where, command in commands()]
    tried = [(where, words) for where, words in typed if words and words[0] == program]
    wrong = []
    for where, words in tried:
        try:
            understood(cli, words[1:])
        except click.UsageError as error:
            wrong.append(f"{where}: {' '.join(words)}: {error.message}")
    assert wrong == []
    assert len(tried) > 5


def test_every_other_command_of_a_block_is_the_shells() -> None:
    known = OURS | SHELL | {"dbt", "pytest", "benchmarks"}
    words = {words[0] for _, command in commands() if (words := words_of(command))}
    assert words <= known


def test_what_dbt_is_asked_for_is_there(reader: Reader) -> None:
    """Selections choose something in the foreign project, and SQL to be shown compiles there."""
    asked = [
        words_of(command)
        for where, command in commands()
        if command.startswith("dbt ") and not where.startswith("README.md")
    ]
    manifest = reader.place.manifest()
    selected = {
        word
        for words in asked
        if "--select" in words
        for word in words[words.index("--select") + 1 :][:1]
    }
    assert set(NOT_THERE) <= selected
    for selection in selected - set(NOT_THERE):
        printed = reader.place.dbt("--quiet", "ls", "--select", selection, manifest=manifest)
        assert printed.strip(), f"--select {selection} chooses nothing"
    shown = [words[words.index("--inline") + 1] for words in asked if "--inline" in words]
    assert len(shown) > 2
    for sql in shown:
        reader.place.dbt("compile", "--inline", sql, manifest=manifest)
