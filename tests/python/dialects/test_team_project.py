"""The foreign project, its own models and the package's under its names, in the dialects of the other warehouses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.python.dialects.offline import Offline
from tests.python.package.projects import copy_of_team_project


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_a_team_project_is_spoken_in_the_dialect(dialect: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(f"dbt.adapters.{dialect}") is None:
        pytest.skip(f"dbt-{dialect} is not installed: pip install 'headwater[{dialect}]'")
    team = copy_of_team_project(tmp_path)
    team.dbt("deps")
    folder = tmp_path / dialect
    folder.mkdir()
    offline = Offline(dialect)
    offline.build(folder, existing=False, project=team.folder, profile="winery")
    wrong = []
    for statement in {one.sql: one for one in offline.statements}.values():
        try:
            trees = offline.parse(statement.sql)
        except SqlglotError as error:
            wrong.append(f"{statement.node}: {str(error).splitlines()[0]}")
            continue
        wrong += [statement.node for tree in trees if isinstance(tree, exp.Command)]
    assert wrong == []
    spoken = {one.node.split(".")[1] for one in offline.statements if one.node.startswith("model.")}
    assert spoken == {"headwater", "winery"}
