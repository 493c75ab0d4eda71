"""`new`: a working file of one kind, its description, and its name in the registry."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.config.destinations import FILE_NAME, load_destinations
from sync.config.project import find_project
from sync.config.templates import read_yaml
from sync.destinations import registry
from sync.destinations.base import Declaration, ObjectType
from sync.entrance.files import Act, Changes, Step, template
from sync.entrance.looked import RESERVED, simple
from sync.entrance.start import ATTRIBUTES, FOLDER, IDENTIFIERS, PROJECT, REGISTRY, describe
from sync.entrance.yaml_text import word
from sync.errors import ConfigError, closest
from sync.records import Mode

_FORMS: Mapping[str, tuple[str, str]] = {
    "source": (r"[a-z][a-z0-9_]*", "booking"),
    "identifier": (r"[a-z][a-z0-9_]*", "loyalty_number"),
    "trait": (r"[a-z][a-z0-9_]*", "visit_count"),
    "event": (r"[a-z][a-z0-9]*(_[a-z0-9]+)+", "order_placed: a noun and a past verb"),
    "audience": (r"[a-z][a-z0-9_]*", "lapsed_buyers: who, in the plural"),
    "journey": (r"[a-z][a-z0-9_]*", "win_back"),
    "sync": (
        r"[a-z][a-z0-9]*(_[a-z0-9]+)*__[a-z][a-z0-9_]*",
        "files__lapsed_buyers: destination__object",
    ),
}
_PREFIXES = {
    "source": "stg_",
    "trait": "traits_",
    "event": "event_",
    "audience": "audience_",
    "journey": "journey_",
    "sync": "sync_",
}
KINDS = tuple(_FORMS)
RAW = ("id", "email", "created_at", "updated_at")  # columns that the template of a source reads


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for beside the name."""

    name: str
    audience: str | None = None
    table: str | None = None
    schema: str | None = None


class Team:
    """A team's project as `new` sees it."""

    def __init__(self, folder: Path | None) -> None:
        project = find_project(folder)
        self.changes = Changes(project.directory)
        self.name = project.name
        settings = read_yaml(project.directory / PROJECT)
        paths = settings.get("model-paths") or ["models"]
        self.models = str(paths[0])
        if project.name == "headwater":
            raise ConfigError(
                f"{project.directory} is Headwater itself, and no file of it is for editing.",
                hint="run it in your own dbt project; `headwater init` makes one.",
            )

    def registered(self, kind: str) -> list[str]:
        """Names of one kind in the registry."""
        found = self.changes.at(PROJECT, [*REGISTRY, kind]) or []
        return [str(name) for name in found] if isinstance(found, list) else []

    def knows(self, attribute: str) -> bool:
        """Whether profiles has this golden attribute; the package's own list has all."""
        keys = ["vars", "cdp_survivorship", "person", "attributes"]
        found = self.changes.at(PROJECT, keys)
        return found is None or attribute in found

    def source(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """The file that describes a source, and what it says; dbt takes one of each name."""
        base = self.changes.folder / self.models
        for file in sorted((*base.rglob("*.yml"), *base.rglob("*.yaml"))):
            path = file.relative_to(self.changes.folder).as_posix()
            found = self.changes.at(path, ["sources", name])
            if isinstance(found, dict):
                return path, found
        return None

    def is_of_companies(self, audience: str) -> bool:
        """Whether an audience, by its file, is one of companies: its definition says so, or it is SQL that has their key alone."""
        base = self.changes.folder / self.models
        for file in base.rglob(f"{audience}.sql"):
            sql = file.read_text("utf-8")
            told = re.search(r"^\s*entity:\s*[\"']?(\w+)", sql, re.MULTILINE)
            return told[1] == "account" if told else "account_id" in sql and "profile_id" not in sql
        return False

    def room(self, name: str) -> str:
        """The folder of one kind of models: the one that is there, else one in the team's folder."""
        base = self.changes.folder / self.models
        there = sorted(path for path in base.rglob(name) if path.is_dir())
        if there:
            return there[0].relative_to(self.changes.folder).as_posix()
        return f"{self.models}/{FOLDER}/{name}"

    def register(self, kind: str, model: str) -> None:
        """Put a model on the list of its kind in the registry."""
        self.changes.name(PROJECT, [*REGISTRY, kind], model)

    def model(self, room: str, name: str, sql: str, entry: str, what: str) -> None:
        """A model and its description. One that is there is never written over.

        Raises:
            ConfigError: there is a model of that name.
        """
        base = self.changes.folder / self.models
        for file in (*base.rglob(f"{name}.sql"), *base.rglob(f"{name}.py")):
            raise ConfigError(
                f"{file.relative_to(self.changes.folder)} is there already; nothing was written.",
                hint="take another name, or edit that file.",
            )
        self.changes.file(f"{room}/{name}.sql", sql, what)
        describe(self.changes, f"{room}/_{room.rpartition('/')[2]}__models.yml", name, entry)


def plan_new(team: Team, kind: str, asked: Asked) -> None:
    """The steps into the team's changes.

    Raises:
        ConfigError: the name is not one of the kind's, or is taken; or what it needs is not there.
    """
    name = asked.name.removeprefix(_PREFIXES.get(kind, ""))
    pattern, example = _FORMS[kind]
    if not re.fullmatch(pattern, name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if kind == "sync" and "__" in name:
            near = "__".join(
                re.sub(r"[^a-z0-9]+", "_", one.lower()).strip("_") for one in name.split("__", 1)
            )
        better = f" (did you mean '{near}'?)" if re.fullmatch(pattern, near) else ""
        raise ConfigError(
            f"'{asked.name}' is no name for a new {kind}{better}.",
            hint=f"small letters, digits and underscores, such as {example}.",
        )
    if kind in ("trait", "identifier") and (name in RESERVED or word(name) != name):
        raise ConfigError(
            f"'{asked.name}' is a word that SQL or YAML reads as its own, so it names no {kind}.",
            hint=f"take another, such as {name}_{'count' if kind == 'trait' else 'no'}.",
        )
    _WRITERS[kind](team, Asked(name, asked.audience, asked.table, asked.schema))


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _source(team: Team, asked: Asked) -> None:
    name, table = asked.name, asked.table or "customers"
    plain = simple(table)  # of what is called by it: a model, keys of records, a column
    if not re.fullmatch(r"[a-z][a-z0-9_]*", plain):
        raise ConfigError(
            f"--table {table}: no name of a model can be made of it.",
            hint="a name that begins with a letter; say the table's own in the source's file (identifier:).",
        )
    grain = plain.removesuffix("s") or plain
    model = f"stg_{name}__{plain}"
    room = f"{team.room('staging')}/{name}"
    words = {"name": name, "table": plain, "grain": grain, "model": model}
    words["source_name"] = re.sub(r"_+", "_", f"{name}_{plain}")
    entry = template("staging.yml", description=f"{_words(plain)} of {name}.", **words)
    team.model(room, model, template("staging.sql", **words), entry, "the staging model")
    where = _described_source(team, asked, f"{room}/_{name}__sources.yml", table, plain)
    what = (
        f"the table {where}.{table} is taken to have the columns {', '.join(RAW)}: "
        "change the model where yours are others"
    )
    team.changes.steps.append(Step(f"{room}/{model}.sql", Act.BY_HAND, what))
    team.register("records", model)
    rules = (
        ("cdp_identity", "identifiers", IDENTIFIERS),
        ("cdp_survivorship", "attributes", ATTRIBUTES),
    )
    for variable, one, given in rules:
        keys = ["vars", variable, "person", one]
        if team.changes.at(PROJECT, ["vars", variable]) is not None:  # else the package's rules
            team.changes.ensure(PROJECT, keys, f"email: {given['email']}", f"email in {variable}")


def _described_source(team: Team, asked: Asked, path: str, table: str, plain: str) -> str:
    """Say where the table is, in the file that has the source already, else in one of its own; the schema that holds."""
    found = team.source(asked.name)
    schema = asked.schema or f"raw_{asked.name}"
    entry = f"- name: {word(plain)}\n  description: One row per {plain.removesuffix('s') or plain}."
    if table != plain:
        entry += f"\n  identifier: {word(table)}   # as the warehouse has it"
    if not re.fullmatch(r"[A-Za-z0-9_]+", table):
        entry += "\n  quoting: {identifier: true}"
    if found is None:
        words = {"name": word(asked.name), "schema": word(schema)}
        described = template(
            "source.yml",
            description=f"{_words(asked.name)}.",
            table=textwrap.indent(entry, "      "),
            **words,
        )
        team.changes.file(path, described, "where the tables are")
        return schema
    file, source = found
    there = str(source.get("schema") or asked.name)
    if asked.schema and asked.schema != there:
        raise ConfigError(
            f"--schema {asked.schema}: source '{asked.name}' has schema '{there}', in {file}.",
            hint="leave --schema out, or take another name for the source.",
        )
    if plain not in [str(one.get("name")) for one in source.get("tables") or []]:
        keys = ["sources", asked.name, "tables"]
        team.changes.add(file, keys, entry, f"the table {table}")
    return there


def _identifier(team: Team, asked: Asked) -> None:
    keys = ["vars", "cdp_identity", "person", "identifiers"]
    there = team.changes.at(PROJECT, keys)
    if not isinstance(there, dict):
        raise ConfigError(
            f"{PROJECT} has no vars: cdp_identity: person: identifiers; the package's own rules are used.",
            hint="a var of yours replaces them as a whole: headwater init writes a first one.",
        )
    if asked.name in there:
        raise ConfigError(f"identifier '{asked.name}' has its rules already, in {PROJECT}.")
    tiers = [rule.get("tier", 0) for rule in there.values() if isinstance(rule, dict)]
    tier = max([one for one in tiers if isinstance(one, int)], default=0) + 1
    rule = f"{asked.name}: {{tier: {tier}, limit: 10, merge_limit: 3, max_exclusive_ids: 1}}"
    team.changes.add(PROJECT, keys, rule, f"the rules of {asked.name}, the least trusted so far")
    team.changes.steps.append(
        Step(
            "the model that has it",
            Act.BY_HAND,
            "which column it is (config: meta: record: person: identifiers)",
            f"identifiers: [..., {{{asked.name}: COLUMN}}]",
        )
    )


def _trait(team: Team, asked: Asked) -> None:
    model = f"traits_{asked.name}"
    words = {"model": model, "column": asked.name, "description": f"{_words(asked.name)}."}
    sql = template("traits.sql", column=asked.name)
    team.model(
        team.room("profiles"), model, sql, template("traits.yml", **words), "a group of traits"
    )
    team.register("traits", model)


def _event(team: Team, asked: Asked) -> None:
    model = f"event_{asked.name}"
    entry = template("event.yml", model=model, description=f"{_words(asked.name)}.")
    team.model(team.room("profiles"), model, template("event.sql"), entry, "the event")


def _audience(team: Team, asked: Asked) -> None:
    model = f"audience_{asked.name}"
    sql = template("audience.sql", trait="record_count", condition='">=": 2')
    entry = template("audience.yml", model=model, description=f"{_words(asked.name)}.")
    team.model(team.room("audiences"), model, sql, entry, "the audience")
    team.register("audiences", model)


def _journey(team: Team, asked: Asked) -> None:
    model = f"journey_{asked.name}"
    destination = next(iter(_destinations(team)), "files")
    audience = _chosen_audience(team, asked)
    is_of_companies = team.is_of_companies(audience)
    entity = "entity: account\n" if is_of_companies else ""
    sql = template("journey.sql", entity=entity, audience=audience, destination=destination)
    entry = template(
        "journey.yml", model=model, description=f"{_words(asked.name)}.",
        who="company" if is_of_companies else "person",
    )  # fmt: skip
    team.model(team.room("journeys"), model, sql, entry, "the journey")
    team.register("journeys", model)


def _sync(team: Team, asked: Asked) -> None:
    destination, _, what = asked.name.partition("__")
    declaration = _declaration(team, destination)
    members = _chosen_audience(team, asked)
    is_of_companies = team.is_of_companies(members)
    kind, offered = _object_of(declaration, members, is_of_companies=is_of_companies)
    mode = Mode.MIRROR if Mode.MIRROR in offered.modes else sorted(offered.modes, key=str)[0]
    columns = _identifiers(declaration, offered.identifiers)
    if is_of_companies:
        columns = {"domain": "'accounts.domain'"}
    elif declaration.name == "files" and not team.knows("email"):
        columns = {}  # a file needs nobody's address, and profiles has no such column
    told = ", ".join(f"'{name}': {value}" for name, value in columns.items())
    # Hashes are for advertising.
    channel = "ads" if declaration.hashed else {"onesignal": "push"}.get(declaration.name, "email")
    consent = f"    consent={{'channel': '{channel}', 'purpose': 'marketing'}},\n"
    if is_of_companies:
        consent = ""  # nobody is asked for a company
    model, exposure = f"sync_{asked.name}", f"{destination}_{what}"
    room = team.room("activation")
    sql = template(
        "activation.sql",
        entity="    entity='account',\n" if is_of_companies else "",
        members=members,
        consent=consent,
        identifiers=told,
        fields="" if columns else "'first_seen_at': 'profiles.first_seen_at'",
    ).split("-#}\n", 1)[1]
    entry = template(
        "activation.yml",
        model=model,
        description=f"{_words(what)} for {destination}.",
        grain="company" if is_of_companies else "person",
        key="account_id" if is_of_companies else "profile_id",
    )
    team.model(room, model, sql, entry, f"what {destination} receives")
    words = {
        "name": exposure,
        "label": what,
        "owner": "Customer data",
        "email": "data@example.com",
        "model": model,
        "destination": destination,
        "object": kind,
        "mode": mode.value,
    }
    path = f"{room}/_activation__exposures.yml"
    describe(team.changes, path, exposure, template("exposure.yml", **words), kind="exposures")


def _object_of(
    declaration: Declaration, members: str, *, is_of_companies: bool
) -> tuple[str, ObjectType]:
    """The first kind of object at a destination that takes people, or companies.

    Raises:
        ConfigError: it takes no companies.
    """
    for kind, offered in declaration.objects.items():
        takes_all = not offered.identifiers and not declaration.hashed
        if not is_of_companies or takes_all or "domain" in offered.identifiers:
            return kind, offered
    raise ConfigError(
        f"{members} is an audience of companies, and {declaration.title} takes people.",
        hint=f"an audience of their contacts has {{account: {{member_of: {members}}}}} in its definition.",
    )


def _chosen_audience(team: Team, asked: Asked) -> str:
    audiences = team.registered("audiences")
    if asked.audience is None:
        if not audiences:
            raise ConfigError(
                "the registry has no audience yet.", hint="headwater new audience NAME, then again."
            )
        namesake = f"audience_{asked.name.rpartition('__')[2]}"
        return namesake if namesake in audiences else audiences[0]
    name = f"audience_{asked.audience.removeprefix('audience_')}"
    if name not in audiences:
        raise ConfigError(
            f"--audience {asked.audience}: there is no '{name}' in the registry{closest(name, audiences)}.",
            hint=f"audiences are {', '.join(audiences) or 'none yet: headwater new audience NAME'}.",
        )
    return name


def _destinations(team: Team) -> dict[str, str]:
    """Names of destinations and their types: of destinations.yml, else of its example."""
    folder = team.changes.folder
    entries = load_destinations(folder).entries
    if entries:
        return {name: entry.type for name, entry in entries.items()}
    listed: Any = team.changes.document(f"{FILE_NAME}.example").get("destinations") or {}
    return {str(name): str((entry or {}).get("type", name)) for name, entry in listed.items()}


def _declaration(team: Team, destination: str) -> Declaration:
    types = registry.names()
    known = {**{name: name for name in types}, **_destinations(team)}
    kind = known.get(destination)
    if kind is None or kind not in types:
        raise ConfigError(
            f"there is no destination '{destination}'{closest(destination, known)}; there is {', '.join(sorted(known))}.",
            hint=f"a sync is called destination__object; {FILE_NAME} names yours.",
        )
    return registry.declaration(kind)


def _identifiers(declaration: Declaration, offered: frozenset[str]) -> dict[str, str]:
    """Columns by which the destination knows somebody, and where they come from."""
    if declaration.hashed:
        # Google alone takes dots and what follows a plus out of an address.
        vendor = "google" if declaration.name == "google_data_manager" else "meta"
        return {"email_sha256": f"headwater.hashed_for_{vendor}('email', 'profiles.email')"}
    if offered and not offered & {"email", "phone"}:
        ids = {"profile_id", "external_id"}  # what a vendor calls the id that others gave it
        return dict.fromkeys(sorted(offered & ids), "'profiles.profile_id'")
    return {"email": "'profiles.email'"}


_WRITERS: Mapping[str, Callable[[Team, Asked], None]] = {
    "source": _source,
    "identifier": _identifier,
    "trait": _trait,
    "event": _event,
    "audience": _audience,
    "journey": _journey,
    "sync": _sync,
}
assert set(_WRITERS) == set(KINDS)  # noqa: S101


def nearest_kind(kind: str, kinds: Sequence[str] = KINDS) -> str:
    """What follows a kind that there is not."""
    return f"there is no kind '{kind}'{closest(kind, kinds)}; kinds are {', '.join(kinds)}."
