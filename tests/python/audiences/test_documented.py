"""The how-tos name every word of the language, and what they show is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.python.audiences.project import ROOT, make_project, said_by_dbt
from tests.python.audiences.test_validate import tables

AUDIENCES = (ROOT / "docs/add-an-audience.md").read_text()
JOURNEYS = (ROOT / "docs/add-a-journey.md").read_text()
STUBS = {
    "profiles": "profile_id", "accounts": "account_id", "account_contacts": "account_id, profile_id, role",
    "event_order_placed": "event_id, profile_id", "event_product_added": "event_id, profile_id, cart_id",
    "event_app_used": "event_id, profile_id", "event_page_viewed": "event_id, profile_id",
    "event_support_ticket_opened": "event_id, profile_id", "audience_newsletter_readers": "profile_id", "crm_opportunities": "account_id",
    "profile_consent": "profile_id", "identity_aliases": "old_id",
}  # fmt: skip
# Lists that hold no words of their own, or those of another list.
OF_OTHERS = {
    "figure",
    "figure_functions",
    "sequence_did",
    "sequence_did_not",
    "branch_case",
    "engagements",
}


def selects(columns: dict[str, str]) -> dict[str, str]:
    return {
        name: "select " + ", ".join(f"'x' as {one}" for one in listed.split(", "))
        for name, listed in columns.items()
    }


def test_every_word_is_in_the_how_tos() -> None:
    said = AUDIENCES + JOURNEYS + (ROOT / "docs/add-a-trait.md").read_text()
    missing = [
        f"{name}: {word}"
        for name, words in tables().items()
        for word in words
        if name not in OF_OTHERS and not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", said)
    ]
    assert missing == []


def test_what_the_how_to_of_audiences_shows_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yml\n(.*?)```", AUDIENCES, re.DOTALL)
    assert len(blocks) >= 5
    stubs = selects(STUBS)
    variables = {"cdp_relations": {"opportunities": "crm_opportunities"}}
    make_project(tmp_path, tmp_path / "unused.duckdb", stubs, variables)
    for number, block in enumerate(blocks):
        (tmp_path / "models" / f"audience_shown{number}.sql").write_text(
            f"{{% set definition %}}\n{block}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
        )
    assert said_by_dbt(tmp_path, "parse") == ""


# What the tables of the how-tos say in a line, one definition each.
LINES = """
did: order_placed | in_each: month | during: last 3 months
did: page_viewed | same: page_path | at_least: 3
did: page_viewed | same: day | at_least: 3
did: app_used | in_a_row: {at_least: 3, of: day}
did: order_placed | in_any: 30 days | at_least: 3
did: order_placed | nth: {number: 3, within: 90 days}
did: order_placed | favourite: {property: product_line, equals: outdoor}
did: order_placed | with_parts: [{product_line: outdoor}, {product_line: home}]
did: order_placed | without_parts: {product_line: sale}
did: order_placed | after: {trait: signed_up_at, within: 30 days}
did: order_placed | where: {product_id: {in_list: {model: clearance, column: product_id}}}
member_of: audience_newsletter_readers | at: 30 days ago
member_of: audience_newsletter_readers | stays: {">=": 2}
member_of: audience_newsletter_readers | stayed: {">=": 30}
near: {model: shops, km: 10, where: {is_open: true}}
known_by: card_number
household: {trait: size, ">=": 3}
trait: country | ends_with: [E, R]
trait: city | equals: berlin | any_case: true
trait: last_order_at | older_than: 6 months
trait: first_order_at | during: 30 days ago
did: order_placed | during: this month last year
some: [{did: order_placed}, {did: app_used}] | at_least: 1
score: [{points: 5, if: {did: order_placed}}, {points: 4, if: {did: app_used}}] | at_least: 9
did: order_placed | limit: {top: 5000, by: {figure: {did: order_placed, sum: revenue_eur}}, per: country}
did: order_placed | limit: {top: 3, by: random, per: account}
did: order_placed | always_excluded: may_be_in
""".strip().splitlines()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    more = {
        "clearance": "product_id", "shops": "latitude, longitude", "households": "household_id",
        "event_product_ordered": "event_id, profile_id, order_id", "profile_identifiers": "profile_id",
    }  # fmt: skip
    stubs = selects(STUBS | more)
    make_project(folder, folder / "unused.duckdb", stubs, {
        "cdp_entities": {"household": {"model": "households", "key": "household_id"}},
        "cdp_identity": {"person": {"identifiers": {"card_number": {}}}},
        "cdp_events": [{"name": "order_placed", "parts": {"event": "product_ordered", "by": "order_id"}}],
    })  # fmt: skip
    return folder


def test_what_its_tables_say_in_a_line_is_read(shown: Path) -> None:
    for number, line in enumerate(LINES):
        for part in line.split(" | "):
            word = re.split(r"[:{]", part)[0]
            assert word in AUDIENCES, line
        (shown / "models" / f"audience_line{number}.sql").write_text(
            "{% set definition %}\n" + line.replace(" | ", "\n") + "\n{% endset %}\n{{ headwater.audience(definition) }}\n"
        )  # fmt: skip
    assert said_by_dbt(shown, "parse") == ""
