"""Syncs that are gone for good: `cdp_retired_syncs` in dbt_project.yml. What they sent stays where it is, and that is meant."""

from __future__ import annotations

from collections.abc import Collection

from sync.config.project import Project
from sync.errors import ConfigError

VARIABLE = "cdp_retired_syncs"


def retired(project: Project, defined: Collection[str]) -> frozenset[str]:
    """Ids of syncs that are retired; `defined` are the ids of those that the project defines.

    Raises:
        ConfigError: the list is malformed, or names a sync that is defined.
    """
    where = f"{project.directory / 'dbt_project.yml'}: {VARIABLE}"
    found = project.variable(VARIABLE) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigError(
            f"{where} must be a list of ids of syncs.", hint=f"such as {VARIABLE}: [old_newsletter]"
        )
    if back := sorted(set(found).intersection(defined)):
        raise ConfigError(
            f"{where} names '{back[0]}', which an exposure defines.",
            hint="take it out of the list, or the exposure out of the project.",
        )
    return frozenset(found)
