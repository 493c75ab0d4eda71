"""What only the warehouse or the models' properties know: types of columns, entities of audiences, names of columns."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml

from tests.python.audiences.project import make_project, make_tables, messages_of_dbt

CONTRACT = {
    "profiles": {
        "profile_id": "string",
        "country": "string",
        "value": "numeric(18, 2)",
        "vip": "boolean",
        "born": "date",
        "tier": "string",
        "plan": "string",
    }
}
MADE = {
    "profiles": "profile_id text, country text, value decimal(18, 2), vip boolean, born date, tier text, plan text",
    "traits_paying": "profile_id text, plan text",
    "accounts": "account_id text, plan text, size bigint",
    "account_contacts": "account_id text, profile_id text",
    "profile_product_lines": "profile_id text, product_line text, order_count integer",
    "event_order_placed": "event_id text, profile_id text, status text, revenue_eur decimal(18, 2), gift boolean, occurred_at timestamp",
    "event_campaign_engaged": "profile_id text",
    "identity_aliases": "old_id text",
    "profile_suppressions": "profile_id text",
    "audience_hand_written_people": "profile_id text, is_holdout boolean, qualified_at timestamp",
    "audience_hand_written_companies": "account_id text, is_holdout boolean, qualified_at timestamp",
    "audience_of_both": "profile_id text, account_id text",
}  # fmt: skip
EVENT = {
    "name": "order_placed", "model": "event_order_placed", "key": "event_id", "time": "occurred_at",
    "entity": "person", "properties": ["status", "revenue_eur", "gift"],
}  # fmt: skip
DEFINITIONS = {
    "audience_of_types": """
any:
  - {trait: country, in: [DE, 5, true]}
  - {trait: country, equals: 1067}
  - {trait: value, ">=": much}
  - {trait: value, equals: "5"}
  - {trait: vip, equals: "true"}
  - {trait: vip, ">": false}
  - {trait: born, equals: 5}
  - {trait: born, between: [2000-01-01, soon]}
  - {trait: country, within: 3 days}
  - {trait: value, starts_with: "5"}
  - {trait: born, contains: "2000"}
  - {trait: contry, equals: DE}
  - {did: order_placed, where: {status: 5}}
  - {did: order_placed, where: {revenue_eur: {between: [a, b]}}}
  - {did: order_placed, where: {gift: 1}}
  - {did: order_placed, sum: {property: status, ">": 5}}
  - {account: {trait: size, equals: large}}
  - {product_line: any, where: {order_count: several}}
  - {product_line: any, where: {orders: 1}}
  - {member_of: audience_of_companies}
  - {member_of: audience_hand_written_companies}
  - {member_of: audience_of_both}
  - {account: {member_of: audience_of_people}}
""",
    "audience_of_figures": """
any:
  - {trait: plan, equals: Pro}
  - {figure: {did: order_placed, last: status}, ">": 5}
  - {figure: {did: order_placed, last: occurred_at}, before: {figure: {did: order_placed}}}
  - {figure: {did: order_placed, last: status}, rank: {"<=": 5}}
  - {trait: country, equals: {figure: {did: order_placed, last: revenue_eur}}}
limit: {top: 5, by: {figure: {did: order_placed, last: status}}}
""",
    "audience_of_words": "all: [{trait: tier, equals: glod}, {trait: country, equals: Germany}]",
    "audience_of_companies": "entity: account\ntrait: plan\nequals: plus",
    "audience_of_people": "trait: country\nequals: DE",
    "audience_of_companies_2": "entity: account\nany: [{member_of: audience_of_people}, {member_of: audience_hand_written_people}]",
    "audience_that_is_right": """
all:
  - {trait: country, in: [DE, "5", "true", "01067"]}
  - {trait: value, ">=": 5.5}
  - {trait: vip, equals: true}
  - {trait: born, on_or_after: 2000-01-01}
  - {member_of: audience_hand_written_people}
  - {account: {member_of: audience_of_companies}}
  - {did: order_placed, where: {gift: true, status: [a, b], revenue_eur: {between: [1, 5]}}, last: {">=": "2026-11-23 00:00:00+02:00"}}
""",
}  # fmt: skip
SAID = {
    "audience_of_types": {
        "any[1].trait.in[2]": "quote it: '5'", "any[1].trait.in[3]": "quote it: 'true'", "any[2].trait.equals": "quote it: '1067'",
        "any[3].trait.>=": "`much` is compared with a number", "any[4].trait.equals": "`5` is compared with a number",
        "any[5].trait.equals": "`true` is compared with true or false", "any[6].trait.>": "this one is of boolean",
        "any[7].trait.equals": "'5' is no date", "any[8].trait.between[2]": "'soon' is no date",
        "any[9].trait.within": "this one is of text",
        "any[10].trait.starts_with": "this one is of number", "any[11].trait.contains": "this one is of time",
        "any[12].trait": "no column of profiles; did you mean 'country'", "any[13].did.where.status": "quote it: '5'",
        "any[14].did.where.revenue_eur.between[1]": "`a` is compared with a number", "any[15].did.where.gift.equals": "true or false",
        "any[16].did.sum": "'status' is no number", "any[17].account.trait.equals": "a number",
        "any[18].product_line.where.order_count": "a number", "any[19].product_line.where": "did you mean 'order_count'",
        "any[20].member_of": "audience_of_companies is an audience of entity account, and entity person is wanted",
        "any[21].member_of": "audience_hand_written_companies is an audience of entity account",
        "any[22].member_of": "both profile_id and account_id",
        "any[23].account.member_of": "audience_of_people is an audience of entity person",
    },
    "audience_of_figures": {
        "any[1].trait.equals": "'Pro' is no value of plan, which is one of basic, pro; did you mean 'pro'?",
        "any[2].figure.>": "`5` is compared with a text",
        "any[3].figure.before": "'figure' is of number, and is compared with a column of time",
        "any[4].figure.rank": "this one is of text", "any[5].trait.equals": "'figure' is of number, and is compared with a column of text",
        "limit.by.figure": "this one is of text",
    },
    "audience_of_words": {
        "all[1].trait.equals": "'glod' is no value of tier, which is one of gold, silver; did you mean 'gold'?",
    },
    "audience_of_companies_2": {
        "any[1].member_of": "audience_of_people is an audience of entity person, and entity account",
        "any[2].member_of": "audience_hand_written_people is an audience of entity person",
    },
}  # fmt: skip
MODELS = {
    "journey_of_companies": '{{ headwater.journey("entry: {audience: audience_of_companies}\nsteps: []") }}',
    "journey_to_nowhere": '{{ headwater.journey("entry: {audience: audience_of_people}\nsteps:\n'
    '  - {name: mail, touchpoint: {destination: klavyo, channel: email, template: x}}") }}',
    "sync_of_companies": "{{ headwater.activation(members=ref('audience_of_companies'), identifiers={}, fields={}, "
    "no_consent_because='tried') }}",
    "sync_of_people": "{{ headwater.activation(members=ref('audience_hand_written_people'), identifiers={}, "
    "fields={}, entity='account') }}",
}
SAID_OF_MODELS = {
    "journey_of_companies": ["entry.audience", "audience_of_companies is an audience of entity account, and entity person is wanted"],
    "journey_to_nowhere": ["destination", "no sync sends to 'klavyo'; did you mean 'klaviyo'?"],
    "sync_of_companies": ["audience_of_companies is an audience of entity account, and entity person is wanted"],
    "sync_of_people": ["audience_hand_written_people is an audience of entity person, and entity account is wanted"],
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    make_tables(folder / "types.duckdb", MADE)
    make_project(
        folder,
        folder / "types.duckdb",
        dict.fromkeys(MADE, "select 1 as one"),
        {"cdp_events": [EVENT], "cdp_registry": {"traits": ["traits_paying"]}},
    )
    described = [
        {"name": name, "config": {"contract": {"enforced": True}},
         "columns": [{"name": column, "data_type": type_,
                      **({"data_tests": [{"accepted_values": {"arguments": {"values": ["gold", "silver"]}}}]} if column == "tier" else {})}
                     for column, type_ in columns.items()]}
        for name, columns in CONTRACT.items()
    ]  # fmt: skip
    paying = {"accepted_values": {"arguments": {"values": ["basic", "pro"]}}}
    described.append({"name": "traits_paying", "columns": [{"name": "plan", "data_tests": [paying]}]})  # fmt: skip
    exposure = {
        "name": "mails", "type": "application", "owner": {"name": "n", "email": "n@example.com"},
        "depends_on": ["ref('sync_of_people')"], "config": {"meta": {"sync": {"destination": "klaviyo"}}},
    }  # fmt: skip
    (folder / "models" / "models.yml").write_text(
        yaml.safe_dump({"models": described, "exposures": [exposure]})
    )
    for name, definition in DEFINITIONS.items():
        (folder / "models" / f"{name}.sql").write_text(
            f"{{% set definition %}}\n{definition}\n{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
        )
    for name, query in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(query)
    return folder


@pytest.fixture(scope="module")
def said(project: Path) -> dict[str, list[str]]:
    """Per model, the lines of what dbt says of it."""
    messages = messages_of_dbt(project, "run", "--select", *DEFINITIONS, *MODELS)
    assert set(SAID) | set(SAID_OF_MODELS) <= set(messages), messages
    return {name: [line.strip() for line in text.splitlines()] for name, text in messages.items()}


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, places in SAID.items() for place in places]
)
def test_a_value_of_another_type_is_refused(
    said: dict[str, list[str]], name: str, place: str
) -> None:
    lines = [line.removeprefix(f"{name}, ") for line in said[name]]
    assert any(line.startswith(place) and SAID[name][place] in line for line in lines), lines


@pytest.mark.parametrize("name", SAID_OF_MODELS)
def test_a_journey_or_sync_of_another_entity_or_to_nowhere_is_refused(
    said: dict[str, list[str]], name: str
) -> None:
    text = " ".join(said[name])
    assert [words for words in SAID_OF_MODELS[name] if words not in text] == [], text


def test_values_of_the_right_type_are_taken(project: Path, said: dict[str, list[str]]) -> None:
    assert "audience_that_is_right" not in said
    sql = next((project / "target" / "compiled").rglob("audience_that_is_right.sql")).read_text()
    assert "'01067'" in sql
    assert "cast('2026-11-22 22:00:00' as timestamp)" in sql.lower()


def test_a_build_warns_of_a_text_that_no_row_has_and_leaves_out_whom_it_always_does(
    tmp_path: Path,
) -> None:
    from dbt.cli.main import dbtRunner

    tables = {"profiles": "profile_id text, country text", "profile_product_lines": "profile_id text, product_line text"}  # fmt: skip
    make_tables(tmp_path / "words.duckdb", tables)
    with duckdb.connect(str(tmp_path / "words.duckdb")) as connection:
        connection.execute("insert into analytics.profiles values ('p', 'DE'), ('q', 'FR')")
        connection.execute("insert into analytics.profile_product_lines values ('p', 'outdoor')")
    excluded = {"cdp_always_excluded": {"person": {"trait": "country", "equals": "FR"}}}
    stubs = dict.fromkeys(tables, "select 1 as one")
    make_project(tmp_path, tmp_path / "words.duckdb", stubs, excluded)
    for name, setting in (("all", ""), ("really_all", "\nalways_excluded: may_be_in")):
        (tmp_path / f"models/audience_{name}.sql").write_text(
            f"{{% set definition %}}\ntrait: country\nis_null: false{setting}\n{{% endset %}}\n"
            "{{ headwater.audience(definition) }}\n"
        )
    described = [
        {"name": name, "columns": [{"name": one.split()[0], "data_type": "string"} for one in columns.split(", ")]}
        for name, columns in tables.items()
    ]  # fmt: skip
    (tmp_path / "models/models.yml").write_text(yaml.safe_dump({"models": described}))
    (tmp_path / "models/audience_words.sql").write_text(
        "{% set definition %}\nany: [{product_line: outdor}, {trait: country, in: [DE, Germany]}]\n{% endset %}\n"
        "{{ headwater.audience(definition) }}\n"
    )
    said: list[str] = []
    listener = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)])
    folder = str(tmp_path)
    done = listener.invoke(
        ["run", "--select", "audience_*", "--project-dir", folder, "--profiles-dir", folder,
         "--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
    )  # fmt: skip
    assert done.success
    with duckdb.connect(str(tmp_path / "words.duckdb")) as connection:
        for name, members in (("all", ["p"]), ("really_all", ["p", "q"])):
            rows = connection.execute(f"from analytics.audience_{name} order by all").fetchall()
            assert [row[0] for row in rows] == members
    warned = [one for one in said if "audience_words" in one and "no row of" in one]
    assert len(warned) == 2
    assert "product_line 'outdor'; did you mean 'outdoor'?" in "".join(warned)
    assert "country 'Germany'" in "".join(warned)
