"""Macros by themselves, in a project that has the macros and no more: it is parsed in a tenth of the whole project's time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[2]
IN_MEMORY = "headwater: {target: test, outputs: {test: {type: duckdb, path: ':memory:'}}}"


def compiled(
    folder: Path,
    inline: str,
    *words: str,
    models: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    profiles: str = IN_MEMORY,
) -> str:
    """`inline` as dbt compiles it. `models` are what it refers to, `words` are more of dbt's options.

    Raises:
        ValueError: dbt refused, with all that was said.
    """
    project = folder / "project"
    (project / "models").mkdir(parents=True)
    (project / "macros").symlink_to(ROOT / "macros")
    for name, sql in (models or {}).items():
        (project / "models" / f"{name}.sql").write_text(sql)
    told = yaml.safe_load((ROOT / "dbt_project.yml").read_text()).get("vars", {})
    settings = {
        "name": "headwater", "profile": "headwater", "vars": told | dict(variables or {}),
        "flags": {"send_anonymous_usage_stats": False},
    }  # fmt: skip
    (project / "dbt_project.yml").write_text(json.dumps(settings))
    (project / "profiles.yml").write_text(profiles)
    result = dbtRunner().invoke(
        [
            *("--quiet", "compile", "--no-populate-cache", "--no-introspect", "--inline", inline),
            *("--project-dir", str(project), "--profiles-dir", str(project), *words),
            *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
        ]
    )
    if not result.success:
        error, said = result.exception, ""
        while error is not None:
            said, error = f"{said} {error}", error.__cause__ or error.__context__
        raise ValueError(said)
    return str(result.result.results[0].node.compiled_code)  # type: ignore[union-attr]
