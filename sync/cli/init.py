"""`sync init`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from sync.cli.app import App, Verb, agreed, json_option
from sync.config.templates import render
from sync.entrance.files import Act, Changes
from sync.entrance.look import ModelProposal, propose, united
from sync.entrance.macros import Macros
from sync.entrance.measured import Meter, checked_country
from sync.entrance.package import chosen_package, installed_package, own_models
from sync.entrance.project import Found, look
from sync.entrance.start import FOLDER, PROJECT, REGISTRY, package_entry, plan_start
from sync.errors import ConfigError

_VERBS = {Act.WRITE: "write", Act.ADD: "add to", Act.KEEP: "keep", Act.BY_HAND: "by hand"}


class Many(click.Option):
    """An option that takes several words: `--from-models stg_a stg_b`."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser take every word up to the next option."""
        super().add_to_parser(parser, ctx)
        for option in (parser._long_opt.get(name) for name in self.opts):  # click has no public way
            if option is None:
                continue
            process = option.process

            def take(value: Any, state: Any, process: Any = process) -> None:
                process(value, state)
                while state.rargs and not state.rargs[0].startswith("-"):
                    process(state.rargs.pop(0), state)

            option.process = take


def _print_package(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(str(installed_package()))
        ctx.exit(0)


@click.command("init", cls=Verb, example="headwater init my_project --yes")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--package",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A checkout of Headwater; the installed copy unless told.",
)
@click.option("--profile", metavar="NAME", help="dbt profile of a new project.")
@click.option(
    "--schema",
    metavar="NAME",
    default="cdp",
    show_default=True,
    help="Schema of Headwater's tables.",
)
@click.option(
    "--from-models",
    "models",
    cls=Many,
    multiple=True,
    metavar="MODEL...",
    help="Look at these models in the warehouse and propose what they say of people.",
)
@click.option(
    "--key", "keys", multiple=True, metavar="MODEL=COLUMN", help="What names a row of a model."
)
@click.option(
    "--country",
    metavar="XX",
    help="Country of phone numbers without a calling code, such as AT (vars: cdp_default_country).",
)
@click.option("--yes", "-y", is_flag=True, help="Ask nothing, write.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option(
    "--print-package",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_package,
    help="Print where the installed dbt package is, and stop.",
)
@json_option
@click.pass_obj
def init(
    app: App,
    folder: Path | None,
    package: Path | None,
    profile: str | None,
    schema: str,
    models: tuple[str, ...],
    keys: tuple[str, ...],
    country: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make Headwater part of the dbt project in DIR, or begin one in an empty folder.

    Shows what it finds and what it would write, and asks before it writes. What is there already stays as it is: additions are text,
    and what cannot be added that way is shown for you to add. Running it again changes nothing. Nothing is sent.
    """
    found = look(
        folder or app.project_dir,
        profile=profile,
        profiles_dir=app.profiles_dir,
        target=app.target_name,
    )
    source = chosen_package(package) if package else installed_package()
    changes = Changes(found.folder)
    adapter = found.target.type if found.target else "duckdb"
    macros = Macros(source, adapter)
    holds = _country(changes, found, macros, country)
    proposals = _proposals(app, found, models, _keys(keys), macros, holds, own_models(source))
    entry = package_entry(source, package, found)
    plan_start(
        found,
        changes,
        package=entry,
        schema=schema,
        proposal=united(proposals) if proposals else None,
        country=country,
    )
    _describe_records(found, changes, proposals)
    if not as_json:
        _show(app, found, changes, proposals)
    written = (
        not dry_run
        and not changes.is_nothing
        and agreed(
            "Write this?", yes=yes or as_json, default=True, otherwise=", --dry-run only shows it"
        )
    )
    if written:
        changes.write()
    if as_json:
        app.output.document(
            {
                "found": found.document(),
                "proposals": [one.document() for one in proposals],
                "steps": [step.document() for step in changes.steps],
                "written": written,
            }
        )
    else:
        _tell_next(app, found, changes, proposals, written=written)
    return 0


def _keys(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for model, _, column in pairs:
        if not model or not column:
            raise click.UsageError(
                "--key wants MODEL=COLUMN, such as --key stg_shop__orders=order_id."
            )
    return {model: column for model, _, column in pairs}


def _country(changes: Changes, found: Found, macros: Macros, given: str | None) -> str | None:
    """The country that holds for numbers without a calling code: what is set, else what a person gave.

    Raises:
        ConfigError: one of them is no country, or they are two.
    """
    name = "cdp_default_country"
    holds = None
    for place in ([name], [found.name, name]):
        where = f"{PROJECT}, vars: {': '.join(place)}"
        there = render(changes.at(PROJECT, ["vars", *place]), where)
        holds = checked_country(there, macros, where) or holds
    asked = checked_country(given, macros, "--country")
    if asked and holds and asked != holds:
        raise ConfigError(
            f"--country {asked}: {PROJECT} says {name}: {holds}.",
            hint="leave --country out, or change it there.",
        )
    return asked or holds


def _proposals(
    app: App,
    found: Found,
    models: Sequence[str],
    keys: dict[str, str],
    macros: Macros,
    country: str | None,
    own: frozenset[str],
) -> list[ModelProposal]:
    if not models:
        if keys:
            raise click.UsageError("--key goes with --from-models.")
        return []
    if not found.is_project:
        raise ConfigError(
            f"--from-models: {found.folder} has no dbt_project.yml, so it has no models.",
            hint="run it in your dbt project, or leave --from-models out.",
        )
    app.project_dir = found.folder
    if found.target is None:
        raise ConfigError(
            f"--from-models: {found.why_no_target}", hint="name it with --profiles-dir."
        )
    app.target = found.target
    for model in models:
        if model in own:
            raise ConfigError(
                f"--from-models {model}: a model of Headwater's own is called so, and in the registry the name would mean that.",
                hint=f"name a view of yours: my_{model}.sql with select * from {{{{ ref('{found.name}', '{model}') }}}}, once it is built.",
            )
    meter = Meter(macros, app.warehouse.dialect, country)
    return propose(app.manifest, app.warehouse, list(dict.fromkeys(models)), keys, meter)


def _describe_records(found: Found, changes: Changes, proposals: Sequence[ModelProposal]) -> None:
    """`record:` in the meta of each model: where it is described, since dbt takes one description of a model; else in a file of ours."""
    own = f"{found.models}/{FOLDER}/_records__models.yml"
    for one in proposals:
        path = one.path or own
        what = f"what {one.model} says of {'companies' if one.is_company else 'people'}"
        keys = ["models", one.model]
        if changes.at(path, keys) is None:
            if changes.text(path) is None:
                changes.file(path, f"version: 2\n\nmodels:\n{_entry(one)}", what)
            else:
                changes.add(path, ["models"], _entry(one, indent=""), what)
            continue
        older = changes.at(path, [*keys, "meta"])
        place = ["meta"] if isinstance(older, dict) else ["config", "meta"]
        changes.ensure(path, [*keys, *place], one.record(), what)


def _entry(one: ModelProposal, indent: str = "  ") -> str:
    head = [f"- name: {one.model}", "  config:", "    meta:"]
    lines = [*head, *(f"      {line}" for line in one.record().splitlines())]
    return "".join(f"{indent}{line}\n" for line in lines)


def _show(app: App, found: Found, changes: Changes, proposals: Sequence[ModelProposal]) -> None:
    say = app.output.text
    if found.is_project:
        say(f"Found the dbt project '{found.name}' in {found.folder}.")
    else:
        say(f"Found no dbt project in {found.folder}: one called '{found.name}' begins there.")
    warehouse = (
        f"{found.target.type}, target '{found.target.name}'"
        if found.target
        else found.why_no_target
    )
    say(f"  profile    {found.profile} ({warehouse})")
    say(f"  packages   {', '.join(found.packages) or 'none'}")
    for one in proposals:
        _show_proposal(app, one)
    say()
    for step in changes.steps:
        say(f"  {_VERBS[step.act]:<8} {step.path}: {step.what}")
        for line in step.text.splitlines():
            say(f"             {line}")


def _show_proposal(app: App, one: ModelProposal) -> None:
    say = app.output.text
    say()
    say(f"{one.model}: {one.rows:,} rows")
    say(f"  key          {one.key}")
    say(f"  first seen   {one.first_seen or 'no column says when'}")
    say(f"  last seen    {one.last_seen or 'no column says when'}")
    if not one.is_company:
        _show_person(say, one)
    else:
        say("  companies    its rows are companies, and no person is in them")
    if one.account:
        for kind, column in one.account.identifiers.items():
            say(f"  company      {kind}: {column}")
        for name, column in one.account.attributes.items():
            say(f"  company      {name}: {column}")
    for name in one.of_many:
        say(
            f"  left out     {name}: several people have it, as a company's key is; account: says so"
        )
    if one.unused:
        say(f"  left out     {', '.join(one.unused)}")


def _show_person(say: Callable[[str], None], one: ModelProposal) -> None:
    for kind, column in one.identifiers.items():
        say(f"  identifier   {kind}: {column} ({one.shares(kind)})")
    if not one.identifiers:
        say("  identifier   none found: records of it are people of their own")
    for kind in one.readings:
        line = one.normalised(kind)
        if line:
            say(f"  normalise    in its model, or the build stops: {line}")
    for line in _lacking(one):
        say(f"  country      {line}")
    for name, column in one.attributes.items():
        say(f"  attribute    {name}: {column}")
    if one.is_event:
        say(
            "  event        several rows per person: make an event of it too, headwater new event NAME"
        )


def _lacking(one: ModelProposal) -> list[str]:
    """What is said of numbers that no country reads."""
    reading = one.readings.get("phone")
    if reading is None or not reading.lacks_country:
        return []
    said = f"{1 - reading.valid:.1%} of {one.identifiers['phone']} cannot be read, and more than 10 % stop the build"
    if reading.country:
        return [
            f"{said}; as numbers of {reading.country} without a calling code {reading.with_country:.1%} can: "
            f"init ... --country {reading.country} sets cdp_default_country"
        ]
    return [
        f"{said}: numbers without a calling code are of the country that --country XX says (cdp_default_country), "
        "or a column given to normalise_phone"
    ]


def _tell_to_do(
    app: App,
    proposals: Sequence[ModelProposal],
    *,
    records: Sequence[str],
    has_people: bool,
) -> None:
    """What the project lacks, before anything is worth building."""
    say = app.output.text
    if not records:
        say("No model says yet who your customers are, so nobody can be sent anything:")
        say("  headwater init --from-models MODEL...   # models of yours that dbt has built")
        say("  headwater new source NAME               # or a table that no model reads yet")
    elif not has_people:
        names = " ".join(records)
        say(
            "Companies alone have nobody to be sent anything; name the model of their contacts too:"
        )
        say(f"  headwater init --from-models {names} CONTACTS")
    for one in proposals:
        for line in filter(None, (one.normalised(kind) for kind in one.readings)):
            say(f"In {one.model}, or the build stops: {line}")
        for line in _lacking(one):
            say(f"In {one.model} {line}")


def _tell_next(
    app: App,
    found: Found,
    changes: Changes,
    proposals: Sequence[ModelProposal],
    *,
    written: bool,
) -> None:
    say = app.output.text
    say()
    if changes.is_nothing:
        say("Everything is there already; nothing was changed.")
    elif not written:
        say("Nothing was written.")
        return
    if changes.by_hand:
        say(f"{len(changes.by_hand)} to add by hand, as shown above.")
    records = changes.at(PROJECT, [*REGISTRY, "records"]) or [one.model for one in proposals]
    firms = [one.model for one in proposals if one.is_company]
    has_people = bool(set(records) - set(firms))
    _tell_to_do(app, proposals, records=records, has_people=has_people)
    if not written:
        return
    say("Next:")
    seeds = changes.text(f"{found.seeds}/example_customers.csv") is not None
    pushes = [
        "headwater plan",
        "headwater push",
    ]
    environment = "export HEADWATER_ENVIRONMENT=sandbox   # of dbt and the tool: local stand-ins, nothing leaves this machine"
    where = [] if found.folder == Path.cwd().resolve() else [f"cd {found.folder}"]
    for line in [
        *where,
        "dbt deps",
        *(["dbt seed --select example_customers"] if seeds else []),
        *([environment] if has_people else []),
        "dbt build",
        *(pushes if has_people else []),
    ]:
        say(f"  {line}")
