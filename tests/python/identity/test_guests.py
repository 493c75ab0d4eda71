"""Ids that a shop gives anew at each visit join what carries them, and part nobody."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import duckdb
import pytest
import yaml

from benchmarks.overmerge import pair_scores
from benchmarks.shoppers import COLUMNS, draw_shoppers
from tests.python.identity.lab import ROOT, Lab

SHIPPED = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"]["person"]
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
        }
    ]  # fmt: skip
    return {"person": person}


class People(Lab):
    """A lab whose records are customers of a shop."""

    def people(self, rows: Any) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.register("frame", rows)
            connection.execute("create or replace table raw.people as select * from frame")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> People:
    lab = People(tmp_path_factory.mktemp("guests") / "lab", rules("is_guest"), TODAY)
    (lab.directory / "models/engine/staging/fixture_people.sql").write_text(
        "{{ config(materialized='view') }}\nselect * from raw.people"
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


@pytest.mark.parametrize("told", ["is_guest", True])
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


def test_more_checkouts_than_any_limit_are_one_person_and_come_one_by_one(lab: People) -> None:
    lab.configure(rules("is_guest"), TODAY)
    rows = [customer(f"g{day}", day=day) for day in range(1, 16)]
    rows.append(customer("account", guest=False, day=20))
    ids = set()
    for count in (2, 3, 15, 16):
        lab.people(few(rows[:count]))
        lab.build(command="build")
        ids |= set(lab.groups().values())
    assert len(ids) == 1
    lab.build("--full-refresh", command="run")
    assert set(lab.groups().values()) == ids
    assert set(owners(lab, "customer_id").values()) == ids


def test_accounts_still_part_what_guests_do_not(lab: People) -> None:
    lab.configure(rules("is_guest"), TODAY)
    accounts = [customer(f"a{n}", guest=False, phone=None, email="kiosk@web.org", day=n) for n in (1, 2, 3)]  # fmt: skip
    lab.people(few([*accounts, customer("g1", email="kiosk@web.org", phone=None, day=4)]))
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 4


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


def test_a_type_is_disposable_as_a_whole_by_its_rule(lab: People) -> None:
    person = rules(None)
    kind = {"tier": 1, "exclusive": True, "disposable": True}
    person["person"]["identifiers"]["customer_id"] = kind
    lab.configure(person, TODAY)
    lab.people(few([customer(f"g{n}", day=n) for n in range(1, 9)]))
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 1
