"""Caps that the contacts of a company have together, and days on which no journey sends."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable

import pytest

from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
JOURNEY = f"""
entry: {{audience: audience_tried}}
steps:
  - {{name: first, {MAIL}}}
  - {{name: pause, wait: {{for: 1 days}}}}
  - {{name: second, {MAIL}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
RULES = {
    "caps": [{"at_most": 2, "days": 2, "channels": ["email"], "per": "account"}],
    "calendar": [
        {"from": dt.date(2026, 3, 5), "to": dt.date(2026, 3, 6)},  # as YAML reads a day
        {"from": "2026-03-09", "to": "2026-03-09", "except": ["journey_tried"]},
        {"from": "2026-03-10", "to": "2026-03-10", "channels": ["sms"]},
    ],
    "delay_at_most": "30 days",
}
CONTACTS = (
    "select * from (values ('x', 'a1'), ('x', 'a2'), ('x', 'a2'), ('x', 'a3'), ('x', 'held'), "
    "('y', 'a3'), ('y', 'b'), (null, 'c')) as t(account_id, profile_id)"
)
COMPANIES = {"x": {"a1", "a2", "a3"}, "y": {"a3", "b"}}


def began(lab: Callable[..., JourneyLab]) -> JourneyLab:
    tried = lab(JOURNEY, touchpoints=["first", "second"], variables={"cdp_contact_rules": RULES})
    (tried.folder / "models/engine/account_contacts.sql").write_text(f"{{{{ config(materialized='view') }}}}\n{CONTACTS}")  # fmt: skip
    tried.people("a1", "a2", "a3", "b", "c", "alone")
    tried.people("held", is_holdout=True)
    tried.people("tokyo", time_zone="Asia/Tokyo")
    return tried


def test_contacts_of_one_company_share_a_cap_and_closed_days_wait(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = began(lab)
    for day in range(1, 13):
        now = f"2026-03-{day:02} 12:00:00" if day != 7 else "2026-03-07 16:00:00"
        (tried.build if day == 1 else tried.step)(now)
    sent = [
        (who, at.date().day)
        for who, at in tried.log("profile_id", "happened_at", where="node_type = 'touchpoint' and outcome = 'due' and not is_holdout")
    ]  # fmt: skip
    for company, people in COMPANIES.items():
        days = Counter(day for who, day in sent if who in people)
        for day in range(1, 13):
            assert days[day] + days[day - 1] <= 2, (company, days)
    assert [day for who, day in sent if who == "c"] == [1, 2], "of no company, nobody shares it"
    assert {day for _, day in sent} & {5, 6} == set(), "nothing goes out on closed days"
    # Everybody has both in the end, nobody twice, and who waited has the reason.
    assert Counter(who for who, _ in sent) == dict.fromkeys(["a1", "a2", "a3", "b", "c", "alone", "tokyo"], 2)  # fmt: skip
    reasons = dict(tried.log("node", "outcome", where="node_type = 'delay' and profile_id = 'a3'"))
    assert reasons["first.delayed"] == "capped"
    assert len(tried.log(where="node_type = 'delay' and profile_id = 'held' and outcome = 'capped'")) == 0  # fmt: skip


def test_a_closed_day_is_that_of_the_persons_calendar(lab: Callable[..., JourneyLab]) -> None:
    tried = began(lab)
    tried.build("2026-03-04 16:00:00")  # it is the fifth in Tokyo
    assert tried.log("profile_id", "outcome", where="node_type = 'delay' and outcome = 'calendar'") == [("tokyo", "calendar")]  # fmt: skip
    assert tried.plan()[0] == 5, "a1 and a2 of company x, b of y, c and alone: what the caps leave"
    # What was due and was not sent waits for the end of the closed days too.
    tried.build("2026-03-05 12:00:00")
    assert tried.plan()[0] == 0
    tried.build("2026-03-06 16:00:00")  # the seventh in Tokyo
    assert ("tokyo",) in tried.log("profile_id", where="node = 'first' and outcome = 'due'")
    for wrong, said in [
        ({"calendar": [{"from": "2026-03-05", "to": "2026-03-04"}]}, "is before from:"),
        ({"calendar": [{"from": "2026-03-05", "to": "2026-03-06", "except": ["journey_tryed"]}]}, "did you mean 'journey_tried'"),
        ({"caps": [{"at_most": 1, "days": 1, "per": "acount"}]}, "did you mean 'account'"),
    ]:  # fmt: skip
        with pytest.raises(BuildError, match=said):
            tried.build("2026-03-07 12:00:00", variables={"cdp_contact_rules": wrong})
