"""A wrong journey stops what is built on it, sends nothing, and lets no journey beside it send more than it would."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.python.commands import BuildError
from tests.python.integration.hook import Hook
from tests.python.journeys.lab import JourneyLab

ENTRY = "entry: {audience: audience_tried}\nexclusion: lifecycle\nsteps:\n"
MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"
GOOD = ENTRY + f"  - {{name: first, {MAIL}}}\n  - {{name: rest, wait: {{for: 9 days}}}}"
WRONG = f"entry: {{audience: audience_tried}}\nexclusoin: lifecycle\nsteps:\n  - {{name: first, {MAIL}}}\n  - {{jump: {{to: frist}}}}"
APART = "entry: {audience: audience_tried}\nsteps:\n  - {name: alone, wait: {for: 9 days}}"


def entered(lab: JourneyLab, journey: str) -> set[str]:
    return {one for (one,) in lab.query(f"select profile_id from analytics.{journey} where node = 'entry'")}  # fmt: skip


def test_a_wrong_journey_sends_nothing_and_gives_nobody_away(
    lab: Callable[..., JourneyLab], hook: Hook
) -> None:
    behind = {
        "registry": ["journey_before", "journey_tried", "journey_behind", "journey_apart"],
        "names": {"journey_before": GOOD, "journey_behind": GOOD, "journey_apart": APART},
    }
    tried = lab(
        GOOD,
        before=behind["names"],
        variables={"cdp_registry": {"journeys": behind["registry"], "audiences": ["audience_tried"]}},
    )  # fmt: skip
    tried.people("a", "b")
    # The first takes all of two that would; a second one gets who comes in when the first was not there.
    tried.define(GOOD.replace("audience_tried}", "audience_tried, to: 2026-03-01}"), name="journey_before")  # fmt: skip
    tried.build("2026-03-01 12:00:00")
    tried.people("c")
    tried.build("2026-03-02 12:00:00")
    assert (entered(tried, "journey_before"), entered(tried, "journey_tried")) == ({"a", "b"}, {"c"})  # fmt: skip

    # What it says of its exclusion cannot be read: who is inside stays excluded, from the journey before it too.
    tried.define(WRONG)
    tried.define(GOOD, name="journey_before")
    tried.people("d")
    with pytest.raises(BuildError) as wrong:
        tried.build("2026-03-03 12:00:00")
    said = str(wrong.value)
    assert "journey_tried, 2 mistakes" in said
    assert "line 3: 'exclusoin' is not one of" in said
    assert "did you mean 'exclusion'" in said
    assert "steps[2].jump (line 6): wants {to: the name of a step that stands later}, not 'frist' (none stands later)" in said  # fmt: skip
    assert entered(tried, "journey_before") == {"a", "b", "d"}
    # Behind it nobody moves: they would take what its people are to have. Beside it, everything goes on.
    assert entered(tried, "journey_behind") == set()
    assert entered(tried, "journey_apart") == {"a", "b", "c", "d"}
    assert entered(tried, "journey_tried") == {"c"}

    # Neither its syncs' models alone nor their tables of before send anything, whatever flag is given.
    with pytest.raises(BuildError, match="is built on journey_tried, whose definition is wrong"):
        tried.build("2026-03-03 12:00:00", "--select", "sync_hook__mails")
    for flags in ((), ("--skip-gates",)):
        pushed = tried.sync("push", *flags)["hook_mails"]
        assert pushed["status"] == "refused", pushed
        assert (
            "'journey_tried', which 'sync_hook__mails' is built on, is wrong in"
            in pushed["message"]
        )
    assert hook.events == []
    # Mended, it goes on where it stood.
    tried.define(GOOD)
    tried.build("2026-03-04 12:00:00")
    assert tried.sync("push")["hook_mails"]["status"] == "success"
    assert len(hook.events) == 1
