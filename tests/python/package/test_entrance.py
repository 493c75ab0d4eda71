"""`headwater init` and `headwater new` write what builds and pushes as it stands; the wheel carries the dbt package."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.python.package.projects import ROOT, Place, copy_of_team_project

NEW = (
    ("source", "till"), ("identifier", "card_no"), ("trait", "visit_count"), ("event", "bottle_bought"), ("audience", "regulars"),
    ("journey", "welcome"), ("sync", "files__regulars"), ("sync", "meta__regulars"), ("sync", "klaviyo__regulars"),
    ("sync", "onesignal__regulars"),
)  # fmt: skip

CRM = {
    "stg_crm__firms": """
        select 'f' || lower(id) as firm_no, restaurant as name, 'https://www.' || lower(id) || '.at/' as website
        from {{ source('winery', 'agency_buyers') }} limit 5
    """,
    "stg_crm__contacts": """
        select 'k' || id || n as contact_no, 'f' || lower(id) as firm_no, 'p' || n || '@' || lower(id) || '.at' as mail
        from {{ source('winery', 'agency_buyers') }}, (select unnest([1, 2, 3]) as n)
    """,
}


def test_an_empty_folder_becomes_a_project_whose_files_hold_the_people(tmp_path: Path) -> None:
    place = Place(tmp_path / "bakery")
    place.folder.mkdir()
    place.sync("init", "--yes", "--package", str(ROOT))
    for kind, name in NEW:
        place.sync("new", kind, name)
    # The table that the new source says it has, and the place from which it may be sent for real.
    (place.folder / "seeds" / "customers.csv").write_text(
        "id,email,created_at,updated_at\n7,eva@shop.example,2026-01-01 08:00:00,2026-01-02 08:00:00\n"
    )
    project = place.folder / "dbt_project.yml"
    text = project.read_text().replace("# cdp_live_targets:", "cdp_live_targets:")
    project.write_text(text.replace("#   dev: {path", "  dev: {path"))
    source = place.folder / "models" / "cdp" / "staging" / "till" / "_till__sources.yml"
    source.write_text(source.read_text().replace("raw_till", "dev"))
    shutil.copy(place.folder / "destinations.yml.example", place.folder / "destinations.yml")
    place.dbt("deps")
    place.dbt("seed", "--select", "bakery")
    place.dbt("build")
    place.sync("push", "--select", "destination:files")
    with next((place.folder / "exports").glob("**/known_people/*.csv")).open() as file:
        sent = [row["email"] for row in csv.DictReader(file)]
    assert sorted(sent) == [f"{name}@shop.example" for name in ("ada", "ben", "cleo", "eva")]
    assert "sync_meta__regulars" in place.sync("list")


def test_models_are_proposed_by_what_their_columns_hold_and_no_value_is_shown(
    tmp_path: Path,
) -> None:
    place = copy_of_team_project(tmp_path)
    for room in ("activation", "audiences", "journeys", "profiles"):
        shutil.rmtree(place.folder / "models" / room)
    described = place.folder / "models" / "staging" / "_staging.yml"
    described.write_text(
        "version: 2\n\nmodels:\n  # a fee is due\n  - name: stg_club__members\n    description: Members.   # by hand\n"
    )
    project = place.folder / "dbt_project.yml"
    head = project.read_text().partition("vars:")[0]
    flags = "flags:\n  require_ref_searches_node_package_before_root: true\n"  # it has a model `accounts` too
    project.write_text(head + "vars:\n  cdp_registry: {}\n" + flags)
    place.dbt("deps")
    place.dbt("seed", "--select", "winery")
    for name, sql in CRM.items():
        (place.folder / "models" / "staging" / f"{name}.sql").write_text(sql)
    place.dbt("run", "--select", "path:models/staging")
    words = ("init", "--yes", "--from-models", "stg_club__members", "stg_till__receipts", *CRM)
    output = place.sync(*words)
    assert "email: mail (100% filled, of these 100.0% valid)" in output
    assert "phone: mobile" in output
    assert "@" not in output
    models = {
        one["name"]: one["config"]["meta"]["record"]
        for path in (described, place.folder / "models" / "cdp" / "_records__models.yml")
        for one in yaml.safe_load(path.read_text())["models"]
    }
    assert models["stg_club__members"]["key"] == "member_no"
    assert models["stg_club__members"]["last_seen_at"] == "changed_at"
    assert models["stg_club__members"]["person"]["identifiers"] == [
        "member_no", {"email": "mail"}, {"phone": "mobile"},
    ]  # fmt: skip
    assert models["stg_till__receipts"]["key"] == "receipt_no"
    assert models["stg_till__receipts"]["person"]["identifiers"] == ["member_no", {"email": "mail"}]
    assert models["stg_crm__firms"]["account"]["identifiers"] == ["firm_no", {"domain": "website"}]
    assert models["stg_crm__contacts"]["account"]["identifiers"][0] == "firm_no"
    assert "# a fee is due" in described.read_text()
    assert "# by hand" in described.read_text()
    assert "nothing was changed" in place.sync(*words)
    assert "did you mean 'stg_club__members'?" in place.sync(
        "init", "--from-models", "stg_club__member", "--yes", succeeds=False
    )
    # dbt warned of each ref; what is proposed of people and companies is checked as it is compiled.
    assert "require_ref" not in place.dbt(
        "compile", "--no-partial-parse", "--select", "identity_values", "accounts"
    )
    variables = yaml.safe_load(project.read_text())["vars"]
    assert variables["cdp_registry"]["records"] == ["stg_club__members", "stg_till__receipts", *CRM]
    assert list(variables["cdp_identity"]["account"]["identifiers"]) == ["firm_no", "domain"]


@pytest.mark.long
def test_the_wheel_carries_the_dbt_package_and_init_points_at_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    left_out = shutil.ignore_patterns(
        ".*", "target", "logs", "*.duckdb*", "__pycache__", "docs", "benchmarks", "*.egg-info", "build", "team_project", "python",
    )  # fmt: skip
    shutil.copytree(ROOT, source, ignore=left_out)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)],
        check=True,
    )
    installed = tmp_path / "installed"
    with zipfile.ZipFile(next(tmp_path.glob("headwater-*.whl"))) as wheel:
        wheel.extractall(installed)
    for folder in ("macros", "models", "seeds", "tests/dbt"):
        there = {
            path.relative_to(source) for path in (source / folder).rglob("*") if path.is_file()
        }
        carried = installed / "sync" / "dbt_package" / folder
        assert {
            path.relative_to(installed / "sync" / "dbt_package")
            for path in carried.rglob("*")
            if path.is_file()
        } == there
    for module in ("destinations", "sandbox", "testing"):
        ran = [sys.executable, "-c", f"import headwater.{module} as one; print(one.__file__)"]
        found = subprocess.run(
            ran, cwd=tmp_path, env={"PYTHONPATH": str(installed)}, check=True, capture_output=True
        )
        assert str(installed) in found.stdout.decode()
    place = Place(tmp_path / "bakery", {"PYTHONPATH": str(installed)})
    place.folder.mkdir()
    place.sync("init", "--yes")
    assert str(installed) in (place.folder / "packages.yml").read_text()
    place.dbt("deps")
    place.dbt("parse")
