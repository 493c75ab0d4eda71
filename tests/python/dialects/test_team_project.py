"""The foreign project, its own models and the package's under its names, in the dialects of the other warehouses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

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
    assert offline.parsed()
    spoken = {one.node.split(".")[1] for one in offline.statements if one.node.startswith("model.")}
    assert spoken == {"headwater", "winery"}
