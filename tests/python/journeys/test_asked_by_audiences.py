"""Audiences that ask a journey's log and what was sent: by names that are there, also where they changed, and of people who became one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"


def ask(lab: JourneyLab, condition: str) -> list[str]:
    path: Path = lab.folder / "models/engine/audience_asked.sql"
    path.write_text(
        f"{{% set definition %}}\nall:\n  - {condition}\n{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
    )
    try:
        lab.build("2027-03-01 12:00:00", "--select", "stg_sync__acknowledgements", "audience_asked")
    finally:
        path.unlink()
    return [one for (one,) in lab.query("select profile_id from analytics.audience_asked order by 1")]  # fmt: skip


@pytest.mark.long
def test_steps_and_syncs_are_found_by_every_name_they_had(lab: Callable[..., JourneyLab]) -> None:
    steps = f"steps:\n  - {{name: %s, {MAIL}}}\n  - {{name: pause, wait: {{for: 9 days}}}}"
    tried = lab(
        "entry: {audience: audience_tried}\nexit_when: {did: order_placed}\n" + steps % "first"
    )
    tried.people("stays", "leaves", "other")
    tried.build("2026-03-01 12:00:00")
    assert tried.sync("push")["hook_mails"]["added"] == 3
    tried.define(
        "entry: {audience: audience_tried}\nexit_when: {did: order_placed}\nrenamed: {welcome: first}\n"
        + steps % "welcome",
        touchpoints=["welcome"],
    )
    exposures = tried.folder / "models/engine/_exposures.yml"
    document = yaml.safe_load(exposures.read_text())
    document["exposures"][0]["name"] = "hook_letters"
    document["exposures"][0]["config"]["meta"]["sync"]["id"] = "hook_mails"
    exposures.write_text(yaml.safe_dump(document))
    tried.order("leaves", "2026-03-01 13:00:00")
    tried.build("2026-03-02 12:00:00", "--select", "journey_tried")
    tried.merge("leaves", "other")

    # Of two who became one, one had left: so has the other.
    assert ask(tried, "in_journey: journey_tried") == ["stays"]
    reached = ["other", "stays"]
    assert ask(tried, "{in_journey: journey_tried, step: welcome}") == reached
    assert ask(tried, "was_sent: {journey: journey_tried, step: welcome}") == reached
    assert ask(tried, "was_sent: {sync: hook_letters}") == reached
    for wrong in (
        "in_journey: journey_tried\n    step: welcom",
        "not: {was_sent: {journey: journey_tried, step: welcom}}",
    ):
        with pytest.raises(BuildError, match="did you mean 'welcome'"):
            ask(tried, wrong)
    with pytest.raises(BuildError, match="did you mean 'hook_letters'"):
        ask(tried, "not: {was_sent: {sync: hook_leters}}")


def test_an_outcome_is_asked_before_anybody_has_it(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(
        "entry: {audience: audience_tried}\nexit_when: {did: order_placed}\n"
        f"steps:\n  - {{name: first, {MAIL}}}\n  - {{name: pause, wait: {{until: {{did: order_placed}}, timeout: 9 days}}}}"
    )
    tried.people("buys", "stays")
    tried.build("2026-03-01 12:00:00")
    bought = "{in_journey: journey_tried, step: exit, outcome: exit_when}"
    assert ask(tried, bought) == []
    assert ask(tried, "{in_journey: journey_tried, step: pause, outcome: [timeout]}") == []
    tried.order("buys", "2026-03-01 13:00:00")
    tried.build("2026-03-02 12:00:00", "--select", "journey_tried")
    assert ask(tried, bought) == ["buys"]
    for step, wrong, near in (
        ("exit", "exit_wen", "exit_when"),
        ("pause", "timeuot", "timeout"),
        ("first", "deu", "due"),
    ):
        with pytest.raises(BuildError, match=f"'{wrong}' is no outcome of {step}.*'{near}'"):
            ask(tried, f"{{in_journey: journey_tried, step: {step}, outcome: {wrong}}}")
