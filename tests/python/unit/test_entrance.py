"""`init` and `new` add to what is there as text, once, and say what they cannot add."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from dbt.config.project import package_and_project_data_from_root

from sync.cli.main import run
from sync.entrance.look import ModelProposal, proposed, united
from sync.entrance.looked import Looked
from sync.entrance.yaml_text import add
from sync.records import Kind

ROOT = Path(__file__).parents[3]
PROJECT = """\
name: bakery   # ours since 2019
version: "1.0.0"
config-version: 2
profile: bakery

vars:
  # do not touch
  flour: "00"   # tipo

models:
  bakery:
    +schema: shop   # not public
    # - nothing else yet

on-run-end: ["select 1"]
"""


@pytest.fixture
def bakery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bakery"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(
        "bakery: {target: prod, outputs: {prod: {type: duckdb, path: b.duckdb, schema: main}}}\n"
    )
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.chdir(folder)
    return folder


def init(*words: str) -> int:
    return run(["init", "--package", str(ROOT), "--yes", *words])


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("text", "path", "entry", "expected"),
    [
        ("a: [x]  # why\n", ["a"], "- y", "a: [x, y]  # why\n"),
        ("a: []\n", ["a"], "- y", "a: [y]\n"),
        ("a:\n- x\n# end\nb: 1\n", ["a"], "- y", "a:\n- x\n- y\n# end\nb: 1\n"),
        ("a:\nb: 1\n", ["a"], "c: 2", "a:\n  c: 2\nb: 1\n"),
        ("a: |\n  text\n", ["b"], "c: 2", "a: |\n  text\n\nb:\n  c: 2\n"),
        ("a:\r\n  b: 1\r\n", ["a"], "c: 2", "a:\r\n  b: 1\r\n  c: 2\r\n"),
        ("a: {b: 1}\n", ["a"], "c:\n  - 1\n  - 2", None),
        ("a: text\n", ["a"], "c: 2", None),
        ("a: {b: 1}\n", ["a"], "b: 2", None),
    ],
)
def test_an_addition_leaves_the_rest_as_it_is_written(
    text: str, path: list[str], entry: str, expected: str | None
) -> None:
    assert add(text, path, entry, "file") == expected


def test_init_keeps_every_line_of_a_project_and_changes_nothing_the_second_time(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init() == 0
    written = contents(bakery)
    lines = iter(written["dbt_project.yml"].splitlines())
    assert all(line in lines for line in PROJECT.splitlines())  # in their order
    settings = yaml.safe_load(written["dbt_project.yml"])
    assert settings["vars"]["flour"] == "00"
    assert settings["vars"]["cdp_registry"]["audiences"] == ["audience_known_people"]
    assert settings["flags"]["require_ref_searches_node_package_before_root"] is True
    assert f"#   prod: {{path: {bakery / 'b.duckdb'}, schema: main}}" in written["dbt_project.yml"]
    assert init("--json") == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {step["action"] for step in document["steps"]} == {"keep"}
    assert not document["written"]
    assert contents(bakery) == written


def test_what_cannot_be_added_as_text_is_shown_and_left(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = bakery / "dbt_project.yml"
    project.write_text(
        PROJECT.replace('vars:\n  # do not touch\n  flour: "00"   # tipo', "vars: {flour: 1}")
    )
    assert init() == 0
    assert "vars: {flour: 1}\n" in project.read_text()
    assert "by hand  dbt_project.yml: cdp_registry (under vars:)" in capsys.readouterr().out


def column(name: str, distinct: float, *, email: float = 0.0, phone: float = 0.0) -> Looked:
    return Looked(name, Kind.TEXT, 1.0, distinct, email, phone)


def proposals(*models: tuple[str, int, list[Looked]]) -> dict[str, ModelProposal]:
    keys = {name: columns[0].name for name, _, columns in models}
    return {one.model: one for one in proposed(models, keys, lambda _: None)}


def test_a_log_without_addresses_is_known_by_the_key_that_repeats_in_it() -> None:
    found = proposals(
        ("stg_cds__customers", 235, [column("customer_no", 1.0)]),
        ("stg_cds__purchases", 690, [column("purchase_id", 1.0), column("customer_no", 0.34)]),
    )
    purchases = found["stg_cds__purchases"]
    assert purchases.is_event
    assert purchases.identifiers == {"customer_no": "customer_no"}  # a purchase is no person
    assert "source_name: cds_purchases " in purchases.record()


def test_a_log_that_comes_without_its_customers_is_known_by_the_name_of_their_key() -> None:
    columns = [column("purchase_id", 1.0), column("customer_id", 0.34)]
    purchases = proposals(("purchases", 690, columns))["purchases"]
    assert purchases.is_event
    assert list(purchases.identifiers) == ["customer_id"]


def test_contacts_of_a_company_are_not_one_person_and_companies_are_none() -> None:
    found = proposals(
        ("accounts", 150, [column("account_id", 1.0, phone=1.0), column("company_name", 1.0)]),
        ("contacts", 300, [column("contact_id", 1.0), column("account_id", 0.43), column("mail", 1.0, email=1.0)]),
    )  # fmt: skip
    contacts, accounts = found["contacts"], found["accounts"]
    assert contacts.identifiers == {"contact_id": "contact_id", "email": "mail"}
    assert not contacts.is_event
    assert accounts.is_company
    assert not accounts.attributes  # 0000001750 is no telephone
    assert contacts.account
    assert accounts.account
    assert contacts.account.identifiers == {"account_no": "account_id"}
    assert accounts.account.attributes == {"account_name": "company_name"}


def test_a_company_is_known_by_its_key_tax_id_and_website_and_by_its_contacts_addresses() -> None:
    found = proposals(
        ("firms", 150, [
            column("firm_no", 1.0), column("name", 1.0), column("phone", 1.0, phone=1.0),
            column("vat_id", 0.9), replace(column("website", 0.9), host=0.95),
        ]),
        ("people", 300, [
            column("contact_id", 1.0), column("firm_no", 0.43), column("mail", 1.0, email=1.0), column("position", 0.1),
        ]),
        ("letters", 900, [column("letter_id", 1.0), column("mail", 0.3, email=1.0)]),
    )  # fmt: skip
    firms = yaml.safe_load(found["firms"].record())["record"]
    assert "person" not in firms
    assert firms["account"]["identifiers"] == [
        "firm_no",
        {"tax_id": "vat_id"},
        {"domain": "website"},
    ]
    people = yaml.safe_load(found["people"].record())["record"]
    domain = {"domain": {"column": "mail", "normaliser": "email_domain"}}
    assert people["account"] == {"identifiers": ["firm_no", domain], "job_title": "position"}
    assert "account" not in found["letters"].record()
    settings = united(list(found.values()))
    assert list(settings.account_identifiers) == ["firm_no", "tax_id", "domain"]
    assert "firm_no" not in settings.identifiers
    assert settings.records == ("firms", "people", "letters")


def test_a_new_sync_takes_its_namesake_and_asks_for_no_column_that_profiles_lacks(
    bakery: Path,
) -> None:
    assert init() == 0
    project = bakery / "dbt_project.yml"
    assert (
        "email"
        not in yaml.safe_load(project.read_text())["vars"]["cdp_survivorship"]["person"][
            "attributes"
        ]
    )
    assert run(["new", "audience", "regulars"]) == 0
    assert run(["new", "sync", "files__regulars"]) == 0
    sql = (bakery / "models" / "cdp" / "activation" / "sync_files__regulars.sql").read_text()
    assert "ref('audience_regulars')" in sql
    assert "profiles.email" not in sql


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        (
            "pinterest__regulars",
            "'email_sha256': headwater.hashed_for_meta('email', 'profiles.email')",
        ),
        ("google_data_manager__regulars", "headwater.hashed_for_google('email', 'profiles.email')"),
        ("braze__regulars", "'external_id': 'profiles.profile_id'"),
    ],
)
def test_a_new_sync_knows_people_as_its_destination_does(
    bakery: Path, sync: str, said: str
) -> None:
    """Hashed by another vendor's rules, nobody is matched."""
    assert init() == 0
    assert run(["new", "audience", "regulars"]) == 0
    (bakery / "models" / "cdp").mkdir(exist_ok=True)
    assert run(["new", "sync", sync]) == 0
    sql = (bakery / "models" / "cdp" / "activation" / f"sync_{sync}.sql").read_text()
    assert said in sql
    assert ("'channel': 'ads'" in sql) == ("sha256" in said or "google" in said)


def test_init_asks_where_nobody_answers_and_writes_nothing(bakery: Path) -> None:
    before = contents(bakery)
    assert run(["init", "--package", str(ROOT)]) == 2
    assert run(["init", "--package", str(ROOT), "--dry-run"]) == 0
    assert contents(bakery) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init", "--package", "../bakry"], "no dbt package called headwater"),
        (["init", "--profile", "other", "--yes"], "says profile 'bakery'"),
        (["init", "--project-dir", str(ROOT), "--yes"], "is Headwater itself"),
        (["new", "audiense", "x"], "did you mean 'audience'?"),
        (["new", "audience", "Late-Buyers"], "did you mean 'late_buyers'?"),
        (["new", "event", "bread"], "order_placed: a noun and a past verb"),
        (["new", "sync", "klavyo__regulars"], "did you mean 'klaviyo'?"),
        (["new", "journey", "x", "--audience", "known_peeple"], "did you mean 'audience_known_people'?"),
        (["new", "audience", "known_people"], "is there already; nothing was written"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_with_what_is_allowed(
    bakery: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert init() == 0
    before = contents(bakery)
    assert run(words) == 2
    assert said in capsys.readouterr().err
    assert contents(bakery) == before


def test_a_malformed_project_is_told_with_its_line_and_nothing_is_written(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bakery / "packages.yml").write_text("packages:\n  - local: [\n")
    before = contents(bakery)
    assert init() == 2
    assert "packages.yml, line" in capsys.readouterr().err
    assert contents(bakery) == before


# Per kind: a name, and the files of the team that are made or changed. Whatever asks more has told a fact twice.
TOUCHED = {
    "source": ("pos", 4),
    "identifier": ("loyalty_card", 1),
    "trait": ("favourite_bread", 3),
    "event": ("bread_returned", 2),
    "audience": ("late_buyers", 3),
    "journey": ("welcome", 3),
    "sync": ("files__late_buyers", 3),
}


@pytest.mark.parametrize("kind", TOUCHED)
def test_an_addition_touches_few_files(bakery: Path, kind: str) -> None:
    assert init() == 0
    name, most = TOUCHED[kind]
    before = contents(bakery)
    assert run(["new", kind, name, "--project-dir", str(bakery)]) == 0
    after = contents(bakery)
    touched = [one for one in after if after[one] != before.get(one)]
    assert 0 < len(touched) <= most, touched


GIT = {
    "none": (None, [".headwater/", "exports/", "destinations.yml", "*.duckdb*", "target/"]),
    "another's": ("target/\n*.log", [".headwater/", "exports/", "destinations.yml", "*.duckdb*"]),
    "spelled otherwise": ("/.headwater\r\nexports\r\n", ["destinations.yml", "*.duckdb*"]),
}


@pytest.mark.parametrize("case", GIT)
@pytest.mark.parametrize("has_git", [True, False])
def test_git_takes_no_data_of_people_in_a_project_that_was_there(
    bakery: Path, capsys: pytest.CaptureFixture[str], case: str, has_git: bool
) -> None:
    before, added = GIT[case]
    if before is not None:
        (bakery / ".gitignore").write_bytes(before.encode())
    if has_git:
        subprocess.run(["git", "init", "-q"], cwd=bakery, check=True)
    assert init() == 0
    assert ".gitignore: what git must not take" in capsys.readouterr().out
    text = (bakery / ".gitignore").read_bytes().decode()
    assert text.startswith(before or "")
    assert set(added) <= set(text.splitlines())
    assert init() == 0
    assert (bakery / ".gitignore").read_bytes().decode() == text
    if has_git:
        names = (
            ".headwater/sandbox/files/a.csv",
            "exports/a.csv",
            "destinations.yml",
            "b.duckdb.wal",
        )
        for name in names:
            (bakery / name).parent.mkdir(parents=True, exist_ok=True)
            (bakery / name).touch()
        listed = subprocess.run(
            ["git", "add", "-An"], cwd=bakery, check=True, capture_output=True, text=True
        ).stdout
        assert ".gitignore" in listed
        assert not [name for name in names if f"'{name}'" in listed]


def test_what_git_has_of_people_already_is_said(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bakery / ".headwater").mkdir()
    (bakery / ".headwater" / "people of today.csv").touch()
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=bakery, check=True)
    assert init() == 0
    said = capsys.readouterr().out
    assert "git has 1 files with people's data or secrets already" in said
    assert "git rm -r --cached -- '.headwater/people of today.csv'" in said


@pytest.mark.parametrize(
    ("name", "text", "file"),
    [
        ("dependencies.yml", "packages:\n  - local: ../dep_pkg   # ours\n", "dependencies.yml"),
        ("dependencies.yml", "projects: []\npackages: []\n", "dependencies.yml"),
        ("dependencies.yml", "packages:\n", "dependencies.yml"),
        ("dependencies.yml", "projects: []\n", "packages.yml"),
        ("packages.yml", "packages: []\n", "packages.yml"),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_the_package_stands_where_dbt_reads_it_and_as_dbt_reads_it(
    bakery: Path, name: str, text: str, file: str, given: bool
) -> None:
    """dbt takes packages from one of two files, and reads one of them without Jinja."""
    (bakery / name).write_text(text)
    assert run(["init", "--yes", *(["--package", str(ROOT)] if given else [])]) == 0
    data, path = package_and_project_data_from_root(str(bakery))
    assert path == file
    assert text.splitlines()[0].removesuffix("[]") in (bakery / name).read_text()
    local = data["packages"][-1]["local"]
    assert local == str(ROOT) or ("env_var" in local and file == "packages.yml" and not given)
    before = contents(bakery)
    assert run(["init", "--yes"]) == 0
    assert contents(bakery) == before


def test_packages_in_both_files_are_told_before_anything_is_written(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("packages.yml", "dependencies.yml"):
        (bakery / name).write_text("packages: []\n")
    before = contents(bakery)
    assert init() == 2
    assert "stands in packages.yml and in dependencies.yml" in capsys.readouterr().err
    assert contents(bakery) == before
