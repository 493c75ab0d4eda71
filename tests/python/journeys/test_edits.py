"""A journey whose people are moved on by an edit sends nothing twice: what cannot be known stops the build, until the definition says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.python.commands import BuildError
from tests.python.integration.hook import Hook
from tests.python.journeys.lab import JourneyLab


def journey(*steps: str, more: str = "") -> str:
    """`hello` is a touchpoint of that name, `2d` a wait of two days named w2d; the rest is written out."""
    lines = []
    for step in steps:
        if step.endswith("d") and step[:-1].isdigit():
            lines.append(f"  - {{name: w{step}, wait: {{for: {step[:-1]} days}}}}")
        elif "{" in step:
            lines.append(step)
        else:
            lines.append(
                f"  - {{name: {step}, touchpoint: "
                f"{{destination: hook, channel: email, template: Mail {step}}}}}"
            )
    text = "\n".join(lines)
    return f"entry: {{audience: audience_tried}}\n{more}\nsteps:\n{text}"


def moved(lab: JourneyLab, *steps: str, more: str = "") -> str:
    """The same of an edit that takes with it who is inside by the first definition."""
    first = lab.query(
        "select version from analytics_sync.journey_versions where version_number = 1"
    )
    return journey(*steps, more=f"migrate: [{first[0][0]}]\n{more}")


def began(lab: Callable[..., JourneyLab], *steps: str, builds: tuple[str, ...]) -> JourneyLab:
    tried = lab(journey(*steps), touchpoints=["hello"])
    tried.people("a", "b", "c")
    tried.build(builds[0])
    for now in builds[1:]:
        tried.step(now)
    return tried


def due(lab: JourneyLab, node: str) -> set[str]:
    return {row[0] for row in lab.log("profile_id", where=f"node = '{node}' and outcome = 'due'")}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("welcome", "2d", "second", "9d"), ["'hello'", "3 people", "renamed: {new name: hello}", "welcome (touchpoint)"]),
        pytest.param(("2d", "second", "9d"), ["'hello'", "removed: [hello]"], marks=pytest.mark.long),
        pytest.param(("hello", "2d", "9d"), ["'second'", "which 3 people have passed"], marks=pytest.mark.long),
        pytest.param(("second", "2d", "hello", "9d"), ["stood in the order hello, w2d, second", "(3 people"], marks=pytest.mark.long),
        pytest.param(("hello", "  - {name: w2d, goal: {trait: country, equals: X}}", "second", "9d"),
                     ["'w2d' was a wait for the 3 people", "is a goal now"], marks=pytest.mark.long),
        pytest.param(("hello", "2d", "second"), ["'w9d'", "0 people"], marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_steps_that_are_gone_moved_or_another_stop_the_build(
    lab: Callable[..., JourneyLab], steps: tuple[str, ...], said: list[str]
) -> None:
    tried = began(
        lab, "hello", "2d", "second", "9d", builds=("2026-03-01 12:00:00", "2026-03-03 12:00:00")
    )
    before = tried.log()
    tried.define(moved(tried, *steps))
    with pytest.raises(BuildError) as stopped:
        tried.step("2026-03-04 12:00:00")
    for words in ["journey_tried", *said]:
        assert words in str(stopped.value)
    assert tried.log() == before


@pytest.mark.long
def test_a_renamed_step_is_the_same_step(lab: Callable[..., JourneyLab], hook: Hook) -> None:
    tried = began(lab, "hello", "2d", "second", builds=("2026-03-01 12:00:00",))
    tried.define(
        moved(tried, "welcome", "2d", "second", more="renamed: {welcome: hello}"),
        touchpoints=["welcome", "second"],
    )
    tried.people("new")
    tried.build("2026-03-02 12:00:00")
    assert due(tried, "welcome") == {"new"}
    assert tried.sync("push")["hook_mails"]["added"] == 4, "what was due under the old name too"
    tried.build("2026-03-03 12:00:00")
    assert due(tried, "second") == {"a", "b", "c"}
    assert tried.sync("push")["hook_mails"]["added"] == 3
    assert len(hook.events) == 7


@pytest.mark.long
def test_who_passed_a_step_under_its_old_name_is_counted_when_steps_move(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = began(
        lab, "hello", "2d", "second", "9d", builds=("2026-03-01 12:00:00", "2026-03-03 12:00:00")
    )
    tried.define(
        moved(tried, "second", "2d", "welcome", "9d", more="renamed: {welcome: hello}"),
        touchpoints=["welcome"],
    )
    with pytest.raises(BuildError, match=r"welcome \(3 people have passed it\)"):
        tried.build("2026-03-04 12:00:00")


def test_a_removed_step_is_gone_and_the_rest_goes_on(lab: Callable[..., JourneyLab]) -> None:
    tried = began(lab, "hello", "2d", "second", builds=("2026-03-01 12:00:00",))
    tried.define(moved(tried, "hello", "second", more="removed: [w2d]"))
    tried.step("2026-03-02 12:00:00")
    assert due(tried, "second") == {"a", "b", "c"}, "they stood in the wait that is no more"


@pytest.mark.parametrize(
    ("now", "steps"),
    [
        pytest.param("2026-03-04 12:00:00", ("extra", "hello", "2d", "second", "9d"), marks=pytest.mark.long),  # two steps past
        pytest.param("2026-03-04 12:00:00", ("hello", "extra", "2d", "second", "9d"), marks=pytest.mark.long),
        ("2026-03-02 12:00:00", ("hello", "extra", "2d", "second", "9d")),  # they stand in the wait
        pytest.param("2026-03-04 12:00:00", ("hello", "2d", "1d", "extra", "second", "9d"), marks=pytest.mark.long),
        pytest.param("2026-03-02 12:00:00",
         ("hello", "  - {name: asked, branch: {if: {trait: country, equals: DE}, then: [{name: extra, "
          "touchpoint: {destination: hook, channel: email, template: X}}]}}", "2d", "second", "9d"), marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_an_inserted_touchpoint_is_for_newcomers(
    lab: Callable[..., JourneyLab], now: str, steps: tuple[str, ...]
) -> None:
    tried = began(
        lab, "hello", "2d", "second", "9d",
        builds=("2026-03-01 12:00:00",) + (("2026-03-03 12:00:00",) if now > "2026-03-03" else ()),
    )  # fmt: skip
    tried.define(moved(tried, *steps))
    tried.people("new")
    tried.step(now)
    tried.step("2026-03-05 12:00:00")
    tried.step("2026-03-09 12:00:00")
    assert due(tried, "extra") == {"new"}
    # Nobody is stuck, and nobody waits longer for what comes after.
    assert due(tried, "second") == {"a", "b", "c", "new"}
    late = tried.log("happened_at", where="node = 'second' and profile_id = 'a'")
    assert str(late[0][0]) <= "2026-03-05 12:00:00"


@pytest.mark.long
def test_an_inserted_touchpoint_is_for_everybody_who_is_told(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = began(
        lab, "hello", "2d", "second", "9d", builds=("2026-03-01 12:00:00", "2026-03-03 12:00:00")
    )
    tried.define(
        moved(tried, "hello", "extra", "2d", "second", "9d", more="inserted: {extra: everybody}")
    )
    tried.step("2026-03-04 12:00:00")
    tried.step("2026-03-05 12:00:00")
    assert due(tried, "extra") == {"a", "b", "c"}
    assert len(tried.log(where="node = 'extra'")) == 3


@pytest.mark.long
def test_steps_that_moved_are_for_newcomers_when_told(lab: Callable[..., JourneyLab]) -> None:
    tried = began(lab, "hello", "2d", "second", "9d", builds=("2026-03-01 12:00:00",))
    tried.define(moved(tried, "second", "2d", "hello", "9d"))
    with pytest.raises(BuildError):
        tried.step("2026-03-02 12:00:00")
    tried.define(
        moved(
            tried,
            "second",
            "2d",
            "hello",
            "9d",
            more="inserted: {second: newcomers, hello: newcomers}",
        )
    )
    tried.people("new")
    tried.step("2026-03-02 12:00:00")
    assert (due(tried, "hello"), due(tried, "second")) == ({"a", "b", "c"}, {"new"})


@pytest.mark.long
def test_what_is_added_at_the_end_reaches_who_is_on_the_way(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = began(lab, "hello", "2d", builds=("2026-03-01 12:00:00",))
    tried.define(moved(tried, "hello", "2d", "second"))
    tried.step("2026-03-02 12:00:00")
    assert due(tried, "second") == set()
    tried.step("2026-03-03 12:00:00")
    assert due(tried, "second") == {"a", "b", "c"}


WORDS = (
    "logged", "candidates", "members", "spans", "steps", "select", "touchpoint", "wait", "exit_when",
    "held_out", "entry_1", "exit_1", "finished", "new", "done", "items", "arrived", "yes_or_no", "case",
)  # fmt: skip


def test_words_of_ours_are_names_like_any_other(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("first", *WORDS))
    tried.people("a")
    tried.build("2026-03-01 12:00:00")
    assert tried.log("node", where="outcome = 'due'") == sorted(
        (word,) for word in ("first", *WORDS)
    )
    assert tried.log("node", where="node_type in ('entry', 'exit')") == [("entry",), ("exit",)]
