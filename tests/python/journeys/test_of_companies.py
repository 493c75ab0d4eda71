"""Journeys that companies go through, whose touchpoints go to their contacts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from sync.cli.main import run
from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab

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
    "audience_companies": "select account_id, is_holdout, timestamp '2020-01-01' as qualified_at from raw.companies "
    "where is_known and is_member",
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
            "create table raw.companies (account_id varchar, plan varchar, size integer, is_member boolean, "
            "is_holdout boolean, is_known boolean)",
            "create table raw.contacts (account_id varchar, profile_id varchar, role varchar)",
            "create table raw.contracts (event_id varchar, account_id varchar, occurred_at timestamp, value_eur double)",
            "alter table raw.people add column score integer",
        )

    def company(
        self, name: str, contacts: Mapping[str, str], *, size: int = 1, holdout: bool = False
    ) -> None:
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


def write_audiences(models: Path, asked: dict[str, str]) -> None:
    """A model for each definition, by its name."""
    for name, text in asked.items():
        (models / f"{name}.sql").write_text(
            "{{ config(materialized='table') }}\n{% set definition %}\n"
            + text
            + "\n{% endset %}\n{{ headwater.audience(definition) }}\n"
        )


def test_a_company_goes_through_and_its_contacts_get_the_messages(
    firms: Callable[..., Firms],
) -> None:
    tried = firms(JOURNEY, TOUCHPOINTS)
    tried.company("acme", {"anna": "buyer", "ben": "user", "cleo": "user"}, size=5)
    tried.company("bolt", {"dora": "user"})
    tried.company("held", {"emil": "buyer"}, holdout=True)
    tried.company("nobody", {})
    tried.lab.build("2026-03-01 12:00:00")
    assert tried.messages("everybody") == [
        ("acme", "anna"), ("acme", "ben"), ("acme", "cleo"), ("bolt", "dora"), ("held", "emil"),
    ]  # fmt: skip
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
    before = tried.lab.query(
        "select touchpoint_id from analytics.journey_tried where touchpoint_id is not null order by 1"
    )
    tried.lab.build("2026-03-05 12:00:00", "--full-refresh")
    assert before == tried.lab.query(
        "select touchpoint_id from analytics.journey_tried where touchpoint_id is not null order by 1"
    )


def test_a_company_waits_until_all_of_its_contacts_may_be_written_to(
    firms: Callable[..., Firms],
) -> None:
    rules = {
        "caps": [{"at_most": 2, "days": 1, "channels": ["email"], "per": "account"}],
        "quiet_hours": {"from": "21:00", "to": "08:00", "channels": ["email"]},
        "delay_at_most": "4 days",
    }
    definition = f"""
entity: account
entry: {{audience: audience_companies}}
steps:
  - {{name: first, {MAIL}}}}}
  - {{name: two, {MAIL}, contacts: {{top: 2, by: score}}}}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
    tried = firms(definition, ["first", "two"], cdp_contact_rules=rules)
    tried.company("acme", {"anna": "a", "ben": "a", "cleo": "a", "dora": "a", "emil": "a"})
    tried.contact("acme", "tokyo", "a", time_zone="Asia/Tokyo")
    tried.company("bolt", {"fred": "a"})
    tried.contact("bolt", "anna", "a")
    tried.lab.build("2026-03-01 12:00:00")  # 21 o'clock in Tokyo
    # anna is of both, and each mail to her counts for both companies: none is left for the others.
    assert tried.messages("first") == [("acme", "anna"), ("bolt", "anna")]
    delayed = {
        (company, person): outcome
        for company, person, _, outcome in tried.steps("node_type = 'delay'")
    }
    assert delayed["acme", "tokyo"] == "quiet"
    assert delayed["acme", "cleo"] == delayed["bolt", "fred"] == "capped"
    assert tried.steps("node = 'first' and profile_id is null") == [], "both wait for the rest"
    for day in (2, 3, 4):
        tried.lab.step(f"2026-03-{day:02} 10:00:00")
        sent = tried.lab.log(
            "profile_id",
            where=f"touchpoint_id is not null and cast(happened_at as date) = '2026-03-{day:02}' and account_id = 'acme'",
        )
        assert len(sent) <= 2, day
    assert ("acme", None, "first", "written") in tried.steps("node = 'first'")
    of_acme = sorted(person for company, person in tried.messages("first") if company == "acme")
    assert of_acme == ["anna", "ben", "cleo", "dora", "emil", "tokyo"]
    # Of two that are wanted one goes before he could have it: another comes in his place, and no third.
    tried.lab.step("2026-03-05 10:00:00")
    tried.lab.step("2026-03-06 10:00:00")
    found = tried.messages("two")
    assert len([one for one in found if one[0] == "acme"]) == 2
    assert len(set(found)) == len(found)


def test_events_of_companies_let_in_and_companies_that_merge_are_one(
    firms: Callable[..., Firms],
) -> None:
    definition = f"""
entity: account
entry: {{did: contract_signed, where: {{value_eur: {{">=": 10}}}}, within: 5 days}}
exit_when: {{did: order_placed}}
steps:
  - {{name: thanks, {MAIL}, contacts: {{where: {{role: buyer}}}}}}}}
  - {{name: pause, wait: {{for: 2 days}}}}
  - {{name: large, branch: {{if: {{entry: {{value_eur: {{">=": 50}}}}}}, then: [{{name: gift, {MAIL}}}}}]}}}}
  - {{name: split, split: {{a: {{percent: 50, steps: [{{name: one, {MAIL}}}}}]}}, b: {{percent: 50, steps: [{{name: other, {MAIL}}}}}]}}}}}}
"""
    tried = firms(definition, ["thanks", "gift", "one", "other"])
    tried.company("acme", {"anna": "buyer", "ben": "user"})
    tried.company("bolt", {"anna": "buyer", "cleo": "buyer"})
    tried.lab.execute(
        "insert into raw.contracts values ('c1', 'acme', '2026-03-01 10:00:00', 80), ('c2', 'acme', '2026-03-01 11:00:00', 20), "
        "('c3', 'bolt', '2026-03-01 10:00:00', 20), ('c4', 'bolt', '2026-03-01 10:00:00', 5), ('c5', 'bolt', '2026-02-01 10:00:00', 99)"
    )
    tried.lab.build("2026-03-01 12:00:00")
    assert tried.messages("thanks") == [("acme", "anna")] * 2 + [("bolt", "anna"), ("bolt", "cleo")]
    assert tried.lab.plan() == (4, {}), "a contact of two companies has the message of each"
    # bolt becomes acme; two of its people are acme's, who has had nothing twice, skipped builds or not.
    tried.lab.execute(
        "update raw.aliases set live_id = 'acme' where old_id = 'bolt'",
        "update raw.companies set is_known = false where account_id = 'bolt'",
        "update raw.contacts set account_id = 'acme' where account_id = 'bolt'",
        "update raw.contracts set account_id = 'acme' where account_id = 'bolt'",
    )
    before = set(
        tried.lab.query(
            "select touchpoint_id from analytics.journey_tried where touchpoint_id is not null"
        )
    )
    tried.lab.step("2026-03-02 12:00:00")
    assert before == set(
        tried.lab.query(
            "select touchpoint_id from analytics.journey_tried where touchpoint_id is not null"
        )
    )
    tried.lab.build("2026-03-06 12:00:00")
    assert sorted(set(tried.messages("gift"))) == [
        ("acme", "anna"),
        ("acme", "ben"),
        ("acme", "cleo"),
    ], "of the contract of 80 alone"
    last = [*tried.messages("one"), *tried.messages("other")]
    assert len(last) == 9
    assert {company for company, _ in last} == {"acme"}, "three contracts, three contacts"
    ids = [
        one
        for (one,) in tried.lab.query(
            "select touchpoint_id from analytics.journey_tried where touchpoint_id is not null"
        )
    ]
    assert len(ids) == len(set(ids))
    assert tried.lab.plan()[0] == len(ids)


def test_wrong_definitions_are_told_by_key(firms: Callable[..., Firms]) -> None:
    fine = f"entity: account\nentry: {{audience: audience_companies}}\nsteps:\n  - {{name: first, {MAIL}}}}}\n"
    tried = firms(fine, ["first"])
    (tried.lab.folder / "models/engine/_audiences.yml").write_text(
        "version: 2\nmodels:\n  - {name: audience_companies, config: {meta: {entity: account}}}\n"
        "  - {name: audience_tried, config: {meta: {entity: person}}}\n"
    )
    tried.company("acme", {"anna": "buyer"})
    tried.lab.build("2026-03-01 12:00:00")
    to = (
        "entity: account\nentry: {audience: audience_companies}\nsteps:\n  - {name: first, "
        + MAIL
        + ", contacts: %s}}\n"
    )
    cases = [
        (fine.replace("entity: account", "entity: acount"), r"entity: 'acount' is not one of person, account; did you mean 'account'"),
        (fine.replace("entity: account", "entity: household"), "entity: 'household' is not one of"),
        (fine.replace("entity: account", "entty: account"), "did you mean 'entity'"),
        (fine.replace("entity: account\n", ""), "entry.audience: audience_companies is an audience of entity account"),
        (fine.replace("audience_companies", "audience_tried"), "entry.audience: audience_tried is an audience of entity person"),
        (fine.replace("{audience: audience_companies}", "{did: order_placed}"), "entry.did: wants an event of companies, with account_id"),
        (to % "{whre: {role: buyer}}", r"steps\[1\].touchpoint.contacts: 'whre' is not one of where, who, top, by, from; did you"),
        (to % "{where: {rolle: buyer}}", r"steps\[1\].touchpoint.contacts.where.*'rolle' is no column of account_contacts; did you mean"),
        (to % "{top: 1}", r"touchpoint.contacts: wants top: and by: together"),
        (to % "{top: 0, by: score}", r"touchpoint.contacts.top: wants a whole number, 1 or more, not '0'"),
        (to % "{top: 1, by: scroe}", r"touchpoint.contacts.by: 'scroe' is no column of profiles; did you mean 'score'"),
        (to % "{top: 1, by: country}", r"touchpoint.contacts.by: wants a trait that is a number or a time"),
        (to % "{top: 1, by: score, from: hihgest}", r"touchpoint.contacts.from: 'hihgest' is not one of"),
        (to % "{who: {trait: contry, equals: DE}}", r"touchpoint.contacts.who.trait: 'contry' is no column of profiles; did you mean"),
        (to % "{who: {trait: plan, equals: DE}}", r"touchpoint.contacts.who.trait: 'plan' is no column of profiles"),
        (to % "all", r"touchpoint.contacts: wants \{where"),
        (to % "[anna]", r"touchpoint.contacts: wants \{where"),
        ((to % "{top: 1, by: score}").replace("entity: account", "entity: person"), "contacts: is for journeys of companies"),
        (fine.replace("steps:", "exit_when: {trait: country, equals: DE}\nsteps:"), "exit_when.trait: 'country' is no column of accounts"),
    ]  # fmt: skip
    told = tried.lab.told("2026-03-02 12:00:00", [wrong for wrong, _ in cases])
    for (wrong, said), heard in zip(cases, told, strict=True):
        assert re.search(said, re.sub(r" \(line \d+\)", "", heard)), (wrong, heard)
    # A log of companies is no log of people.
    tried.lab.define(
        fine.replace("entity: account\n", "").replace("audience_companies", "audience_tried")
    )
    with pytest.raises(BuildError, match="its log is of companies, and the definition of people"):
        tried.lab.step("2026-03-02 12:00:00")


def test_what_is_asked_of_a_journey_of_companies(
    firms: Callable[..., Firms], capsys: pytest.CaptureFixture[str]
) -> None:
    definition = f"""
entity: account
entry: {{audience: audience_companies}}
exclusion: sales
steps:
  - {{name: first, {MAIL}}}}}
  - {{name: opened, wait: {{until: {{engaged: {{touchpoint: first, kind: opened}}}}, timeout: 3 days}}}}
  - {{name: second, {MAIL}, contacts: {{top: 1, by: score}}}}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
    tried = firms(definition, ["first", "second"])
    tried.company("acme", {"anna": "buyer", "ben": "user"})
    tried.company("bolt", {"cleo": "buyer"})
    tried.lab.build("2026-03-01 12:00:00")
    tried.lab.execute(
        "insert into raw.engagements values ('e1', 'ben', 'opened', 'hook', null, '2026-03-01 18:00:00')"
    )
    tried.lab.step("2026-03-02 12:00:00")
    assert tried.messages("second") == [("acme", "ben")], "what one of its contacts opened"
    # People and companies are asked of their own journeys.
    asked = {
        "audience_inside": "entity: account\nin_journey: journey_tried",
        "audience_inside_people": "account: {in_journey: journey_tried}",
        "audience_wrong": "in_journey: journey_tried",
    }
    models = tried.lab.folder / "models/engine"
    write_audiences(models, asked)
    with pytest.raises(BuildError, match=r"account: \{in_journey: journey_tried\}"):
        tried.lab.build("2026-03-02 12:00:00", "--select", "audience_wrong")
    (models / "audience_wrong.sql").unlink()
    tried.lab.build("2026-03-02 12:00:00", "--select", "audience_inside", "audience_inside_people")
    inside = tried.lab.query("select account_id from analytics.audience_inside order by 1")
    assert inside == [("acme",), ("bolt",)]
    people = tried.lab.query("select profile_id from analytics.audience_inside_people order by 1")
    assert people == [("anna",), ("ben",), ("cleo",)]
    # What the commands tell, and what an edit and the days to come would send.
    options = ["--project-dir", str(tried.lab.folder), "--json"]

    def told(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        with mock.patch.dict(os.environ, tried.lab.environment()):
            assert run(["journey", *words, *options]) == 0, capsys.readouterr()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    shown = {one["name"]: one for one in told("show", "tried")["steps"]}
    assert shown["first"]["passed"] == {"written": 2}
    assert shown["first"]["contacts"] == {"due": 3}
    assert shown["opened"]["standing"] == 1
    assert shown["second"]["words"] == "email by hook: Mail, to contacts top 1 by score"
    ahead = told("forecast", "tried", "--days", "4")
    assert sum(one["messages"] for one in ahead["sends"]) == 1, "to cleo, at her company's timeout"
    again = told("replay", "tried", "--from", "2026-03-01", "--to", "2026-03-06")
    assert sum(one["messages"] for one in again["sends"]) == 5
    tried.lab.define(
        definition.replace("top: 1, by: score", "top: 2, by: score").replace("3 days", "1 day")
    )
    assert told("diff", "tried")["steps"] == []


def test_a_task_is_one_for_the_company(
    firms: Callable[..., Firms], capsys: pytest.CaptureFixture[str]
) -> None:
    definition = f"""
entity: account
entry: {{audience: audience_companies}}
steps:
  - {{name: first, {MAIL}}}}}
  - {{name: call, task: {{destination: hook, template: Call them}}}}
  - {{name: visit, task: {{destination: hook, template: Visit the buyers, contacts: {{where: {{role: buyer}}}}}}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
    tried = firms(definition, ["first", "visit"])
    models = tried.lab.folder / "models/engine"
    tasks = """{{ config(materialized='table') }}
{{ headwater.activation(
        members=headwater.journey_touchpoints('journey_tried', ['call'%s], entity='account'), entity='account', key=['touchpoint_id'],
        identifiers={}, fields={'account_id': 'members.account_id', 'template': 'members.template'},
    ) }}"""
    (models / "sync_hook__tasks.sql").write_text(tasks % "")
    tried.company("acme", {"anna": "buyer", "ben": "buyer", "cleo": "user"})
    tried.company("held", {"dora": "buyer"}, holdout=True)
    tried.company("alone", {})
    tried.lab.build("2026-03-01 12:00:00")
    assert tried.steps("node = 'call'") == [
        ("acme", None, "call", "due"), ("alone", None, "call", "due"), ("held", None, "call", "due"),
    ]  # fmt: skip
    assert tried.messages("visit") == [("acme", "anna"), ("acme", "ben"), ("held", "dora")]
    told = tried.lab.query(
        "select account_id, withheld_reason from analytics.sync_hook__tasks order by 1"
    )
    assert told == [("acme", None), ("alone", None), ("held", "holdout")], "and no contact's row"
    # Later builds make no second one, and a company that became another has had its own.
    tried.lab.execute(
        "update raw.aliases set live_id = 'acme' where old_id = 'alone'",
        "update raw.companies set is_known = false where account_id = 'alone'",
    )
    tried.lab.build("2026-03-02 12:00:00")
    assert len(tried.steps("node = 'call'")) == 3
    assert tried.lab.query(
        "select account_id, count(*) from analytics.sync_hook__tasks group by 1 order by 1"
    ) == [("acme", 1), ("held", 1)]
    # What is for companies and what is for contacts is not of one model, and a message is nobody's row but a person's.
    (models / "sync_hook__tasks.sql").write_text(tasks % ", 'visit'")
    with pytest.raises(BuildError, match="call is for the company, and the others are for its"):
        tried.lab.build("2026-03-02 12:00:00")
    (models / "sync_hook__tasks.sql").write_text((tasks % "").replace("call", "first"))
    with pytest.raises(BuildError, match=r"3 rows are sent though messages of journey_tried to"):
        tried.lab.build("2026-03-02 12:00:00")
    (models / "sync_hook__tasks.sql").unlink()
    tried.lab.define(
        definition.replace("for: 60 days", "until: {engaged: {touchpoint: call}}, timeout: 3 days")
    )
    with pytest.raises(BuildError, match="'call' is a task of the company, and nobody opens it"):
        tried.lab.build("2026-03-02 12:00:00")


def test_companies_are_asked_whether_their_contacts_were_sent(firms: Callable[..., Firms]) -> None:
    definition = f"""
entity: account
entry: {{audience: audience_companies}}
steps:
  - {{name: first, {MAIL}, contacts: {{where: {{role: buyer}}}}}}}}
  - {{name: call, task: {{destination: hook, template: Call them}}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
    tried = firms(definition, ["first"])
    tried.company("acme", {"anna": "buyer", "ben": "user"})
    tried.company("bolt", {"cleo": "user"})
    tried.lab.build("2026-03-01 12:00:00")
    tried.lab.execute(
        "insert into analytics_sync.acknowledgements (environment, sync_name, sync_key, action, run_id, acknowledged_at) "
        "select 'live', 'hook_mails', touchpoint_id, 'add', 'r1', '2026-03-01 13:00:00' from analytics.journey_tried "
        "where touchpoint_id is not null and (profile_id is not null or account_id = 'bolt')"
    )
    models = tried.lab.folder / "models/engine"
    asked = {
        "of_companies": "entity: account\nwas_sent: {journey: journey_tried, step: first}",
        "of_tasks": "entity: account\nwas_sent: {journey: journey_tried, step: call}",
        "of_all": "entity: account\nwas_sent: {sync: hook_mails}",
        "of_none": "entity: account\nwas_sent: {journey: journey_tried, step: first}\nexactly: 0",
        "of_people": "was_sent: {journey: journey_tried, step: first}",
        "of_their_company": "account: {was_sent: {journey: journey_tried, step: call}}",
        "wrong": "was_sent: {journey: journey_tried, step: call}",
    }
    write_audiences(models, {f"audience_{name}": text for name, text in asked.items()})
    with pytest.raises(BuildError, match=r"call is a task for the company; put it into account:"):
        tried.lab.build("2026-03-01 14:00:00", "--select", "audience_wrong")
    (models / "audience_wrong.sql").unlink()
    tried.lab.build(
        "2026-03-01 14:00:00", "--select", "stg_sync__acknowledgements", "audience_of_*"
    )

    def members(name: str, key: str = "account_id") -> list[str]:
        found = tried.lab.query(f"select {key} from analytics.audience_{name} order by 1")
        return [one for (one,) in found]

    assert members("of_companies") == ["acme"]
    assert members("of_tasks") == ["bolt"]
    assert members("of_all") == ["acme", "bolt"]
    assert members("of_none") == ["bolt"]
    assert members("of_people", "profile_id") == ["anna"]
    assert members("of_their_company", "profile_id") == ["cleo"]


def test_room_of_a_company_is_for_those_whom_nothing_else_stands_against(
    firms: Callable[..., Firms],
) -> None:
    rules = {
        "caps": [
            {"at_most": 1, "days": 1, "channels": ["email"], "per": "account"},
            {"at_most": 1, "days": 1, "channels": ["email"]},
        ],
        "quiet_hours": {"from": "21:00", "to": "08:00", "channels": ["email"]},
    }
    definition = f"""
entity: account
entry: {{audience: audience_companies}}
steps:
  - {{name: first, {MAIL}}}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
    tried = firms(definition, ["first"], cdp_contact_rules=rules)
    # Who sleeps whenever a build is comes first by the ids, and takes nobody's place.
    tried.company("acme", {})
    tried.contact("acme", "aki", "a", time_zone="Asia/Tokyo")
    tried.contact("acme", "ben", "a")
    # A held-out company's message to her is none, and the other one's goes.
    tried.company("calm", {"zoe": "a"}, holdout=True)
    tried.company("dawn", {"zoe": "a"})
    tried.lab.build("2026-03-01 12:00:00")
    assert tried.messages("first") == [("acme", "ben"), ("calm", "zoe"), ("dawn", "zoe")]
    assert tried.steps("node_type = 'delay'") == [("acme", "aki", "first.delayed", "quiet")]
    # Whose other company has no room takes none of the first one's.
    tried.company("full", {"ada": "a", "bea": "a"})
    tried.lab.step("2026-03-02 12:00:00")
    assert ("full", "ada") in tried.messages("first")
    tried.company("half", {"bea": "a", "cid": "a"})
    tried.lab.execute("insert into raw.contacts values ('full', 'eve', 'a')")
    tried.lab.people("eve", score=1)
    tried.lab.step("2026-03-02 12:30:00")
    assert [one for one in tried.messages("first") if one[0] == "half"] == [("half", "cid")]


def test_a_company_is_in_one_journey_of_a_group(lab: Callable[..., JourneyLab]) -> None:
    definition = f"""
entity: account
exclusion: sales
entry: {{audience: audience_companies}}
steps:
  - {{name: first, {MAIL}}}}}
  - {{name: rest, wait: {{for: 2 days}}}}
"""
    other = definition.replace("audience_companies}", "audience_companies, to: 2026-03-01}")
    registry = {"journeys": ["journey_before", "journey_tried"], "audiences": ["audience_companies"]}  # fmt: skip
    made = lab(definition, before={"journey_before": other}, variables={"cdp_registry": registry})
    tried = Firms(made, ["first"])
    tried.company("acme", {"anna": "a"})
    made.build("2026-03-01 12:00:00")
    tried.company("bolt", {"anna": "a"})
    made.build("2026-03-02 12:00:00")
    assert {company for company, *_ in tried.steps("node = 'entry'")} == {"bolt"}
    # It has left the other one, and comes in with the build after.
    made.build("2026-03-03 12:00:00")
    assert {company for company, *_ in tried.steps("node = 'entry'")} == {"acme", "bolt"}
