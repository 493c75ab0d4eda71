"""Which targets may send to real accounts: `cdp_live_targets` in dbt_project.yml, by name and by what they write into.

The name alone says little: a developer's profiles.yml may have a target of any name. So the listing says the place too, and the
manifest must have been written for it: its ledger is what tells who was sent what already.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sync.config.manifest import Manifest
from sync.config.profiles import Target
from sync.config.project import Project
from sync.config.templates import MARKUP
from sync.errors import ConfigError, RefusedError, closest

VARIABLE = "cdp_live_targets"
# What tells a target's place from a copy of it, in the words of profiles.yml; other words for the same that dbt takes.
_PLACES = {
    "duckdb": ("path", "schema"),
    "snowflake": ("account", "database", "schema"),
    "bigquery": ("project", "dataset"),
}
_SYNONYMS = {"bigquery": {"database": "project", "schema": "dataset"}}


def check_live(project: Project, target: Target, manifest: Manifest) -> None:
    """`target` is one that may send to real accounts.

    Raises:
        RefusedError: it is not listed, is another place than the one listed, or the manifest was written for another.
        ConfigError: the listing is malformed.
    """
    _check_manifest(manifest, target, check_listed(project, target))


def check_listed(project: Project, target: Target) -> Mapping[str, str]:
    """`target` is listed as the place that it is; returns what tells that place.

    Raises:
        RefusedError: it is not listed, or is another place than the one listed.
        ConfigError: the listing is malformed.
    """
    here = _place(target.type, target.settings, target)
    shown = ", ".join(f"{key}: {value}" for key, value in here.items())
    listed = _listed(project)
    if target.name not in listed:
        others = f"; listed: {', '.join(sorted(listed))}" if listed else ""
        raise _refused(
            f"target '{target.name}' may not send to real accounts: {VARIABLE} does not list it"
            f"{others}{closest(target.name, listed)}.",
            f"--sandbox is free. If this target is the one that goes live, put into vars: of "
            f"{project.directory / 'dbt_project.yml'}: {VARIABLE}: {{{target.name}: {{{shown}}}}}",
        )
    wanted = _entry(project, target, listed[target.name])
    for key, value in wanted.items():
        if not _is_same(target.type, key, value, here[key]):
            raise _refused(
                f"target '{target.name}' may not send to real accounts: {VARIABLE} lists it with "
                f"{key} '{value}', and here it has {key} '{here[key] or 'none'}'.",
                "a copy knows nothing of what was sent, and would send all of it again: use "
                f"--sandbox, or list this place if it is the one that goes live: {{{shown}}}",
            )
    return here


def _refused(message: str, hint: str) -> RefusedError:
    return RefusedError("target", message, hint=hint)


def _listed(project: Project) -> Mapping[str, Any]:
    found = project.variable(VARIABLE) or {}
    if isinstance(found, Mapping):
        return {str(name): entry for name, entry in found.items()}
    raise _wrong(project, "must be a mapping of targets to their places")


def _wrong(project: Project, text: str) -> ConfigError:
    return ConfigError(
        f"{project.directory / 'dbt_project.yml'}: {VARIABLE} {text}.",
        hint="such as {prod: {account: ab12345, database: ANALYTICS, schema: MARKETING}}; DuckDB "
        "has path and schema, BigQuery project and dataset.",
    )


def _entry(project: Project, target: Target, entry: object) -> dict[str, str]:
    """What the listing says of one target: all that tells its place, and nothing else."""
    needed = _PLACES.get(target.type, ("schema",))
    if not isinstance(entry, Mapping):
        raise _wrong(project, f"'{target.name}' must say {' and '.join(needed)}")
    synonyms = _SYNONYMS.get(target.type, {})
    found = {synonyms.get(str(key), str(key)): value for key, value in entry.items()}
    for key, value in found.items():
        if key not in needed:
            raise _wrong(
                project,
                f"'{target.name}' has '{key}', which is not one of {', '.join(needed)}"
                f"{closest(key, needed)}",
            )
        if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
            raise _wrong(project, f"'{target.name}' must say its {key} as a text")
        if MARKUP.search(str(value)):
            raise _wrong(
                project,
                f"'{target.name}' must say its {key} in full: what comes from the environment is "
                "another on each machine",
            )
    missing = [key for key in needed if key not in found]
    if missing:
        raise _wrong(project, f"'{target.name}' must say its {' and '.join(missing)} too")
    path = str(found.get("path", "/"))
    if not (os.path.isabs(path) or "://" in path or path.startswith("md:")):
        raise _wrong(
            project, f"'{target.name}' must say its path from the root: any copy has '{path}'"
        )
    return {key: str(found[key]).strip() for key in needed}


def _place(kind: str, settings: Mapping[str, Any], target: Target) -> dict[str, str]:
    synonyms = _SYNONYMS.get(kind, {})
    words = {synonyms.get(key, key): value for key, value in settings.items()}
    found = {key: str(words.get(key) or "") for key in _PLACES.get(kind, ("schema",))}
    if "path" in found:
        path = found["path"].partition("?")[0]  # what follows may be a token
        is_url = "://" in path or path.startswith("md:")
        found["path"] = path if is_url else os.path.realpath(target.project_dir / path)
        if path in ("", ":memory:"):
            found["path"] = ":memory:"
    return found


def _is_same(kind: str, key: str, one: str, other: str) -> bool:
    if key == "path":
        return (os.path.realpath(one) if os.path.isabs(one) else one) == other
    # Of the three only BigQuery tells small letters from capitals.
    return one == other if kind == "bigquery" else one.casefold() == other.casefold()


def _check_manifest(manifest: Manifest, target: Target, here: Mapping[str, str]) -> None:
    """The ledger is the target's own: sync reads and writes what the manifest names, whatever the target."""
    database, schema = manifest.source_place("sync", "ledger")
    wanted = {
        "schema": (schema, f"{here.get('schema') or here.get('dataset')}_sync"),
        "database": (database, here.get("database") or here.get("project") or database),
    }
    for key, (found, expected) in wanted.items():
        if not _is_same(target.type, key, expected, found):
            raise _refused(
                f"{manifest.path} was written for another target than '{target.name}': its ledger "
                f"is in {key} '{found}', and not in '{expected}'.",
                f"dbt build --target {target.name}; a DBT_TARGET_PATH per target keeps the "
                "manifests apart.",
            )
