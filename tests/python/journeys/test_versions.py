"""People keep the version of a journey that they entered: an edit sends nothing and changes no wait, until `migrate` says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.commands import BuildError
from tests.python.journeys.lab import JourneyLab
from tests.python.journeys.test_edits import due, journey
from tests.python.journeys.test_questions import ask

MAIL = "touchpoint: {destination: hook, channel: email, template: Mail}"


def version_of(lab: JourneyLab, number: int) -> str:
    rows = lab.query(
        "select version from analytics_sync.journey_versions where journey_name = 'journey_tried' "
        "order by version_number"
    )
    return str(rows[number - 1][0])


def test_who_is_inside_goes_on_by_the_version_they_entered(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("hello", "2d", "second", "9d"), touchpoints=["hello"])
    tried.people("a", "b")
    tried.build("2026-03-01 12:00:00")
    # A step before everybody, one behind the wait in which they stand, one gone; a shorter wait; an exit that is new.
    tried.define(
        "entry: {audience: audience_tried}\n"
        "exit_when: {trait: country, equals: DE}\n"
        "steps:\n"
        f"  - {{name: extra, {MAIL}}}\n"
        "  - {name: w2d, wait: {for: 1 days}}\n"
        f"  - {{name: third, {MAIL}}}\n",
        touchpoints=["extra"],
    )
    tried.people("new", country="FR")
    tried.build("2026-03-02 12:00:00")
    assert (due(tried, "extra"), due(tried, "third"), due(tried, "second")) == ({"new"}, set(), set())  # fmt: skip
    tried.step("2026-03-03 12:00:00")
    assert (due(tried, "extra"), due(tried, "third")) == ({"new"}, {"new"})
    assert due(tried, "second") == {"a", "b"}, "as they entered, on their own day"
    assert tried.log("template", where="node = 'second'") == [("Mail second",)] * 2
    tried.step("2026-03-12 12:00:00")
    assert tried.log("profile_id", where="node_type = 'exit' and outcome = 'finished'") == [("a",), ("b",), ("new",)]  # fmt: skip
    assert len({row[0] for row in tried.log("version", where="node = 'entry'")}) == 2
    assert tried.log("step_id", where="true") == sorted(set(tried.log("step_id", where="true")))


def test_migrate_moves_on_whom_it_names_and_for_good(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("hello", "2d", "second", "9d"), touchpoints=["hello"])
    tried.people("a")
    tried.build("2026-03-01 12:00:00")
    first = version_of(tried, 1)
    # The step in which a stands is gone, and somebody has to say what becomes of it.
    tried.define(journey("hello", "second", "third", "9d", more=f"migrate: [{first}]"))
    with pytest.raises(BuildError, match=r"'w2d' \(wait\).*removed: \[w2d\]"):
        tried.step("2026-03-02 12:00:00")
    tried.define(
        journey("hello", "second", "third", "9d", more=f"migrate: [{first}]\nremoved: [w2d]")
    )
    tried.people("b")
    tried.step("2026-03-02 13:00:00")
    assert due(tried, "third") == {"a", "b"}, "a stood in the wait that is gone, and goes on"
    assert due(tried, "second") == {"a", "b"}
    # What was moved on stays so, though a later definition says nothing of it, and one that is back is another version.
    tried.define(journey("hello", "2d", "second", "9d"))
    tried.people("c")
    tried.step("2026-03-03 12:00:00")
    assert due(tried, "hello") == {"a", "b", "c"}
    tried.step("2026-03-05 12:00:00")
    assert (due(tried, "second"), due(tried, "third")) == ({"a", "b", "c"}, {"a", "b"})
    told = tried.log("profile_id", "version", where="node = 'entry'")
    assert [version for _, version in told][2] == f"{first}_2"


def test_an_edit_that_is_asked_about_says_who_keeps_what(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("hello", "2d", "second"), touchpoints=["hello"])
    tried.people("a", "b")
    tried.build("2026-03-01 12:00:00")
    tried.now = "2026-03-02 12:00:00"
    tried.define(journey("hello", "extra", "2d", "second"))
    code, found = ask(tried, "diff", "tried")
    assert code == 0
    assert {one["name"] for one in found["steps"] if one["only_by_the_edit"]} == set()
    code, shown = ask(tried, "show", "tried")
    assert code == 0
    versions: list[dict[str, Any]] = shown["versions"]
    assert [(one["inside"], one["is_kept"]) for one in versions] == [(2, True), (0, False)]
    first = version_of(tried, 1)
    assert re.fullmatch("v[0-9a-f]{8}", first)
    assert versions[0]["version"] == first
    # Whom it would send to if they were moved on is said before: an inserted step that they are past is not.
    tried.define(
        journey("hello", "extra", "2d", "second", more=f"migrate: [{first}]\ninserted: {{extra: everybody}}")
    )  # fmt: skip
    code, found = ask(tried, "diff", "tried")
    assert code == 0
    assert {(one["name"], one["only_by_the_edit"]) for one in found["steps"] if one["only_by_the_edit"]} == {("extra", 2)}  # fmt: skip


def test_a_kept_version_whose_event_is_gone_stops_with_the_way_out(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = lab(journey("hello", "2d", "second", more="exit_when: {did: cart_filled}"), touchpoints=["hello"])  # fmt: skip
    tried.people("a", "b")
    tried.build("2026-03-01 12:00:00")
    tried.cart("c1", "b", "2026-03-02 08:00:00")
    tried.define(journey("hello", "2d", "other"))
    tried.step("2026-03-02 12:00:00")
    assert tried.log("profile_id", where="outcome = 'exit_when'") == [("b",)], (
        "its own exit still holds"
    )
    (tried.folder / "models/engine/event_cart_filled.sql").unlink()
    with pytest.raises(BuildError) as stopped:
        tried.step("2026-03-03 12:00:00")
    first = version_of(tried, 1)
    for words in ("1 people are inside", first, "cart_filled", f"migrate: [{first}]"):
        assert words in str(stopped.value)


def from_before_versions(lab: Callable[..., JourneyLab]) -> JourneyLab:
    """A journey with one inside, as it was before versions were kept."""
    tried = lab(journey("hello", "2d", "second", "9d"), touchpoints=["hello"])
    tried.people("a")
    tried.build("2026-03-01 12:00:00")
    tried.execute(
        "alter table analytics.journey_tried drop column version",
        "delete from analytics_sync.journey_versions",
    )
    return tried


def test_people_of_a_log_from_before_versions_go_by_the_first_that_a_build_sees(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = from_before_versions(lab)
    tried.now = "2026-03-02 11:00:00"
    assert ask(tried, "show", "tried")[0] == 0, "asked before the first build"
    tried.people("b")
    tried.step("2026-03-02 12:00:00")
    assert [row[1] is None for row in tried.log("profile_id", "version", where="node = 'entry'")] == [True, False]  # fmt: skip
    tried.define(journey("extra", "hello", "2d", "third"))
    tried.people("c")
    tried.step("2026-03-03 12:00:00")
    tried.step("2026-03-04 12:00:00")
    assert (due(tried, "extra"), due(tried, "third")) == ({"c"}, set())
    assert due(tried, "second") == {"a", "b"}


def test_an_edit_in_the_same_build_as_the_upgrade_stops_as_it_did(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = from_before_versions(lab)
    tried.define(journey("hello", "second", "9d"))
    with pytest.raises(BuildError, match=r"'w2d' \(wait\)"):
        tried.step("2026-03-02 12:00:00")


def test_caps_count_what_other_versions_send_in_the_same_build(
    lab: Callable[..., JourneyLab],
) -> None:
    def told(template: str) -> str:
        mail = MAIL.replace("template: Mail", f"template: {template}")
        return f"entry: {{did: cart_filled}}\nsteps:\n  - {{name: w2d, wait: {{for: 2 days}}}}\n  - {{name: mail, {mail}}}\n"

    rules = {"caps": [{"at_most": 1, "days": 1}], "delay_at_most": "3 days"}
    tried = lab(told("Old"), touchpoints=["mail"], variables={"cdp_contact_rules": rules})
    tried.people("a", "b")
    tried.cart("c1", "a", "2026-03-01 10:00:00")
    tried.build("2026-03-01 12:00:00")
    tried.define(told("New"))
    tried.cart("c2", "a", "2026-03-01 13:00:00")
    tried.cart("c3", "b", "2026-03-01 13:00:00")
    tried.build("2026-03-02 12:00:00")
    tried.step("2026-03-03 14:00:00")
    assert tried.log("profile_id", "template", where="outcome = 'due'") == [("a", "Old"), ("b", "New")]  # fmt: skip
    assert tried.log("profile_id", "outcome", where="node_type = 'delay'") == [("a", "capped")]
    tried.step("2026-03-04 14:00:00")
    assert tried.log("template", where="outcome = 'due' and profile_id = 'a'") == [("New",), ("Old",)]  # fmt: skip
