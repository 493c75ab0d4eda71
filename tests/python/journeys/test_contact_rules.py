"""Quiet hours, caps and exclusion hold over all journeys, beside a simulation in Python that knows nothing of SQL."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail%s}"
PUSH = "touchpoint: {destination: hook, channel: push, template: Push%s}"
FIRST = f"""
entry: {{audience: audience_tried}}
exit_when: {{did: order_placed}}
steps:
  - {{name: first, {MAIL % ""}}}
  - {{name: next, {PUSH % ""}}}
  - {{name: receipt, {MAIL % ", when_not_allowed: send"}}}
  - {{name: pause, wait: {{for: 1 days}}}}
  - {{name: last, {MAIL % ", when_not_allowed: drop"}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
SECOND = f"""
entry: {{audience: audience_tried}}
steps:
  - {{name: hello, {MAIL % ""}}}
  - {{name: again, {MAIL % ""}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
RULES = {
    "quiet_hours": {"from": "21:00", "to": "08:00"},
    "caps": [
        {"channels": ["email"], "at_most": 1, "days": 1},
        {"at_most": 3, "days": 3},
    ],
    "delay_at_most": "3 days",
}
STEPS = {
    "journey_before": [
        ("first", "email", "delay"), ("next", "push", "delay"), ("receipt", "email", "send"),
        ("pause", 1, ""), ("last", "email", "drop"), ("rest", 60, ""),
    ],
    "journey_tried": [("hello", "email", "delay"), ("again", "email", "delay"), ("rest", 60, "")],
}  # fmt: skip
ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland", "Berlin?", None]
Log = dict[tuple[str, str, str], tuple[str, dt.datetime]]


def simulate(
    people: dict[str, tuple[str | None, bool]],
    builds: list[dt.datetime],
    orders: dict[str, dt.datetime],
) -> Log:
    """(journey, person, step): (outcome, when), one person, one journey, one step after the other."""
    log: Log = {}
    entered: dict[tuple[str, str], dt.datetime] = {}
    sent: list[tuple[str, str, dt.datetime]] = []  # person, channel, when
    for now in builds:
        for journey, steps in STEPS.items():
            waiting = []
            for person in people:
                entered.setdefault((journey, person), now)
                log.setdefault((journey, person, "entry"), ("entered", now))
                waiting.append(person)
            gone = {
                person
                for person in waiting
                if journey == "journey_before"
                and person in orders
                and entered[journey, person] < orders[person] <= now
            }
            for person in waiting:
                zone, is_holdout = people[person]
                place = ZoneInfo(zone) if zone and "?" not in zone else ZoneInfo("UTC")
                local = now.replace(tzinfo=dt.UTC).astimezone(place)
                if person in gone:
                    log.setdefault((journey, person, "exit"), ("exit_when", now))
                    continue
                arrived = entered[journey, person]
                for name, what, how in steps:
                    if (journey, person, name) in log:
                        arrived = log[journey, person, name][1]
                        continue
                    if isinstance(what, int):
                        over = arrived + dt.timedelta(days=what)
                        if over > now + dt.timedelta(hours=1):
                            break
                        log[journey, person, name] = ("waited", min(over, now))
                        arrived = min(over, now)
                        continue
                    reason = None
                    if how != "send":
                        if local.hour >= 21 or local.hour < 8:
                            reason = "quiet"
                        elif not is_holdout and any(
                            what in channels and sum(
                                1
                                for who, channel, when in sent
                                if who == person
                                and channel in channels
                                and when.replace(tzinfo=dt.UTC).astimezone(place).date()
                                > local.date() - dt.timedelta(days=days)
                            )
                            >= at_most
                            for channels, at_most, days in (
                                (["email"], 1, 1), (["email", "push"], 3, 3),
                            )
                        ):  # fmt: skip
                            reason = "capped"
                    if reason and how == "delay" and now < arrived + dt.timedelta(days=3):
                        first = log.setdefault((journey, person, f"{name}.delayed"), (reason, now))
                        if first[0] != reason:
                            other = (journey, person, f"{name}.delayed.{reason}")
                            log.setdefault(other, (reason, now))
                        break
                    log[journey, person, name] = (f"dropped_{reason}" if reason else "due", now)
                    arrived = now
                    if not reason and not is_holdout and how != "send":
                        sent.append((person, what, now))
    return log


def logged(tried: JourneyLab) -> Log:
    found: Log = {}
    for journey in STEPS:
        for person, node, outcome, at in tried.query(
            f"select profile_id, node, outcome, happened_at from analytics.{journey}"
        ):
            assert (journey, person, node) not in found
            found[journey, person, node] = (outcome, at)
    return found


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3))])
def test_nobody_is_written_to_in_the_night_or_too_often(
    lab: Callable[..., JourneyLab], seed: int
) -> None:
    chance = random.Random(seed)
    tried = lab(
        SECOND,
        before={"journey_before": FIRST},
        touchpoints=["hello", "again"],
        variables={"cdp_contact_rules": RULES},
    )
    people: dict[str, tuple[str | None, bool]] = {}
    for number in range(12):
        person, zone = f"p{number:02}", ZONES[number % 6]
        people[person] = (zone, chance.random() < 0.2)
        tried.people(person, time_zone=zone, is_holdout=people[person][1])
    now, builds, orders = dt.datetime(2026, 3, 27, 12), [], {}
    for number in range(8):
        builds.append(now)
        tried.build(
            str(now), *(() if not number else ("--select", "journey_before", "journey_tried"))
        )
        later = now + dt.timedelta(hours=chance.choice([5, 8, 11, 14, 20, 24]))
        if number < 4:
            buyer = chance.choice([one for one in people if one not in orders])
            orders[buyer] = now + (later - now) / 2
            tried.order(buyer, str(orders[buyer]))
        now = later
    got, wanted = logged(tried), simulate(people, builds, orders)
    assert {key: (got.get(key), wanted.get(key)) for key in {*got, *wanted} if got.get(key) != wanted.get(key)} == {}  # fmt: skip
    outcomes = Counter(outcome for outcome, _ in got.values())
    if seed == 0:  # the others need not have drawn each of them
        assert all(outcomes[one] for one in ("due", "quiet", "capped", "dropped_quiet", "dropped_capped")), outcomes  # fmt: skip
    # A touchpoint that was not due has no id, and so is in no activation table.
    ids: dict[str, Any] = dict(tried.query("select outcome, count(touchpoint_id) from analytics.journey_before group by 1"))  # fmt: skip
    assert {outcome for outcome, count in ids.items() if count} == {"due"}


def test_what_was_due_and_was_not_sent_waits_for_the_morning_where_the_person_is(
    lab: Callable[..., JourneyLab],
) -> None:
    """The push failed; the next one comes in the night. A receipt, which obeys no rule, goes at once."""
    tried = lab(
        FIRST,
        touchpoints=["first", "next", "receipt"],
        variables={"cdp_contact_rules": {"quiet_hours": RULES["quiet_hours"]}},
    )
    tried.people("berlin", time_zone="Europe/Berlin")
    tried.people("tokyo", time_zone="Asia/Tokyo")
    tried.people("unknown")

    def due(now: str) -> dict[str, int]:
        tried.build(now)
        return dict(
            tried.query("select profile_id, count(*) from analytics.sync_hook__mails group by 1")
        )

    # 10:00 in Berlin, 18:00 in Tokyo; 22:00 and 06:00 of the next day; 00:30 and 08:30; 10:00 and 18:00.
    assert due("2026-03-02 09:00:00") == {"berlin": 3, "tokyo": 3, "unknown": 3}
    assert due("2026-03-02 21:00:00") == {"berlin": 1, "tokyo": 1, "unknown": 1}
    assert due("2026-03-02 23:30:00") == {"berlin": 1, "tokyo": 3, "unknown": 1}
    assert due("2026-03-03 09:00:00") == {"berlin": 3, "tokyo": 3, "unknown": 3}


def test_journeys_of_one_group_exclude_each_other(lab: Callable[..., JourneyLab]) -> None:
    one = "exclusion: lifecycle\n"
    short = FIRST.partition("  - {name: next")[0] + "  - {name: rest, wait: {for: 60 days}}\n"
    tried = lab(one + SECOND, before={"journey_before": one + short}, touchpoints=["hello"])
    tried.people("p", "q", "old", "new")
    tried.build("2026-03-01 12:00:00")
    assert tried.log("profile_id") == []
    assert tried.query("select count(*) from analytics.journey_before where node = 'entry'") == [
        (4,)
    ]
    for person in ("p", "new"):
        tried.order(person, "2026-03-02 08:00:00")
    tried.merge("old", "new")  # where one of two merged people has left, both have
    tried.build("2026-03-02 12:00:00", "--select", "journey_before", "journey_tried")
    assert tried.log("profile_id", where="node = 'entry'") == [("new",), ("p",)]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"quiet_hours": {"from": "9pm", "to": "08:00"}}, "wants {from: '21:00', to: '08:00'}"),
        ({"caps": [{"at_most": 0, "days": 1}]}, "cdp_contact_rules.caps[0].at_most: '0' is not a whole number of at least 1"),
        ({"cap": []}, "'cap' is not one of quiet_hours, caps, calendar, delay_at_most, zone_column; did you mean 'caps'?"),
        ({"caps": [{"at_most": 1, "days": 1, "channels": ["emial"]}]}, "'emial'"),
    ],
)  # fmt: skip
def test_wrong_rules_stop_the_build(
    lab: Callable[..., JourneyLab], rules: dict[str, Any], said: str
) -> None:
    tried = lab(SECOND, touchpoints=["hello"], variables={"cdp_contact_rules": rules})
    with pytest.raises(BuildError) as wrong:
        tried.build("2026-03-01 12:00:00")
    assert said in str(wrong.value)
