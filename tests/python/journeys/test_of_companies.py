"""Journeys that companies go through, whose touchpoints go to their contacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.python.journeys.lab import BuildError, JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail"
JOURNEY = f"""
entity: account
entry: {{audience: audience_companies}}
exit_when: {{trait: plan, equals: gone}}
steps:
  - {{name: everybody, {MAIL}}}}}
  - {{name: pause, wait: {{for: 2 days}}}}
  - {{name: buyers, {MAIL}, contacts: {{where: {{role: [buyer]}}}}}}}}
  - {{name: is_large, branch: {{if: {{trait: size, ">=": 3}}, then: [{{name: main, {MAIL}, contacts: {{top: 1, by: score}}}}}}]}}}}
  - {{name: heard, wait: {{until: {{did: order_placed}}, timeout: 4 days}}}}
  - {{name: last, {MAIL}, contacts: {{who: {{trait: country, equals: FR}}, top: 2, by: score, from: lowest}}}}}}
"""
MODELS = {
    "accounts": "select account_id, plan, size from raw.companies where is_known",
    "account_contacts": "select account_id, profile_id, role from raw.contacts",
    "audience_companies": "select account_id, is_holdout, timestamp '2020-01-01' as qualified_at from raw.companies where is_known and is_member",
    "event_contract_signed": "select event_id, account_id, occurred_at, value_eur from raw.contracts",
    "profiles": "select profile_id, email, country, time_zone, score from raw.people where is_known",
    "sync_hook__mails": """{{ config(materialized='table') }}
{{ headwater.activation(
        members=headwater.journey_touchpoints('journey_tried', %(touchpoints)s, within='60 days', entity='account'),
        no_consent_because='tried',
        key=['touchpoint_id'], identifiers={'email': 'profiles.email'},
        fields={'profile_id': 'members.profile_id', 'account_id': 'members.account_id', 'template': 'members.template'},
    ) }}""",
}  # fmt: skip
TOUCHPOINTS = ["everybody", "buyers", "main", "last"]


class Firms:
    """A lab with companies."""

    def __init__(self, lab: JourneyLab, touchpoints: list[str]) -> None:
        self.lab = lab
        for name, sql in MODELS.items():
            text = sql % {"touchpoints": touchpoints} if "%(" in sql else sql
            (lab.folder / f"models/engine/{name}.sql").write_text(
                text if "config(" in text else f"{{{{ config(materialized='view') }}}}\n{text}"
            )
        lab.execute(
            "create table raw.companies (account_id varchar, plan varchar, size integer, is_member boolean, is_holdout boolean, is_known boolean)",
            "create table raw.contacts (account_id varchar, profile_id varchar, role varchar)",
            "create table raw.contracts (event_id varchar, account_id varchar, occurred_at timestamp, value_eur double)",
            "alter table raw.people add column score integer",
        )

    def company(self, name: str, contacts: Mapping[str, str], *, size: int = 1, holdout: bool = False) -> None:
        """`contacts` by their role; people who are known already stay who they are."""
        self.lab.execute(
            f"insert into raw.companies values ('{name}', 'plus', {size}, true, {holdout}, true)",
            f"insert into raw.aliases values ('{name}', '{name}')",
        )
        for person, role in contacts.items():
            self.contact(name, person, role)

    def contact(self, company: str, person: str, role: str, **columns: Any) -> None:
        known = {one for (one,) in self.lab.query("select profile_id from raw.people")}
        if person not in known:
            self.lab.people(person, score=len(known), **columns)
        self.lab.execute(f"insert into raw.contacts values ('{company}', '{person}', '{role}')")

    def steps(self, where: str = "true") -> list[tuple[Any, ...]]:
        return self.lab.log("account_id", "profile_id", "node", "outcome", where=where)

    def messages(self, node: str) -> list[tuple[str, str]]:
        found = self.steps(f"node = '{node}' and touchpoint_id is not null")
        return [(company, person) for company, person, _, _ in found]


@pytest.fixture
def firms(lab: Callable[..., JourneyLab]) -> Callable[..., Firms]:
    def make(definition: str, touchpoints: list[str], **settings: Any) -> Firms:
        registry = {"journeys": ["journey_tried"], "audiences": ["audience_companies"]}
        variables = {"cdp_registry": registry, **settings}
        return Firms(lab(definition, touchpoints=touchpoints, variables=variables), touchpoints)

    return make


def test_a_company_goes_through_and_its_contacts_get_the_messages(firms: Callable[..., Firms]) -> None:
    tried = firms(JOURNEY, TOUCHPOINTS)
    tried.company("acme", {"anna": "buyer", "ben": "user", "cleo": "user"}, size=5)
    tried.company("bolt", {"dora": "user"})
    tried.company("held", {"emil": "buyer"}, holdout=True)
    tried.company("nobody", {})
    tried.lab.build("2026-03-01 12:00:00")
    assert tried.messages("everybody") == [("acme", "anna"), ("acme", "ben"), ("acme", "cleo"), ("bolt", "dora"), ("held", "emil")]  # fmt: skip
    assert tried.steps("node = 'everybody' and profile_id is null") == [
        ("acme", None, "everybody", "written"), ("bolt", None, "everybody", "written"),
        ("held", None, "everybody", "written"), ("nobody", None, "everybody", "nobody"),
    ]  # fmt: skip
    assert tried.lab.plan() == (4, {"holdout": 1})
    # A contact who came later is no reader of what was sent; one who went gets nothing that is due.
    tried.contact("bolt", "fred", "buyer")
    tried.lab.execute("delete from raw.contacts where profile_id = 'cleo'")
    tried.lab.step("2026-03-02 12:00:00")
    assert len(tried.messages("everybody")) == 5
    tried.lab.build("2026-03-03 12:00:00")
    assert tried.lab.plan() == (6, {"holdout": 2})
    assert tried.messages("buyers") == [("acme", "anna"), ("bolt", "fred"), ("held", "emil")]
    assert tried.messages("main") == [("acme", "ben")], "the best score of those who are there"
    # What a contact does is done by the company: it is not written to again at its timeout, but at once.
    tried.lab.order("dora", "2026-03-04 10:00:00")
    tried.lab.step("2026-03-04 12:00:00")
    assert ("bolt", None, "heard", "happened") in tried.steps("node = 'heard'")
    assert ("bolt", None, "last", "nobody") in tried.steps("node = 'last'"), "nobody of France"
    # A company that leaves is written to no more, in all of its people.
    tried.lab.execute("update raw.companies set plan = 'gone' where account_id = 'acme'")
    tried.lab.build("2026-03-05 12:00:00")
    assert ("acme", None, "exit", "exit_when") in tried.steps("node = 'exit'")
    assert tried.lab.plan()[0] == 2, "dora, and fred of bolt"
    before = tried.lab.query("select touchpoint_id from analytics.journey_tried where touchpoint_id is not null order by 1")
    tried.lab.build("2026-03-05 12:00:00", "--full-refresh")
    assert before == tried.lab.query("select touchpoint_id from analytics.journey_tried where touchpoint_id is not null order by 1")
