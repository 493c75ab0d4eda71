"""What repeats, what asks for the very event that let in, and the other waits: beside a simulation of its own, day by day."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.journeys.lab import JourneyLab

CARTS = """
entry: {did: cart_filled, again: {after: 2 days}}
exit_when: {did: order_placed, where: {revenue_eur: {entry: value_eur}}}
steps:
  - name: large
    branch:
      if: {entry: {value_eur: {">=": 100}}}
      then: [{name: voucher, touchpoint: {destination: hook, channel: email, template: Voucher}}]
      else: []
  - name: enough
    repeat:
      at_most: 3
      until: {did: order_placed}
      steps:
        - {name: remind, touchpoint: {destination: hook, channel: email, template: Your cart}}
        - {name: day, wait: {for: 1 days}}
  - {name: call, task: {destination: hook, template: Call them}}
"""
Row = tuple[str, str, str, dt.datetime]
FIRST = dt.datetime(2026, 3, 2, 12)


def simulated(
    builds: list[dt.datetime],
    carts: list[tuple[str, dt.datetime, float]],
    orders: list[tuple[str, dt.datetime]],
) -> set[Row]:
    """(person and entry, step, outcome, when), one entry after the other. Every order is of 1 EUR."""
    log: set[Row] = set()
    entries: dict[tuple[str, dt.datetime], dict[str, Any]] = {}
    for now in builds:
        for person in sorted({person for person, _, _ in carts}):
            seen = [at for who, at in entries if who == person]
            open_ = [
                (at, value)
                for who, at, value in carts
                if who == person and now - dt.timedelta(days=3) <= at <= now
                and (who, at) not in entries and all(last + dt.timedelta(days=2) <= at for last in seen)
            ]  # fmt: skip
            if open_:
                at, value = min(open_)
                entries[person, at] = {"value": value, "at": "large", "since": at, "number": 1}
                log.add((f"{person} {at}", "entry", "entered", at))
        for (person, began), state in entries.items():
            name = f"{person} {began}"
            ordered = any(who == person and began < at <= now for who, at in orders)
            if state["at"] == "gone":
                continue
            if ordered and state["value"] == 1:
                log.add((name, "exit", "exit_when", now))
                state["at"] = "gone"
            while state["at"] != "gone":
                suffix = f"_{state['number']}" if state["number"] > 1 else ""
                if state["at"] == "large":
                    is_large = state["value"] >= 100
                    log.add((name, "large", "yes" if is_large else "no", now))
                    if is_large:
                        log.add((name, "voucher", "due", now))
                    state["at"] = "remind"
                elif state["at"] == "remind":
                    log.add((name, f"remind{suffix}", "due", now))
                    state |= {"at": "day", "since": now}
                elif state["at"] == "day":
                    over = state["since"] + dt.timedelta(days=1)
                    if over > now + dt.timedelta(hours=1):
                        break
                    log.add((name, f"day{suffix}", "waited", min(over, now)))
                    state["at"] = "call" if state["number"] == 3 else "enough"
                elif state["at"] == "enough":
                    log.add((name, f"enough{suffix}", "yes" if ordered else "no", now))
                    state["at"] = "call" if ordered else "remind"
                    state["number"] += 1
                else:
                    log.add((name, "call", "due", now))
                    log.add((name, "exit", "finished", now))
                    state["at"] = "gone"
    return log


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_cart_is_reminded_of_again_and_again_and_by_its_own_value(
    lab: Callable[..., JourneyLab], seed: int
) -> None:
    chance = random.Random(seed)
    tried = lab(CARTS, touchpoints=["voucher", "remind", "call"])
    people = [f"p{number}" for number in range(8)]
    tried.people(*people)
    carts, orders = [], []
    for number in range(22):
        at = FIRST + dt.timedelta(hours=chance.randint(-20, 150))
        carts.append((chance.choice(people), at, chance.choice([1.0, 50.0, 120.0])))
        tried.cart(f"k{number}", carts[-1][0], str(at), carts[-1][2])
    for _ in range(10):
        orders.append((chance.choice(people), FIRST + dt.timedelta(hours=chance.randint(-20, 150))))
        tried.order(orders[-1][0], str(orders[-1][1]))
    builds = [FIRST + dt.timedelta(days=day, minutes=chance.randint(-5, 5)) for day in range(8)]
    builds.pop(3)
    for now in builds:
        whole = now in (builds[0], builds[-1])
        tried.build(str(now), *(() if whole else ("--select", "journey_tried")))
    began = dict(tried.log("entry_number", "happened_at", where="node = 'entry'"))
    found = {
        (f"{person} {began[number]}", node, outcome, at)
        for person, number, node, outcome, at in tried.log(
            "profile_id", "entry_number", "node", "outcome", "happened_at"
        )
    }
    assert found == simulated(builds, carts, orders)
    assert {"voucher", "remind_2", "remind_3", "enough", "call"} <= {
        node for _, node, _, _ in found
    }
    # A task is due as a touchpoint is, of no channel; the syncs find what repeat: made under the first name.
    assert tried.log("distinct channel", where="node = 'call'") == [(None,)]
    sent = {row[0] for row in tried.query("select distinct template from analytics.sync_hook__mails")}  # fmt: skip
    assert sent == {"Voucher", "Your cart", "Call them"}
    again = tried.query(
        "select count(*) from analytics.sync_hook__mails as mails join analytics.journey_tried as steps using (touchpoint_id) "
        "where steps.node = 'remind_2'"
    )
    assert again[0][0] > 0


WAITS = """
entry: {audience: audience_tried, from: 2026-03-03, to: 2026-03-05}
steps:
  - name: way
    branch:
      cases:
        - if: {trait: country, equals: AA}
          then: [{name: office, wait: {from: "09:00", to: "17:00", weekday: [thursday, friday]}}]
        - if: {trait: country, equals: BB}
          then: [{name: day, wait: {date: 2026-03-06}}]
        - if: {trait: country, equals: CC}
          then: [{name: best, wait: {best_hour: {did: campaign_engaged, where: {kind: opened}}, time: "06:00"}}]
        - if: {trait: country, equals: DD}
          then: [{name: month, wait: {day: 5, time: "10:00"}}]
        - if: {trait: country, equals: EE}
          then: [{jump: {to: last}}]
      else: []
  - {name: first, touchpoint: {destination: hook, channel: email, template: First}}
  - {name: last, touchpoint: {destination: hook, channel: email, template: Last}}
"""


@pytest.mark.long
def test_waits_for_hours_days_and_ones_best_hour(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(WAITS, touchpoints=["first", "last"])
    for country in ("AA", "BB", "CC", "DD", "EE", "FF"):
        tried.people(country, country=country)
    tried.people("AAT", country="AA", time_zone="Asia/Tokyo")
    tried.people("CCN", country="CC")
    for hour, times in ((3, 2), (15, 3)):
        for number in range(times):
            tried.execute(
                f"insert into raw.engagements values ('e{hour}{number}', 'CC', 'opened', 'hook', null, "
                f"'2026-02-2{number} {hour:02}:20:00')"
            )
    builds = [dt.datetime(2026, 3, day, hour) for day in (2, 3, 4, 5, 6) for hour in (2, 7, 12, 16)]
    tried.build(str(builds[0]))
    assert tried.log() == []  # it lets in from the third
    for now in builds[1:]:
        tried.step(str(now))
    due = {
        (person, node): at
        for person, node, at in tried.log("profile_id", "node", "happened_at", where="outcome = 'due'")
    }  # fmt: skip
    first = dt.datetime(2026, 3, 3, 2)
    thursday, friday = dt.datetime(2026, 3, 5), dt.datetime(2026, 3, 6)
    assert {person: at for (person, node), at in due.items() if node == "first"} == {
        "AA": thursday.replace(hour=12),
        "AAT": thursday.replace(hour=2),  # eleven o'clock in Tokyo
        "BB": friday.replace(hour=2),
        "CC": dt.datetime(2026, 3, 3, 16),
        "CCN": dt.datetime(2026, 3, 3, 7),
        "DD": thursday.replace(hour=12),
        "FF": first,
    }
    assert due["EE", "last"] == first
    tried.people("late")
    tried.step("2026-03-06 18:00:00")
    assert tried.log(where="profile_id = 'late'") == []
