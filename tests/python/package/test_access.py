"""`sync export-person` and `sync register` in the team's project: what is known of one person, and what goes to whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from tests.python.package.projects import Place, copy_of_team_project

WHO = "ada.0@example-mail.test"
# What the engine computes with and makes again of the records that are shown.
WORKED_WITH = {
    "identity_records", "identity_values", "int_identity__identifiers_unpivoted", "int_identity__values_screened",
    "identity_entity_identifiers", "identity_entity_records", "int_profiles__consent_answers", "int_profiles__consents_counted",
    "stg_sync__acknowledgements", "stg_sync__ledger", "profile_attributes__feed",
}  # fmt: skip


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = copy_of_team_project(tmp_path_factory.mktemp("access"))
    place.environment["HEADWATER_ENVIRONMENT"] = "sandbox"
    place.dbt("deps")
    place.dbt("seed")
    place.dbt("build")
    place.sync("push")
    return place


def test_all_that_is_known_of_a_person_is_in_the_files_and_nothing_on_the_screen(
    team: Place,
) -> None:
    said = team.sync("export-person", WHO.upper())
    assert "ada" not in said.lower()
    document, page = (Path(line.strip()) for line in said.splitlines()[1:3])
    assert document.stat().st_mode & 0o777 == page.stat().st_mode & 0o777 == 0o600
    found = json.loads(document.read_text())
    assert found["not_built"] == []
    shown = {one["table"]: len(one["rows"]) for one in found["tables"] + found["records"]}
    there = rows_that_name(team, WHO, found["profile_id"])
    sources = {"till_receipts", "club_members", "agency_buyers"}  # the staging models show them
    assert {one for one in there if one not in shown} <= WORKED_WITH | sources
    assert {"stg_till__receipts", "stg_club__members", "profiles", "audience_memberships"} <= set(
        shown
    )
    assert [one["sync"] for one in found["recipients"]] == ["letters_red_drinkers"]
    assert found["recipients"][0]["consent"] == {"channel": "email", "purpose": "marketing"}
    cells = Cells()
    cells.feed(page.read_text())
    assert WHO in cells.found
    assert "letters" in cells.found


def rows_that_name(team: Place, value: str, profile_id: str) -> set[str]:
    """Tables with a text that names the person, found without knowing what a table is."""
    found = set()
    with duckdb.connect(str(team.folder / "winery.duckdb"), read_only=True) as connection:
        for schema, table, columns in connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns() "
            "where data_type = 'VARCHAR' and schema_name like 'dev%' and schema_name <> 'dev_sync' group by all"
        ).fetchall():
            texts = " || '|' || ".join(f"coalesce(lower(\"{name}\"), '')" for name in columns)
            (count,) = connection.execute(
                f'select count(*) from {schema}."{table}" where contains({texts}, ?) or contains({texts}, ?)',
                [value, profile_id],
            ).fetchone()  # type: ignore[misc]
            if count:
                found.add(table)
    return found


def test_nobody_known_and_tables_that_are_not_there_are_said(team: Place) -> None:
    assert "nobody is known by it" in team.sync("export-person", "x@y.example", succeeds=False)


def test_text_of_a_row_is_never_markup(tmp_path: Path) -> None:
    from sync.report.page import Page

    page = Page("<b>")
    page.table(["a<i>"], [["<script>alert(1)</script>"], [["x", None, "&"]]])
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "x, , &amp;" in text


def test_the_register_says_what_goes_to_whom_and_what_is_new(team: Place, tmp_path: Path) -> None:
    kept, page = tmp_path / "register.json", tmp_path / "register.html"
    team.sync("register", "--out", str(kept), "--page", str(page))
    found = {one["sync"]: one for one in json.loads(kept.read_text())["syncs"]}
    drinkers = found["letters_red_drinkers"]
    assert (drinkers["identifiers"], drinkers["fields"]) == (["email"], ["given_name"])
    assert (drinkers["destination"], drinkers["vendor"]) == ("letters", "files")
    assert (drinkers["purpose"], drinkers["basis"]) == ("marketing", "asked: email, marketing")
    assert found["letters_big_spenders"]["basis"] == "nobody is asked: a list for the shop itself"
    assert drinkers["sources"] == [
        "winery.agency_buyers",
        "winery.club_members",
        "winery.till_receipts",
    ]
    assert "letters_red_drinkers" in page.read_text()
    team.sync("register", "--against", str(kept))  # nothing is new
    before = json.loads(kept.read_text())
    before["syncs"] = [one for one in before["syncs"] if one["sync"] != "letters_big_spenders"]
    before["syncs"][0] |= {"fields": [], "basis": "asked: email, service", "destination": "other"}
    kept.write_text(json.dumps(before))
    said = team.sync("register", "--against", str(kept), succeeds=False)
    for news in (
        "letters_big_spenders sends email, given_name, spent_eur to letters",
        "letters_red_drinkers sends given_name",
        "letters_red_drinkers goes to letters (files), table red_drinkers",
        "asks another consent: asked: email, service became asked: email, marketing",
    ):
        assert news in said
    kept.write_text("{}")
    assert "is no register" in team.sync("register", "--against", str(kept), succeeds=False)
