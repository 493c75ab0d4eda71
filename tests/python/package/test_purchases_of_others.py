"""A purchase log that nobody made for this project (CDNOW's, of the package `lifetimes`), brought in by docs/adopt.md.

People, consent, scores and a hierarchy of companies are those of plain Python and of another implementation.

The log has buyers, days and sums. Who works where, and who said what on the day of a purchase, is drawn from its digits.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import yaml

from tests.python.package.projects import Place
from tests.python.package.projects import house as house_of
from tests.python.rows import insert

peers = pytest.importorskip("lifetimes", reason="the purchase log comes with the package lifetimes")

pytestmark = pytest.mark.long
NOW = dt.datetime(1997, 9, 30, 12)
FIRMS = 60
SWITCH = {"headwater": {"+schema": "cdp", "lifetime_parameters": {"+enabled": False}}}
RECORD = {"key": "person_no", "first_seen_at": "since"}
META = {
    "stg_log__people": {"record": RECORD | {
        "person": {"identifiers": ["person_no", "email"], "attributes": ["email"]},
        "account": {"identifiers": ["firm_no"], "needs_identifier": True},
    }},
    "stg_log__firms": {"record": {
        "key": "firm_no", "first_seen_at": "since", "account": {"identifiers": ["firm_no"], "attributes": ["firm_name", "parent_firm_no"]},
    }},
    "stg_log__answers": {"consent": {
        "name": "till", "key": "answer_no", "email": "email", "channel": "email", "purpose": "marketing", "answer": {"accepts": "said"},
        "recorded_at": "said_at", "expires_after_days": 200, "may_only_lower": False,
    }},
}  # fmt: skip
MODELS = {
    "stg_log__people": "select person_no, email, firm_no, since from {{ source('log', 'people') }}",
    "stg_log__firms": "select firm_no, {{ headwater.normalise_company_name('firm_name') }} as firm_name, parent_firm_no, since "
    "from {{ source('log', 'firms') }}",
    "stg_log__answers": "select answer_no, email, said, said_at from {{ source('log', 'answers') }}",
    "event_record_bought": "select log.purchase_no as event_id, records.profile_id, log.total, log.bought_at as occurred_at "
    "from {{ source('log', 'purchases') }} as log inner join {{ ref('headwater', 'profile_records') }} as records "
    "on records.source_name = 'log_people' and records.source_record_id = log.person_no where log.bought_at <= {{ headwater.cdp_now() }}",
    "traits_buying": "{{ headwater.event_traits(ref('event_record_bought'), {'purchases': 'count', 'spent': {'sum': 'total'}, "
    "'last_at': 'last'}) }}",
    "traits_lifetime": "{{ headwater.lifetime_scores(ref('event_record_bought'), value='total', days=90) }}",
    "traits_firms": "{{ headwater.company_traits(ref('event_record_bought'), of='contacts', traits={'firm_spent': {'sum': 'total'}}) }}",
    "traits_groups": "{{ headwater.company_traits(ref('traits_firms'), of='group', traits={'group_spent': {'sum': 'firm_spent'}}) }}",
}
SETTINGS = {
    "cdp_as_of": str(NOW),
    "cdp_registry": {
        "records": ["stg_log__people", "stg_log__firms"], "consents": ["stg_log__answers"],
        "traits": ["traits_buying", "traits_lifetime"], "account_traits": ["traits_firms", "traits_groups"],
    },
    "cdp_identity": {
        "person": {"identifiers": {"person_no": {"tier": 1, "exclusive": True}, "email": {"tier": 2}}},
        "account": {"identifiers": {"firm_no": {"tier": 1, "exclusive": True, "limit": 1}}},
    },
    "cdp_survivorship": {
        "person": {"attributes": {"email": {"rule": "most_recent", "identifier": "email"}}},
        "account": {"attributes": {"firm_name": "most_recent", "parent_firm_no": "most_recent"}},
    },
    "cdp_company_hierarchy": {"parent": "parent_firm_no", "identifier": "firm_no"},
}  # fmt: skip


class Log:
    """The log, and what is drawn from it."""

    def __init__(self) -> None:
        path = Path(peers.__file__).parent / "datasets" / "CDNOW_sample.txt"
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        self.purchases = [
            (f"{n}", row[1], dt.datetime.strptime(row[2], "%Y%m%d") + dt.timedelta(hours=9), Decimal(row[4]))
            for n, row in enumerate(rows)
        ]  # fmt: skip
        self.first: dict[str, dt.datetime] = {}
        for _, person, at, _ in self.purchases:
            self.first.setdefault(person, at)
        # Every seventh buyer works nowhere; a firm belongs to the one with a third of its number.
        self.firm = {one: int(one) % FIRMS for one in self.first if int(one) % 7}
        self.parent = {firm: firm // 3 for firm in range(1, FIRMS)}
        # Asked at the till: the last digit of the sum is what they said.
        words = {"7": "yes", "3": "no", "9": "yes", "1": "no"}
        self.answers = [
            (number, person, words[str(total)[-1]], at)
            for number, person, at, total in self.purchases
            if str(total)[-1] in words
        ]

    def top(self, firm: int) -> int:
        while firm in self.parent:
            firm = self.parent[firm]
        return firm

    def load(self, database: Path) -> None:
        tables: dict[str, tuple[str, list[Any]]] = {
            "purchases": ("purchase_no text, person_no text, bought_at timestamp, total decimal(18, 2)", self.purchases),
            "people": ("person_no text, email text, firm_no text, since timestamp", [
                (one, f"reader.{one}@buyers.org", f"f{self.firm[one]}" if one in self.firm else None, at) for one, at in self.first.items()
            ]),
            "firms": ("firm_no text, firm_name text, parent_firm_no text, since timestamp", [
                (f"f{n}", "Null" if n == 5 else f"Firm {n}", f"f{self.parent[n]}" if n in self.parent else None, dt.datetime(1996, 1, 1))
                for n in range(FIRMS)
            ]),
            "answers": ("answer_no text, email text, said text, said_at timestamp", [
                (number, f"reader.{person}@buyers.org", said, at) for number, person, said, at in self.answers
            ]),
        }  # fmt: skip
        with duckdb.connect(str(database)) as connection:
            connection.execute("create schema raw_log")
            for name, (columns, rows) in tables.items():
                connection.execute(f"create table raw_log.{name} ({columns})")
                insert(connection, f"raw_log.{name}", rows)


@pytest.fixture(scope="module")
def log() -> Log:
    return Log()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Place:
    folder = tmp_path_factory.mktemp("house")
    tables = [{"name": name} for name in ("purchases", "people", "firms", "answers")]
    source = {"name": "log", "schema": "raw_log", "tables": tables}
    project = house_of(folder, SETTINGS, MODELS, META, source)
    log.load(folder / "house.duckdb")
    place = Place(folder, {"HEADWATER_AS_OF": str(NOW)})
    place.dbt("deps")
    place.dbt("build")
    # As docs/add-a-trait.md has it.
    said = place.sync("train-lifetimes", "traits_lifetime")
    assert "seeds: {headwater: {lifetime_parameters: {+enabled: false}}}" in said
    (folder / "dbt_project.yml").write_text(
        yaml.safe_dump(project | {"seeds": SWITCH}, sort_keys=False)
    )
    place.dbt("seed", "--select", "lifetime_parameters")
    place.dbt("build", "--select", "traits_lifetime+")
    return place


def rows(house: Place, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(house.folder / "house.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_people_have_bought_what_the_log_says(house: Place, log: Log) -> None:
    wanted: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0), None])
    for _, person, at, total in log.purchases:
        if at <= NOW:
            one = wanted[f"reader.{person}@buyers.org"]
            wanted[f"reader.{person}@buyers.org"] = [
                one[0] + 1,
                one[1] + total,
                max(one[2] or at, at),
            ]
    found = rows(
        house, "select email, purchases, spent, last_at from dev_cdp.profiles where purchases > 0"
    )
    assert {
        email: [count, Decimal(str(spent)), last] for email, count, spent, last in found
    } == wanted
    assert rows(house, "select count(*) from dev_cdp.profiles") == [(len(log.first),)]


def test_scores_are_those_of_another_implementation(house: Place) -> None:
    with (house.folder / "seeds/lifetime_parameters.csv").open(newline="") as file:
        told = {row["parameter"]: float(row["parameter_value"]) for row in csv.DictReader(file)}
    fitter = peers.BetaGeoFitter()
    fitter.params_ = {name: told[name] for name in ("r", "alpha", "a", "b")}
    found = np.array(rows(house, """
        select repeat_purchases, days_to_last_purchase / 7.0, days_of_observation / 7.0, probability_alive, expected_purchases
        from dev.traits_lifetime where repeat_purchases is not null"""), dtype=float)  # fmt: skip
    assert len(found) > 2000
    x, recency, age, alive, expected = found.T
    np.testing.assert_allclose(
        alive, fitter.conditional_probability_alive(x, recency, age), atol=1e-6
    )
    np.testing.assert_allclose(
        expected,
        fitter.conditional_expected_number_of_purchases_up_to_time(90 / 7, x, recency, age),
        atol=1e-6,
    )


def test_consent_is_what_each_buyer_said_last(house: Place, log: Log) -> None:
    wanted = {}
    said: dict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for _, person, word, at in log.answers:
        said[person].append((at, word))
    for person, answers in said.items():
        # A no that is ahead of the clock counts from its arrival, a yes like that does not count.
        refused = max((min(at, NOW) for at, word in answers if word == "no"), default=None)
        lasts = dt.timedelta(days=200)
        agreed = [at for at, word in answers if word == "yes" and at <= NOW < at + lasts]
        if refused is not None:
            wanted[person] = "opted_in" if any(at > refused for at in agreed) else "opted_out"
        elif agreed:
            wanted[person] = "opted_in"
    found = rows(house, """
        select replace(split_part(email, '@', 1), 'reader.', ''), state
        from dev_cdp.profile_consent inner join dev_cdp.profiles using (profile_id)
        where channel = 'email' and purpose = 'marketing'""")  # fmt: skip
    assert dict(found) == wanted
    assert set(wanted.values()) == {"opted_in", "opted_out"}


def test_companies_have_their_parents_and_what_their_people_spent(house: Place, log: Log) -> None:
    of_firm: dict[int, Decimal] = defaultdict(Decimal)
    for _, person, at, total in log.purchases:
        if at <= NOW and person in log.firm:
            of_firm[log.firm[person]] += total
    of_group: dict[int, Decimal] = defaultdict(Decimal)
    for firm in range(FIRMS):
        of_group[log.top(firm)] += of_firm[firm]
    found = rows(house, """
        select firms.firm_name, parents.firm_name, tops.firm_name, firms.firm_spent, firms.group_spent
        from dev_cdp.accounts as firms
        inner join dev_cdp.account_hierarchy as places on firms.account_id = places.account_id
        left join dev_cdp.accounts as parents on places.parent_account_id = parents.account_id
        left join dev_cdp.accounts as tops on places.ultimate_parent_account_id = tops.account_id""")  # fmt: skip

    def name(firm: int | None) -> str | None:
        return None if firm is None else "Null" if firm == 5 else f"Firm {firm}"

    assert {one[0]: (one[1], one[2], Decimal(str(one[3])), Decimal(str(one[4]))) for one in found} == {
        name(firm): (name(log.parent.get(firm)), name(log.top(firm)), of_firm[firm], of_group[log.top(firm)]) for firm in range(FIRMS)
    }  # fmt: skip
    assert len(found) == FIRMS  # nobody without a firm founds one
