"""`sync plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sync.cli.app import App, Verb, json_option, selection_options
from sync.cli.output import SCHEMA_VERSION
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.config.models import SyncDefinition
from sync.destinations.base import ObjectType
from sync.engine.account import located_for_plan
from sync.engine.connect import Connector
from sync.engine.plan import capability, gates
from sync.engine.plan.plan import Plan, Planning, plan_sync
from sync.engine.run import in_order
from sync.errors import ConfigError, RefusedError, WarehouseError, WarehouseLockedError
from sync.private import open_file
from sync.warehouses.base import now_utc


@click.command("plan", cls=Verb, example="sync plan --select klaviyo_lapsed_buyers --markdown")
@selection_options
@click.option("--sandbox", is_flag=True, help="Plan for the sandbox instead of the real vendors.")
@click.option("--full-refresh", is_flag=True, help="Plan to send every row again.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan for `sync push --plan`.",
)
@click.option("--markdown", is_flag=True, help="A table for a pull request.")
@json_option
@click.pass_obj
def plan(
    app: App,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    sandbox: bool,
    full_refresh: bool,
    out: Path | None,
    markdown: bool,
    as_json: bool,
) -> int:
    """Show what a push would add, change and remove; send nothing.

    The gates are tried too: a sync that a push would refuse is shown with the reason and makes the exit code 1.
    """
    definitions = app.syncs(select, exclude)
    environment = chosen_environment(sandbox)
    shut = app.why_not_live(environment)
    shared, results = planning(app, environment), gates.RunResults(app.project.run_results)
    shared.places.load(app.warehouse)
    with app.warehouse.keep_open(), connector(app, environment, start=False) as connections:
        for definition in definitions:
            connections.declaration(definition.destination)
        shared = _at_once(shared)
        done: list[SyncDefinition] = []
        told: dict[str, dict[str, Any]] = {}
        for definition in _in_order(definitions):
            told[definition.name] = _plan_one(
                shared,
                connections,
                definition,
                results,
                full_refresh=full_refresh,
                fingerprint=out is not None,
                done=done,
            )
        found = [told[definition.name] for definition in definitions]
        if shut:
            for one in found:
                one["refused"] = one["refused"] or _refused(shut)
    if out is not None:
        content = {"schema_version": SCHEMA_VERSION, "environment": environment, "syncs": found}
        with open_file(out) as file:
            file.write(f"{json.dumps(content, indent=2)}\n".encode())
        app.output.note(f"Plan saved; send it with: sync push --plan {out}")
    if as_json:
        app.output.document({"syncs": [_without_fingerprint(one) for one in found]})
    elif markdown:
        _markdown(app, found)
    else:
        _text(app, found)
    return 1 if any(one["refused"] for one in found) else 0


def _at_once(shared: Planning) -> Planning:
    """With all that can be asked of all syncs at once; what is wrong with the warehouse each plan says."""
    try:
        with shared.warehouse.session() as session:
            return shared.at_once(session)
    except WarehouseLockedError:
        raise
    except WarehouseError:
        return shared


def _in_order(definitions: list[SyncDefinition]) -> list[SyncDefinition]:
    """As a push takes them; what waits for itself, which a push says, as they are."""
    try:
        return in_order(definitions)
    except ConfigError:
        return definitions


def _plan_one(
    shared: Planning,
    connections: Connector,
    definition: SyncDefinition,
    results: gates.RunResults,
    *,
    full_refresh: bool,
    fingerprint: bool,
    done: list[SyncDefinition],
) -> dict[str, Any]:
    """As it is when those that are `done` have been pushed; one that a push would not refuse joins them."""
    made: Plan | None = None
    refused: dict[str, Any] | None = None
    delivery: str | None = None
    offered: ObjectType | None = None
    try:
        declaration = connections.declaration(definition.destination)
        offered = capability.object_type(definition, declaration)
        delivery = capability.guarantee(definition, offered)
        definition = located_for_plan(definition, connections, shared.places)
        with shared.warehouse.session() as session:
            planned = plan_sync(
                shared,
                session,
                definition,
                hashed=declaration.hashed,
                offered=offered,
                full_refresh=full_refresh,
                fingerprint=fingerprint,
                results=results,
                earlier=done,
            )
        made = planned.plan
        gates.check_table(definition, made.checks, made.duplicates)
        gates.check_place(
            definition,
            elsewhere=made.elsewhere,
            abandoned=made.abandoned,
            others=made.others,
            other_keys=made.other_keys,
        )
        gates.check_plan(
            definition,
            made.checks,
            made.counts,
            results,
            failures=made.dbt_failures,
            before=made.before,
            now=now_utc(),
            allowed={"changes"} if full_refresh else (),
        )
        done.append(definition)
    except RefusedError as error:
        refused = _refused(error)
    return {
        "name": definition.name,
        "add": made.counts.add if made else 0,
        "change": made.counts.change if made else 0,
        "remove": made.counts.remove if made else 0,
        "merged": made.counts.merged if made else 0,
        "kept_both": made.kept_both if made else 0,
        "why_kept": offered.why_it_keeps_both if made and made.kept_both and offered else None,
        "unchanged": made.counts.unchanged if made else 0,
        "withheld": made.counts.withheld if made else {},
        "refused": refused,
        "delivery": delivery,
        "fingerprint": made.fingerprint if made else None,
    }


def _refused(error: RefusedError) -> dict[str, Any]:
    return {"reason": error.reason, "message": error.message, "hint": error.hint}


def read_plan(path: Path, environment: str) -> dict[str, str]:
    """Fingerprint by sync of a saved plan.

    Raises:
        ConfigError: the file is not there, no plan, or one of another environment.
    """
    hint = "make one with: sync plan --out plan.json"
    try:
        document = json.loads(path.read_text("utf-8"))
        entries = document["syncs"]
        saved = {entry["name"]: entry["fingerprint"] or "" for entry in entries}
        made_for = document["environment"]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", hint=hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a plan.", hint=hint) from error
    if made_for != environment:
        raise ConfigError(
            f"{path} is a plan for {made_for}, and this run is for {environment}.", hint=hint
        )
    return saved


def _without_fingerprint(entry: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in entry.items() if key != "fingerprint"}
    if shown["refused"]:
        shown["refused"] = {key: shown["refused"][key] for key in ("reason", "message")}
    return shown


def _text(app: App, found: list[dict[str, Any]]) -> None:
    app.output.table(
        ["sync", "add", "change", "remove", "unchanged", "withheld", "delivery", ""],
        [
            [
                one["name"],
                one["add"],
                one["change"],
                one["remove"],
                one["unchanged"],
                sum(one["withheld"].values()),
                one["delivery"] or "?",
                f"refused: {one['refused']['reason']}" if one["refused"] else "",
            ]
            for one in found
        ],
    )
    for one in found:
        if one["merged"]:
            app.output.text(
                f"{one['name']}: {one['merged']:,} of those to remove were merged into others"
            )
        if one["kept_both"]:
            app.output.text(
                f"{one['name']}: {one['kept_both']:,} were merged into others and stay there too: {one['why_kept']}"
            )
        if one["withheld"]:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in one["withheld"].items())
            app.output.text(f"{one['name']} withholds: {reasons}")
    # What is wrong with all of them is said once.
    told = {one["refused"]["message"]: one["refused"]["hint"] for one in found if one["refused"]}
    for message, hint in told.items():
        app.output.refusal(message, hint)


def _markdown(app: App, found: list[dict[str, Any]]) -> None:
    app.output.text("| sync | add | change | remove | unchanged | withheld | |")
    app.output.text("|---|---:|---:|---:|---:|---|---|")
    for one in found:
        withheld = ", ".join(f"{reason} {count:,}" for reason, count in one["withheld"].items())
        refused = f"**refused**: {one['refused']['message']}" if one["refused"] else ""
        refused = refused.replace("|", "\\|")
        app.output.text(
            f"| {one['name']} | {one['add']:,} | {one['change']:,} | {one['remove']:,} "
            f"| {one['unchanged']:,} | {withheld} | {refused} |"
        )
