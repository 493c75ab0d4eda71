"""Which versions of dbt may build: those that were tried, the v2 engine among them, which reads less of Jinja than 1.11."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
import yaml
from dbt_common.semver import VersionSpecifier, versions_compatible

from tests.python.guest import Project
from tests.python.package.projects import ROOT

TRIED = ("1.11.16", "1.12.0b1", "1.12.6", "2.0.0a4", "2.0.0-alpha.4", "2.0.0")
BEYOND = ("1.10.9", "2.1.0", "2.1.0-alpha.1", "3.0.0")
# What v2 lacks, and what is written instead; make test-engine-v2 runs the whole on it.
UNKNOWN_TO_V2 = {
    r"\.(?:finditer|groupdict|groups)\(": "split, with the pattern in brackets",
    r"\.fullmatch\([^%]*\)\.group\(": "the number of the group in square brackets",
    r"\bmodules\.re\.[A-Z]": "(?s) in the pattern",
    r"\bisoformat\(": "| string",
    r"%0?[0-9]*[xX]['\"] \|": "digits one by one",
    r"\bmodel\.update\(": "store_raw_result",
    r"<=? (?:(?! and | or | if | else |,)[^<>=%])+? <=? ": "two comparisons: v2 compares the answer of the first",
}
TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TEXTS = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


def test_dbt_admits_the_versions_that_were_tried_and_pre_releases_of_them() -> None:
    wanted = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["require-dbt-version"]

    def is_admitted(version: str) -> bool:
        parts = (VersionSpecifier.from_version_string(part) for part in wanted)
        return versions_compatible(VersionSpecifier.from_version_string(version), *parts)

    assert [version for version in TRIED if not is_admitted(version)] == []
    assert [version for version in BEYOND if is_admitted(version)] == []


@pytest.mark.parametrize("version", ["1.13.0", pytest.param("2.1.0", marks=pytest.mark.long)])
def test_a_version_that_nobody_tried_writes_nothing(version: str, tmp_path: Path) -> None:
    team = Project(tmp_path)
    team.models["written"] = "select 1 as one"
    with mock.patch("dbt.context.base.dbt_version", version):
        (said,) = team.build()
    assert f"dbt {version} is not one that Headwater knows: 1.11, 1.12, 2.0." in said
    tables = "select table_name from information_schema.tables"
    assert team.rows(tables) == []
    assert team.build() == []
    assert ("written",) in team.rows(tables)


def test_the_jinja_is_of_what_both_engines_read() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {tag[:60]}: write {instead}"
        for folder in ("macros", "models", "seeds", "tests/dbt", "tests/team_project")
        for path in sorted((ROOT / folder).rglob("*.sql"))
        for tag in TAGS.findall(path.read_text())
        for pattern, instead in UNKNOWN_TO_V2.items()
        if re.search(pattern, tag if "'" in pattern else TEXTS.sub("''", tag))
    ]
    assert found == []
    assert list((ROOT / "tests" / "dbt").rglob("generic/*.sql")) == []
