"""A wrong audience or journey stops while dbt parses: which model, which key, what is allowed, the nearest name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
STUBS = {
    "profiles": "select 'p' as profile_id, 'DE' as country",
    "accounts": "select 'a' as account_id, 'x' as plan",
    "account_contacts": "select 'a' as account_id, 'p' as profile_id",
    "profile_product_lines": "select 'p' as profile_id, 'outdoor' as product_line",
    "event_order_placed": "select 'e' as event_id, 'p' as profile_id, 1 as revenue_eur",
    "event_campaign_engaged": "select 'e' as event_id, 'p' as profile_id",
    "identity_aliases": "select 'p' as old_id, 'p' as live_id, 'q' as split_from_id, "
    "current_timestamp as shared_from_at, current_timestamp as shared_until_at",
    "audience_everybody": "select 'p' as profile_id, false as is_holdout",
}
EVENT = {
    "name": "order_placed", "model": "event_order_placed", "key": "event_id", "time": "occurred_at",
    "entity": "person", "properties": ["revenue_eur", "product_line"],
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    for name in ("audiences", "journeys", "cross_db"):
        shutil.copytree(
            ROOT / "macros" / name, folder / "macros" / name, ignore=shutil.ignore_patterns("*.yml")
        )
    models = folder / "models"
    models.mkdir()
    for name, query in STUBS.items():
        (models / f"{name}.sql").write_text(query)
    settings = {
        "name": "headwater", "profile": "headwater", "vars": {"cdp_events": [EVENT]},
        "models": {"headwater": {"+materialized": "view"}},
    }  # fmt: skip
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    output = {"type": "duckdb", "path": str(folder / "wrong.duckdb"), "schema": "analytics"}
    profile = {"headwater": {"target": "duckdb", "outputs": {"duckdb": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


@pytest.fixture
def model(project: Path) -> Iterator[Path]:
    path = project / "models" / "audience_tried.sql"
    yield path
    path.unlink(missing_ok=True)


def parsed(project: Path, model: Path, macro: str, definition: str) -> str:
    """What dbt says; empty when it parses."""
    from dbt.cli.main import dbtRunner

    model.write_text(
        f"{{% set definition %}}\n{definition}\n{{% endset %}}\n{{{{ {macro}(definition) }}}}\n"
    )
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    result = dbtRunner().invoke(
        ["--quiet", "parse", *folders, "--target-path", str(project / "target"), "--log-path", str(project / "logs"),
         "--no-partial-parse"]
    )  # fmt: skip
    return "" if result.success else str(result.exception)


GOOD = """
all:
  - {trait: country, in: [DE, FR]}
  - {did: order_placed, at_least: 2, within: 90 days, where: {product_line: outdoor}}
  - {did: order_placed, sum: {property: revenue_eur, ">=": 100}}
  - any:
      - {trait: country, contains: "100%"}
      - {member_of: audience_everybody}
      - {did: order_placed, then: {did: order_placed, within: 7 days}}
  - account: {trait: plan, equals: enterprise}
  - not: {did: order_placed, within: 14 days}
  - {product_line: any}
sample: {percent: 50}
holdout: {percent: 10, salt: spring}
limit: {top: 5, by: country}
"""


def test_everything_the_how_to_names_parses(project: Path, model: Path) -> None:
    assert parsed(project, model, "audience", GOOD) == ""


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (
            "entity: persn\ntrait: country\nequals: DE",
            ["entity", "person, account", "did you mean 'person'"],
        ),
        ("trait: country", ["trait", "equals, not_equals"]),
        ("trait: country\nequalls: DE", ["equalls", "did you mean 'equals'"]),
        ("trait: country\nin: DE", ["trait.in", "a list"]),
        ("all:\n  - did: order_plcaed", ["all[1].did", "did you mean 'order_placed'"]),
        ("did: order_placed\nwhere: {produkt_line: x}", ["where", "did you mean 'product_line'"]),
        ("did: order_placed\nwithin: soon", ["'soon' is no duration", "90 days"]),
        ("did: order_placed\nat_least: many", ["at_least", "whole number"]),
        ("did: order_placed\nat_least: 0", ["exactly: 0"]),
        ("did: order_placed\nsum: {property: revenue, '>=': 1}", ["revenue_eur"]),
        ("all:\n  trait: country", ["all", "a list of conditions"]),
        ("trait: country\nequals: DE\ndid: order_placed", ["trait+did", "all: or any:"]),
        ("trait: country\nequals: DE\nholdout: {percent: 110}", ["holdout", "0 to 100"]),
        ("trait: country\nequals: DE\nlimit: 5", ["limit", "top"]),
        ("just words", ["no YAML mapping"]),
    ],
)
def test_a_wrong_audience_says_where_and_what_is_allowed(
    project: Path, model: Path, definition: str, said: list[str]
) -> None:
    message = parsed(project, model, "audience", definition)
    assert "audience_tried" in message
    for words in said:
        assert words in message


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("steps: []", ["entry", "audience"]),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - wiat: {for: 1 day}",
            ["steps[1]", "wait"],
        ),
        ("entry: {audience: audience_everybody}\nsteps:\n  - wait: {for: a while}", ["duration"]),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: Bad Name, wait: {for: 1 day}}",
            ["small letters"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n"
            "  - branch: {if: {engaged: {touchpoint: mail}}}",
            ["engaged", "no touchpoint 'mail' comes before"],
        ),
        (
            "entry: {audience: audience_everybody}\nre_entry: often\nsteps: []",
            ["re_entry", "never"],
        ),
    ],
)
def test_a_wrong_journey_says_where_and_what_is_allowed(
    project: Path, model: Path, definition: str, said: list[str]
) -> None:
    message = parsed(project, model, "journey", definition)
    assert "audience_tried" in message
    for words in said:
        assert words in message
