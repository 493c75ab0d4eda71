"""Settings, registry and what models say of themselves are held against what there is, before anything is made; all is said at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from sync.entrance.looked import RESERVED
from tests.python.guest import ROOT, Project

RECORD = """
{{ config(meta={'record': META}) }}
select 1 as id, 'a' as mail, 'b' as vorname
"""
JOURNEY = """
{{ config(meta={'journey': {'entry': {'audience': 'audience_all'}, 'steps': [
    {'touchpoint': {'destination': 'klavio', 'channel': 'email', 'template': 'x'}, 'name': 'hello'}
]}}) }}
select 1 as step_id
"""
IDENTITY = {
    "person": {"identifiers": {"email": {"tier": 2}, "customer_id": {"tier": 1, "exclusive": True}}}
}
SURVIVORSHIP = {"person": {"attributes": {"first_name": "most_recent"}}}


class Shop(Project):
    """A guest with the engine's macros and none of its models."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reset()

    def reset(self) -> None:
        for place in ("models", "macros", "dbt_packages/headwater/models/engine/own"):
            for path in (self.folder / place).glob("*.sql"):
                path.unlink()
        self.models = {"stg_kunden": record({"key": "id", "person": PERSON})}
        self.syncs = {}
        self.vars = {
            "cdp_registry": {"records": ["stg_kunden"]},
            "cdp_identity": IDENTITY,
            "cdp_survivorship": SURVIVORSHIP,
        }

    def dbt(self, *words: str) -> str:
        """What dbt said, in one line."""
        self.write()
        said: list[str] = []
        place = ("--project-dir", str(self.folder), "--profiles-dir", str(self.folder))
        paths = ("--target-path", str(self.folder / "target"), "--log-path", str(self.folder))
        runner = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)])
        result = runner.invoke(["--no-write-json", *words, *place, *paths])
        DuckDBConnectionManager.close_all_connections()
        failed = [str(one.message) for one in getattr(result.result, "results", ())]
        return " ".join([*said, *failed, str(result.exception or "")])

    described: ClassVar[dict[str, list[Any]]] = {}

    def write(self) -> None:
        super().write()
        models = [
            {
                "name": name,
                "columns": [{"name": one} if isinstance(one, str) else one for one in columns],
            }
            for name, columns in self.described.items()
        ]
        (self.folder / "models" / "_described.yml").write_text(
            json.dumps({"version": 2, "models": models})
        )

    def relations(self) -> list[tuple[object, ...]]:
        if not (self.folder / "shop.duckdb").exists():
            return []
        return self.rows("select table_name from information_schema.tables")


PERSON = {"identifiers": [{"email": "mail"}], "attributes": [{"first_name": "vorname"}]}


def record(meta: dict[str, Any]) -> str:
    return RECORD.replace("META", repr(meta))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("settings"))


@pytest.fixture
def shop(lab: Shop) -> Iterator[Shop]:
    lab.reset()
    yield lab
    lab.reset()


def test_every_wrong_setting_is_said_at_once_by_the_parse(shop: Shop) -> None:
    """Each with its path, its value, what is allowed or near, and what to do."""
    shop.vars |= {
        "cdp_regstry": {"records": []},
        "cdp_lift": {"audiences": ["x"]},
        "cdp_matching": {
            "enable": True,
            "accept": "high",
            "kinds": {
                "vin": "colour",
                "tyre": {"like": "code"},
                "email": "code",
                "My kind": "code",
                "order": "code",
                "door": None,
                "wheel": ["code"],
                **{f"k{n}": "words" for n in range(40)},
            },
            "entities": {"person": {"household": True}},
        },
        "cdp_identity_blocked_values": {
            "exact": [{"a": 1}],
            "patterns": ["[nix", "(a|b", "*x", "a\\", r"[(]\(.*?(?:x|[]])+", "^no.*$"],
        },
        "cdp_unread": {"warn_percent": "viel", "columns": {"stg.x": {"stop_percent": 20}}},
        "cdp_events": [{"name": "kauf", "modle": "x"}, {"model": "y"}],
        "cdp_entities": {"household": {"modl": "households", "key": "id"}},
        "cdp_relations": {"opps": ["x"]},
        "cdp_default_country": "Deutschland",
        "cdp_time_zone": "Europa/Berlin",
        "cdp_identity_review": {"min_ids": 10**20, "max_changed_percent": "viel"},
        "cdp_live_targets": "dev",
        "cdp_journeys_allow_earlier_as_of": "yes",
        "cdp_attribution": {"touches": ["openend"], "window_days": 0},
        "cdp_contact_rules": {"quiet_hour": {}, "caps": [{"at_most": 3}]},
        "cdp_identity": {"persons": {"identifiers": {"email": {"teir": 2}}}},
        "cdp_registry": {"record": ["x"]},
        "cdp_survivorship": {
            "person": {
                "attributes": {"a": ["newest"], "b": {"rule": "first", "identifer": "email"}}
            }
        },
    }
    said = shop.dbt("parse")
    for words in (
        "vars: cdp_regstry is no setting; did you mean 'cdp_registry'? A var of your own",
        "vars: cdp_lift: 'audiences' is not one of window_days",
        "vars: cdp_matching: 'enable' is not one of enabled, accept",
        "did you mean 'enabled'?",
        "vars: cdp_matching.accept: 'high' is not a number from 0 to 1.",
        "vars: cdp_matching.kinds.vin: 'colour' is not one of person_name, organisation",
        "vars: cdp_matching.kinds.tyre: 'like' is not one of compared_as",
        "vars: cdp_matching.kinds.email: a kind of that name ships",
        "vars: cdp_matching.kinds.My kind: that is no name of a kind",
        "vars: cdp_identity_blocked_values.exact: '[{'a': 1}]' is not a list of values, for '{'a': 1}' is none.",
        *(
            f"vars: cdp_identity_blocked_values.patterns: '{one}' is no pattern"
            for one in ("[nix", "(a|b", "*x", "a\\")
        ),
        "vars: cdp_matching.kinds.order: a word that warehouses read as their own",
        "vars: cdp_matching.kinds.door: is empty. Say as what it is compared: person_name,",
        "vars: cdp_matching.kinds.wheel: '['code']' is not one of person_name,",
        "vars: cdp_matching.kinds: 47 kinds are too many",
        "vars: cdp_matching.entities.person: 'household' is not one of households, records",
        "vars: cdp_unread.warn_percent: 'viel' is not a number from 0 to 100.",
        "vars: cdp_unread.columns.stg.x: 'reason' is missing.",
        "vars: cdp_events[0]: 'modle' is not one of",
        "did you mean 'model'?",
        "vars: cdp_events[1]: 'name' is missing.",
        "vars: cdp_entities.household: 'modl' is not one of model, key, of; did you mean 'model'?",
        "vars: cdp_entities.household: 'model' is missing.",
        "vars: cdp_relations.opps: '['x']' is not a name.",
        "vars: cdp_default_country: 'Deutschland' is no country's two letters in quotes, such as 'DE'; did you mean 'DE'?",
        "vars: cdp_time_zone: 'Europa/Berlin' is no time zone",
        "did you mean 'Europe/Berlin'?",
        "vars: cdp_identity_review.max_changed_percent: 'viel' is not a number from 0 to 100.",
        f"vars: cdp_identity_review.min_ids: '{10**20}' is not a whole number of at most",
        "vars: cdp_live_targets: 'dev' is no mapping.",
        "vars: cdp_journeys_allow_earlier_as_of: 'yes' is not true or false.",
        "vars: cdp_attribution.touches[0]: 'openend' is not one of",
        "vars: cdp_attribution.window_days: '0' is not a number above 0.",
        "vars: cdp_contact_rules: 'quiet_hour' is not one of quiet_hours,",
        "vars: cdp_contact_rules.caps[0]: 'days' is missing.",
        "vars: cdp_identity: 'persons' is not one of person, account; did you mean 'person'?",
        "vars: cdp_identity.persons.identifiers.email: 'teir' is not one of",
        "vars: cdp_registry: 'record' is not one of",
        "vars: cdp_survivorship.person.attributes.a: 'newest' is not one of",
        "vars: cdp_survivorship.person.attributes.b: 'identifer' is not one of",
    ):
        assert words in said, f"{words}\n{said}"
    assert "settings are wrong, nothing was built" in said
    assert "'^no.*$' is no pattern" not in said
    assert "(?:x|[]])+' is no pattern" not in said


def test_what_the_warehouses_read_as_their_own_is_one_list() -> None:
    text = (ROOT / "macros/registry/reserved_words.sql").read_text().split("'")[1]
    assert set(text.split()) == RESERVED


def test_entities_that_matching_leaves_out_are_said(shop: Shop) -> None:
    shop.vars["cdp_matching"] = {"enabled": True, "entities": ["persn"]}
    assert (
        "cdp_matching.entities: 'persn' is not one of person; did you mean 'person'?"
        in shop.dbt("parse")
    )
    shop.vars["cdp_matching"] = {"enabled": True, "entities": ["account"]}
    shop.vars["cdp_identity"] = {**IDENTITY, "account": {"identifiers": {"domain": {"tier": 1}}}}
    shop.models["stg_kunden"] = record({"key": "id", "person": {**PERSON, "matching": [{"first_name": "vorname"}]}})  # fmt: skip
    said = shop.dbt("run", "--select", "stg_kunden")
    assert "record.person.matching: 'first_name' is compared by nobody: add person" in said


@pytest.mark.parametrize("value", [False, "de", "XX", 49])
def test_a_country_is_two_letters(shop: Shop, value: object) -> None:
    shop.vars["cdp_default_country"] = value
    said = shop.dbt("parse")
    assert f"cdp_default_country: '{value}' is no country's two letters" in said
    assert ("did you mean 'NO'?" in said) == (value is False)
    assert ("did you mean 'DE'?" in said) == (value == "de")


def test_a_name_of_the_registry_without_a_model_is_said_by_its_list(shop: Shop) -> None:
    shop.vars["cdp_registry"] = {
        "records": ["stg_kundn", "stg_kunden"],
        "audiences": ["audience_nix"],
    }
    said = shop.dbt("parse")
    assert "vars: cdp_registry.records: there is no model 'stg_kundn'; did you mean 'stg_kunden'?" in said  # fmt: skip
    assert "vars: cdp_registry.audiences: there is no model 'audience_nix'" in said
    assert "'stg_kunden';" not in said


def test_what_the_engine_calls_a_model_is_no_teams_name_in_the_registry(shop: Shop) -> None:
    shop.vars["cdp_registry"] = {
        "records": ["stg_kunden", "accounts"],
        "conversions": ["event_campaign_engaged"],  # the engine's may count for something
    }
    said = shop.dbt("parse")
    assert "cdp_registry.records: 'accounts' is what a model of Headwater's own is called" in said
    assert "my_accounts.sql with select * from {{ ref('shop', 'accounts') }}" in said
    assert "event_campaign_engaged" not in said


def test_a_model_that_the_engine_would_read_for_its_own_is_said(shop: Shop) -> None:
    shop.models |= {
        "accounts": "select 1 as account_id",
        "account_contacts": "select * from {{ ref('accounts') }}",
    }
    shop.write()
    theirs = shop.folder / "models" / "accounts.sql"
    theirs.write_text("{{ config(alias='logins') }} select 1 as login")
    said = shop.dbt("run", "--select", "stg_kunden")
    assert "models/accounts.sql: a model of Headwater's own is called 'accounts' too" in said
    assert "require_ref_searches_node_package_before_root: true" in said
    shop.models["account_contacts"] = "select * from {{ ref('headwater', 'accounts') }}"
    assert "is called 'accounts' too" not in shop.dbt("run", "--select", "stg_kunden")
    (shop.folder / "shop.duckdb").unlink()  # others look at what is made


def test_the_engines_models_are_those_that_its_macros_know() -> None:
    folder = ROOT / "models/engine"
    names = re.findall(
        r"'(\w+)',?",
        (ROOT / "macros/registry/own_models.sql").read_text().split("return(")[1].split("]")[0],
    )
    assert names == sorted(path.stem for path in folder.rglob("*.sql"))


def test_what_is_named_and_not_there_stops_before_anything_is_made(shop: Shop) -> None:
    shop.vars |= {
        "cdp_registry": {
            "records": ["stg_kunden", "stg_best", "stg_zwei", "stg_stern", "stg_leer"],
            "consents": ["stg_ja"], "traits": ["traits_x"], "conversions": ["event_kauf"], "journeys": ["journey_b"],
        },
        "cdp_events": [{"name": "nix"}, {"name": "kauf", "key": "evnt_id"}],
        "cdp_entities": {"household": {"model": "households", "key": "household_id"}},
        "cdp_relations": {"opps": "nix"},
        "cdp_unread": {"columns": {"stg_kunden.nix": {"stop_percent": 20, "reason": "x"}}},
        "cdp_survivorship": {"person": {"attributes": {"first_name": "first", "geburtstag": "first"}}},
    }  # fmt: skip
    shop.models |= {
        "stg_kunden": record({"key": "id", "source_name": "laden", "person": PERSON}),
        "stg_best": record(
            {
                "key": "kunden_nrr", "source_name": "laden", "first_sen_at": "x",
                "person": {"identifiers": [{"emial": "mail"}], "attributes": [{"frist_name": "vornam"}], "matching": [{"birthdate": "id"}]},
            }
        ),
        "stg_zwei": record(
            {
                "key": "id", "source_name": "Laden Zwei",
                "person": {"attribute": [], "identifiers": [{"customer_id": {"column": "id", "disposable_when": "is_gast"}}]},
            }
        ),
        "stg_stern": "{{ config(meta={'record': {'key': 'nr', 'person': {}}}) }} select * from {{ ref('stg_kunden') }}",
        "stg_leer": "select 1 as id",
        "stg_ja": "{{ config(meta={'consent': {'email': 'mail', 'channel': 'email', 'purpose': 'all', "
        "'answer': {'accepts': 'ja'}, 'recorded_at': 'geandert'}, 'record': {'key': 'id'}}) }} "
        "select 1 as id, 'a' as mail, 'y' as ja, 1 as geaendert",
        "stg_mehr": record({"key": "id", "person": PERSON}),
        "traits_x": "select 'a' as profil_id",
        "event_kauf": "{{ config(meta={'conversion': {'valu': 'x', 'id': 'nr'}}) }} select 1 as event_id, 2 as occurred_at",
        "audience_all": "select 1 as profile_id",
        "journey_a": JOURNEY,
        "journey_b": JOURNEY,
        "sync_k": "select 1 as profile_id",
    }  # fmt: skip
    shop.syncs = {"k": ("sync_k", {"destination": "klaviyo", "object": "list"})}
    said = shop.dbt("run", "--select", "stg_leer")
    for words in (
        "vars: cdp_registry: audiences: 'audience_all' (models/audience_all.sql) is missing; nothing reads it",
        "vars: cdp_registry: journeys: 'journey_a'",
        "vars: cdp_registry: records: 'stg_mehr'",
        "vars: cdp_events: nix: 'event_nix' is no model of this project",
        "vars: cdp_events: kauf: key: 'evnt_id' is no column of event_kauf (models/event_kauf.sql); did you mean 'event_id'?",
        "vars: cdp_entities: household: 'households' is no model",
        "vars: cdp_relations: opps: 'nix' is no model",
        "vars: cdp_unread.columns: 'stg_kunden.nix': models/stg_kunden.sql reads no such column.",
        "vars: cdp_survivorship.person.attributes.geburtstag: no source gives it",
        "models/stg_best.sql, stg_best, config: meta: record.source_name: 'laden' is that of stg_kunden already",
        "config: meta: record: 'first_sen_at' is not one of",
        "did you mean 'first_seen_at'?",
        "config: meta: record: key: 'kunden_nrr' is no column of stg_best",
        "config: meta: record.person.identifiers: 'emial' is not one of email, customer_id; did you mean 'email'?",
        "record.person.attributes: 'frist_name' is not one of first_name, geburtstag; did you mean 'first_name'?",
        "record.person.matching: 'birthdate' is not one of first_name,",
        "did you mean 'birth_date'?",
        "person.attributes.frist_name: 'vornam' is no column of stg_best (models/stg_best.sql); did you mean 'vorname'?",
        "stg_zwei, config: meta: record.source_name: 'Laden Zwei' is not a name",
        "person.identifiers.customer_id.disposable_when: 'is_gast' is no column of stg_zwei",
        "stg_zwei, config: meta: record.person: 'attribute' is not one of",
        "stg_leer, config: meta: record: is missing, though vars: cdp_registry: records names the model",
        "stg_ja, config: meta: consent: recorded_at: 'geandert' is no column of stg_ja (models/stg_ja.sql); did you mean 'geaendert'?",
        "vars: cdp_registry: traits: traits_x: the key of such a group: 'profile_id' is no column of traits_x",
        "event_kauf, config: meta: conversion: 'valu' is not one of name, id, value; did you mean 'value'?",
        "config: meta: conversion: id: 'nr' is no column of event_kauf",
        "journey_b, hello: no sync sends to 'klavio'; did you mean 'klaviyo'? Syncs send to klaviyo.",
    ):
        assert words in said, f"{words}\n{said}"
    # What a `*` brings is not known before it is built.
    assert "stg_stern" not in said
    assert shop.relations() == []


@pytest.mark.parametrize("by", ["definition", "sql", "fields"])
def test_a_trait_for_one_purpose_is_used_for_no_other(shop: Shop, by: str) -> None:
    traits = "select 'p' as profile_id, 1 as overdue_eur, 2 as orders from {{ ref('stg_kunden') }}"
    audience = {
        "definition": "{{ config(meta={'audience': {'all': [{'trait': 'overdue_eur', 'at_least': 1}]}}) }} "
        "select profile_id from {{ ref('traits_billing') }}",
        "sql": "select profile_id from {{ ref('traits_billing') }} where OVERDUE_EUR > 1",
        "fields": "select * from {{ ref('traits_billing') }}",
    }[by]
    sent = "profile_id, overdue_eur" if by == "fields" else "profile_id"
    shop.models |= {
        "traits_billing": traits,
        "audience_late": audience,
        "sync_k": f"select {sent} from {{{{ ref('audience_late') }}}}",
    }
    shop.vars |= {
        "cdp_registry": {
            "records": ["stg_kunden"],
            "traits": ["traits_billing"],
            "audiences": ["audience_late"],
        }
    }
    consent = {"channel": "email", "purpose": "marketing"}
    sync = {"destination": "klaviyo", "object": "list", "consent": consent}
    shop.syncs = {"k": ("sync_k", sync)}
    shop.described = {
        "traits_billing": [{"name": "overdue_eur", "config": {"meta": {"purposes": ["service"]}}}]
    }
    before = shop.relations()
    try:
        said = shop.dbt("run", "--select", "stg_kunden")
        where = "models/sync_k.sql" if by == "fields" else "models/audience_late.sql"
        assert f"{where}: 'overdue_eur' is used, and sync 'k'" in said
        way = "" if by == "fields" else ", by audience_late > sync_k"
        assert f"for marketing{way}: traits_billing has it for service alone" in said
        assert shop.relations() == before
        if by != "sql":
            return
        sync["consent"] = consent | {"purpose": "service"}
        assert "overdue_eur" not in shop.dbt("run", "--select", "stg_kunden")
        sync["consent"] = consent
        shop.models["audience_late"] = (
            "select profile_id from {{ ref('traits_billing') }} where orders > 1"
        )
        shop.models["sync_k"] = (
            "select profile_id, 1 as not_overdue_eur from {{ ref('audience_late') }}"
        )
        assert "overdue_eur" not in shop.dbt("run", "--select", "stg_kunden")
        shop.described["traits_billing"][0]["config"]["meta"]["purposes"] = ["biling"]
        said = shop.dbt("run", "--select", "stg_kunden")
        assert (
            "traits_billing, column overdue_eur, meta: purposes: 'biling' is not one of marketing"
            in said
        )
    finally:
        shop.described = {}


def test_a_seed_of_the_teams_that_nothing_would_read_is_told_with_what_makes_it_read(
    shop: Shop,
) -> None:
    """Overrides and trained parameters beside the package's own file of that name were never read."""
    seeds = [place / "seeds" / "lifetime_parameters.csv" for place in (shop.package, shop.folder)]
    for path in seeds:
        path.parent.mkdir(exist_ok=True)
        path.write_text("model_name,parameter\n")
    shop.seeds = {"headwater": {"+schema": "cdp"}}
    try:
        said = shop.dbt("run", "--select", "stg_kunden")
        assert "seeds/lifetime_parameters.csv: nothing reads it" in said
        switch = "seeds: {headwater: {lifetime_parameters: {+enabled: false}}}"
        assert f"Say in dbt_project.yml that it takes its place: {switch}." in said
        shop.seeds = {"headwater": {"lifetime_parameters": {"+enabled": False}}}
        assert "nothing reads it" not in shop.dbt("run", "--select", "stg_kunden")
    finally:
        shop.seeds = {}
        for path in seeds:
            path.unlink()


def test_a_column_that_only_the_table_tells_is_asked_of_it(shop: Shop) -> None:
    """Where the run makes it anew its SQL says what it will have, and a source what its star brings."""
    shop.sources = [{"name": "raw", "schema": "analytics", "tables": [{"name": "kunden"}]}]
    shop.rows("create schema if not exists analytics")
    shop.rows("create or replace table analytics.kunden as select 1 as id, 'a' as mail")
    select = "select * from {{ source('raw', 'kunden') }}"
    facts = {"key": "id", "person": {"identifiers": [{"email": "mail"}]}}
    config = "{{ config(meta={'record': META}) }}"
    shop.models = {
        "stg_kunden": config.replace("META", repr(facts)) + select,
        "other": "select 1 as a",
    }
    shop.vars["cdp_survivorship"] = {}
    assert "is no column" not in shop.dbt("run")
    facts["key"] = "idd"
    shop.models["stg_kunden"] = config.replace("META", repr(facts)) + select
    for words in (("run",), ("run", "--select", "other")):
        said = shop.dbt(*words)
        assert "record: key: 'idd' is no column of stg_kunden" in said, said
    # Some columns described are not all, but for a record.
    shop.vars["cdp_registry"] = {"traits": ["traits_x"]}
    shop.models["traits_x"] = "select 1 as profile_id, 2 as orders"
    shop.models["stg_kunden"] = select
    shop.described = {"traits_x": ["orders"]}
    assert "is no column" not in shop.dbt("run")
    shop.models["traits_x"] = "select 1 as profil, 2 as orders"
    assert "'profile_id' is no column of traits_x" in shop.dbt("run")
    shop.described = {}
    shop.vars["cdp_registry"] = {"records": ["stg_kunden"]}
    shop.models.pop("traits_x")
    (shop.folder / "models" / "traits_x.sql").unlink()
    # A column that the SQL now has, and the table of before has not.
    shop.models["stg_kunden"] = config.replace("META", repr(facts)) + select.replace(
        "*", "id as idd, mail"
    )
    assert "is no column" not in shop.dbt("run")
    shop.sources = []


def test_a_var_below_the_projects_own_name_is_not_the_engines(shop: Shop) -> None:
    shop.vars["shop"] = {"cdp_time_zone": "UTC", "cdp_tim_zone": "UTC"}
    shop.vars["lapse_days"] = 3
    said = shop.dbt("parse")
    assert "vars: shop: cdp_time_zone: the engine's own models do not see it there" in said
    assert "vars: cdp_tim_zone is no setting; did you mean 'cdp_time_zone'?" in said
    assert "lapse_days" not in said


@pytest.mark.parametrize(
    "name", ["default__timestamp_add", "duckdb__timestamp_add", "snowflake__md5_hex"]
)
def test_a_macro_that_takes_the_place_of_the_engines_is_named(shop: Shop, name: str) -> None:
    macros = shop.folder / "macros"
    macros.mkdir(exist_ok=True)
    (macros / "own.sql").write_text(f"{{% macro {name}(a, b, c) %}}broken({{% endmacro %}}")
    said = shop.dbt("parse")
    assert (
        f"macro '{name}' of your project would take the place of the engine's {name.split('__')[1]}"
        in said
    )
    assert f"vars: cdp_own_macros: [{name}]" in said
    shop.vars["cdp_own_macros"] = [name]
    assert "take the place" not in shop.dbt("parse")


def test_macros_of_a_projects_own_are_its_business(shop: Shop) -> None:
    macros = shop.folder / "macros"
    macros.mkdir(exist_ok=True)
    (macros / "own.sql").write_text(
        "{% macro default__mine(a) %}{% endmacro %}{% macro timestamp_add(a) %}{% endmacro %}"
    )
    shop.vars["cdp_own_macros"] = ["default__yours"]
    said = shop.dbt("parse")
    assert "take the place" not in said
    assert "vars: cdp_own_macros: 'default__yours' is no macro of your project" in said


def test_nobody_known_and_nobody_asked_is_said(shop: Shop) -> None:
    shop.vars["cdp_registry"] = {}
    shop.models = {"other": "select 1 as a"}
    said = shop.dbt("run")
    assert (
        "no model of records is registered (vars: cdp_registry: records), so there will be no profiles"
        in said
    )
    shop.reset()
    shop.models["sync_k"] = (
        "{{ config(meta={'activation': {'consent': {'channel': 'email', 'purpose': 'marketing'}}}) }} select 1 as a"
    )
    said = shop.dbt("run", "--select", "stg_kunden")
    assert (
        "no source of consent is registered (vars: cdp_registry: consents), so sync_k will send to nobody"
        in said
    )
    assert json.dumps(said).count("Headwater:") == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            "{}, fileds={}",
            "sync_k, activation: 'fileds' is no argument, of members, identifiers, fields",
        ),
        ("{}", "sync_k, activation: the argument 'fields' is missing."),
    ],
)
def test_an_argument_that_activation_does_not_take_is_named(
    shop: Shop, call: str, words: str
) -> None:
    shop.models["sync_k"] = "{{ headwater.activation(ref('stg_kunden'), CALL) }}".replace(
        "CALL", call
    )
    said = shop.dbt("parse")
    assert words in said
    assert ("did you mean 'fields'?" in said) == ("fileds" in call)


def test_a_duckdb_file_called_as_its_schema_is_said(shop: Shop) -> None:
    """DuckDB itself refuses each view there that reads a table beside it: `Ambiguous reference to catalog or schema`."""
    profile = shop.folder / "profiles.yml"
    before = profile.read_text()
    shop.models["beside"] = (
        "{{ config(materialized='view') }} select * from {{ ref('stg_kunden') }}"
    )
    try:
        profile.write_text(before.replace("analytics", "shop"))
        said = shop.dbt("run")
        assert (
            "the database is called 'shop' and so is the schema of beside, where DuckDB cannot make views"
            in said
        )
        shop.models["beside"] = "select * from {{ ref('stg_kunden') }}"
        assert "cannot make views" not in shop.dbt("run")
    finally:
        profile.write_text(before)


def test_what_is_unclear_about_consent_is_said_at_the_end(shop: Shop) -> None:
    tests = shop.folder / "tests"
    tests.mkdir(exist_ok=True)
    test = tests / "assert_consent_is_clear.sql"
    test.write_text("{{ config(severity='warn') }} select * from {{ ref('consent_unclear') }}")
    shop.models["consent_unclear"] = (
        "select 'loyalty' as said_by, 'unknown_answer' as problem, 'vielleicht' as word, 'a no' as taken_as, 3 as answers"
    )
    try:
        said = shop.dbt("build", "--select", "consent_unclear")
    finally:
        test.unlink()
    assert "consent is not clear: loyalty, unknown_answer 'vielleicht': 3 taken as a no" in said


@pytest.mark.parametrize(
    ("vars", "words"),
    [
        ({"cdp_identity": ["person"]}, "vars: cdp_identity: '['person']' is no mapping."),
        (
            {"cdp_identity": {"person": "x"}},
            "vars: cdp_identity.person: 'x' is no mapping of identifiers",
        ),
        ({"cdp_survivorship": "x"}, "vars: cdp_survivorship: 'x' is no mapping."),
        ({"cdp_unread": 5}, "vars: cdp_unread: '5' is no mapping of warn_percent"),
        ({"cdp_lift": [30]}, "vars: cdp_lift: '[30]' is no mapping of window_days"),
    ],
)
def test_a_setting_of_another_shape_is_said_by_its_name(
    shop: Shop, vars: dict[str, Any], words: str
) -> None:
    shop.vars |= vars
    assert words in shop.dbt("parse")
