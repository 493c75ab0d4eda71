"""What tables hold against what their compiled SQL gives now.

Where every table equals its query, all of them equal those of a build that makes everything.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

KINDS = ("when_changed", "by_key")


def differences(database: Path, target: Path) -> dict[str, int]:
    """Per model that is not made in each build how many rows it has that its query does not give, or the other way round.

    `target` is where dbt wrote its manifest of the build to look at. Sums of floats may differ in their last digits.
    """
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    found = {}
    with duckdb.connect(str(database)) as connection:
        for node in nodes:
            if node["config"]["materialized"] not in KINDS or not node.get("compiled_code"):
                continue
            table = f"from {node['relation_name']}"
            described = connection.execute(f"describe select * {table}").fetchall()
            columns = ", ".join(
                f'round("{name}", 9) as "{name}"' if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
                for name, kind, *_ in described
            )
            types = ", ".join(
                f'cast("{name}" as {kind}) as "{name}"' for name, kind, *_ in described
            )
            kept = f"select {columns} {table}"
            whole = (
                f"select {columns} from (select {types} from ({node['compiled_code']}\n) as query)"
            )
            counts = [
                connection.execute(
                    f"select count(*) from (({one}) except all ({other}))"
                ).fetchall()[0][0]
                for one, other in ((kept, whole), (whole, kept))
            ]
            if any(counts):
                found[node["name"]] = sum(counts)
    return found
