"""Who is in an audience, beside an independent evaluation in Python: random definitions of every operator, on worlds full of nulls."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import duckdb
import pytest
import yaml

from tests.python.audiences.compared import write_audience, write_judged, wrong_in
from tests.python.audiences.project import compiled_models, make_world_project
from tests.python.audiences.worlds import (
    ZONES,
    Row,
    definition_of,
    newer_of,
    one_event_of,
    world_of,
)
from tests.python.examples import EXAMPLES

# Every word of the language, as its YAML writes it.
WORDS = """
all any not trait did member_of account contacts product_line equals not_equals in not_in
contains starts_with between is_null '>' '>=' < <= within older_than before on_or_after
at_least at_most exactly sum avg first last then where within_next during anniversary age
in_each when weekday hour count distinct previous share of min max mean median percentile per
times plus minus rank tile among from zone sequence did_not same so_far related at every role
consent suppressed entered left in_journey was_sent in_list near includes
""".split()  # noqa: SIM905


NEWER = """
figure some score ends_with any_case same in_a_row in_any nth favourite with_parts without_parts after stays stayed
days_since gap
""".split()  # noqa: SIM905


def unused(definitions: Iterable[Row], words: Iterable[str] = WORDS) -> list[str]:
    text = yaml.safe_dump(list(definitions))
    return [word for word in words if f"{word}:" not in text]


@pytest.fixture(scope="module")
def audiences(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]]:
    """Per audience: its entity, its definition and its SQL."""
    folder = tmp_path_factory.mktemp("operators")
    database = make_world_project(folder)
    chance = random.Random(20261128)
    definitions: dict[str, tuple[str, Row]] = {}

    def draw(
        name: str, words: list[str], number: int, one: Callable[[int], tuple[str, Row]]
    ) -> None:
        """So many, and of what is drawn after them what brings a word that is missing yet."""
        missing = list(words)
        for place in range(2000):
            entity, drawn = one(place)
            if place < number or set(missing) - set(unused([drawn], words)):
                definitions[f"audience_{name}{place}"] = (entity, drawn)
                missing = unused((told for _, told in definitions.values()), words)
            if place >= number and not missing:
                break

    def older(place: int) -> tuple[str, Row]:
        entity = "account" if place % 4 == 3 else "person"
        return entity, {"zone": chance.choice(ZONES), **definition_of(chance, entity)}

    def one_event(place: int) -> tuple[str, Row]:
        entity = "account" if place % 4 == 3 else "person"
        return entity, {"zone": chance.choice(ZONES), **one_event_of(chance, entity)}

    draw("n", WORDS, 45 * EXAMPLES, older)
    draw(
        "newer", NEWER, 30 * EXAMPLES,
        lambda _: ("person", {"zone": chance.choice(ZONES), **newer_of(chance)}),
    )  # fmt: skip
    draw("one_event", [], 12 * EXAMPLES, one_event)
    for name, (entity, definition) in definitions.items():
        write_audience(folder, name, entity, definition)
    for number in range(12 * EXAMPLES):
        definitions[f"judged_{number}"] = definitions[f"audience_one_event{number}"]
        write_judged(folder, f"judged_{number}", *definitions[f"judged_{number}"])
    compiled = compiled_models(folder)
    opened = duckdb.connect(str(database))
    return opened, {name: (*told, compiled[name]) for name, told in definitions.items()}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))]
)
def test_an_audience_holds_who_meets_it_whatever_is_null(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]], seed: int
) -> None:
    connection, definitions = audiences
    assert wrong_in(connection, world_of(random.Random(seed)), definitions) == {}


def test_the_definitions_use_every_operator(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]],
) -> None:
    assert unused((told for _, told, _ in audiences[1].values()), [*WORDS, *NEWER]) == []


def test_events_are_told_apart_unless_their_key_is_tested(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]],
) -> None:
    """A row that a join or a source repeats must not count twice; where a test says that none does, it need not be looked for."""
    every = " ".join(sql for _, _, sql in audiences[1].values())
    assert "count(distinct events.event_id)" in every
    assert "count(events.event_id)" in every


def test_leaves_of_one_event_read_it_once(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]],
) -> None:
    shared = {name: sql for name, (_, _, sql) in audiences[1].items() if "as scan_1" in sql}
    assert len([name for name in shared if "one_event" in name]) > 6
    assert len([name for name in shared if "judged" in name]) > 6
