"""The engine stands without the demo: with its three folders gone, and with it switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.package.projects import ROOT, Place, copy_of_project

FOLDERS = ("models/demo", "seeds/demo", "tests/dbt/demo")


# What names a model of the demo does not parse. That tables build without it is the team project's to show, and the long run's,
# which sees that none of the engine's unit tests wants it.
@pytest.mark.parametrize("command", ["parse", pytest.param("build", marks=pytest.mark.long)])
def test_engine_builds_and_lists_no_sync_with_the_demos_folders_deleted(
    tmp_path: Path, command: str
) -> None:
    place = copy_of_project(tmp_path, without=FOLDERS)
    place.dbt(command)
    assert "defines no sync" in place.sync("list")
    assert place.sync("push", "--json").startswith("{")


def test_engine_parses_with_the_demo_switched_off(tmp_path: Path) -> None:
    place = Place(copy_of_project(tmp_path).folder, {"HEADWATER_DEMO": "false"})
    output = place.dbt("ls", "--resource-types", "model", "exposure", "seed", "source")
    assert ".demo." not in output
    assert "headwater.profiles.profiles" in output


def test_nothing_outside_the_demo_knows_a_name_of_it() -> None:
    demo = ROOT / "models" / "demo"
    names = {path.stem for path in demo.rglob("*.sql")} | {
        path.stem for path in (ROOT / "seeds" / "demo").glob("*.csv")
    }
    engine = [
        path
        for folder in ("models", "macros", "tests/dbt")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".sql", ".yml") and "demo" not in path.relative_to(ROOT).parts
    ]
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in engine
        for name in sorted(names)
        if name in path.read_text()
    ]
    assert found == []
