"""`init` and `new` add to what is there as text, once, and say what they cannot add."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
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
        if path.is_file() and ".duckdb" not in path.name
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


def test_a_log_with_some_addresses_is_known_by_the_key_of_its_customers_too() -> None:
    columns = [column("receipt no", 1.0), column("customer id", 0.34), column("mail", 0.3, email=1.0)]  # fmt: skip
    assert proposals(("receipts", 690, columns))["receipts"].identifiers == {
        "customer_id": "customer id",
        "email": "mail",
    }


def test_a_key_is_the_same_however_two_models_spell_it() -> None:
    found = proposals(
        ("firms", 80, [column("firm_id", 1.0), column("firm name", 1.0)]),
        ("people", 188, [column("person id", 1.0), column("firm id", 0.4), column("mail", 1.0, email=1.0)]),
    )  # fmt: skip
    assert found["firms"].is_company
    account = found["people"].account
    assert account is not None
    assert account.lines()[2] == "    - {firm_id: '\"firm id\"'}"


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


def test_a_new_sync_of_companies_is_one(bakery: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init() == 0
    assert run(["new", "audience", "firms"]) == 0
    file = bakery / "models" / "cdp" / "audiences" / "audience_firms.sql"
    file.write_text(file.read_text().replace("entity: person", "entity: account"))
    assert run(["new", "sync", "hubspot__firms"]) == 0
    room = bakery / "models" / "cdp" / "activation"
    sql = (room / "sync_hubspot__firms.sql").read_text()
    assert "entity='account'" in sql
    assert "'domain': 'accounts.domain'" in sql
    assert "consent" not in sql
    described = (room / "_activation__models.yml").read_text()
    assert "- {name: account_id, data_tests: [unique, not_null]}" in described
    assert "object: {company: firms}" in (room / "_activation__exposures.yml").read_text()
    assert run(["new", "sync", "klaviyo__firms"]) == 2
    said = capsys.readouterr().err
    assert "audience_firms is an audience of companies" in said
    assert "{account: {member_of: audience_firms}}" in said
    assert run(["new", "journey", "welcome", "--audience", "firms"]) == 0
    journey = (bakery / "models" / "cdp" / "journeys" / "journey_welcome.sql").read_text()
    assert "entity: account\nentry: {audience: audience_firms}\n" in journey


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
        (["init", "--from-models", "accounts"], "--from-models accounts: a model of Headwater's own is called so"),
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


def test_folders_that_destinations_write_to_stay_out_of_git(bakery: Path) -> None:
    files = (
        "out/people",
        "./lists/",
        "s3://bakery/out",
        "/srv/out",
        "../out",
        "exports",
        "{{ env_var('OUT') }}",
    )
    entries = {
        f"files_{number}": {"type": "files", "path": path} for number, path in enumerate(files)
    }
    (bakery / "destinations.yml").write_text(
        json.dumps({"destinations": {**entries, "none": None}})
    )
    assert init() == 0
    lines = (bakery / ".gitignore").read_text().splitlines()
    assert [line for line in lines if "out" in line or "lists" in line] == ["out/people/", "lists/"]
    assert lines.count("exports/") == 1


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


@pytest.fixture
def built(bakery: Path) -> Callable[..., None]:
    """Makes tables that dbt would have built, as its manifest has them."""

    def make(**models: str) -> None:
        nodes = {}
        with duckdb.connect(str(bakery / "b.duckdb")) as connection:
            for name, select in models.items():
                connection.execute(f"create or replace table {name} as {select}")
                relation = f'"b"."main"."{name}"'
                nodes[f"model.bakery.{name}"] = {
                    "name": name,
                    "resource_type": "model",
                    "relation_name": relation,
                }
        (bakery / "target").mkdir(exist_ok=True)
        document = {"metadata": {"adapter_type": "duckdb"}, "nodes": nodes}
        (bakery / "target" / "manifest.json").write_text(json.dumps(document))

    return make  # fmt: skip


def kunden(number: str, mail: str = "k' || n || '@laden.de", more: str = "") -> str:
    return f"""select 'K' || n as "KundenNr", '{mail}' as "E-Mail", {number} as "Telefon Nr", date '2026-01-01' as "order"{more}
        from range(1, 41) as t (n)"""


GERMAN = "'0171 ' || (1000000 + n)"


def test_numbers_are_measured_as_the_build_reads_them_and_the_country_is_named(
    bakery: Path, built: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    built(kunden=kunden(GERMAN))
    assert init("--from-models", "kunden", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "phone: telefon nr (100% filled, of these 0.0% valid)" in said
    assert "as numbers of DE without a calling code 100.0% can: init ... --country DE" in said
    assert "0171" not in said
    assert "@" not in said
    assert init("--from-models", "kunden", "--country", "DE") == 0
    said = capsys.readouterr().out
    assert "phone: telefon nr (100% filled, of these 100.0% valid)" in said
    line = """{{ headwater.normalise_phone('"Telefon Nr"') }} as "Telefon Nr\""""
    assert said.count(line) == 2  # with the model, and with what is next
    settings = yaml.safe_load((bakery / "dbt_project.yml").read_text())["vars"]
    assert settings["cdp_default_country"] == "DE"
    assert settings["flour"] == "00"
    (model,) = yaml.safe_load((bakery / "models/cdp/_records__models.yml").read_text())["models"]
    record = model["config"]["meta"]["record"]
    assert record["key"] == "kundennr"
    assert record["first_seen_at"] == '"order"'
    assert record["person"]["identifiers"] == [
        "kundennr", {"email": '"E-Mail"'}, {"phone": '"Telefon Nr"'}
    ]  # fmt: skip
    before = contents(bakery)
    assert init("--from-models", "kunden") == 0  # by what is set
    assert "of these 100.0% valid" in capsys.readouterr().out
    assert contents(bakery) == before


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (kunden(GERMAN, "k' || n || '@laden.example"), "are of the country that --country XX says (cdp_default_country)"),
        (kunden("'+49 171 ' || (1000000 + n)"), "of these 100.0% valid"),
        (kunden(GERMAN, more=", 'DE' as land"), "headwater.normalise_phone('\"Telefon Nr\"', 'land')"),
        (kunden(GERMAN, "k' || n || '@laden.example", ", 'Deutschland' as land"), "init ... --country DE"),
        (kunden("'020 7946 0' || (100 + n)", "k' || n || '@shop.co.uk"), "init ... --country GB"),
        (kunden("'98765432' || (10 + n)", "k' || n || '@shop.in"), "init ... --country IN"),
    ],
)  # fmt: skip
def test_a_country_is_proposed_by_what_the_rows_say(
    bakery: Path,
    built: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    model: str,
    said: str,
) -> None:
    built(kunden=model)
    assert init("--from-models", "kunden", "--dry-run") == 0
    assert said in capsys.readouterr().out


def test_what_is_normalised_already_is_not_asked_for_again(
    bakery: Path, built: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    built(kunden=kunden("'+49171' || (1000000 + n)"))
    assert init("--from-models", "kunden") == 0
    said = capsys.readouterr().out
    assert "of these 100.0% valid" in said
    assert "or the build stops" not in said


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("cdp_default_country: Deutschland", [], "is not an ISO 3166-1 alpha-2 code (did you mean 'DE'?)"),
        ("cdp_default_country: de", [], "did you mean 'DE'?"),
        ("cdp_default_country: NO", [], "NO without quotes is false in YAML"),
        ("cdp_default_country: 'NO'", ["--country", "SE"], "says cdp_default_country: NO"),
        ("bakery: {cdp_default_country: XX}", [], "vars: bakery: cdp_default_country: 'XX' is not"),
        ("sugar: 1", ["--country", "Norge"], "--country: 'Norge' is not an ISO 3166-1 alpha-2 code (did you mean 'NO'?)"),
    ],
)  # fmt: skip
def test_a_country_that_is_none_is_told_before_anything_is_written(
    bakery: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str], said: str
) -> None:
    project = bakery / "dbt_project.yml"
    project.write_text(PROJECT.replace('flour: "00"', f'flour: "00"\n  {text}'))
    before = contents(bakery)
    assert init(*words) == 2
    assert said in capsys.readouterr().err
    assert contents(bakery) == before


def test_norway_is_written_as_yaml_reads_it(bakery: Path) -> None:
    assert init("--country", "NO") == 0
    settings = yaml.safe_load((bakery / "dbt_project.yml").read_text())["vars"]
    assert settings["cdp_default_country"] == "NO"


COMPANIES = {
    "english": 'account_id, company_name, website, tax_id, created_at',
    "german": '"FirmenNr", "Firmenname", "Webseite", "USt-IdNr", "Angelegt am"',
    "french": 'numero, raison_sociale, site_web, "N° TVA", cree_le',
    "spanish": 'codigo, razon_social, pagina_web, nif, creado',
    "italian": 'codice, ragione_sociale, sito_web, partita_iva, creato_il',
    "dutch": 'nummer, bedrijfsnaam, website, btw_nummer, created_at',
    "a name and a site": "id, name, homepage, note, created_at",
    "a phone too": "id, firma, url, telefon, created_at",
}  # fmt: skip


def firms(columns: str) -> str:
    phone = "'030 ' || (1000000 + n)" if "telefon" in columns else "'DE' || (100000 + n)"
    return f"""select * from (select 'F' || n, 'Firma ' || n, 'https://www.firma' || n || '.de/', {phone}, date '2026-01-01'
        from range(1, 41) as t (n)) as firms ({columns})"""


@pytest.mark.parametrize("case", COMPANIES)
def test_companies_alone_are_no_people_and_what_to_do_is_said(
    bakery: Path, built: Callable[..., None], capsys: pytest.CaptureFixture[str], case: str
) -> None:
    built(stg_erp__firmen=firms(COMPANIES[case]))
    assert init("--from-models", "stg_erp__firmen") == 0
    said = capsys.readouterr().out
    assert "its rows are companies, and no person is in them" in said
    assert "headwater init --from-models stg_erp__firmen CONTACTS" in said
    assert "headwater push" not in said
    (model,) = yaml.safe_load((bakery / "models/cdp/_records__models.yml").read_text())["models"]
    record = model["config"]["meta"]["record"]
    assert "person" not in record
    kinds = {
        kind
        for one in record["account"]["identifiers"]
        for kind in ([one] if isinstance(one, str) else one)
    }
    assert "domain" in kinds
    assert ("tax_id" in kinds) is (case not in ("a name and a site", "a phone too"))
    assert list(record["account"]["attributes"][0]) == ["account_name"]
    settings = yaml.safe_load((bakery / "dbt_project.yml").read_text())["vars"]
    assert set(settings["cdp_identity"]["account"]["identifiers"]) == kinds
    assert "email" in settings["cdp_identity"]["person"]["identifiers"]
    left = [line for line in said.splitlines() if "left out" in line]
    assert left == (["  left out     note"] if "note" in COMPANIES[case] else
                    ["  left out     telefon"] if "telefon" in COMPANIES[case] else [])  # fmt: skip


PEOPLE = {
    "with names": "select n as kunden_nr, 'Eva' as vorname, 'Roth' || n as nachname, 'Firma ' || n as firma",
    "with an address": "select n as kunden_nr, 'e' || n || '@a.de' as mail, 'Firma ' || n as firma",
    "born": "select n as kunden_nr, date '1990-01-01' as geburtsdatum, 'Firma ' || n as firma",
    "by a key": "select n as kunden_nr, 'gold' as stufe",
    "buying": "select 'B' || n as bestell_nr, n % 7 as kunden_nr, 'Firma' as firma",
}


@pytest.mark.parametrize("case", PEOPLE)
def test_people_with_a_company_are_people(
    bakery: Path, built: Callable[..., None], capsys: pytest.CaptureFixture[str], case: str
) -> None:
    built(kunden=f"{PEOPLE[case]} from range(1, 41) as t (n)")
    assert init("--from-models", "kunden", "--dry-run") == 0
    assert "its rows are companies" not in capsys.readouterr().out


def test_companies_and_contacts_by_german_names_leave_out_nothing_that_is_used(
    bakery: Path, built: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    contacts = """select 'A' || n as "AP-Nr", 'F' || (n % 13) as "FirmenNr", 'Eva' as "Vorname", 'Roth' as "Nachname",
        'e' || n || '@firma' || (n % 13) || '.de' as "Mail", 'Leitung' as "Funktion" from range(1, 41) as t (n)"""
    built(firmen=firms(COMPANIES["german"]), kontakte=contacts)
    assert init("--from-models", "firmen", "kontakte") == 0
    said = capsys.readouterr().out
    assert "left out" not in said
    assert "CONTACTS" not in said
    models = yaml.safe_load((bakery / "models/cdp/_records__models.yml").read_text())["models"]
    records = {one["name"]: one["config"]["meta"]["record"] for one in models}
    assert records["firmen"]["account"] == {
        "identifiers": ["firmennr", {"tax_id": '"USt-IdNr"'}, {"domain": "webseite"}],
        "attributes": [{"account_name": "firmenname"}],
    }
    assert records["firmen"]["first_seen_at"] == '"Angelegt am"'
    assert records["kontakte"]["key"] == '"AP-Nr"'
    assert records["kontakte"]["person"]["identifiers"][0] == {"ap_nr": '"AP-Nr"'}
    assert records["kontakte"]["account"]["job_title"] == "funktion"


def test_a_project_without_records_is_told_so_instead_of_to_push(
    bakery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # also where everything is written already
        assert init() == 0
        said = capsys.readouterr().out
        assert "No model says yet who your customers are" in said
        assert "headwater init --from-models MODEL..." in said
        assert "headwater push" not in said
    project = bakery / "dbt_project.yml"
    project.write_text(project.read_text().replace("records: []", "records: [stg_till__receipts]"))
    assert init() == 0
    assert "No model says yet" not in capsys.readouterr().out
    (bakery / "packages.yml").unlink()
    assert init() == 0
    said = capsys.readouterr().out
    # What is built for one environment is refused in the other.
    assert (
        said.index("HEADWATER_ENVIRONMENT=sandbox")
        < said.index("dbt build")
        < said.index("headwater push")
    )


TABLES = {
    "Abonnenten": ("abonnenten", "Abonnenten", None),
    "customers": ("customers", None, None),
    "Bestellungen 2024": ("bestellungen_2024", "Bestellungen 2024", {"identifier": True}),
    "Gäste-Liste": ("gaeste_liste", "Gäste-Liste", {"identifier": True}),
    "NO": ("no", "NO", None),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_new_sources_names_pass_the_checks_of_the_build(
    bakery: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    plain, identifier, quoting = TABLES[table]
    assert init() == 0
    capsys.readouterr()
    assert run(["new", "source", "newsletter", "--table", table]) == 0
    said = capsys.readouterr().out
    assert (
        f"the table raw_newsletter.{table} is taken to have the columns id, email, created_at, updated_at"
        in said
    )
    folder = bakery / "models/cdp/staging/newsletter"
    model = f"stg_newsletter__{plain}"
    assert f"source('newsletter', '{plain}')" in (folder / f"{model}.sql").read_text()
    (described,) = yaml.safe_load((folder / "_newsletter__models.yml").read_text())["models"]
    assert described["name"] == model
    assert described["config"]["meta"]["record"]["source_name"] == f"newsletter_{plain}"
    (source,) = yaml.safe_load((folder / "_newsletter__sources.yml").read_text())["sources"]
    (written,) = source["tables"]
    assert (written["name"], written.get("identifier"), written.get("quoting")) == (
        plain,
        identifier,
        quoting,
    )
    registry = yaml.safe_load((bakery / "dbt_project.yml").read_text())["vars"]["cdp_registry"]
    assert registry["records"] == [model]


@pytest.mark.parametrize("place", ["models/cdp/staging/no/_no__sources.yml", "models/raw.yaml"])
def test_a_second_table_of_a_source_joins_the_first(bakery: Path, place: str) -> None:
    assert init() == 0
    assert run(["new", "source", "no", "--table", "Orders"]) == 0
    first = bakery / "models/cdp/staging/no/_no__sources.yml"
    (bakery / place).write_text(first.read_text())
    if bakery / place != first:
        first.unlink()
    assert run(["new", "source", "no"]) == 0
    assert run(["new", "source", "no", "--table", "bills", "--schema", "other"]) == 2
    found = [
        source
        for file in (*bakery.rglob("*.yml"), *bakery.rglob("*.yaml"))
        for source in yaml.safe_load(file.read_text()).get("sources") or []
    ]
    assert [(one["name"], one["schema"]) for one in found] == [("no", "raw_no")]
    assert [table["name"] for table in found[0]["tables"]] == ["orders", "customers"]


@pytest.mark.parametrize(
    "words",
    [
        ("source", "till", "--table", "2024"),
        ("source", "till", "--table", "---"),
        ("trait", "order"),
        ("trait", "on"),
        ("identifier", "no"),
        ("identifier", "null"),
    ],
)
def test_a_name_that_the_build_would_read_as_another_word_is_refused(
    bakery: Path, words: tuple[str, ...]
) -> None:
    assert init() == 0
    before = contents(bakery)
    assert run(["new", *words]) == 2
    assert contents(bakery) == before
