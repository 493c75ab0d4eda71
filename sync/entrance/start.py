"""What `init` writes: the package, the settings, a first audience and a first sync, around what is there."""

from __future__ import annotations

import os
import shlex
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sync.entrance.files import Act, Changes, Step, template
from sync.entrance.package import NAME
from sync.entrance.project import DEPENDENCIES, Found
from sync.entrance.yaml_text import word as yaml_word

PROJECT = "dbt_project.yml"
FOLDER = "cdp"  # of the team's models for Headwater
REGISTRY = ("vars", "cdp_registry")
PERSONAL = ("*.duckdb*", ".headwater/", "exports/", "destinations.yml")  # lines of a .gitignore
AUDIENCE, SYNC = "audience_known_people", "sync_files__known_people"
KEY = "{tier: 1, exclusive: true, limit: 10, merge_limit: 3}"
IDENTIFIERS = {
    "email": "{tier: 2, exclusive: true, limit: 10, merge_limit: 2, max_exclusive_ids: 2}",
    "phone": "{tier: 3, limit: 10, merge_limit: 3, max_exclusive_ids: 1}",
}
ATTRIBUTES = {
    "email": "{rule: [valid, most_recent], identifier: email}",
    "phone": "{rule: [valid, most_recent], identifier: phone}",
    "first_name": "[most_frequent, source_priority]",
    "last_name": "[most_frequent, source_priority]",
    "country": "most_recent",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """Which models are records, by which identifiers, with which attributes."""

    records: tuple[str, ...] = ()
    identifiers: Mapping[str, str] = field(default_factory=lambda: dict(IDENTIFIERS))
    attributes: Mapping[str, str] = field(default_factory=dict)  # each is given by a record
    account_identifiers: Mapping[str, str] = field(default_factory=dict)
    account_attributes: Mapping[str, str] = field(default_factory=dict)


EXAMPLE = Proposal(
    ("stg_example__customers",),
    {"customer_id": KEY, **IDENTIFIERS},
    {name: ATTRIBUTES[name] for name in ("email", "first_name", "country")},
)


def plan_start(
    found: Found,
    changes: Changes,
    *,
    package: str,
    schema: str,
    proposal: Proposal | None,
    country: str | None = None,
) -> None:
    """The steps into `changes`."""
    example = not found.is_project and proposal is None
    proposal = proposal or (EXAMPLE if example else Proposal())
    if not found.is_project:
        _project(found, changes, example=example)
    _keep_from_git(found, changes)
    _package(found, changes, package)
    _settings(changes, schema)
    if country:
        note = "# Of phone numbers without a calling code, where no column says it; not set, they are not read."
        entry = f"{note}\ncdp_default_country: {yaml_word(country)}"
        changes.ensure(PROJECT, ["vars"], entry, f"cdp_default_country: {country}")
    _variables(found, changes, proposal)
    files = (
        ("destinations.yml.example", "destinations.yml.example", "where syncs send"),
        (".github/workflows/headwater.yml.example", "ci.yml.example", "a schedule, as an example"),
    )
    for path, name, what in files:
        changes.file(path, template(name), what)
    _first_audience(found, changes)
    if found.profile == NAME:
        changes.steps.append(
            Step(
                "profiles.yml",
                Act.BY_HAND,
                "a profile called headwater switches the demo company on",
                "export HEADWATER_DEMO=false   # or give the profile another name",
            )
        )


def package_entry(package: Path, given: Path | None, found: Found) -> str:
    """The value of `local:`. A path that a person gave stays relative; the installed copy may be elsewhere on another machine."""
    if given is not None:
        return yaml_word(
            str(package) if given.is_absolute() else os.path.relpath(package, found.folder)
        )
    if found.packages_file == DEPENDENCIES:
        return yaml_word(str(package))
    return f"\"{{{{ env_var('HEADWATER_PACKAGE', '{package}') }}}}\""


def _project(found: Found, changes: Changes, *, example: bool) -> None:
    words = {"name": found.name, "profile": found.profile}
    changes.file(PROJECT, template("dbt_project.yml", **words), "the dbt project")
    if found.target is None:
        changes.file("profiles.yml", template("warehouse.yml", **words), "the warehouse, a file")
    if example:
        folder = f"{found.models}/{FOLDER}/staging/example"
        seed = f"{found.seeds}/example_customers.csv"
        changes.file(seed, template("example_customers.csv"), "five made-up customers")
        model = f"{folder}/stg_example__customers.sql"
        changes.file(model, template("staging_example.sql"), "their staging")
        described = f"{folder}/_example__models.yml"
        describe(changes, described, "stg_example__customers", template("staging_example.yml"))


def _keep_from_git(found: Found, changes: Changes) -> None:
    """People's data and secrets stay out of git, in a project of any age, also before there is a git around it."""
    kept = [one for one in template("gitignore").splitlines() if one]
    if found.is_project and changes.text(".gitignore") is not None:
        kept = [one for one in kept if one in PERSONAL]
    kept += [one for one in _exports(changes) if one not in kept]
    changes.lines(".gitignore", kept, "what git must not take: people's data and secrets")
    taken = in_git(found.folder, (*PERSONAL, *_exports(changes)))
    if taken:
        what = f"git has {len(taken)} files with people's data or secrets already"
        removed = f"git rm -r --cached -- {' '.join(shlex.quote(one) for one in taken[:20])}"
        more = f"   # and {len(taken) - 20} more: git ls-files" if len(taken) > 20 else ""
        note = "   # its history keeps them: see git filter-repo"
        changes.steps.append(Step(".gitignore", Act.BY_HAND, what, removed + more + note))


def _exports(changes: Changes) -> list[str]:
    """Folders of the project that its destinations write people to, as lines of a .gitignore."""
    listed = changes.at("destinations.yml", ["destinations"])
    listed = listed if isinstance(listed, dict) else {}
    paths = [str(entry.get("path") or "") for entry in listed.values() if isinstance(entry, dict)]
    inside = [os.path.normpath(one) for one in paths if one and "://" not in one and "{" not in one]
    return [
        f"{one}/"
        for one in inside
        if not os.path.isabs(one) and one.split("/")[0] not in (".", "..")
    ]


def in_git(folder: Path, patterns: Sequence[str]) -> list[str]:
    """Files under git in a folder that such lines of a .gitignore name; none where there is no git."""
    words = [
        "git",
        "-C",
        str(folder),
        "ls-files",
        "-z",
        "--",
        *(one.strip("/") for one in patterns),
    ]
    try:
        found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    return [one for one in found.stdout.split("\0") if one] if found.returncode == 0 else []


def _package(found: Found, changes: Changes, package: str) -> None:
    if found.has_package:
        changes.steps.append(Step(found.packages_file, Act.KEEP, "the package"))
        return
    what = "the package"
    if found.packages_file == DEPENDENCIES:
        what += ", where it is on this machine: dbt reads no env_var() in this file"
    changes.add(found.packages_file, ["packages"], f"- local: {package}", what)


def _settings(changes: Changes, schema: str) -> None:
    flag = "require_ref_searches_node_package_before_root"
    set_flag = changes.at(PROJECT, ["flags", flag])
    if set_flag in (None, True):
        note = "# Headwater refers to your models by name; without it dbt warns of each."
        changes.ensure(PROJECT, ["flags"], f"{note}\n{flag}: true", flag)
    else:
        what = f"{flag} is {set_flag} (under flags:)"
        changes.steps.append(Step(PROJECT, Act.BY_HAND, what, f"{flag}: true"))
    for kind in ("models", "seeds"):
        entry = f"{NAME}:\n  +schema: {schema}"
        changes.ensure(PROJECT, [kind], entry, f"where Headwater's {kind} go")


def _variables(found: Found, changes: Changes, proposal: Proposal) -> None:
    before = changes.text(PROJECT) or ""
    if changes.at(PROJECT, REGISTRY) is None:
        entry = template("cdp_registry.yml", records=", ".join(proposal.records))
        changes.ensure(PROJECT, ["vars"], entry, "cdp_registry")
    else:
        for model in proposal.records:
            changes.name(PROJECT, [*REGISTRY, "records"], model)
    blocks = (
        ("cdp_identity", "identifiers", proposal.identifiers, proposal.account_identifiers),
        ("cdp_survivorship", "attributes", proposal.attributes, proposal.account_attributes),
    )
    for variable, kind, entries, of_companies in blocks:
        lines = "\n".join(f"{name}: {rule}" for name, rule in entries.items()) or "{}"
        if changes.at(PROJECT, ["vars", variable]) is None:
            words = {kind: textwrap.indent(lines, " " * 6)}
            changes.ensure(PROJECT, ["vars"], template(f"{variable}.yml", **words), variable)
        elif proposal.records:
            for name, rule in entries.items():
                keys = ["vars", variable, "person", kind]
                changes.ensure(PROJECT, keys, f"{name}: {rule}", f"{name} in {variable}")
        for name, rule in of_companies.items():
            keys = ["vars", variable, "account", kind]
            changes.ensure(PROJECT, keys, f"{name}: {rule}", f"{name} of companies in {variable}")
    if "cdp_live_targets" not in before:
        entry = template("cdp_live_targets.yml", target=_target(found), place=_place(found))
        changes.add(PROJECT, ["vars"], entry, "cdp_live_targets, as a comment")


def _target(found: Found) -> str:
    return found.target.name if found.target else "dev"


def _place(found: Found) -> str:
    """What cdp_live_targets would say of the target that is there."""
    keys = {
        "snowflake": ("account", "database", "schema"),
        "bigquery": ("project", "dataset"),
    }
    if found.target is None or found.target.type not in keys:
        here = found.target.text("path") if found.target else f"{found.name}.duckdb"
        schema = found.target.text("schema", "main") if found.target else "dev"
        # From the root: any copy of the project has the same path from its folder.
        return f"{{path: {os.path.realpath(found.folder / here)}, schema: {schema}}}"
    names = keys[found.target.type]
    return "{" + ", ".join(f"{name}: {found.target.text(name, '...')}" for name in names) + "}"


def _first_audience(found: Found, changes: Changes) -> None:
    """A first audience and its sync, where there is no audience yet."""
    audiences = changes.at(PROJECT, [*REGISTRY, "audiences"]) or []
    if audiences and AUDIENCE not in audiences:
        return
    base = f"{found.models}/{FOLDER}"
    # An attribute is there once a record gives it.
    attributes = changes.at(PROJECT, ["vars", "cdp_survivorship", "person", "attributes"]) or {}
    by_email = "email" in attributes
    trait, condition = ("email", "is_null: false") if by_email else ("record_count", '">=": 1')
    sql = template("audience.sql", trait=trait, condition=condition)
    changes.file(f"{base}/audiences/{AUDIENCE}.sql", sql, "a first audience")
    who = "Everybody with an e-mail address" if by_email else "Everybody"
    described = f"{who}, to see the loop run."
    entry = template("audience.yml", model=AUDIENCE, description=described)
    describe(changes, f"{base}/audiences/_audiences__models.yml", AUDIENCE, entry)
    changes.name(PROJECT, [*REGISTRY, "audiences"], AUDIENCE)
    sql = template(
        "activation.sql",
        entity="",
        members=AUDIENCE,
        consent="    no_consent_because='a file to look at',\n",
        identifiers="'email': 'profiles.email'" if by_email else "",
        fields="'first_seen_at': 'profiles.first_seen_at'",
    )
    folder = f"{base}/activation"
    changes.file(f"{folder}/{SYNC}.sql", sql, "what a first file sync receives")
    described = f"{who}, for a file."
    key = {"grain": "person", "key": "profile_id"}
    entry = template("activation.yml", model=SYNC, description=described, **key)
    describe(changes, f"{folder}/_activation__models.yml", SYNC, entry)
    exposure = template(
        "exposure.yml",
        name="files_known_people",
        label="known_people",
        owner="Customer data",
        email="data@example.com",
        model=SYNC,
        destination="files",
        object="table",
        mode="mirror",
    )
    path = f"{folder}/_activation__exposures.yml"
    describe(changes, path, "files_known_people", exposure, kind="exposures")


def describe(changes: Changes, path: str, name: str, entry: str, *, kind: str = "models") -> None:
    """An entry of a properties file, which is made where it is missing."""
    what = f"{name}, described"
    if changes.at(path, [kind, name]) is not None:
        changes.steps.append(Step(path, Act.KEEP, what))
        return
    if changes.text(path) is None:
        changes.file(
            path, f"version: 2\n\n{kind}:\n{textwrap.indent(entry.strip(chr(10)), '  ')}\n", what
        )
        return
    changes.add(path, [kind], entry, what)
