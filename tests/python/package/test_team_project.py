"""A project of another company installs this one as a package, builds, pushes and pulls, and edits no file of it."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from tests.python.package.projects import AS_OF, ROOT, Place, copy_of_team_project

SEEDS = ROOT / "tests" / "team_project" / "seeds"
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
def team(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = copy_of_team_project(tmp_path_factory.mktemp("team"))
    place.dbt("deps")
    place.dbt("seed", "--select", "winery")
    place.dbt("build")
    return place


def query(team: Place, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(team.folder / "winery.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def spent_by_person() -> dict[str, float]:
    """Revenue per e-mail address or member number, reckoned from the raw files: a member's number stands for the address."""
    address = {row["Member No"]: row["E-Mail"].strip().lower() for row in rows("club_members")}
    spent: dict[str, float] = {}
    for row in rows("till_receipts"):
        person = row["eMail"] or address.get(row["memberNo"], "")
        if person and row["what"] == "bought" and row["boughtAt"] <= AS_OF:
            spent[person] = spent.get(person, 0.0) + float(row["total"])
    return spent


def test_audience_of_the_team_is_who_the_raw_files_say(team: Place) -> None:
    expected = {person for person, spent in spent_by_person().items() if round(spent, 2) >= 300}
    found = query(
        team,
        "select email from dev_customers.audience_big_spenders join dev_cdp.profiles using (profile_id)",
    )
    assert {row[0] for row in found} == expected
    assert len(found) == len(expected) > 10


def test_only_those_who_said_yes_and_drink_red_are_in_the_file(team: Place) -> None:
    said_yes = {
        r["E-Mail"].strip().lower() for r in rows("club_members") if r["Newsletter"] == "Yes"
    }
    sent = query(
        team,
        "select email from dev_customers.sync_letters__red_drinkers where withheld_reason is null",
    )
    members = query(team, "select count(*) from dev_customers.audience_red_drinkers")[0][0]
    assert {row[0] for row in sent} <= said_yes
    assert 3 < len(sent) < members


def test_product_lines_have_what_each_group_knows(team: Place) -> None:
    """Bought and sent back are two groups; who sent nothing back has 0, who only sent back has no revenue."""
    address = {row["Member No"]: row["E-Mail"].strip().lower() for row in rows("club_members")}
    expected: dict[tuple[str, str], list[int]] = {}
    for row in rows("till_receipts"):
        person = row["eMail"] or address.get(row["memberNo"], "")
        if person and row["boughtAt"] <= AS_OF:
            counts = expected.setdefault((person, row["shelf"]), [0, 0])
            counts[row["what"] == "sent back"] += 1
    found = query(
        team,
        "select email, product_line, order_count, returned_count, first_activity_at is not null, last_order_at is not null "
        "from dev_cdp.profile_product_lines join dev_cdp.profiles using (profile_id) where email is not null",
    )
    assert {(row[0], row[1]): [row[2] or 0, row[3]] for row in found} == expected
    assert {row[4] for row in found} == {True}
    assert {row[2] for row in found if not row[5]} == {None}


@pytest.mark.long
def test_a_group_of_product_lines_without_its_key_is_refused(team: Place) -> None:
    told = "{cdp_registry: {product_line_traits: [traits_cellar]}}"
    said = team.dbt("compile", "--select", "profile_product_lines", "--vars", told, succeeds=False)
    assert "'traits_cellar' has no column product_line, the key of such a group" in said


def test_profiles_have_the_columns_that_the_team_declares_and_no_other_companys(
    team: Place,
) -> None:
    described = {row[0] for row in query(team, "describe dev_cdp.profiles")}
    assert described == {
        "profile_id", "email", "given_name", "favourite_grape", "member_since", "email_source",
        "given_name_source", "favourite_grape_source", "member_since_source", "purchase_count", "spent_eur",
        "last_bought_at", "joined_by", "record_count", "source_count", "first_seen_at", "last_seen_at",
    }  # fmt: skip
    assert query(team, "select covers, account_name from dev_cdp.accounts order by covers")[0] == (
        20,
        "Gasthaus 0",
    )


def test_nothing_of_the_demo_is_in_the_guests_warehouse_or_manifest(team: Place) -> None:
    manifest = json.loads((team.folder / "target" / "manifest.json").read_text())
    nodes = {**manifest["nodes"], **manifest["sources"], **manifest["exposures"]}
    demo = [key for key, node in nodes.items() if "demo" in Path(node["original_file_path"]).parts]
    assert demo == []
    assert [key for key in manifest["unit_tests"] if ".headwater." in key] == []
    schemas = {row[0] for row in query(team, "select distinct schema_name from duckdb_tables()")}
    assert schemas == {"dev_raw", "dev_customers", "dev_cdp", "dev_sync"}


def test_a_push_delivers_a_second_sends_nothing_and_what_is_pulled_builds(team: Place) -> None:
    first = json.loads(team.sync("push", "--json").partition("\n")[0])["syncs"]
    again = json.loads(team.sync("push", "--json").partition("\n")[0])["syncs"]
    assert [one["status"] for one in first + again] == ["success"] * (2 * len(first))
    assert sum(one["added"] for one in first) > 10
    assert [one["added"] + one["changed"] + one["removed"] for one in again] == [0] * len(again)
    team.sync("pull")
    ids = query(team, "select record_key, profile_id from dev_cdp.profile_records order by 1")
    team.dbt("build", "--exclude-resource-type", "unit_test")
    assert ids == query(
        team, "select record_key, profile_id from dev_cdp.profile_records order by 1"
    )


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
    page.paragraph("**Grain:** `a<i>`")
    page.table(["a<i>"], [["<script>alert(1)</script>"], [["x", None, "&"]]])
    page.write(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "x, , &amp;" in text
    assert "<b>Grain:</b> <code>a&lt;i&gt;</code>" in text


def test_the_register_says_what_goes_to_whom_and_what_is_new(team: Place, tmp_path: Path) -> None:
    kept, page = tmp_path / "register.json", tmp_path / "register.html"
    team.sync("register", "--out", str(kept), "--page", str(page))
    found = {one["sync"]: one for one in json.loads(kept.read_text())["syncs"]}
    drinkers = found["letters_red_drinkers"]
    assert (drinkers["identifiers"], drinkers["fields"]) == (["email"], ["given_name"])
    spenders = found["letters_big_spenders"]  # of which the YAML does not describe all
    assert spenders["fields"] == ["given_name", "spent_eur"]
    assert (drinkers["destination"], drinkers["vendor"]) == ("letters", "files")
    assert (drinkers["purpose"], drinkers["basis"]) == ("marketing", "asked: email, marketing")
    assert found["letters_big_spenders"]["basis"] == "nobody is asked: a list for the shop itself"
    assert drinkers["sources"] == [
        "winery.agency_buyers",
        "winery.club_members",
        "winery.till_receipts",
    ]
    assert "letters_red_drinkers" in page.read_text()
    assert "Nothing goes out that" in team.sync("register", "--against", str(kept))
    before = json.loads(kept.read_text())
    before["syncs"] = [one for one in before["syncs"] if one["sync"] != "letters_big_spenders"]
    before["syncs"][0] |= {"fields": [], "basis": "asked: email, service", "destination": "other"}
    assert before["syncs"][0]["made_of"].pop("email") == ["profiles.email"]
    kept.write_text(json.dumps(before))
    said = team.sync("register", "--against", str(kept), succeeds=False)
    for news in (
        "letters_big_spenders sends email, given_name, spent_eur to letters",
        "letters_red_drinkers sends given_name",
        "letters_red_drinkers sends email, as before, and makes it of profiles.email now",
        "letters_red_drinkers goes to letters (files), table red_drinkers",
        "asks another consent: asked: email, service became asked: email, marketing",
    ):
        assert news in said
    kept.write_text("{}")
    assert "is no register" in team.sync("register", "--against", str(kept), succeeds=False)


def test_a_report_wants_no_attribute_that_the_team_does_not_have(team: Place) -> None:
    report = json.loads(team.sync("report", "--json"))
    assert 0 < report["reachable"] <= report["profiles"]
    assert report["missing"] == []
    assert {"audience_big_spenders", "audience_red_drinkers"} <= {
        one["name"] for one in report["audiences"]
    }
    assert {one["journey"] for one in report["journeys"]}


def test_a_tax_number_is_one_by_its_usual_names(team: Place) -> None:
    calls = [
        f"headwater.identifier_kind('{name}', {{}})" for name in ("vat_id", "tin", "customer_id")
    ]
    calls.append("headwater.identifier_kind('vat_id', {'kind': 'plain'})")
    inline = " ".join(f"{{{{ {call} }}}}" for call in calls)
    said = team.dbt("--quiet", "compile", "--inline", inline)
    assert said.split()[-4:] == ["tax_id", "tax_id", "plain", "plain"]


def test_results_that_name_people_by_address_number_and_token_are_all_read(team: Place) -> None:
    recipients = {"email": "Ada.0@Example-Mail.test", "phone": "+436601000137", "push_id": "t-1"}
    with duckdb.connect(str(team.folder / "winery.duckdb")) as connection:
        for kind, recipient in recipients.items():
            connection.execute(
                "insert into dev_sync.campaign_events"
                " (environment, destination, event_id, kind, recipient_type, recipient, occurred_at, pulled_at)"
                " values ('live', 'letters', $1, 'opened', $1, $2, '2026-11-20', '2026-11-20')",
                [kind, recipient],
            )
    team.dbt("build", "--select", "stg_campaigns__campaign_events")
    read = query(
        team, "select recipient_type, recipient from dev_cdp.stg_campaigns__campaign_events"
    )
    assert dict(read) == recipients | {"email": "ada.0@example-mail.test"}


def test_results_of_the_schema_that_all_projects_shared_are_taken_over_once(team: Place) -> None:
    with duckdb.connect(str(team.folder / "winery.duckdb")) as connection:
        connection.execute("create schema raw_campaigns")
        for name in ("campaigns", "campaign_events", "campaign_daily"):
            connection.execute(
                f"create table raw_campaigns.{name} as select * from dev_sync.{name}"
            )
            connection.execute(f"drop table dev_sync.{name}")
        connection.execute("alter table raw_campaigns.campaign_events drop column channel")
        connection.execute(
            "insert into raw_campaigns.campaign_events"
            " (environment, destination, event_id, kind, recipient_type, recipient, occurred_at, pulled_at)"
            " values ('live', 'letters', 'former', 'unsubscribed', 'email', 'f@example-mail.test', '2026-11-20', '2026-11-20')"
        )
    try:
        held = query(
            team, "select * exclude pulled_at from raw_campaigns.campaign_events order by all"
        )
        for _ in range(2):
            team.dbt("build", "--select", "stg_campaigns__campaign_events")
            taken = query(
                team,
                "select * exclude (pulled_at, channel) from dev_sync.campaign_events order by all",
            )
            assert taken == held
        assert query(
            team,
            "select kind from dev_cdp.stg_campaigns__campaign_events where recipient like 'f@%'",
        ) == [("unsubscribed",)]
        types = query(
            team,
            "select data_type from duckdb_columns() where schema_name = 'dev_sync' and column_name = 'channel'",
        )
        assert {row[0] for row in types} == {"VARCHAR"}
    finally:
        with duckdb.connect(str(team.folder / "winery.duckdb")) as connection:
            connection.execute("drop schema raw_campaigns cascade")


@pytest.mark.long
def test_a_model_that_is_missing_from_the_registry_stops_the_build_with_its_name(
    tmp_path: Path,
) -> None:
    place = copy_of_team_project(tmp_path)
    project = place.folder / "dbt_project.yml"
    settings = project.read_text()
    project.write_text(settings.replace("audience_big_spenders, ", ""))
    place.dbt("deps")
    output = place.dbt("compile", "--select", "audience_memberships", succeeds=False)
    assert (
        "audience_big_spenders' (models/audiences/audience_big_spenders.sql) is missing" in output
    )
    assert "'audience_big_spenders'" in place.dbt("seed", succeeds=False)
    project.write_text(settings)
    event = place.folder / "models" / "profiles" / "event_bottle_bought.sql"
    event.write_text(event.read_text().replace("= 'till'", "= 'tills'"))
    output = place.dbt("seed", "--select", "till_receipts")
    assert (
        "event_bottle_bought.sql), source_name: 'tills' is not one of club, till, agency" in output
    )
    assert "did you mean 'till'?" in output
    project.write_text(project.read_text().replace("traits: [", "traitz: ["))
    output = place.dbt("parse", succeeds=False)
    assert "'traitz' is not one of records, consents, traits" in output


@pytest.mark.parametrize(
    "name",
    [
        # Its schemas by the package's layout are those of every other test here.
        pytest.param(None, marks=pytest.mark.long),
        "generate_schema_name",
        pytest.param("default__generate_schema_name", marks=pytest.mark.long),
    ],
)
def test_tables_go_where_the_teams_own_layout_of_schemas_says(
    tmp_path: Path, name: str | None
) -> None:
    place = copy_of_team_project(tmp_path)
    prefix = "dev_"
    if name:
        prefix = "lab_"
        (place.folder / "macros").mkdir(exist_ok=True)
        (place.folder / "macros" / "layout.sql").write_text(
            f"{{% macro {name}(custom_schema_name, node) %}}lab_{{{{ custom_schema_name }}}}{{% endmacro %}}"
        )
    place.dbt("deps")
    place.dbt("parse")
    nodes = json.loads((place.folder / "target" / "manifest.json").read_text())["nodes"].values()
    schemas = {
        node["schema"]
        for node in nodes
        if node["package_name"] == "headwater" and node["resource_type"] != "test"
    }
    assert schemas == {prefix + "cdp"}


@pytest.mark.long
def test_a_team_with_no_event_of_the_demo_is_not_stopped_by_models_that_are_off(
    tmp_path: Path,
) -> None:
    place = copy_of_team_project(tmp_path)
    project = place.folder / "dbt_project.yml"
    project.write_text(project.read_text().replace("\nvars:", "\nvars:\n  cdp_events: []", 1))
    place.dbt("deps")
    place.dbt("parse")
    for path in (project, place.folder / "profiles.yml"):
        path.write_text(path.read_text().replace("profile: winery", "profile: headwater"))
    profiles = place.folder / "profiles.yml"
    profiles.write_text(profiles.read_text().replace("winery:", "headwater:", 1))
    place.dbt("build", succeeds=False)
    assert not (place.folder / "winery.duckdb").exists() or query(place, "show all tables") == []
    Place(place.folder, {"HEADWATER_DEMO": "false"}).dbt("parse")
