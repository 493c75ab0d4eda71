"""`sync register`."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import ConfigError
from sync.report.page import Page
from sync.report.register import Entry, added, entries, read, with_columns, write


@click.command(
    "register", cls=Verb, example="sync register --out register.json --page register.html"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it as JSON, to keep in git.",
)
@click.option(
    "--page", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a page to read."
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An earlier --out: say what goes out that did not; the exit code is 1 then.",
)
@json_option
@click.pass_obj
def register(
    app: App, out: Path | None, page: Path | None, against: Path | None, as_json: bool
) -> int:
    """Say which fields go to whom, for which purpose, with which consent, and from which sources: the register of processing.

    It is read off the project as dbt parsed it: no warehouse and no vendor is asked. `--against` shows in a pull request what would go out
    anew, and nothing else.
    """
    found = entries(app.manifest, app.destinations)
    news = added(read(against), found) if against else []
    if out:
        write(out, found)
    if page:
        _page(found).write(page)
    if as_json:
        app.output.document({"syncs": [one.document() for one in found], "added": news})
    elif against and not news:
        app.output.text(f"Nothing goes out that {against} does not have: {len(found)} syncs.")
    elif not against:
        _show(app, found)
    for one in news:
        app.output.error(ConfigError(f"new: {one}."))  # names of the project's own, none scrubbed
    return 1 if news else 0


_HEADINGS = ["sync", "to", "identifiers", "fields", "for", "consent", "owner"]


def _line(one: Entry) -> list[object]:
    return [
        one.sync,
        f"{one.destination} ({one.vendor}), {one.object}",
        list(one.identifiers),
        list(one.fields),
        one.purpose or "",
        one.basis,
        one.owner,
    ]


def _show(app: App, found: list[Entry]) -> None:
    lines = [_line(one) for one in found]
    app.output.table(
        _HEADINGS,
        [
            [", ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in line]
            for line in lines
        ],
    )


def _page(found: list[Entry]) -> Page:
    page = Page("Register of processing")
    page.paragraph(
        "Which personal fields leave the warehouse, to whom, for what, and by which consent."
    )
    for one in found:
        page.heading(one.sync)
        page.paragraph(one.description)
        page.table(
            ["what", ""],
            [
                ["recipient", f"{one.destination} ({one.vendor}), {one.object}"],
                ["what happens there", one.mode],
                ["known by", list(one.identifiers)],
                ["sent", [with_columns(one, name) for name in one.fields]],
                ["purpose", one.purpose],
                ["consent", one.basis],
                ["owner", one.owner],
                ["sources", list(one.sources)],
                ["model", one.model],
            ],
        )
    return page
