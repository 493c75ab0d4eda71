"""Whom audiences hold, beside an evaluation in Python that knows no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import yaml

from tests.python.audiences.evaluation import holds
from tests.python.audiences.project import fill
from tests.python.audiences.worlds import COMPANIES, PEOPLE, Row, World


def write_audience(folder: Path, name: str, entity: str, definition: Row) -> None:
    """The model of a definition."""
    text = yaml.safe_dump(
        {"entity": entity, **definition}, sort_keys=False, width=10_000, allow_unicode=True
    )
    (folder / "models" / f"{name}.sql").write_text(
        f"{{% set definition %}}\n{text}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
    )


def write_judged(folder: Path, name: str, entity: str, definition: Row) -> None:
    """The members of the query that answers why and how many, which judges every leaf by itself."""
    text = yaml.safe_dump(
        {"entity": entity, **definition}, sort_keys=False, width=10_000, allow_unicode=True
    )
    key = {"person": "profile_id", "account": "account_id"}[entity]
    (folder / "models" / f"{name}.sql").write_text(
        f"{{% set definition %}}\n{text}{{% endset %}}\n"
        f"select judged.{key} from ({{{{ headwater.audience_rows(headwater.compiled_audience(definition, '{name}')) }}}}) as judged\n"
        "where judged.is_member\n"
    )


def wrong_in(
    connection: duckdb.DuckDBPyConnection,
    world: World,
    asked: Mapping[str, tuple[str, Row, str]],
) -> dict[str, tuple[Row, list[str], list[str]]]:
    """By audience, of its entity, definition and SQL: the definition, whom it holds in a world and whom it should, where these differ."""
    fill(connection, world)
    wrong = {}
    for name, (entity, definition, sql) in asked.items():
        found = sorted(row[0] for row in connection.execute(sql).fetchall())
        everybody = PEOPLE if entity == "person" else COMPANIES
        wanted = [one for one in everybody if holds(world, one, entity, definition)]
        if found != wanted:
            wrong[name] = (definition, found, wanted)
    return wrong
