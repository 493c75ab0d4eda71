"""`sync report`."""

from __future__ import annotations

import dataclasses

import click

from sync.cli.app import App, Verb, json_option
from sync.cli.check_data import show_unread
from sync.cli.output import Output
from sync.cli.remembered import FILE
from sync.cli.session import chosen_environment
from sync.report.figures import Report, collect


@click.command("report", cls=Verb, example="sync report")
@click.option("--sandbox", is_flag=True, help="What the sandbox received.")
@json_option
@click.pass_obj
def report(app: App, sandbox: bool, as_json: bool) -> int:
    """Tell what the loop holds: records in, profiles, audiences, journeys, what was sent and what came back."""
    environment = chosen_environment(sandbox)
    found = collect(app.manifest, app.warehouse, app.syncs((), ()), environment=environment)
    if as_json:
        app.output.document({"environment": environment, **dataclasses.asdict(found)})
    else:
        _show(app.output, found, environment, is_demo=(app.project.private / FILE).is_file())
    return 0


def _show(output: Output, found: Report, environment: str, *, is_demo: bool) -> None:
    records = sum(found.records.values())
    output.text(
        f"{records:,} records of {len(found.records)} sources are {found.profiles:,} people, "
        f"{found.reachable:,} of them with an e-mail address or phone number, "
        f"and {found.accounts:,} companies."
    )
    output.table(["source", "records"], list(found.records.items()))
    output.text("\nWhat staging read")
    show_unread(output, found.unread)
    output.text("\nAudiences")
    output.table(
        ["audience", "size", "held out"],
        [
            [one["name"].removeprefix("audience_"), one["size"], one["holdout"]]
            for one in found.audiences
        ],
    )
    if found.journeys:
        output.text("\nJourneys")
        output.table(
            ["journey", "step", "people"],
            [
                [one["journey"].removeprefix("journey_"), one["node"], one["people"]]
                for one in found.journeys
            ],
        )
    output.text(
        f"\nDestinations{' (sandbox: nothing reached a vendor)' if environment == 'sandbox' else ''}"
    )
    output.table(
        ["destination", "object", "holds", "rows sent so far", "withheld"],
        [
            [one["destination"], one["object"], one["held"], one["sent"], one["withheld"]]
            for one in found.syncs
        ],
    )
    _show_results(output, found)
    if found.missing:
        output.note(f"Not built yet: {', '.join(sorted(set(found.missing)))}. Run dbt build.")
    _next_steps(output, environment, is_demo=is_demo)


def _show_results(output: Output, found: Report) -> None:
    output.text("\nWhat came back")
    if not found.campaigns:
        output.text("Nothing yet: run sync pull, then dbt build.")
        return
    kinds = ["delivered", "opened", "clicked", "impressions", "clicks"]
    output.table(
        ["destination", "campaign", *kinds, "spend"],
        [
            [
                row["destination"],
                row["campaign"],
                *(None if row[kind] is None else int(row[kind]) for kind in kinds),
                f"{row['spend']:,.2f} {row['currency']}" if row["spend"] is not None else "",
            ]
            for row in found.campaigns
        ],
    )


def _next_steps(output: Output, environment: str, *, is_demo: bool) -> None:
    output.text("\nLook next at")
    if environment == "sandbox":
        output.text("  sync sandbox             what every stand-in now holds, in a browser")
    output.text(
        "  sync plan                what the next push would add, change and remove, and why rows are withheld"
    )
    output.text("  sync status              how each sync ended")
    if is_demo:
        output.text(
            f"  models/demo/audiences/   the audiences: change one, . .headwater/{FILE}, dbt build, sync plan"
        )
