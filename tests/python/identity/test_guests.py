"""Ids that a shop gives anew at each visit join what carries them, and part nobody."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable
from typing import Any

import duckdb
import pytest
import yaml

from benchmarks.overmerge import pair_scores
from benchmarks.shoppers import COLUMNS, draw_shoppers
from tests.python.identity.lab import ROOT, Lab
from tests.python.rows import insert

SHIPPED = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"]["person"]
ORDERS = (
    "order_id", "customer_id", "user_id", "email", "phone", "anonymous_id", "first_name", "last_name", "birth_date",
    "seen_at",
)  # fmt: skip
USERS = ("user_id", "email", "phone", "first_name", "last_name", "birth_date", "seen_at")
TODAY = {"cdp_as_of": "2026-11-24"}


def rules(disposable_when: str | bool | None) -> dict[str, Any]:
    """The rules that ship, and a shop's customers under them."""
    customer = {"column": "record_id", "disposable_when": disposable_when}
    if disposable_when is None:
        del customer["disposable_when"]
    person = copy.deepcopy(SHIPPED)
    person["records"] = [
        {
            "source_name": "customers", "model": "fixture_people", "record_key": "record_id",
            "first_seen_at": "seen_at", "last_seen_at": "seen_at",
            "identifiers": {"customer_id": customer, "email": "email", "phone": "phone"},
            "attributes": {name: name for name in ("first_name", "last_name", "birth_date")},
        },
        {
            "source_name": "orders", "model": "fixture_orders", "record_key": "order_id",
            "first_seen_at": "seen_at", "last_seen_at": "seen_at",
            "identifiers": {
                name: name for name in ("customer_id", "user_id", "email", "phone", "anonymous_id")
            },
            "attributes": {name: name for name in ("first_name", "last_name", "birth_date")},
        },
        {
            "source_name": "users", "model": "fixture_users", "record_key": "user_id",
            "first_seen_at": "seen_at", "last_seen_at": "seen_at",
            "identifiers": {"user_id": "user_id", "email": "email", "phone": "phone"},
            "attributes": {name: name for name in ("first_name", "last_name", "birth_date")},
        },
    ]  # fmt: skip
    return {"person": person}


class People(Lab):
    """A lab whose records are customers of a shop, its orders, and users of an app."""

    def people(
        self,
        rows: Any,
        orders: Iterable[tuple[Any, ...]] = (),
        users: Iterable[tuple[Any, ...]] = (),
    ) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.register("frame", rows)
            connection.execute("create or replace table raw.people as select * from frame")
            for name, columns, given in (
                ("orders", ORDERS, orders),
                ("users", USERS, users),
            ):
                typed = ", ".join(f"{one} varchar" for one in columns)
                connection.execute(f"create or replace table raw.{name} ({typed})")
                insert(connection, f"raw.{name}", given)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> People:
    lab = People(tmp_path_factory.mktemp("guests") / "lab", rules("is_guest"), TODAY)
    for name in ("people", "orders", "users"):
        (lab.directory / f"models/engine/staging/fixture_{name}.sql").write_text(
            "{{ config(materialized='view') }}\nselect * from raw." + name
        )
    lab.changed()
    lab.build(command="seed")
    return lab


@pytest.fixture
def lab(built: People) -> People:
    built.forget()
    return built


def few(rows: Iterable[tuple[Any, ...]]) -> Any:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def customer(key: str, *, guest: bool = True, email: str | None = "anna@web.org",
             phone: str | None = "+491511234567", day: int = 1) -> tuple[Any, ...]:  # fmt: skip
    return (key, 0, guest, email, phone, "Anna", "Meyer", "1980-02-03", f"2026-01-{day:02d}")


def owners(lab: Lab, kind: str) -> dict[str, str]:
    return dict(
        lab.query(
            "select identifier_value, entity_id from analytics.identity_entity_identifiers "
            f"where identifier_type = '{kind}'"
        )
    )


def scores(lab: Lab, people: Any) -> tuple[float, float]:
    groups = lab.groups()
    return pair_scores([groups[one] for one in people.record_id], people.person)


@pytest.mark.parametrize("told", ["is_guest", pytest.param(None, marks=pytest.mark.long)])
def test_guests_of_two_thousand_people_are_one_each_and_keep_their_email(
    lab: People, told: str | bool
) -> None:
    people = draw_shoppers(2_000)
    lab.people(people)
    lab.configure(rules(told), TODAY)
    lab.build(command="build")
    precision, recall = scores(lab, people)
    assert precision >= 0.995
    assert recall >= 0.95
    owned = owners(lab, "email")
    groups = lab.groups()
    lost = [
        one.record_id
        for one in people.itertuples()
        if one.email.startswith("p") and owned.get(one.email) != groups[one.record_id]
    ]
    assert lost == []


ANNA = ("Anna", "Meyer", "1980-02-03")
BEN = ("Ben", "Schulz", "1999-07-08")
CARL = ("Carl", "Vogt", "1961-11-30")


def person(key: str, who: tuple[str | None, ...], email: str | None = None,
           phone: str | None = None, day: int = 1) -> tuple[Any, ...]:  # fmt: skip
    return (key, 0, False, email, phone, *who, f"2026-01-{day:02d}")


def order(key: str, customer: str | None = None, user: str | None = None, email: str | None = None,
          phone: str | None = None, who: tuple[str | None, ...] = (None,) * 3, visitor: str | None = None,
          day: int = 10) -> tuple[Any, ...]:  # fmt: skip
    return (key, customer, user, email, phone, visitor, *who, f"2026-01-{day:02d}")


def user(key: str, who: tuple[str | None, ...], email: str | None = None,
         phone: str | None = None, day: int = 1) -> tuple[Any, ...]:  # fmt: skip
    return (key, email, phone, *who, f"2026-01-{day:02d}")


# First names no two of which are alike.
SERVED = [
    (first, last, f"19{60 + n}-03-1{n}")
    for n, (first, last) in enumerate(
        (("Zoe", "Quist"), ("Rupert", "Abel"), ("Wilma", "Orth"), ("Otto", "Beck"), ("Gunda", "Fries"), ("Kurt", "Lang"))
    )
]  # fmt: skip
# Worlds beside each other, told apart by what their keys begin with.
CUSTOMERS = [
    # Four checkouts of one woman, of which nobody said that they are; a third and fourth arrive later.
    *(person(f"guest-{n}", ANNA, "guest@web.org", "+491517381201", n) for n in (1, 2, 3, 4)),
    # Two swap e-mails.
    person("swap-a", ANNA, "swap-b@web.org"),
    person("swap-b", BEN, "swap-a@web.org"),
    # An agent opens accounts of two customers.
    person("agent-a", ANNA, "agent-a@web.org"),
    person("agent-b", BEN, "agent-b@web.org"),
    # A family's e-mail.
    person("family-a", ANNA, "family@web.org"),
    person("family-b", BEN, "family@web.org", day=2),
    # A woman who married, and father and son.
    person("married-1", ANNA, "married@web.org", "+491517381202"),
    person("married-2", ("Anna", "Vogt", "1980-02-03"), "married@web.org", "+491517381202"),
    person("father", CARL, phone="+491517381203"),
    person("son", ("Carl", "Vogt", "1993-01-01"), phone="+491517381203"),
    # A recycled number, whose old owner has no e-mail.
    person("old-owner", CARL, None, "+491517381204"),
    # What five enter who have none.
    *(
        person(f"junk-{n}", (first, f"{first}son", f"19{n}0-0{n}-11"), "lobby@web.org")
        for n, first in enumerate(("Zoe", "Rupert", "Wilhelmine", "Otto", "Quincy"), 5)
    ),
    person("till", (None, None, None)),
    # First names alone, on one address: a couple, and one with a pet name; names in the wrong columns and another script.
    person("couple-a", ("Anna", "Meyer", None), "couple@web.org"),
    person("couple-b", ("Ben", "Meyer", None), "couple@web.org", day=2),
    person("short-a", ("Robert", "Hill", None), "short@web.org"),
    person("short-b", ("Bob", "Hill", None), "short@web.org", day=2),
    person("turned-a", ("Meyer", "Anna", None), "turned@web.org"),
    person("turned-b", ("Anna", "Meyer", None), "turned@web.org", day=2),
    person("script-a", ("Юлия", "Иванова", None), "script@web.org"),
    person("script-b", ("Yulia", "Ivanova", None), "script@web.org", day=2),
    # Three of one address: it stays with the first.
    *(
        person(f"three-{n}", who, "three@web.org", day=n)
        for n, who in enumerate((ANNA, BEN, CARL), 1)
    ),
    # What programs write for a birth date says nothing.
    person("date-a", ("Anna", None, "1900-01-01"), "date@web.org"),
    person("date-b", ("Anna", None, "1980-02-03"), "date@web.org", day=2),
    # A clerk of whom nothing is known, for two customers; and a friend who ordered for one.
    person("clerk-a", ANNA, "clerk-a@web.org"),
    person("clerk-b", BEN, "clerk-b@web.org"),
    person("friend-a", ANNA, "friend-a@web.org"),
    # A number of long ago is still hers, and one that a family shares joins what is surely one's; father and son are two.
    person("years-new", ANNA, None, "+491517381205"),
    (*person("years-old", ANNA, "years@web.org", "+491517381205")[:-1], "2021-03-04"),
    (*person("years-ben", BEN, None, "+491517381205")[:-1], "2020-03-04"),
    (*person("years-nameless", (None, None, None), None, "+491517381205")[:-1], "2019-03-04"),
    (*person("gone-old", ANNA, "gone-1@web.org", "+491517381206")[:-1], "2021-03-04"),
    (*person("gone-older", ANNA, "gone-2@web.org", "+491517381206")[:-1], "2020-03-04"),
    person("given-on", (None, None, None), None, "+491517381207"),
    (*person("given-a", ANNA, "given-1@web.org", "+491517381207")[:-1], "2021-03-04"),
    (*person("given-b", ANNA, "given-2@web.org", "+491517381207")[:-1], "2020-03-04"),
    person("landline-1", ANNA, "landline-1@web.org", "+4930738128", 5),
    person("landline-2", ANNA, "landline-2@web.org", "+4930738128", 4),
    person("landline-son", ("Anna", "Meyer", None), "landline-3@web.org", "+4930738128", 3),
    person("landline-none", (None, None, None), "landline-4@web.org", "+4930738128", 2),
    # Whose shop does not send its customers, but names on their orders.
    person("keyless-b", BEN, "keyless@web.org", day=20),
    # An initial is little: two of one family, two who swapped addresses, twins; and a slip of the pen all the same.
    person("initial-a", ("Lara", "Carrillo", "1943-06-17"), "initial@web.org"),
    person("initial-b", ("Luis", "Carrillo", "1941-10-05"), "initial@web.org", day=2),
    person("crossed-a", ("Shaun", "Johnson", None), "crossed-b@web.org"),
    person("crossed-b", ("Suzanne", "Weiss", "1949-12-06"), "crossed-a@web.org"),
    person("twin-a", ("Bartek", "Turner", "2002-06-19"), "twin-a@web.org", "+491517381208"),
    person("twin-b", ("Benigna", "Turner", "2002-06-19"), "twin-b@web.org", "+491517381208"),
    person("slip-a", ("Anna", "Hill", "1980-02-03"), "slip-a@web.org", "+491517381209"),
    person("slip-b", ("Anne", "Hill", "1980-02-03"), "slip-b@web.org", "+491517381209"),
    # Whose orders a clerk took under an id of his own, and one whose shop sends no customers.
    *(
        person(f"served-{n}", who, f"served-{n}@web.org", f"+4915173813{n:02d}")
        for n, who in enumerate(SERVED)
    ),
    person("counter", ("Counter", "Sales", None)),
    *(
        person(f"called-{n}", who, f"called-{n}@web.org", f"+4915173814{n:02d}")
        for n, who in enumerate(SERVED)
    ),
]
HISTORY = [
    order("swap-order-a", "swap-a", email="swap-a@web.org"),
    order("swap-order-b", "swap-b", email="swap-b@web.org"),
    order("agent-order-a", "agent-a", user="agent"),
    order("agent-order-b", "agent-b", user="agent"),
    order("clerk-order-a", "clerk-a", user="clerk"),
    order("clerk-order-b", "clerk-b", user="clerk"),
    order("friend-order", "friend-a", user="friend"),
    order("keyless-1", "k-7", email="keyless@web.org", day=3),
    order("keyless-2", "k-7", who=ANNA, day=4),
    order("crossed-order-a", "crossed-a", email="crossed-a@web.org"),
    order("crossed-order-b", "crossed-b", email="crossed-b@web.org"),
    *(
        order(
            f"counter-{n}",
            "counter",
            email=f"served-{n}@web.org",
            phone=f"+4915173813{n:02d}",
            who=(*who[:2], None),
        )
        for n, who in enumerate(SERVED)
    ),
    *(
        order(
            f"hotline-{n}",
            "hotline",
            email=f"called-{n}@web.org",
            phone=f"+4915173814{n:02d}",
            who=(*who[:2], None),
        )
        for n, who in enumerate(SERVED)
    ),
    *(order(f"till-{n}", "till", email=f"till-user{n}@web.org") for n in range(30)),
]
APP = [
    user("agent", CARL, "agent@web.org"),
    user("clerk", (None, None, None), "clerk@web.org"),
    user("friend", CARL, "friend@web.org"),
    user("new-owner", BEN, "new-owner@web.org", "+491517381204", day=9),
    *(user(f"till-user{n}", (None, None, None), f"till-user{n}@web.org") for n in range(3)),
]


def test_attributes_bear_out_and_veto(lab: People) -> None:
    lab.configure(rules(None), TODAY)
    lab.people(few(row for row in CUSTOMERS if row[0] not in ("guest-3", "guest-4")), HISTORY, APP)
    lab.build(command="run")
    before = lab.groups()
    lab.people(few(CUSTOMERS), HISTORY, APP)
    lab.build(command="run")
    groups = lab.groups()
    assert {one: groups[one] for one in before} == before
    assert len({groups[f"guest-{n}"] for n in (1, 2, 3, 4)}) == 1
    for one in ("married-1", "short-a", "turned-a", "script-a", "date-a"):
        other = one.replace("-a", "-b").replace("-1", "-2")
        assert groups[one] == groups[other], one
    for left, right in (
        ("years-new", "years-old"),
        ("gone-old", "gone-older"),
        ("landline-1", "landline-2"),
        ("slip-a", "slip-b"),
        *((f"counter-{n}", f"served-{n}") for n in range(6)),
        *((f"hotline-{n}", f"called-{n}") for n in range(6)),
    ):
        assert groups[left] == groups[right], (left, right)
    for left, right in (
        ("swap-a", "swap-b"),
        ("agent-a", "agent-b"),
        ("agent-a", "agent"),
        ("agent-b", "agent"),
        ("family-a", "family-b"),
        ("father", "son"),
        ("old-owner", "new-owner"),
        ("till-user0", "till-user1"),
        ("couple-a", "couple-b"),
        ("three-1", "three-2"),
        ("three-2", "three-3"),
        ("clerk-a", "clerk-b"),
        ("clerk-a", "clerk"),
        ("friend-a", "friend"),
        ("years-new", "years-ben"),
        ("years-new", "years-nameless"),
        ("given-on", "given-a"),
        ("given-a", "given-b"),
        ("landline-1", "landline-son"),
        ("landline-1", "landline-none"),
        ("keyless-1", "keyless-b"),
        ("initial-a", "initial-b"),
        ("crossed-a", "crossed-b"),
        ("twin-a", "twin-b"),
        ("served-0", "served-1"),
        ("served-0", "counter"),
    ):
        assert groups[left] != groups[right], (left, right)
    assert groups["swap-order-a"] == groups["swap-a"]
    assert groups["clerk-order-a"] == groups["clerk-a"]
    assert groups["friend-order"] == groups["friend-a"]
    assert len({groups[f"junk-{n}"] for n in range(5, 10)}) == 5
    owned = owners(lab, "email")
    assert owned["guest@web.org"] == groups["guest-1"]
    assert owned["swap-a@web.org"] == groups["swap-b"]
    assert owned["family@web.org"] == groups["family-a"]
    assert owned["three@web.org"] == groups["three-1"]
    reasons = set(
        lab.query(
            "select identifier_value, dropped_reason from analytics.identity_conflicts "
            "where identifier_type <> 'phone'"
        )
    )
    assert reasons == {
        ("family@web.org", "contradicted"),
        ("swap-a@web.org", "contradicted"),
        ("swap-b@web.org", "contradicted"),
        ("agent", "contradicted"),
        ("clerk", "contradicted"),
        ("friend", "contradicted"),
        ("couple@web.org", "contradicted"),
        ("three@web.org", "contradicted"),
        ("keyless@web.org", "contradicted"),
        ("lobby@web.org", "spread"),
        ("till", "spread"),
        ("initial@web.org", "contradicted"),
        ("crossed-a@web.org", "contradicted"),
        ("crossed-b@web.org", "contradicted"),
        ("counter", "spread"),
        ("hotline", "spread"),
    }
    links = (
        "select * exclude (component_node, cluster_node) from analytics.identity_links order by all"
    )
    stepwise = lab.query(links)
    lab.build("--full-refresh", command="run")
    assert lab.groups() == groups
    assert lab.query(links) == stepwise


def test_the_six_records_of_the_docs_are_three_people(lab: People) -> None:
    page = (ROOT / "docs/identity.md").read_text()
    table = page.split("| record | customer_id |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[one.strip() or None for one in line.strip("|").split("|")] for line in table]
    assert len(cells) == 6
    rows: dict[str, list[tuple[Any, ...]]] = {"customers": [], "orders": [], "users": []}
    for record, customer, user_id, email, phone, name, born, _ in cells:
        source, key = str(record).split(":")
        who = (*(name.split() if name else (None, None)), born)
        rows[source].append(
            {
                "customers": person(key, who, email, phone),
                "orders": order(key, customer, user_id, email, phone, who),
                "users": user(key, who, email, phone),
            }[source]
        )
    lab.configure(rules(None), TODAY)
    lab.people(few(rows["customers"]), rows["orders"], rows["users"])
    lab.build(command="run")
    groups = lab.groups()
    owners = {str(one[0]).split(":")[1]: one[-1] for one in cells}
    assert len(set(groups.values())) == len(set(owners.values()))
    assert len({(groups[key], number) for key, number in owners.items()}) == len(
        set(owners.values())
    )
    dropped = set(
        lab.query(
            "select record_key, identifier_type, dropped_reason from analytics.identity_conflicts"
        )
    )
    assert ("orders:o1", "email", "contradicted") in dropped
    assert ("orders:o3", "phone", "ambiguous") in dropped


@pytest.mark.long
def test_what_was_set_aside_is_allowed_by_one_line(lab: People) -> None:
    allowed = rules(None)
    allowed["person"]["identifiers"]["customer_id"]["allowed_values"] = ["till"]
    lab.configure(allowed, TODAY)
    lab.people(few(CUSTOMERS), HISTORY, APP)
    lab.build(command="run")
    groups = lab.groups()
    assert groups["till"] == groups["till-0"] == groups["till-29"]


@pytest.mark.long
def test_more_checkouts_than_any_limit_are_one_person_and_come_one_by_one(lab: People) -> None:
    lab.configure(rules("is_guest"), TODAY)
    rows = [customer(f"g{day}", day=day) for day in range(1, 16)]
    rows.append(customer("account", guest=False, day=20))
    ids = set()
    for count in (2, 3, 15, 16):
        lab.people(few(rows[:count]))
        lab.build(command="run")
        ids |= set(lab.groups().values())
    assert len(ids) == 1
    lab.build("--full-refresh", command="run")
    assert set(lab.groups().values()) == ids
    assert set(owners(lab, "customer_id").values()) == ids


@pytest.mark.long
def test_accounts_still_part_what_guests_do_not(lab: People) -> None:
    lab.configure(rules("is_guest"), TODAY)
    accounts = [person(f"a{n}", (None, None, None), "kiosk@web.org", day=n) for n in (1, 2, 3)]
    lab.people(few([*accounts, customer("g1", email="kiosk@web.org", phone=None, day=4)]))
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 4


@pytest.mark.long
def test_an_id_that_a_visit_became_an_account_counts_again(lab: People) -> None:
    lab.configure(rules("is_guest"), TODAY)
    rows = [customer(f"g{n}", phone=None, day=n) for n in (1, 2, 3)]
    lab.people(few(rows))
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 1
    lab.people(few([(key, who, False, *rest) for key, who, _, *rest in rows]))
    lab.execute("update raw.people set first_name = null, last_name = null, birth_date = null")
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 3


@pytest.mark.long
def test_a_type_is_disposable_as_a_whole_by_its_rule(lab: People) -> None:
    person = rules(None)
    kind = {"tier": 1, "exclusive": True, "disposable": True}
    person["person"]["identifiers"]["customer_id"] = kind
    lab.configure(person, TODAY)
    lab.people(few([customer(f"g{n}", day=n) for n in range(1, 9)]))
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 1


@pytest.mark.property
@pytest.mark.long
@pytest.mark.parametrize("told", ["is_guest", None])
def test_batches_in_any_order_give_what_a_full_refresh_gives(lab: People, told: str | None) -> None:
    chance = random.Random(f"worlds of {told}")
    drawn = [
        (
            chance.randint(0, 25),
            chance.choice([None, 0, 1, 2]),
            chance.choice([None, 0, 1, 2]),
            chance.choice([None, 0, 1, 2]),
            chance.random() < 0.5,
            chance.randint(0, 2),
        )
        for _ in range(250)
    ]

    def rows(*batches: int) -> tuple[Any, Any]:
        customers, orders = [], []
        for number, (world, email, phone, name, guest, batch) in enumerate(drawn):
            if batch not in batches:
                continue
            who = (None,) * 3 if name is None else (ANNA, BEN, CARL)[name]
            mail = None if email is None else f"w{world}e{email}@web.org"
            call = None if phone is None else f"w{world}p{phone}"
            if number % 3:
                day = f"2026-01-{number % 27 + 1:02d}"
                customers.append((f"w{world}c{number}", 0, guest, mail, call, *who, day))
            else:
                orders.append(
                    order(f"w{world}o{number}", f"w{world}c{number + 1}", None, mail, call, who)
                )
        return few(customers), orders

    lab.configure(rules(told), TODAY)
    for batches in ((0,), (0, 1), (1, 2), (0, 1, 2)):
        lab.people(*rows(*batches))
        lab.build(command="run")
    groups = lab.groups()
    links = (
        "select * exclude (component_node, cluster_node) from analytics.identity_links order by all"
    )
    stepwise = lab.query(links)
    reasons = {reason for (reason,) in lab.query(
        "select distinct dropped_reason from analytics.identity_conflicts")}  # fmt: skip
    assert reasons >= {"contradicted", "ambiguous"}
    lab.build("--full-refresh", command="run")
    assert lab.groups() == groups
    assert lab.query(links) == stepwise
