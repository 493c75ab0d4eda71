"""Entries by events and dates, and again after a while: each is one for ever, beside a simulation in Python."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pytest

from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
CARTS = f"""
entry: {{did: cart_filled, where: {{value_eur: {{">=": 20}}}}, within: 2 days, who: {{trait: country, equals: DE}}}}
steps:
  - {{name: bought, wait: {{until: {{did: order_placed}}, timeout: 2 hours}}}}
  - name: did_buy
    branch:
      if: {{did: order_placed}}
      then:
        - exit: {{}}
      else:
        - {{name: first, {MAIL}}}
  - {{name: pause, wait: {{for: 1 days}}}}
  - name: filled_again
    branch:
      if: {{sequence: [{{did: cart_filled}}, {{did_not: order_placed, so_far: true}}]}}
      then: []
      else:
        - {{name: second, {MAIL}}}
  - {{name: rest, wait: {{for: 60 days}}}}
"""
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
Event = tuple[str, str, dt.datetime]  # id, person, when


def simulate(
    carts: list[tuple[Event, float]],
    orders: list[Event],
    builds: list[tuple[dt.datetime, dict[str, str]]],
    countries: dict[str, str],
) -> dict[tuple[str, str], tuple[str, dt.datetime]]:
    """(cart, step): (outcome, when), each cart by itself; a build has the merges that were before it."""
    log: dict[tuple[str, str], tuple[str, dt.datetime]] = {}
    owners: dict[str, str] = {}
    for now, merged in builds:

        def alive(person: str, merged: dict[str, str] = merged) -> str:
            while person in merged:
                person = merged[person]
            return person

        for (cart, person, at), value in carts:
            if (cart, "entry") not in log:
                if at > now or at < now - 2 * DAY or value < 20 or countries[alive(person)] != "DE":
                    continue
                log[cart, "entry"] = ("entered", at)
                owners[cart] = person
            if (cart, "exit") in log or ((cart, "pause") in log and (cart, "filled_again") in log):
                continue
            whose = alive(owners[cart])
            bought = [when for _, one, when in orders if alive(one) == whose and at < when <= now]
            if (cart, "bought") not in log:
                timely = [when for when in bought if when <= at + 2 * HOUR]
                over = at + 2 * HOUR
                if timely:
                    log[cart, "bought"] = ("happened", now)
                elif over <= now + dt.timedelta(minutes=6):
                    log[cart, "bought"] = ("timeout", min(over, now))
                else:
                    continue
                if bought:
                    log[cart, "did_buy"] = ("yes", now)
                    log[cart, "exit"] = ("exit", now)
                    continue
                log[cart, "did_buy"], log[cart, "first"] = ("no", now), ("due", now)
            over = log[cart, "first"][1] + DAY
            if over > now + HOUR:
                continue
            log[cart, "pause"] = ("waited", min(over, now))
            later = [
                when for (_, one, when), _ in carts if alive(one) == whose and at < when <= now
            ]
            again = any(not any(when > one for when in bought) for one in later)
            log[cart, "filled_again"] = ("yes" if again else "no", now)
            if not again:
                log[cart, "second"] = ("due", now)
    return log


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3))])
def test_each_event_is_an_entry_of_its_own(lab: Callable[..., JourneyLab], seed: int) -> None:
    chance = random.Random(seed)
    tried = lab(CARTS, touchpoints=["first", "second"])
    people = [f"p{number}" for number in range(8)]
    countries = {person: chance.choice(["DE", "DE", "DE", "FR"]) for person in people}
    for person in people:
        tried.people(person, country=countries[person])
    now, merged = dt.datetime(2026, 3, 1, 12), {}
    carts: list[tuple[Event, float]] = []
    orders: list[Event] = []
    builds: list[tuple[dt.datetime, dict[str, str]]] = []
    last = now - 4 * DAY
    for number in range(7):
        for _ in range(9):
            person = chance.choice([one for one in people if one not in merged])
            at = last + (now - last) * chance.randrange(1, 100) / 100
            at = at.replace(microsecond=0)
            if chance.random() < 0.6:
                event = (f"c{len(carts)}", person, at)
                carts.append((event, chance.choice([10, 20, 90])))
                tried.cart(event[0], person, str(at), carts[-1][1])
            else:
                orders.append((f"o{len(orders)}", person, at))
                tried.order(person, str(at))
        if number in (2, 4):
            old, live = chance.sample([one for one in people if one not in merged], 2)
            merged = {**merged, old: live}
            tried.merge(old, live)
        builds.append((now, merged))
        tried.build(str(now), *(() if not number else ("--select", "journey_tried")))
        last, now = now, now + chance.choice([1, 2, 3, 20, 24, 30]) * HOUR
    keys = dict(
        tried.query(
            "select entry_number, entry_key from analytics.journey_tried where node = 'entry'"
        )
    )
    got = {
        (keys[number], node): (outcome, at)
        for number, node, outcome, at in tried.query(
            "select entry_number, node, outcome, happened_at from analytics.journey_tried"
        )
    }
    wanted = simulate(carts, orders, builds, countries)
    assert {key: (got.get(key), wanted.get(key)) for key in {*got, *wanted} if got.get(key) != wanted.get(key)} == {}  # fmt: skip
    assert {outcome for outcome, _ in got.values()} >= {"due", "timeout", "exit", "yes", "no"}
    ids = tried.query(
        "select count(touchpoint_id), count(distinct touchpoint_id) from analytics.journey_tried"
    )
    assert ids[0][0] == ids[0][1]


def test_an_event_that_becomes_anothers_is_no_second_entry(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(f"entry: {{did: cart_filled}}\nsteps:\n  - {{name: first, {MAIL}}}")
    tried.people("p", "q")
    tried.cart("c", "p", "2026-03-01 11:00:00")
    tried.build("2026-03-01 12:00:00")
    tried.execute("update raw.carts set profile_id = 'q'")
    tried.build("2026-03-01 13:00:00", "--select", "journey_tried")
    assert tried.log("profile_id", where="node = 'first'") == [("p",)]


@pytest.mark.parametrize("yearly", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_date_lets_in_once_for_each(lab: Callable[..., JourneyLab], yearly: bool) -> None:
    """Builds are missed, years end, and 29 February is 28 February in a year without."""
    entry = (
        "{date: born_on, before: 4 days, yearly: true}"
        if yearly
        else "{date: renews_at, after: 2 days}"
    )
    tried = lab(f"entry: {entry}\nsteps:\n  - {{name: first, {MAIL}}}")
    dates = [dt.date(1990, 1, 2), dt.date(2000, 2, 29), dt.date(1980, 12, 31), dt.date(2027, 1, 2), dt.date(2026, 12, 28),
             dt.date(2027, 2, 26), None]  # fmt: skip
    for number, date in enumerate(dates):
        tried.people(f"p{number}", born_on=date, renews_at=date)
    chance = random.Random(4)
    wanted: set[tuple[str, str]] = set()
    days = [dt.date(2026, 12, 27), dt.date(2026, 12, 28), dt.date(2026, 12, 30), dt.date(2027, 1, 1), dt.date(2027, 1, 4),
            dt.date(2027, 2, 24), dt.date(2027, 2, 26), dt.date(2027, 3, 1), dt.date(2027, 12, 29)]  # fmt: skip
    for number, today in enumerate(days):
        tried.build(
            f"{today} 0{chance.randrange(10)}:00:00",
            *(() if not number else ("--select", "journey_tried")),
        )
        for person, date in enumerate(dates):
            if date is None:
                continue
            if not yearly:
                if today - dt.timedelta(days=4) <= date <= today - dt.timedelta(days=2):
                    wanted.add((f"p{person}", date.strftime("%Y%m%d")))
                continue
            for year in (today.year, today.year + 1):
                leap = year % 4 == 0
                day = (
                    date.replace(year=year)
                    if leap or (date.month, date.day) != (2, 29)
                    else dt.date(year, 2, 28)
                )
                if date.year < year and today + dt.timedelta(days=2) <= day <= today + dt.timedelta(
                    days=4
                ):
                    wanted.add((f"p{person}", str(year)))
    got = tried.query(
        "select profile_id, entry_key from analytics.journey_tried where node = 'entry'"
    )
    assert sorted(got) == sorted(wanted)
    assert len(got) == len(tried.log(where="node = 'first'")) > 2


@pytest.mark.long
def test_again_after_a_while_and_not_before(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(
        "entry: {audience: audience_tried}\nre_entry: {after: 10 days}\nexit_when: {did: order_placed}\n"
        f"steps:\n  - {{name: first, {MAIL}}}\n  - {{name: pause, wait: {{for: 2 days}}}}\n  - {{name: second, {MAIL}}}"
    )
    tried.people("buys", "stays")
    tried.build("2026-03-01 12:00:00")
    tried.order("buys", "2026-03-02 11:00:00")
    for day in ("02", "03", "11", "12", "13", "20"):
        tried.build(f"2026-03-{day} 12:00:00", "--select", "journey_tried")
    # The order of the first time does not end the second.
    assert tried.log("entry_number", "node", "outcome", "day(happened_at)", where="profile_id = 'buys'") == [
        (1, "entry", "entered", 1), (1, "exit", "exit_when", 2), (1, "first", "due", 1),
        (2, "entry", "entered", 12), (2, "exit", "finished", 20), (2, "first", "due", 12), (2, "pause", "waited", 14),
        (2, "second", "due", 20),
    ]  # fmt: skip
    ids = tried.log("touchpoint_id", where="touchpoint_id is not null")
    assert len(ids) == len(set(ids)) == 7


@pytest.mark.long
def test_who_is_there_already_may_be_left_out_for_good(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(
        "entry: {audience: audience_tried, existing: leave_out}\nre_entry: {after: 2 days}\nexclusion: one\n"
        f"steps:\n  - {{name: first, {MAIL}}}",
        before={
            "journey_other": "entry: {audience: audience_tried}\nexclusion: one\n"
            "steps:\n  - {name: pause, wait: {for: 1 days}}"
        },
    )
    tried.people("old")
    tried.build("2026-03-01 12:00:00")
    for day in ("02", "03", "04"):
        if day == "03":
            tried.people("new")
        tried.build(f"2026-03-{day} 12:00:00", "--select", "journey_other", "journey_tried")
    assert tried.log(where="profile_id = 'old'") == [("old", "exit", "was_there")]
    assert len(tried.log(where="profile_id = 'new'")) == 3


@pytest.mark.long
def test_two_who_became_one_come_again_so_long_after_both_have_left(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = lab(
        "entry: {audience: audience_tried}\nre_entry: {after: 4 days}\n"
        f"steps:\n  - {{name: first, {MAIL}}}\n  - {{name: pause, wait: {{for: 1 days}}}}"
    )
    tried.people("early")
    tried.build("2026-03-01 12:00:00")
    tried.build("2026-03-02 12:00:00", "--select", "journey_tried")
    tried.people("late")
    tried.build("2026-03-05 12:00:00", "--select", "journey_tried")
    tried.merge("early", "late")
    tried.build("2026-03-07 12:00:00", "--select", "journey_tried")
    assert len(tried.log(where="node = 'first' and profile_id = 'late'")) == 1
    tried.build("2026-03-09 12:00:00", "--select", "journey_tried")
    assert len(tried.log(where="node = 'first' and profile_id = 'late'")) == 2


WRONG_ENTRIES = [
    ("{did: cart_fille}", "there is no event 'cart_fille'; did you mean 'cart_filled'?"),
    ("{did: cart_filled, withn: 2 days}", "holdout, again, from, to; did you mean 'within'?"),
    ("{date: born, before: 3 days}", "'born' is no column of profiles"),
    ("{audience: audience_tried, at_most_a_day: 0}", "wants a whole number, 1 or more, not '0'"),
    ("{date: country}", "'country' is no date or time"),
    ("{date: born_on, before: 3 hours}", "wants whole days or weeks"),
    ("{date: born_on, before: 3 days, after: 2 days}", "wants before: or after:, not both"),
    ("{audience: audience_tried, did: cart_filled}", "wants {audience"),
    ("{audience: audience_tried}\nre_entry: after", "wants never, or {after: 30 days}"),
    ("{did: cart_filled}\nre_entry: {after: 3 days}", "each event and each date is an entry of its own"),
]  # fmt: skip


def test_wrong_entries_stop_the_build(wrong_lab: JourneyLab) -> None:
    rest = f"steps:\n  - {{name: first, {MAIL}}}"
    told = wrong_lab.told(
        "2026-03-02 12:00:00", [f"entry: {entry}\n{rest}" for entry, _ in WRONG_ENTRIES]
    )
    for (entry, said), heard in zip(WRONG_ENTRIES, told, strict=True):
        assert said in heard, (entry, heard)


@pytest.mark.long
def test_no_more_come_in_on_a_day_than_may(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(
        f"entry: {{audience: audience_tried, at_most_a_day: 3}}\nsteps:\n  - {{name: first, {MAIL}}}"
    )
    tried.people(*(f"p{number}" for number in range(8)))
    tried.build("2026-03-01 12:00:00")
    days = []
    for now in ("03-01 18:00", "03-02 06:00", "03-02 12:00", "03-03 12:00", "03-04 12:00"):
        tried.build(f"2026-{now}:00", "--select", "journey_tried")
        days.append(len(tried.log(where="node = 'entry'")))
    assert days == [3, 6, 6, 8, 8]
    assert len(tried.log(where="node = 'first'")) == 8


def test_a_touchpoint_carries_the_event_that_it_is_about(lab: Callable[..., JourneyLab]) -> None:
    definition = f"entry: {{did: cart_filled}}\nsteps:\n  - {{name: first, {MAIL}}}"
    tried = lab(definition)
    path = tried.folder / "models/engine/sync_hook__mails.sql"
    text = path.read_text().replace(
        "within='60 days'", "within='60 days', event='cart_filled', properties=['value_eur']"
    )
    path.write_text(text.replace("'template': 'members.template'", "'value': 'members.value_eur'"))
    tried.people("p", "q")
    tried.cart("c1", "p", "2026-03-01 10:00:00", 20)
    tried.cart("c2", "p", "2026-03-01 11:00:00", 30)
    tried.cart("c3", "q", "2026-03-01 11:00:00", 40)
    tried.build("2026-03-01 12:00:00")
    tried.merge("p", "q")
    tried.build("2026-03-01 13:00:00")
    rows = tried.query(
        "select profile_id, value, withheld_reason from analytics.sync_hook__mails order by value"
    )
    assert rows == [("q", 20, None), ("q", 30, None), ("q", 40, None)]
    path.write_text(path.read_text().replace("'value_eur'", "'value_eu'"))
    tried.define(definition)  # so that dbt reads the files again
    with pytest.raises(BuildError, match="did you mean 'value_eur'"):
        tried.build("2026-03-01 13:00:00", "--select", "sync_hook__mails")
