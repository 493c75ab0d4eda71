"""A wrong audience or journey is as wrong on dbt's v2 engine, which says what is wrong with all of them in one parse."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.audiences import test_wrong_definitions as on_v1
from tests.python.audiences.project import make_project
from tests.python.engine_v2.engines import VENV, own_environment, v2_library, v2_program

pytestmark = pytest.mark.skipif(VENV is None, reason="dbt's v2 engine: make test-engine-v2")

CASES = {
    "audience": on_v1.test_a_wrong_audience_says_where_and_what_is_allowed,
    "journey": on_v1.test_a_wrong_journey_says_where_and_what_is_allowed,
}
# What YAML itself refuses, v2 says in YAML's words.
OF_YAML = "Failed to parse YAML"


def definitions() -> Iterator[tuple[str, str, list[str]]]:
    """Macro, definition, and what is said of it."""
    for kind, test in CASES.items():
        (mark,) = test.pytestmark  # type: ignore[attr-defined]
        for definition, said in mark.args[1]:
            # Of a model that is not there v2 says so itself: its files are not told (decision 347).
            absent = re.findall(r"no model '(\w+)'", " ".join(said))
            yield kind, definition, [*absent, "not found"] if absent else said
    for definition, by_place in (
        (on_v1.SURPRISES, on_v1.SURPRISED),
        (on_v1.CONTRADICTIONS, on_v1.CONTRADICTED),
    ):
        yield "audience", definition, [*by_place, *by_place.values()]


def test_every_wrong_definition_is_refused_in_the_same_words(tmp_path: Path) -> None:
    make_project(tmp_path, tmp_path / "wrong.duckdb", on_v1.STUBS, {"cdp_events": [on_v1.EVENT]})
    expected = {}
    for number, (macro, definition, said) in enumerate(definitions(), 1):
        name = f"audience_wrong_{number}_of_many"
        expected[name] = (definition, said)
        (tmp_path / "models" / f"{name}.sql").write_text(
            f"{{% set definition %}}\n{definition}\n{{% endset %}}\n{{{{ headwater.{macro}(definition) }}}}\n"
        )
    done = subprocess.run(
        [v2_program(), "parse", "--profiles-dir", "."],
        cwd=tmp_path,
        env={**own_environment(), **v2_library()},
        capture_output=True,
        text=True,
        check=False,
    )
    messages = re.split(r"\[(?:error|warning)\]", done.stdout + done.stderr)[1:]
    wrong = []
    for name, (definition, said) in expected.items():
        (message,) = [one for one in messages if f"{name}.sql" in one or f"{name}, " in one] or [""]
        if OF_YAML not in message and not all(words in message for words in said):
            wrong.append((definition, [words for words in said if words not in message], message))
    assert wrong == []
    assert len(expected) > 40
