"""dbt's v2 engine builds the demo and the team project, every test passes, and the tables are those of dbt 1.11."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.python.engine_v2.engines import ROOT, VENV, Run, Step, start_v1, start_v2
from tests.python.engine_v2.tables import differences
from tests.python.package.projects import copy_of_team_project

pytestmark = pytest.mark.skipif(VENV is None, reason="dbt's v2 engine: make test-engine-v2")

FIRST_DAY, LATER = "2026-11-23 12:00:00", "2026-11-27 12:00:00"
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]
# The unit tests of a model that adds to its table want the table, which a first build has not: the engine reads its columns there.
# On dbt 1.11 all tests are those of make test; here it only fills the tables.
WITHOUT_TESTS = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


def test_the_demo_is_the_same_on_both_engines(tmp_path: Path) -> None:
    shutil.copy(ROOT / "profiles.yml.example", tmp_path / "profiles.yml")
    first = [
        Step(IDS[0], FIRST_DAY, ("seed", "--select", "path:seeds/demo")),
        Step(IDS[1], FIRST_DAY, WITHOUT_TESTS),
    ]
    v2 = start_v2(ROOT, tmp_path, tmp_path / "v2", [*first, Step(IDS[2], LATER, ("build",))])
    v1 = start_v1(ROOT, tmp_path, tmp_path / "v1", [*first, Step(IDS[2], LATER, WITHOUT_TESTS)])
    assert_same(v1, v2)
    planned = v2.plan(LATER)
    assert "klaviyo_lapsed_buyers" in planned
    assert planned == v1.plan(LATER)


def test_a_team_project_is_the_same_on_both_engines(tmp_path: Path) -> None:
    first = [
        Step(IDS[0], FIRST_DAY, ("deps",)),
        Step(IDS[1], FIRST_DAY, ("seed", "--select", "winery")),
    ]
    # A copy each, for dbt writes into the folder what it installed.
    for_v1, for_v2 = (
        copy_of_team_project(tmp_path / f"project_{engine}").folder for engine in ("v1", "v2")
    )
    v2 = start_v2(for_v2, for_v2, tmp_path / "v2", [*first, Step(IDS[2], FIRST_DAY, ("build",))])
    v1 = start_v1(for_v1, for_v1, tmp_path / "v1", [*first, Step(IDS[2], FIRST_DAY, WITHOUT_TESTS)])
    assert_same(v1, v2)


def assert_same(v1: Run, v2: Run) -> None:
    """Every step went well, and what is in the two files is alike."""
    v2.finish()
    v1.finish()
    assert v2.nodes() == v1.nodes()
    assert list(differences(v1.warehouse, v2.warehouse)) == []
