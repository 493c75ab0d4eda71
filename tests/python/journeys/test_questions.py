"""`sync journey`: where people stand, what the next build does, and what an edit changes are what the next build then does."""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest import mock

import pytest

from sync.cli.main import run
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
JOURNEY = f"""
entry: {{audience: audience_tried}}
exit_when: {{did: order_placed}}
steps:
  - {{name: first, {MAIL}}}
  - {{name: pause, wait: {{for: 2 days}}}}
  - name: asked
    branch:
      if: {{trait: country, equals: DE}}
      then:
        - {{name: second, {MAIL}}}
      else: []
  - {{name: rest, wait: {{for: 60 days}}}}
"""


def ask(tried: JourneyLab, *words: str) -> tuple[int, Any]:
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, tried.environment()), redirect_stdout(out), redirect_stderr(err):  # fmt: skip
        code = run(["journey", *words, "--json", "--project-dir", str(tried.folder)])
    return code, json.loads(out.getvalue()) if code == 0 else err.getvalue()


@pytest.mark.long
def test_what_is_shown_is_what_the_next_build_does(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(JOURNEY, touchpoints=["first", "second"])
    tried.people("a", "b", country="DE")
    tried.people("c", country="FR")
    tried.build("2026-03-01 12:00:00")
    tried.people("late")
    tried.order("b", "2026-03-02 12:00:00")
    tried.now = "2026-03-03 12:00:00"
    before = tried.log()
    code, shown = ask(tried, "show", "tried")
    assert code == 0
    assert tried.log() == before, "it only reads"
    steps = {one["name"]: one for one in shown["steps"]}
    assert (shown["entered"], shown["entering"]) == (3, 1)
    assert {name: one["standing"] for name, one in steps.items() if one["standing"]} == {"pause": 3}
    assert steps["first"]["passed"] == {"due": 3}
    coming = {(name, outcome): count for name, one in steps.items() for outcome, count in one["next"].items()}  # fmt: skip
    # An edit: what was a mail for Germany is one for France, and a third comes for all who are inside.
    third = f"  - {{name: third, {MAIL}}}\n"
    edited = JOURNEY.replace("equals: DE", "equals: FR")
    edited = edited.replace("  - {name: rest", third + "  - {name: rest")
    tried.define(edited)
    code, found = ask(tried, "diff", "tried")
    assert code == 0
    assert not any(one["only_by_the_edit"] or one["no_longer"] for one in found["steps"]), (
        "it is for newcomers"
    )
    version = tried.query("select version from analytics_sync.journey_versions")[0][0]
    migrate = f"\nmigrate: [{version}]\n"
    tried.define(migrate + edited)
    code, found = ask(tried, "diff", "tried")
    assert code == 0
    moved = {
        (one["name"], one["outcome"]): (one["only_by_the_edit"], one["no_longer"])
        for one in found["steps"]
        if one["only_by_the_edit"] or one["no_longer"]
    }
    assert moved == {
        ("asked", "no"): (1, 1), ("asked", "yes"): (1, 1), ("second", "due"): (1, 1), ("third", "due"): (2, 0),
    }  # fmt: skip
    # One that takes a step away without a word is refused as the build refuses it.
    tried.define(migrate + JOURNEY.replace("name: first", "name: hello"))
    code, said = ask(tried, "diff", "tried")
    assert code == 2
    assert (
        "step 'first' (touchpoint), which 3 people have passed, is in the definition no more"
        in said
    )
    tried.define(JOURNEY)
    tried.build(tried.now, "--select", "journey_tried")
    added = [row for row in tried.log("node", "outcome", "profile_id") if (row[2], row[0], row[1]) not in before]  # fmt: skip
    counts = Counter((node, outcome) for node, outcome, _ in added if node != "entry")
    assert counts == coming


@pytest.mark.long
def test_a_replay_does_what_builds_have_done_and_leaves_nothing(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = lab(
        f"entry: {{did: cart_filled}}\nexit_when: {{did: order_placed}}\nsteps:\n  - {{name: pause, wait: {{for: 2 days}}}}\n"
        f"  - {{name: first, {MAIL}}}\n  - {{name: more, wait: {{for: 1 days}}}}\n  - {{name: second, {MAIL}}}\n"
    )
    tried.people("a", "b", "c")
    for number, (person, day) in enumerate([("a", 1), ("b", 1), ("a", 2), ("c", 4)]):
        tried.cart(f"c{number}", person, f"2026-03-0{day} 08:00:00")
    tried.order("b", "2026-03-04 11:00:00")
    for day in range(1, 7):
        tried.build(f"2026-03-0{day} 12:00:00", *(("--select", "journey_tried") if day > 1 else ()))
    done = tried.query(
        "select node, outcome, count(*) from analytics.journey_tried group by all order by all"
    )
    before = tried.log()
    told = tried.folder / "destinations.yml"
    priced = told.read_text().replace("hook: {", "hook: {price: {amount: 0.07, currency: EUR}, ")
    told.write_text(priced)
    code, found = ask(tried, "replay", "tried", "--from", "2026-03-01T12:00:00", "--to", "2026-03-06T12:00:00")  # fmt: skip
    assert code == 0
    assert sorted((one["name"], one["outcome"], one["entries"]) for one in found["steps"]) == done
    assert [tuple(one.values()) for one in found["sends"]] == tried.query(
        "select cast(cast(happened_at as date) as text), channel, destination, count(*) from analytics.journey_tried "
        "where touchpoint_id is not null group by all order by all"
    )
    sent = sum(one["messages"] for one in found["sends"])
    assert found["cost"] == [{"destination": "hook", "messages": sent, "cost": f"{sent * 7 / 100:.2f}", "currency": "EUR"}]  # fmt: skip
    assert found["collisions"] == []
    # What is to come: the cart of 4 March has its second message on the 7th, then all is quiet.
    code, coming = ask(tried, "forecast", "tried", "--days", "3")
    assert code == 0
    assert [tuple(one.values()) for one in coming["sends"]] == [("2026-03-07", "email", "hook", 1)]
    assert tried.log() == before
    assert tried.query("select table_name from information_schema.tables where table_name like 'replay%'") == []  # fmt: skip


def test_what_is_shown_adds_up_whoever_became_whom(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(JOURNEY, touchpoints=["first", "second"])
    tried.people("a", "b", "c", "d", "e", "f", country="DE")
    tried.build("2026-03-01 12:00:00")
    tried.people("late", "later", country="DE")
    tried.build("2026-03-03 12:00:00", "--select", "journey_tried")
    # One behind becomes one before, a newcomer one who has left, one is erased, one leaves, and the newcomers keep their version.
    tried.merge("a", "late")
    tried.order("b", "2026-03-03 13:00:00")
    tried.build("2026-03-03 14:00:00", "--select", "journey_tried")
    tried.merge("later", "b")
    tried.execute("update raw.people set is_known = false where profile_id = 'c'")
    tried.define(JOURNEY.replace("60 days", "50 days"))
    tried.people("new")
    tried.build("2026-03-03 16:00:00", "--select", "journey_tried")
    code, shown = ask(tried, "show", "tried")
    assert code == 0
    # late, b, c, d, e, f and new; 9 have an entry in the log.
    states = {one: shown[one] for one in ("entered", "logged", "left", "gone", "kept", "inside")}
    assert states == {"entered": 7, "logged": 9, "left": 1, "gone": 1, "kept": 4, "inside": 1}
    assert sum(one["inside"] for one in shown["versions"]) == shown["kept"] + shown["inside"]
    standing = {one["name"]: one["standing"] for one in shown["steps"] if one["standing"]}
    assert standing == {"pause": 1}
    steps = {one["name"]: one["passed"] for one in shown["steps"]}
    assert steps["first"] == {"due": 7}
    assert steps["exit"] == {"exit_when": 1}
    code, listed = ask(tried, "list")
    assert [(one["entered"], one["left"]) for one in listed["journeys"]] == [(7, 1)]
