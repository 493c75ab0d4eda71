"""Waits until a time of the day, a weekday or a date, where the person is, and splits by hash, beside a simulation in Python."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
JOURNEY = f"""
entry: {{audience: audience_tried}}
steps:
  - name: subject
    split:
      short: {{percent: 30, steps: [{{name: first, {MAIL}}}]}}
      long:
        percent: 60
        steps:
          - {{name: longer, {MAIL}}}
      nothing: {{percent: 10}}
  - {{name: morning, wait: {{time: "09:00"}}}}
  - {{name: second, {MAIL}}}
  - {{name: weekday, wait: {{weekday: [monday, thursday], time: "18:30"}}}}
  - {{name: third, {MAIL}}}
  - {{name: renewal, wait: {{date: renews_at, before: 3 days}}}}
  - {{name: last, {MAIL}}}
  - {{name: rest, wait: {{for: 90 days}}}}
"""
ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "nowhere", None]  # fmt: skip
SOON = dt.timedelta(minutes=5)
Log = dict[tuple[str, str], tuple[str, dt.datetime]]


def arm(person: str) -> str:
    digits = hashlib.md5(f"split|journey_tried|subject|{person}".encode()).hexdigest()[:8]
    place = int(digits, 16) / 2**32 * 100
    return "short" if place < 30 else "long" if place < 90 else "nothing"


def next_clock(
    arrived: dt.datetime, now: dt.datetime, zone: ZoneInfo, minute: int, days: set[int]
) -> dt.datetime | None:
    """The last time, up to now and some minutes, that the clock showed it since somebody came."""
    last = None
    day = arrived.replace(tzinfo=dt.UTC).astimezone(zone).date() - dt.timedelta(days=1)
    for number in range(40):
        shown = dt.datetime.combine(day + dt.timedelta(days=number), dt.time(minute // 60, minute % 60), zone)  # fmt: skip
        instant = shown.astimezone(dt.UTC).replace(tzinfo=None)
        if shown.weekday() in days and arrived <= instant <= now + SOON:
            last = instant
    return last


def simulate(
    people: dict[str, tuple[str | None, dt.datetime | None]], builds: list[dt.datetime]
) -> Log:
    log: Log = {}
    for now in builds:
        for person, (name, renews) in people.items():
            zone = ZoneInfo(name) if name and "/" in name else ZoneInfo("UTC")
            if (person, "entry") not in log:
                log[person, "entry"], log[person, "subject"] = ("entered", now), (arm(person), now)
                if arm(person) != "nothing":
                    log[person, {"short": "first", "long": "longer"}[arm(person)]] = ("due", now)
            if (person, "morning") not in log:
                at = next_clock(log[person, "subject"][1], now, zone, 540, set(range(7)))
                if at is None:
                    continue
                log[person, "morning"], log[person, "second"] = ("waited", min(at, now)), ("due", now)  # fmt: skip
            if (person, "weekday") not in log:
                at = next_clock(log[person, "second"][1] + SOON, now, zone, 18 * 60 + 30, {0, 3})
                if at is None:
                    continue
                log[person, "weekday"], log[person, "third"] = ("waited", min(at, now)), ("due", now)  # fmt: skip
            if (person, "renewal") not in log:
                if renews is not None and renews - dt.timedelta(days=3) > now + SOON:
                    continue
                log[person, "renewal"] = ("no_date" if renews is None else "waited", now)
                log[person, "last"] = ("due", now)
    return log


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
def test_waits_end_by_the_clock_where_the_person_is(
    lab: Callable[..., JourneyLab], seed: int
) -> None:
    chance = random.Random(seed)
    tried = lab(JOURNEY, touchpoints=["first", "longer", "second", "third", "last"])
    now, builds = dt.datetime(2026, 3, 26, 15), []
    people: dict[str, tuple[str | None, dt.datetime | None]] = {}
    for number in range(30):
        renews = None if chance.random() < 0.2 else now + dt.timedelta(hours=chance.randrange(400))
        people[f"p{number:02}"] = (ZONES[number % 6], renews)
        tried.people(f"p{number:02}", time_zone=ZONES[number % 6], renews_at=renews)
    for number in range(7):
        builds.append(now)
        tried.build(str(now), *(() if not number else ("--select", "journey_tried")))
        now += dt.timedelta(minutes=chance.choice([300, 541, 840, 1079, 1436, 2300]))
    got = {
        (person, node): (outcome, at)
        for person, node, outcome, at in tried.log("profile_id", "node", "outcome", "happened_at")
    }
    wanted = simulate(people, builds)
    assert {key: (got.get(key), wanted.get(key)) for key in {*got, *wanted} if got.get(key) != wanted.get(key)} == {}  # fmt: skip
    assert {outcome for outcome, _ in got.values()} == {"entered", "due", "waited", "no_date", "short", "long", "nothing"}  # fmt: skip


WRONG_STEPS = [
    ("wait: {time: 9am}", "wants a time of the day such as '09:30'"),
    ("wait: {weekday: mon}", "did you mean 'monday'?"),
    ("wait: {date: born, before: 2 days}", "'born' is no column of profiles"),
    ("wait: {date: renews_at, before: 2 hours}", "wants whole days or weeks"),
    ("wait: {for: 2 days, time: '09:00'}", "wants {for: a duration}"),
    ("split: {a: {percent: 50}, b: {percent: 40}}", "add up to 100, not 90"),
    ("split: {a: {percent: 50}, b: {per: 50}}", "wants {percent: 50, steps: [...]}"),
]


def test_wrong_steps_stop_the_build(wrong_lab: JourneyLab) -> None:
    told = wrong_lab.told(
        "2026-03-02 12:00:00",
        [
            f"entry: {{audience: audience_tried}}\nsteps:\n  - name: one\n    {step}"
            for step, _ in WRONG_STEPS
        ],
    )
    for (step, said), heard in zip(WRONG_STEPS, told, strict=True):
        assert said in heard, (step, heard)


@pytest.mark.long
@pytest.mark.parametrize("seconds", [pytest.param(0, marks=pytest.mark.long), 120])
def test_a_message_a_day_at_nine_is_one_a_day(lab: Callable[..., JourneyLab], seconds: int) -> None:
    steps = "".join(
        f"\n  - {{name: nine{n}, wait: {{time: '09:00'}}}}"
        f"\n  - {{name: mail{n}, touchpoint: {{destination: hook, channel: email, template: M}}}}"
        for n in (1, 2, 3)
    )
    # The clock leaves out half past two on 29 March.
    gap = steps.replace("09:00", "02:30")
    tried = lab(
        f"entry: {{audience: audience_tried}}\nsteps:{steps}",
        touchpoints=["mail1"],
        before={"journey_gap": f"entry: {{audience: audience_tried}}\nsteps:{gap}"},
    )
    tried.people("p", time_zone="Europe/Berlin")
    early = dt.timedelta(seconds=seconds)
    tried.build(str(dt.datetime(2026, 3, 28, 7) - early))
    for at in (dt.datetime(2026, 3, 28, 8), dt.datetime(2026, 3, 29, 1, 10), dt.datetime(2026, 3, 29, 7)):  # fmt: skip
        tried.build(str(at - early), "--select", "journey_gap", "journey_tried")
        sent = tried.log("node", where="node like 'mail%'")
        assert len(sent) == (1 if at.hour != 7 else 2), (at, sent)
    sent = tried.query("select node from analytics.journey_gap where node like 'mail%'")
    assert sent == [("mail1",)]
