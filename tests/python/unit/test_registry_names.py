"""`headwater check` says which var nobody knows and which name of the registry has no model, where dbt speaks of its own nodes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from sync.config.project import find_project
from sync.config.registry import check_names
from sync.errors import ConfigError

ROOT = Path(__file__).parents[3]


def project(folder: Path, settings: dict[str, object]) -> Path:
    (folder / "dbt_project.yml").write_text(
        yaml.safe_dump({"name": "shop", "profile": "shop", **settings})
    )
    package = folder / "dbt_packages" / "headwater"
    shapes = package / "macros" / "registry"
    shapes.mkdir(parents=True)
    shutil.copy(ROOT / "macros/registry/setting_shapes.sql", shapes)
    (package / "dbt_project.yml").write_text("model-paths: [models/engine, '{{ env_var() }}']\n")
    for path in (
        "models/staging/stg_till__receipts.sql", "models/stg_old_v2.sql", "models/py_people.py",
        "seeds/contacts.csv", "dbt_packages/headwater/models/engine/profiles.sql",
    ):  # fmt: skip
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("select 1")
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / "s.sql").write_text(
        "{% snapshot people_history %}select 1{% endsnapshot %}"
    )
    return folder


def wrong(folder: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        check_names(find_project(folder))
    return str(raised.value)


def test_a_name_without_a_model_and_a_var_without_a_reader_are_named(tmp_path: Path) -> None:
    variables = {
        "cdp_regstry": {}, "lapse_days": 3, "shop": {"cdp_tim_zone": "UTC"},
        "cdp_registry": {"records": ["stg_till__receits"], "journeys": ["journey_nix"]},
    }  # fmt: skip
    said = wrong(project(tmp_path, {"vars": variables}))
    assert "vars: cdp_regstry is no setting (did you mean 'cdp_registry'?)" in said
    assert "vars: cdp_tim_zone is no setting (did you mean 'cdp_time_zone'?)" in said
    assert "lapse_days" not in said
    assert (
        "vars: cdp_registry: records: 'stg_till__receits' is no model: there is no file "
        "stg_till__receits.sql (did you mean 'stg_till__receipts'?)"
    ) in said
    assert "vars: cdp_registry: journeys: 'journey_nix' is no model" in said


def test_a_model_that_is_switched_off_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path, {"vars": {"cdp_registry": {"records": ["stg_till__receipts"]}}})
    (folder / "models/staging/stg_till__receipts.sql").write_text(
        "{{ config(enabled=false) }} select 1"
    )
    assert "'stg_till__receipts' is switched off in models/staging/stg_till__receipts.sql" in wrong(
        folder
    )


def test_models_seeds_snapshots_and_versions_are_names(tmp_path: Path) -> None:
    names = ["stg_till__receipts", "stg_old", "py_people", "contacts", "people_history", "profiles"]
    folder = project(
        tmp_path, {"vars": {"cdp_registry": {"records": names}, "cdp_lift": {"window_days": 3}}}
    )
    check_names(find_project(folder))


def test_without_vars_or_package_there_is_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("{name: shop, profile: shop, vars: {cdp_nix: 1}}")
    check_names(find_project(tmp_path))


def test_every_var_of_this_project_is_in_the_list() -> None:
    check_names(find_project(ROOT))
    text = (ROOT / "dbt_project.yml").read_text()
    shapes = (ROOT / "macros/registry/setting_shapes.sql").read_text()
    read = {
        name
        for folder in ("macros", "models")
        for path in (ROOT / folder).rglob("*.sql")
        for name in re.findall(r"\b(?:var|settings?)\('(cdp_\w+)'", path.read_text())
    }
    assert len(read) > 15
    for name in read | set(yaml.safe_load(text)["vars"]):
        assert f"        '{name}':" in shapes
