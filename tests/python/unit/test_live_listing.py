"""Only a listed target goes live: by its name, by the place it writes into, and by the manifest that was written for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync.config.live import check_live
from sync.config.manifest import Manifest
from sync.config.profiles import Target
from sync.config.project import Project
from sync.errors import ConfigError, RefusedError

SETTINGS = {
    "duckdb": {"path": "/srv/cdp/cdp.duckdb", "schema": "analytics"},
    "snowflake": {"account": "ab12345", "database": "CDP", "schema": "MARKETING"},
    "bigquery": {"project": "acme-prod", "dataset": "marketing"},
}
LEDGER = {
    "duckdb": ("cdp", "analytics_sync"),
    "snowflake": ("CDP", "MARKETING_sync"),
    "bigquery": ("acme-prod", "marketing_sync"),
}
KINDS = sorted(SETTINGS)


def manifest(folder: Path, database: str, schema: str) -> Manifest:
    path = folder / "manifest.json"
    source = {"source_name": "sync", "name": "ledger", "relation_name": "x", "database": database,
              "schema": schema}  # fmt: skip
    path.write_text(json.dumps({"sources": {"source.headwater.sync.ledger": source}}))
    return Manifest(path)


def tried(folder, kind, *, name="prod", listed=None, ledger=None, variables=None, **settings):
    """What `check_live` says of target `name`, whose settings are the usual with some others."""
    variables = {"cdp_live_targets": listed} if variables is None else variables
    project = Project(folder, "acme", "acme", folder / "target", variables)
    target = Target(name, kind, {**SETTINGS[kind], **settings}, folder)
    check_live(project, target, manifest(folder, *(ledger or LEDGER[kind])))


def refused(folder, kind, *words, **more):
    with pytest.raises(RefusedError) as error:
        tried(folder, kind, **more)
    assert error.value.reason == "target"
    said = f"{error.value.message} {error.value.hint}"
    for word in words:
        assert word in said, said


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_is_listed_with_its_place_goes_live(tmp_path, kind):
    tried(tmp_path, kind, listed={"prod": SETTINGS[kind], "other": {}})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("listed", [None, {}, {"production": {}}])
def test_one_that_is_not_listed_does_not_and_the_hint_is_the_line_to_add(tmp_path, kind, listed):
    shown = ", ".join(f"{key}: {value}" for key, value in SETTINGS[kind].items())
    refused(
        tmp_path, kind, "--sandbox", f"cdp_live_targets: {{prod: {{{shown}}}}}", "dbt_project.yml",
        listed=listed,
    )  # fmt: skip


def test_the_line_of_the_hint_is_yaml_that_works(tmp_path):
    import yaml

    for kind in KINDS:
        with pytest.raises(RefusedError) as error:
            tried(tmp_path, kind)
        line = (error.value.hint or "").partition("dbt_project.yml: ")[2]
        tried(tmp_path, kind, variables=yaml.safe_load(line))


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("duckdb", {"path": "/home/anna/cdp.duckdb"}),
        ("duckdb", {"schema": "dbt_anna"}),
        ("duckdb", {"path": ":memory:"}),
        ("duckdb", {"path": "md:cdp"}),
        ("snowflake", {"schema": "DBT_ANNA"}),
        ("snowflake", {"database": "CDP_DEV"}),
        ("snowflake", {"account": "zz99999"}),
        ("bigquery", {"dataset": "dbt_anna"}),
        ("bigquery", {"project": "acme-dev"}),
        ("bigquery", {"dataset": "Marketing"}),
    ],
)
def test_a_developers_target_of_the_same_name_does_not(tmp_path, kind, other):
    (value,) = other.values()
    refused(tmp_path, kind, str(value), "--sandbox", listed={"prod": SETTINGS[kind]}, **other)


@pytest.mark.parametrize("kind", KINDS)
def test_nor_a_manifest_that_was_written_for_a_developers_target(tmp_path, kind):
    database, _ = LEDGER[kind]
    refused(
        tmp_path, kind, "dbt_anna_sync", "dbt build --target prod", listed={"prod": SETTINGS[kind]},
        ledger=(database, "dbt_anna_sync"),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["snowflake", "bigquery"])
def test_nor_one_that_was_written_for_another_database(tmp_path, kind):
    refused(
        tmp_path, kind, "elsewhere", listed={"prod": SETTINGS[kind]},
        ledger=("elsewhere", LEDGER[kind][1]),
    )  # fmt: skip


def test_small_letters_and_capitals_are_one_where_the_warehouse_says_so(tmp_path):
    listed = {"prod": {"account": "AB12345", "database": "cdp", "schema": "marketing"}}
    tried(tmp_path, "snowflake", listed=listed)


def test_the_other_words_that_dbt_takes_for_bigquery_are_taken(tmp_path):
    listed = {"prod": {"database": "acme-prod", "schema": "marketing"}}
    tried(tmp_path, "bigquery", listed=listed)


def test_a_link_to_the_file_is_the_file(tmp_path):
    (tmp_path / "real.duckdb").touch()
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "real.duckdb")
    listed = {"prod": {"path": str(tmp_path / "real.duckdb"), "schema": "analytics"}}
    tried(tmp_path, "duckdb", listed=listed, path=str(tmp_path / "link.duckdb"))
    tried(tmp_path, "duckdb", listed=listed, path="real.duckdb")


def test_a_token_in_a_path_is_not_shown(tmp_path):
    with pytest.raises(RefusedError) as error:
        tried(tmp_path, "duckdb", path="md:cdp?motherduck_token=secret123")
    assert "secret123" not in f"{error.value.message}{error.value.hint}"


@pytest.mark.parametrize("scope", ["acme", "headwater"])
def test_the_variable_may_be_a_packages(tmp_path, scope):
    tried(tmp_path, "bigquery", variables={
        scope: {"cdp_live_targets": {"prod": SETTINGS["bigquery"]}}, "cdp_live_targets": {},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (["prod"], "must be a mapping"),
        ("prod", "must be a mapping"),
        ({"prod": None}, "must say path and schema"),
        ({"prod": True}, "must say path and schema"),
        ({"prod": {"schema": "analytics"}}, "must say its path too"),
        ({"prod": {"path": "/srv/cdp/cdp.duckdb"}}, "must say its schema too"),
        ({"prod": {"path": "cdp.duckdb", "schema": "analytics"}}, "from the root"),
        ({"prod": {"path": "/srv/x", "shema": "analytics"}}, "did you mean 'schema'"),
        ({"prod": {"path": "/srv/x", "schema": ""}}, "as a text"),
        ({"prod": {"path": "/srv/x", "schema": None}}, "as a text"),
        ({"prod": {"path": "/srv/x", "schema": "{{ env_var('S') }}"}}, "in full"),
    ],
)
def test_a_listing_that_says_too_little_is_an_error(tmp_path, listed, words):
    with pytest.raises(ConfigError, match=words):
        tried(tmp_path, "duckdb", listed=listed)


def test_the_nearest_listed_name_is_given(tmp_path):
    refused(tmp_path, "bigquery", "did you mean 'production'", name="prodction",
            listed={"production": {}})  # fmt: skip
