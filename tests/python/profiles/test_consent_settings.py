"""The words and sources of consent: a wrong one stops with the nearest, and every way to declare a source counts as it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).parents[3]
SOURCE = {
    "name": "shop", "model": "raw_shop", "key": "id", "email": "email", "channel": "email",
    "purpose": "marketing", "answer": {"accepts": "accepts_marketing"},
}  # fmt: skip
IDENTITY = {
    "person": {"identifiers": {"email": {}}, "records": [{"source_name": "shop_customers"}]}
}
NAMED = {"person": {"identifiers": {"mail": {}, "mobile": {}}}}
GOLDEN = {"person": {"attributes": {"phone": {"rule": "most_recent", "identifier": "mobile"}}}}
TYPO = SOURCE | {"records": "shop_customer"}
RAW = """
select * from (values
    ('1', ' Ana@Mail.example ', 'yes', 'true', 'push'),
    ('2', 'bo@mail.example', 'no', 'No', 'e-mail'),
    ('3', 'cy@mail.example', '', null, null),
    ('4', 'di@mail.example', 'vielleicht', 'X', 'all')
) as rows (id, email, accepts_marketing, has_opted_out, channel)
"""
COUNTRY = {"person": {"attributes": {"country": "most_recent"}}}
BORN = {"birth_date": {"rule": "first", "type": "date"}}
ANSWERS = """
{%- for source in headwater.consent_sources() %}
{{ headwater.consent_answers(source) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
"""
ACTIVATION = """
{{ headwater.activation(ref('raw_shop'), {}, {}, consent=CONSENT) }}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    shutil.copytree(ROOT / "macros", folder / "macros", ignore=shutil.ignore_patterns("*.yml"))
    (folder / "models").mkdir()
    (folder / "models" / "raw_shop.sql").write_text(RAW)
    settings = {
        "name": "headwater", "profile": "headwater", "vars": {"cdp_default_country": "DE"},
        "on-run-start": ["{{ headwater.check_consent_settings() }}"],
    }  # fmt: skip
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    output = {"type": "duckdb", "path": str(folder / "words.duckdb"), "schema": "analytics"}
    profile = {"headwater": {"target": "duckdb", "outputs": {"duckdb": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


def dbt(project: Path, command: str, **vars: Any) -> str:
    """What dbt says; empty when all went well."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(
        [
            "--quiet", command, "--vars", json.dumps(vars), "--project-dir", str(project),
            "--profiles-dir", str(project), "--target-path", str(project / "target"),
            "--log-path", str(project / "logs"),
        ]
    )  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    if result.success:
        return ""
    if result.exception:
        return str(result.exception)
    return "\n".join(str(one.message) for one in result.result.results)


@pytest.mark.parametrize(
    ("vars", "words"),
    [
        ({"cdp_channels": {"e-mail": "email"}}, ["cdp_channels: 'e-mail' is no name", "did you mean 'email'"]),
        ({"cdp_channels": {"whatsapp": "fone"}}, ["cdp_channels.whatsapp: 'fone' is not one of email, phone"]),
        ({"cdp_channels": {"email": "phone"}}, ["'email' is there already"]),
        ({"cdp_channels": ["whatsapp"]}, ["cdp_channels: wants", "{whatsapp: phone}"]),
        ({"cdp_purposes": ["all"]}, ["cdp_purposes: 'all' is no name"]),
        ({"cdp_purposes": "research"}, ["cdp_purposes: wants a list"]),
        ({"cdp_suppressing_events": {"bouncd": "hard_bounce"}}, ["'bouncd' is not one of", "did you mean 'bounced'"]),
        ({"cdp_suppressing_events": {"opened": "hard_bonce"}}, ["'hard_bonce' is not one of", "did you mean 'hard_bounce'"]),
        ({"cdp_suppressing_events": {"bounced": "complaint"}}, ["cdp_suppressing_events.bounced: is always 'hard_bounce'"]),
        ({"cdp_consent_sources": [SOURCE | {"channel": "e-mail"}]}, ["cdp_consent_sources[0].channel: 'e-mail'", "did you mean 'email'"]),
        ({"cdp_consent_sources": [SOURCE | {"purpose": "marketting"}]}, ["[0].purpose: 'marketting'", "did you mean 'marketing'"]),
        ({"cdp_consent_sources": [SOURCE | {"may_only_lowr": False}]}, ["'may_only_lowr' is not one of", "did you mean 'may_only_lower'"]),
        ({"cdp_consent_sources": [SOURCE | {"may_only_lower": "no"}]}, ["may_only_lower: is true or false, not 'no'"]),
        ({"cdp_consent_sources": [SOURCE | {"expires_after_days": 0}]}, ["expires_after_days: wants a whole number of days, not '0'"]),
        ({"cdp_consent_sources": [SOURCE | {"by_guardian": "yes"}]}, ["by_guardian: is true, false or {column: ...}, not 'yes'"]),
        ({"cdp_consent_sources": [SOURCE | {"by_guardian": {"colum": "x"}}]}, ["'colum' is not one of column"]),
        ({"cdp_consent_sources": [SOURCE | {"answer": "refused", "confirmed_at": "x"}]}, ["confirmed_at: is about a yes"]),
        ({"cdp_consent_by_country": {"countries": {"US": {"email": ["marketing"]}}}},
         ["cdp_consent_by_country.country: 'country' is no golden attribute of people"]),
        ({"cdp_consent_by_country": {"countries": {"US": {"e-mail": ["marketing"]}}}, "cdp_survivorship": COUNTRY},
         ["cdp_consent_by_country.countries.US: 'e-mail' is not one of", "email"]),
        ({"cdp_consent_by_country": {"countries": {"US": {"email": ["marketting"]}}}, "cdp_survivorship": COUNTRY},
         ["cdp_consent_by_country.countries.US.email: 'marketting' is not one of", "marketing"]),
        ({"cdp_consent_by_country": {"countries": {"US": {"email": "marketing"}}}, "cdp_survivorship": COUNTRY},
         ["countries.US.email: wants a list of purposes, not 'marketing'"]),
        ({"cdp_consent_by_country": {"countries": {"usa": {"email": ["marketing"]}}}, "cdp_survivorship": COUNTRY},
         ["countries.usa: wants the country as two capital letters"]),
        ({"cdp_consent_by_country": {"countries": {"US": ["email"]}}, "cdp_survivorship": COUNTRY},
         ["countries.US: wants {channel: [purposes]}"]),
        ({"cdp_minors": {"under": 16}}, ["cdp_minors.birth_date: 'birth_date' is no golden attribute of people"]),
        ({"cdp_minors": {"under": 16, "birth_date": "born"}, "cdp_survivorship": {"person": {"attributes": {"born": "first"}}}},
         ["'born' needs `type: date`"]),
        ({"cdp_minors": {"under": 16, "under_by_country": {"AT": 14}}, "cdp_survivorship": {"person": {"attributes": BORN}}},
         ["cdp_minors.country: 'country' is no golden attribute"]),
        ({"cdp_consent_sources": [SOURCE | {"answer": {"acepts": "x"}}]}, ["'acepts' is not one of state, accepts, refuses"]),
        ({"cdp_consent_sources": [SOURCE | {"email": None}]}, ["needs 'email', 'phone' or 'records'"]),
        ({"cdp_consent_sources": [SOURCE, SOURCE]}, ["[1].name: 'shop' is there already"]),
        ({"cdp_consent_sources": [SOURCE], "cdp_identity": NAMED}, ["[0].email: who refused", "has mail, mobile; call"]),
        ({"cdp_survivorship": GOLDEN, "cdp_identity": NAMED}, ["attributes.phone.identifier: who", "that holds it phone"]),
        ({"cdp_consent_sources": [SOURCE | {"record": "id"}]}, ["[0].record: is the key of a record, and 'records' says of which source"]),
        ({"cdp_consent_sources": [TYPO], "cdp_identity": IDENTITY}, ["[0].records: 'shop_customer'", "did you mean 'shop_customers'"]),
    ],
)  # fmt: skip
def test_a_wrong_word_in_the_settings_stops_the_parse(
    project: Path, vars: dict[str, Any], words: list[str]
) -> None:
    said = dbt(project, "parse", **vars)
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        ("{'channel': 'e-mail', 'purpose': 'marketing'}", ["consent.channel: 'e-mail'", "did you mean 'email'"]),
        ("{'channel': 'email', 'purpose': 'marketting'}", ["consent.purpose: 'marketting'", "did you mean 'marketing'"]),
        ("{'chanel': 'email', 'purpose': 'marketing'}", ["'chanel' is not one of channel, purpose"]),
        ("{'channel': 'email'}", ["consent.purpose"]),
        ("'email'", ["wants {channel, purpose}"]),
        ("{}", ["consent.channel"]),
    ],
)  # fmt: skip
def test_a_wrong_word_in_an_activation_stops_the_parse(
    project: Path, consent: str, words: list[str]
) -> None:
    model = project / "models" / "sync_tried.sql"
    model.write_text(ACTIVATION.replace("CONSENT", consent))
    try:
        said = dbt(project, "parse")
    finally:
        model.unlink()
    for word in ["sync_tried", *words]:
        assert word in said, said


def test_a_wrong_word_in_an_exposure_stops_before_anything_is_built(project: Path) -> None:
    exposure = {
        "name": "mailer_people", "type": "application", "owner": {"email": "a@b.example"},
        "depends_on": ["ref('raw_shop')"],
        "config": {"meta": {"sync": {"consent": {"channel": "emails", "purpose": "marketing"}}}},
    }  # fmt: skip
    path = project / "models" / "exposures.yml"
    path.write_text(yaml.safe_dump({"version": 2, "exposures": [exposure]}))
    try:
        said = dbt(project, "run")
    finally:
        path.unlink()
    assert "exposure mailer_people, consent.channel: 'emails' is not one of" in said
    assert "did you mean 'email'" in said


def test_every_way_to_declare_a_source_counts_as_it_says(project: Path) -> None:
    model = project / "models" / "answers.sql"
    model.write_text(ANSWERS)
    sources = [
        SOURCE,
        SOURCE | {"name": "crm", "answer": {"refuses": "has_opted_out"}},
        SOURCE | {"name": "unsubscribed", "answer": "refused", "channel": {"column": "channel"}},
        SOURCE | {"name": "forms", "may_only_lower": False, "origin": "accepts_marketing", "raising_origins": ["Yes"]},
    ]  # fmt: skip
    try:
        assert dbt(project, "run", cdp_consent_sources=sources) == ""
    finally:
        model.unlink()
    with duckdb.connect(str(project / "words.duckdb")) as opened:
        rows = opened.execute(
            "select answer_source, consent_id, email, channel_said, state, may_raise from analytics.answers"
        ).fetchall()
        unknown = opened.execute(
            "select answer_source, answer_said from analytics.answers where not is_answer_known order by 1"
        ).fetchall()
    assert unknown == [("forms", "vielleicht"), ("shop", "vielleicht")]
    ana, bo, cy, di = (f"{name}@mail.example" for name in ("ana", "bo", "cy", "di"))
    assert set(rows) == {
        ("shop", "1", ana, "email", "opted_in", False),
        ("shop", "2", bo, "email", "opted_out", False),
        ("shop", "4", di, "email", "opted_out", False),
        ("crm", "1", ana, "email", "opted_out", False),
        ("crm", "4", di, "email", "opted_out", False),
        ("unsubscribed", "1", ana, "push", "opted_out", False),
        ("unsubscribed", "2", bo, "e-mail", "opted_out", False),
        ("unsubscribed", "3", cy, None, "opted_out", False),
        ("unsubscribed", "4", di, "all", "opted_out", False),
        ("forms", "1", ana, "email", "opted_in", True),
        ("forms", "2", bo, "email", "opted_out", False),
        ("forms", "4", di, "email", "opted_out", False),
    }


def test_yes_and_no_are_read_in_the_languages_of_columns(project: Path) -> None:
    said = {
        "opted_in": ["Ja", "OUI", "Sí", "sì", "tak", "sim"],
        "opted_out": ["Nein", "non", "nee", "Nie", "NÃO", "nao"],
    }
    words = [(state, word) for state, some in said.items() for word in some]
    rows = ", ".join(f"({n}, 'p{n}@mail.example', '{word}')" for n, (_, word) in enumerate(words))
    asked = project / "models" / "asked.sql"
    asked.write_text(f"select * from (values {rows}) as rows (id, email, word)")
    model = project / "models" / "answers.sql"
    model.write_text(ANSWERS)
    accepts = SOURCE | {"model": "asked", "answer": {"accepts": "word"}}
    refuses = SOURCE | {"model": "asked", "name": "crm", "answer": {"refuses": "word"}}
    try:
        assert dbt(project, "run", cdp_consent_sources=[accepts, refuses]) == ""
    finally:
        model.unlink()
        asked.unlink()
    with duckdb.connect(str(project / "words.duckdb")) as opened:
        found = opened.execute(
            "select answer_source, consent_id, state, is_answer_known from analytics.answers"
        ).fetchall()
    wanted = {("shop", str(n), state, True) for n, (state, _) in enumerate(words)}
    # In a column of refusals a no refuses nothing.
    wanted |= {
        ("crm", str(n), "opted_out", True)
        for n, (state, _) in enumerate(words)
        if state == "opted_in"
    }
    assert set(found) == wanted


def test_an_answer_of_its_own_key_is_of_the_record_that_it_names(project: Path) -> None:
    model = project / "models" / "answers.sql"
    model.write_text(ANSWERS)
    of_record = SOURCE | {"records": "shop_customers"}
    sources = [of_record | {"name": "log", "record": "'c' || id"}, of_record]
    try:
        said = dbt(project, "run", cdp_consent_sources=sources, cdp_identity=IDENTITY)
        assert said == ""
    finally:
        model.unlink()
    with duckdb.connect(str(project / "words.duckdb")) as opened:
        found = opened.execute(
            "select answer_source, consent_id, source_name, record_id from analytics.answers where consent_id = '1' order by 1"
        ).fetchall()
    assert found == [("log", "1", "shop_customers", "c1"), ("shop", "1", "shop_customers", "1")]


def test_a_refusal_finds_its_number_however_staging_left_it(project: Path) -> None:
    numbers = project / "models" / "numbers.sql"
    numbers.write_text(
        "select 1 as id, '0171 / 123 45 67' as phone union all select 2, '+491711234567' union all select 3, ' extra '"
    )
    model = project / "models" / "answers.sql"
    model.write_text(ANSWERS)
    source = {
        "name": "calls", "model": "numbers", "key": "id", "phone": "phone", "channel": "all",
        "purpose": "all", "answer": "refused",
    }  # fmt: skip
    try:
        assert dbt(project, "run", cdp_consent_sources=[source]) == ""
    finally:
        model.unlink()
        numbers.unlink()
    with duckdb.connect(str(project / "words.duckdb")) as opened:
        rows = opened.execute("select phone from analytics.answers order by consent_id").fetchall()
    assert rows == [("+491711234567",), ("+491711234567",), ("extra",)]
