"""Who has left a journey gets nothing that was due and not yet sent: by the next build, and by a push before the model is built again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.python.integration.hook import Hook
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
LEAVE = f"""
entry: {{audience: audience_tried}}
exit_when: {{did: order_placed}}
steps:
  - {{name: first, {MAIL}}}
  - {{name: pause, wait: {{for: 2 days}}}}
  - {{name: moved, goal: {{trait: country, equals: FR}}}}
  - name: asked
    branch:
      if: {{trait: country, equals: PL}}
      then:
        - exit: {{}}
      else: []
  - {{name: exit_survey, {MAIL}}}
  - {{name: pause_again, wait: {{for: 2 days}}}}
"""
JOURNEY_ALONE = ("--select", "journey_tried")


def leave(lab: JourneyLab, how: str) -> None:
    """Reason by reason, the person 'p' does what makes the next build log an exit."""
    if how == "exit_when":
        lab.order("p", "2026-03-02 08:00:00")
    elif how == "goal":
        lab.execute("update raw.people set country = 'FR' where profile_id = 'p'")
    elif how == "exit":
        lab.execute("update raw.people set country = 'PL' where profile_id = 'p'")
    elif how == "held_out":
        lab.execute("update raw.people set is_holdout = true where profile_id = 'p'")
    elif how == "unknown":
        lab.execute(
            "update raw.people set is_known = false where profile_id = 'p'",
            "update raw.aliases set live_id = null where old_id = 'p'",
        )


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("exit_when", marks=pytest.mark.long),
        *(pytest.param(how, marks=pytest.mark.long) for how in ("goal", "exit")),
        "held_out",
        pytest.param("unknown", marks=pytest.mark.long),
    ],
)
def test_who_left_gets_nothing_that_was_due(lab: Callable[..., JourneyLab], how: str) -> None:
    tried = lab(LEAVE, between=("first", "exit_survey"))
    tried.people("p", "stays")
    tried.build("2026-03-01 12:00:00")
    assert tried.plan() == (2, {})
    assert tried.plan("hook_ads") == (2, {})
    leave(tried, how)
    tried.build("2026-03-03 12:00:00", *JOURNEY_ALONE)
    assert tried.plan() == (1, {"left_journey": 1}), "the plan asks the log again"
    # The one who stays has had the second message meanwhile, and is no longer between the two.
    assert tried.plan("hook_ads") == (0, {"left_journey": 2})
    tried.build("2026-03-03 12:00:00")
    due = tried.query("select distinct profile_id from analytics.sync_hook__mails")
    assert due == [("stays",)], "the model asks the log"
    assert tried.query("select * from analytics.sync_hook__ads") == []


@pytest.mark.long
def test_the_message_a_way_ends_with_is_sent(lab: Callable[..., JourneyLab], hook: Hook) -> None:
    tried = lab(
        f"""
entry: {{audience: audience_tried}}
steps:
  - name: asked
    branch:
      if: {{trait: country, equals: PL}}
      then:
        - {{name: exit_poll, {MAIL}}}
        - exit: {{}}
      else: []
  - {{name: entry_mail, {MAIL}}}
""",
        touchpoints=["exit_poll", "entry_mail"],
    )
    tried.people("pole", country="PL")
    tried.people("other")
    tried.build("2026-03-01 12:00:00")
    assert tried.log() == [
        ("other", "asked", "no"), ("other", "entry", "entered"), ("other", "entry_mail", "due"),
        ("other", "exit", "finished"),
        ("pole", "asked", "yes"), ("pole", "entry", "entered"), ("pole", "exit", "exit"),
        ("pole", "exit_poll", "due"),
    ]  # fmt: skip
    tried.build("2026-03-02 12:00:00")
    assert tried.sync("push")["hook_mails"]["added"] == 2
    assert len(hook.events) == 2


@pytest.mark.long
def test_a_step_called_exit_survey_ends_nothing(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(LEAVE)
    tried.people("p")
    for day in (1, 3, 5):
        tried.build(f"2026-03-0{day} 12:00:00")
    assert tried.log("node", where="node_type in ('touchpoint', 'exit')") == [
        ("exit",), ("exit_survey",), ("first",),
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("held_out", [pytest.param("old", marks=pytest.mark.long), "live"])
def test_a_held_out_half_holds_back_the_whole(
    lab: Callable[..., JourneyLab], held_out: str
) -> None:
    tried = lab(LEAVE, touchpoints=["first", "exit_survey"])
    tried.people("old", is_holdout=held_out == "old")
    tried.people("live", is_holdout=held_out == "live")
    tried.build("2026-03-01 12:00:00")
    tried.merge("old", "live")
    assert tried.plan() == (0, {"holdout": 2}), "the plan knows that they are one"
    tried.build("2026-03-03 12:00:00")
    marks = tried.log("is_holdout", where="node = 'exit_survey'")
    assert marks == [(True,)]
    assert tried.plan() == (0, {"holdout": 2})


def test_a_mailbox_gets_a_message_once_when_its_profile_splits(
    lab: Callable[..., JourneyLab], hook: Hook
) -> None:
    tried = lab(LEAVE)
    tried.people("whole", email="mine@b.example")
    tried.build("2026-03-01 12:00:00")
    assert tried.sync("push")["hook_mails"]["added"] == 1
    tried.execute("update raw.people set email = 'other@b.example' where profile_id = 'whole'")
    tried.people("split", email="mine@b.example")
    tried.people("stranger")
    tried.build("2026-03-02 12:00:00")
    assert tried.plan() == (1, {"already_sent": 1})
    assert tried.sync("push")["hook_mails"]["added"] == 1
    assert len(hook.events) == 2
    # The next message is another one.
    tried._models(["first", "exit_survey"], None)
    tried.build("2026-03-04 12:00:00")
    assert tried.plan() == (3, {"already_sent": 1})


def test_a_mailbox_of_two_profiles_gets_a_message_once_when_both_are_due_at_once(
    lab: Callable[..., JourneyLab], hook: Hook
) -> None:
    tried = lab(LEAVE)
    tried.people("ann", "ben", "cid", email="ours@b.example")
    tried.people("stranger")
    tried.build("2026-03-01 12:00:00")
    assert tried.plan() == (2, {"already_sent": 2})
    assert tried.sync("push")["hook_mails"]["added"] == 2
    assert len(hook.events) == 2
    tried.build("2026-03-02 12:00:00")
    assert tried.plan() == (0, {"already_sent": 2})


def test_a_merge_that_is_undone_repeats_and_loses_nothing(
    lab: Callable[..., JourneyLab], hook: Hook
) -> None:
    tried = lab(LEAVE, touchpoints=["first", "exit_survey"])
    tried.people("ann", "ben")
    tried.build("2026-03-01 12:00:00")
    assert tried.sync("push")["hook_mails"]["added"] == 2
    tried.merge("ann", "ben")
    tried.build("2026-03-02 12:00:00")
    assert tried.plan() == (0, {})
    tried.unmerge("ann")
    tried.build("2026-03-03 12:00:00")
    # Each has had the first message and stands where they stood; the second is due to both.
    assert tried.plan() == (2, {})
    assert tried.sync("push")["hook_mails"]["added"] == 2
    steps = tried.log("profile_id", "node", where="touchpoint_id is not null")
    assert steps == [(one, step) for one in ("ann", "ben") for step in ("exit_survey", "first")]
    tried.build("2026-03-05 12:00:00")
    assert tried.plan() == (0, {})
    assert len(hook.events) == len(set(hook.events)) == 4


@pytest.mark.long
def test_people_who_left_by_an_older_exit_and_merge_get_nothing(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = lab(LEAVE)
    tried.people("gone")
    tried.build("2026-03-01 12:00:00")
    tried.order("gone", "2026-03-01 18:00:00")
    tried.people("late")
    tried.build("2026-03-02 12:00:00")
    assert tried.plan() == (1, {})
    tried.merge("gone", "late")
    assert tried.plan() == (0, {"left_journey": 1})
    tried.build("2026-03-03 12:00:00")
    assert tried.plan() == (0, {})
