"""A CRM that nobody made for this project (accounts, contacts, leads, opportunities, calls, visits: of the package `leadforge`), brought in
by docs/adopt.md.

People, companies, entities, scores, a hierarchy and consent are those of plain Python. The CRM has who works where, every lead, call and
visit; what company is above which, and what a call means for consent, is drawn from it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.python.package.projects import Place
from tests.python.package.projects import house as house_of

pytest.importorskip("leadforge", reason="the CRM is the package leadforge's: pip install leadforge")

pytestmark = pytest.mark.long
NOW = dt.datetime(2024, 4, 10, 12)
TABLES = ("accounts", "contacts", "leads", "opportunities", "sales_activities", "sessions")
RECORDS = {"key": "contact_id", "first_seen_at": "created_at"}
META = {
    "stg_crm__contacts": {"record": RECORDS | {
        "person": {"identifiers": ["contact_id"], "attributes": ["job_title"]},
        "account": {"identifiers": ["crm_account_id"], "needs_identifier": True, "role": "buyer_role"},
    }},
    "stg_crm__accounts": {"record": {
        "key": "crm_account_id", "first_seen_at": "created_at",
        "account": {"identifiers": ["crm_account_id"], "attributes": ["company_name", "industry", "parent_id"]},
    }},
    "stg_crm__calls": {"consent": {
        "name": "calls", "key": "activity_id", "records": "crm_contacts", "record": "contact_id",
        "channel": "email", "purpose": "marketing",
        "answer": {"accepts": "said"}, "recorded_at": "said_at", "may_only_lower": False,
    }},
}  # fmt: skip
OF_PERSON = (
    "inner join {{ ref('headwater', 'profile_records') }} as records on records.source_name = 'crm_contacts' "
    "and records.source_record_id = "
)
MODELS = {
    "stg_crm__contacts": "select contact_id, account_id as crm_account_id, job_title, buyer_role, "
    "{{ headwater.cast_or_null('created_at', dbt.type_timestamp()) }} as created_at from {{ source('crm', 'contacts') }}",
    "stg_crm__accounts": "select account_id as crm_account_id, {{ headwater.normalise_company_name('company_name') }} as "
    "company_name, industry, "
    "nullif(min(account_id) over (partition by region, industry), account_id) as parent_id, "
    "{{ headwater.cast_or_null('created_at', dbt.type_timestamp()) }} as created_at from {{ source('crm', 'accounts') }}",
    "stg_crm__calls": "select activity_id, contact_id, case activity_outcome when 'meeting_set' then 'yes' when 'left_voicemail' "
    "then 'no' end as said, "
    "{{ headwater.cast_or_null('activity_timestamp', dbt.type_timestamp()) }} as said_at from {{ source('crm', 'sales_activities') }} "
    "inner join {{ source('crm', 'leads') }} using (lead_id) where activity_outcome in ('meeting_set', 'left_voicemail')",
    "leads": "select leads.lead_id, records.profile_id, lead_source, current_stage, is_sql, "
    "{{ headwater.cast_or_null('lead_created_at', 'date') }} as made_on from {{ source('crm', 'leads') }} as leads "
    + OF_PERSON + "leads.contact_id",
    "opportunities": "select opportunity_id, accounts.account_id, stage, estimated_acv, "
    "{{ headwater.cast_or_null('opportunities.created_at', 'date') }} as made_on from {{ source('crm', 'opportunities') }} as "
    "opportunities "
    "inner join {{ source('crm', 'leads') }} as leads using (lead_id) inner join {{ ref('headwater', 'account_records') }} as accounts "
    "on accounts.source_name = 'crm_accounts' and accounts.source_record_id = leads.account_id",
    "event_page_visited": "select session_id as event_id, leads.profile_id, leads.lead_id, session_type, page_views, "
    "{{ headwater.cast_or_null('session_timestamp', dbt.type_timestamp()) }} as occurred_at from {{ source('crm', 'sessions') }} "
    "as visits "
    "inner join {{ ref('leads') }} as leads using (lead_id) where {{ headwater.cast_or_null('session_timestamp', "
    "dbt.type_timestamp()) }} "
    "<= {{ headwater.cdp_now() }}",
    "traits_visits": "{{ headwater.event_traits(ref('event_page_visited'), {'visits': 'count', 'pages': {'sum': 'page_views'}, "
    "'last_visit_at': 'last', "
    "'usual_visit': {'most_frequent': 'session_type'}, 'visit_r': {'quintile': 'last_visit_at'}, 'visit_f': {'quintile': 'visits'}, "
    "'visit_m': {'quintile': 'pages'}}) }}",
    "traits_leads": "{{ headwater.event_traits(ref('leads'), {'leads': 'count', 'first_source': {'first': 'lead_source'}, "
    "'sql_share': {'ratio': ['sqls', 'leads']}, 'sqls': {'count': true, 'where': 'is_sql'}}, at='made_on', id='lead_id') }}",
    "traits_won": "{{ headwater.event_traits(ref('opportunities'), {'won_acv': {'sum': 'estimated_acv', 'where': \"stage = "
    "'closed_won'\"}, "
    "'opportunities': 'count'}, key='account_id', at=none, id='opportunity_id') }}",
    "traits_group": "{{ headwater.company_traits(ref('traits_won'), of='group', traits={'group_won_acv': {'sum': 'won_acv'}}) }}",
    "audience_busy_contacts": "{% set definition %}\nentity: person\nall:\n  - {lead: {trait: is_sql, equals: true}, at_least: 2}\n"
    "  - {consent: {channel: email, purpose: marketing}}\n  - {account: {trait: won_acv, '>': 0}}\n{% endset %}\n{{ "
    "headwater.audience(definition) }}",
    "audience_open_accounts": "{% set definition %}\nentity: account\nall:\n  - {opportunity: {trait: stage, equals: "
    "negotiation}, at_least: 3}\n"
    "  - contacts: {at_least: 2, where: {role: champion}}\n{% endset %}\n{{ headwater.audience(definition) }}",
}  # fmt: skip
SETTINGS = {
    "cdp_as_of": str(NOW),
    "cdp_registry": {
        "records": ["stg_crm__contacts", "stg_crm__accounts"], "consents": ["stg_crm__calls"], "traits": ["traits_visits", "traits_leads"],
        "account_traits": ["traits_won", "traits_group"], "audiences": ["audience_busy_contacts", "audience_open_accounts"],
    },
    "cdp_entities": {
        "lead": {"model": "leads", "key": "lead_id", "of": "person"},
        "opportunity": {"model": "opportunities", "key": "opportunity_id", "of": "account"},
    },
    "cdp_identity": {
        "person": {"identifiers": {"contact_id": {"tier": 1, "exclusive": True}}},
        "account": {"identifiers": {"crm_account_id": {"tier": 1, "exclusive": True, "limit": 1}}},
    },
    "cdp_survivorship": {
        "person": {"attributes": {"job_title": "most_recent"}},
        "account": {"attributes": {"company_name": "most_recent", "industry": "most_recent", "parent_id": "most_recent"}},
    },
    "cdp_company_hierarchy": {"parent": "parent_id", "identifier": "crm_account_id"},
}  # fmt: skip


class Crm:
    """Its tables, as rows of plain Python."""

    def __init__(self, folder: Path) -> None:
        from leadforge.api import Generator

        made = Generator.from_recipe(
            "b2b_saas_procurement_v1", seed=3, exposure_mode="research_instructor"
        )
        made.generate(n_accounts=150, n_contacts=500, n_leads=900).save(str(folder / "crm"))
        self.files = {name: folder / "crm" / "tables" / f"{name}.parquet" for name in TABLES}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        for name, path in self.files.items():
            found = duckdb.sql(f"select * from '{path}'")
            self.rows[name] = [
                dict(zip(found.columns, row, strict=True)) for row in found.fetchall()
            ]
        self.lead = {row["lead_id"]: row for row in self.rows["leads"]}
        self.firm = {row["contact_id"]: row["account_id"] for row in self.rows["contacts"]}
        heads: dict[tuple[str, str], str] = {}
        for row in sorted(self.rows["accounts"], key=lambda row: str(row["account_id"])):
            heads.setdefault((row["region"], row["industry"]), row["account_id"])
        self.top = {
            row["account_id"]: heads[row["region"], row["industry"]]
            for row in self.rows["accounts"]
        }


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Crm:
    return Crm(tmp_path_factory.mktemp("crm"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, crm: Crm) -> Place:
    folder = tmp_path_factory.mktemp("house")
    tables = [
        {"name": name, "config": {"meta": {"external_location": str(path)}}}
        for name, path in crm.files.items()
    ]
    house_of(folder, SETTINGS, MODELS, META, {"name": "crm", "tables": tables})
    place = Place(folder, {"HEADWATER_AS_OF": str(NOW)})
    place.dbt("deps")
    place.dbt("build")
    return place


def rows(house: Place, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(house.folder / "house.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


PERSON = "dev_cdp.profile_records as records inner join dev_cdp.profiles using (profile_id)"


def at(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(day)


def quintiles(values: dict[str, Any]) -> dict[str, int]:
    """1 to 5 by the share of those that have as much or less."""
    everybody = list(values.values())
    return {
        one: math.ceil(5 * sum(other <= value for other in everybody) / len(everybody) - 1e-6)
        for one, value in values.items()
    }


def test_people_have_visited_what_the_crm_says(house: Place, crm: Crm) -> None:
    visits: dict[str, list[tuple[dt.datetime, str, int, str]]] = defaultdict(list)
    for row in crm.rows["sessions"]:
        when = at(row["session_timestamp"])
        if when <= NOW:
            person = crm.lead[row["lead_id"]]["contact_id"]
            visits[person].append(
                (when, row["session_id"], row["page_views"] or 0, row["session_type"])
            )
    last = {one: max(some)[0] for one, some in visits.items()}
    pages = {one: sum(visit[2] for visit in some) for one, some in visits.items()}
    scores = [
        quintiles(last),
        quintiles({one: len(some) for one, some in visits.items()}),
        quintiles(pages),
    ]

    def usual(person: str) -> str:
        kinds = defaultdict(list)
        for when, _, _, kind in visits[person]:
            kinds[kind].append(when)
        return min(kinds, key=lambda kind: (-len(kinds[kind]), -max(kinds[kind]).timestamp(), kind))

    found = rows(
        house,
        f"select source_record_id, visits, pages, last_visit_at, usual_visit, visit_r, visit_f, visit_m from {PERSON}",
    )
    assert len(found) == len(crm.firm) == 500
    for person, *traits in found:
        if person not in visits:
            assert traits == [0, 0, None, None, None, None, None]
            continue
        assert traits == [
            len(visits[person]),
            pages[person],
            last[person],
            usual(person),
            *(one[person] for one in scores),
        ]


def test_people_have_the_leads_of_the_crm(house: Place, crm: Crm) -> None:
    leads: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in crm.rows["leads"]:
        if at(row["lead_created_at"]) <= NOW:
            leads[row["contact_id"]].append(row)
    found = rows(
        house, f"select source_record_id, leads, first_source, sqls, sql_share from {PERSON}"
    )
    for person, *traits in found:
        some = sorted(leads[person], key=lambda row: (row["lead_created_at"], row["lead_id"]))
        sqls = sum(row["is_sql"] for row in some)
        share = sqls / len(some) if some else None
        assert traits == [
            len(some),
            some[0]["lead_source"] if some else None,
            sqls,
            pytest.approx(share) if some else None,
        ]


def consents(crm: Crm) -> dict[str, str]:
    said: dict[str, list[tuple[dt.datetime, bool]]] = defaultdict(list)
    for row in crm.rows["sales_activities"]:
        if row["activity_outcome"] in ("meeting_set", "left_voicemail"):
            person = crm.lead[row["lead_id"]]["contact_id"]
            said[person].append(
                (at(row["activity_timestamp"]), row["activity_outcome"] == "meeting_set")
            )
    wanted = {}
    for person, answers in said.items():
        refused = max((min(when, NOW) for when, yes in answers if not yes), default=None)
        agreed = [when for when, yes in answers if yes and when <= NOW]
        if refused is not None:  # of equal times the no counts
            wanted[person] = "opted_in" if any(when > refused for when in agreed) else "opted_out"
        elif agreed:
            wanted[person] = "opted_in"
    return wanted


def won(crm: Crm) -> dict[str, float]:
    acv: dict[str, float] = defaultdict(float)
    for row in crm.rows["opportunities"]:
        if row["stage"] == "closed_won":
            acv[crm.lead[row["lead_id"]]["account_id"]] += row["estimated_acv"]
    return acv


def test_consent_is_what_the_last_call_came_to(house: Place, crm: Crm) -> None:
    found = rows(house, "select source_record_id, state from dev_cdp.profile_consent inner join dev_cdp.profile_records using (profile_id) "
                 "where channel = 'email' and purpose = 'marketing'")  # fmt: skip
    assert dict(found) == consents(crm)
    assert set(consents(crm).values()) == {"opted_in", "opted_out"}


def test_companies_have_what_they_and_their_group_won(house: Place, crm: Crm) -> None:
    acv, groups = won(crm), defaultdict(float)
    for firm, top in crm.top.items():
        groups[top] += acv[firm]
    found = rows(house, """
        select records.source_record_id, tops.source_record_id, won_acv, group_won_acv
        from dev_cdp.accounts inner join dev_cdp.account_records as records on records.account_id = accounts.account_id
            and records.source_name = 'crm_accounts'
        inner join dev_cdp.account_hierarchy as places on places.account_id = accounts.account_id
        inner join dev_cdp.account_records as tops on tops.account_id = places.ultimate_parent_account_id
            and tops.source_name = 'crm_accounts'""")  # fmt: skip
    assert len(found) == len(crm.top) == 150
    for firm, top, own, group in found:
        assert (top, own, group) == (
            crm.top[firm],
            pytest.approx(acv[firm]),
            pytest.approx(groups[top]),
        )
    assert rows(house, "select count(*) from dev_cdp.accounts") == [(150,)]


def test_audiences_ask_of_leads_and_opportunities(house: Place, crm: Crm) -> None:
    sqls: dict[str, int] = defaultdict(int)
    for row in crm.rows["leads"]:
        sqls[row["contact_id"]] += row["is_sql"]
    agreed, acv = consents(crm), won(crm)
    wanted = {
        one
        for one, firm in crm.firm.items()
        if sqls[one] >= 2 and agreed.get(one) == "opted_in" and acv[firm] > 0
    }
    found = rows(
        house,
        "select source_record_id from dev.audience_busy_contacts inner join dev_cdp.profile_records using (profile_id)",
    )
    assert {one for (one,) in found} == wanted
    stages: dict[str, int] = defaultdict(int)
    for row in crm.rows["opportunities"]:
        stages[crm.lead[row["lead_id"]]["account_id"]] += row["stage"] == "negotiation"
    champions: dict[str, int] = defaultdict(int)
    for row in crm.rows["contacts"]:
        champions[row["account_id"]] += row["buyer_role"] == "champion"
    open_ = {firm for firm in crm.top if stages[firm] >= 3 and champions[firm] >= 2}
    found = rows(house, "select source_record_id from dev.audience_open_accounts inner join dev_cdp.account_records using (account_id) "
                 "where source_name = 'crm_accounts'")  # fmt: skip
    assert {one for (one,) in found} == open_
    assert len(wanted) > 3
    assert len(open_) > 3
