"""`sync export-person`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sync import private
from sync.cli.app import App, Verb, json_option
from sync.cli.session import chosen_environment
from sync.identity.access import everything_on
from sync.report.page import Page
from sync.state.tables import Tables

FOLDER = "access"  # in the tool's own folder


@click.command("export-person", cls=Verb, example="sync export-person anna@example.com")
@click.argument("who")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the two files; .headwater/access unless told.",
)
@click.option("--sandbox", is_flag=True, help="What the sandbox was sent.")
@json_option
@click.pass_obj
def export_person(app: App, who: str, out: Path | None, sandbox: bool, as_json: bool) -> int:
    """Write down everything that is known of WHO and everybody who was sent it, for a person who asks: a JSON file and a page to read.

    WHO is an id, an e-mail address, a telephone in full or a record <source_name>:<id>. The files hold personal data in clear, only their
    owner can read them, and nothing of it is printed. Look through the page before you hand it on: a row may name somebody else too.
    """
    with app.warehouse.session() as session:
        found = everything_on(
            app.warehouse,
            session,
            app.manifest,
            Tables.of(app.manifest),
            who,
            environment=chosen_environment(sandbox),
        )
    ours = app.project.private
    folder = private.make_folder(out or ours / FOLDER, below=None if out else ours)
    document, page = files_of(folder, found["profile_id"])
    text = json.dumps({"schema_version": 1, **found}, default=str, ensure_ascii=False, indent=2)
    with private.open_file(document) as file:
        file.write(text.encode())
    _page(found).write(page)
    summary = {
        "files": [str(document), str(page)],
        "records": sum(len(one["rows"]) for one in found["records"]),
        "tables": len(found["tables"]),
        "recipients": len(found["recipients"]),
        "not_built": found["not_built"],
    }
    if as_json:
        app.output.document(summary)
        return 0
    app.output.text(
        f"{summary['records']:,} records, rows in {summary['tables']:,} tables, and "
        f"{summary['recipients']:,} syncs that sent them somewhere:"
    )
    for path in summary["files"]:
        app.output.text(f"  {path}")
    if found["not_built"]:
        app.output.refusal(
            f"not there, so not looked at: {', '.join(found['not_built'])}.",
            "dbt build, and again.",
        )
        return 1
    return 0


def files_of(folder: Path, profile_id: str) -> tuple[Path, Path]:
    """The JSON and the page of one person."""
    return folder / f"person-{profile_id}.json", folder / f"person-{profile_id}.html"


def _page(found: dict[str, Any]) -> Page:
    page = Page("What is known of you")
    page.paragraph(
        f"As of {found['made_at']:%Y-%m-%d %H:%M} UTC. Kept under the id {found['profile_id']}."
    )
    page.heading("What our sources say")
    _tables(page, found["records"])
    page.heading("What is made of it")
    _tables(page, found["tables"])
    page.heading("Who was sent something")
    page.table(
        ["to", "what", "fields", "for", "first", "last"],
        [
            [
                one["destination"] or one["sync"],
                one.get("description") or one["sync"],
                one.get("fields", []),
                (one.get("consent") or {}).get("purpose"),
                one["first"],
                one["last"],
            ]
            for one in found["recipients"]
        ],
    )
    return page


def _tables(page: Page, tables: list[dict[str, Any]]) -> None:
    for table in tables:
        page.heading(table["table"], 3)
        page.paragraph(table["description"])
        if len(table["rows"]) == 1:
            row = table["rows"][0]
            page.table(
                ["field", "value", "what it is"],
                [[name, row[name], meant] for name, meant in table["columns"].items()],
            )
        else:
            page.table(list(table["columns"]), [list(row.values()) for row in table["rows"]])
