"""`sync explain` and `sync identity diff` on a small built project."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sync.cli.main import run
from tests.python.identity.lab import Lab

ROWS = [
    ("records", "shop", "c1", None, "anna@web.org", None, None, "2026-01-01"),
    ("records", "app", None, "u1", "anna@web.org", "+4930123456", None, "2026-01-02"),
    ("records", "ticket", None, None, None, "+4930123456", None, "2026-01-03"),
    ("records", "x1", "c7", None, "kiosk@web.org", None, None, "2026-01-01"),
    ("records", "x2", "c8", None, "kiosk@web.org", None, None, "2026-01-01"),
    ("records", "x3", "c9", None, "kiosk@web.org", None, None, "2026-01-01"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("explain") / "lab", variables={"cdp_as_of": "2026-11-24"})
    lab.build(command="seed")
    lab.load(ROWS)
    lab.build(command="run")
    lab.release()
    return lab


@pytest.fixture
def sync(lab: Lab, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> tuple[int, str, str]:
        folder = str(lab.directory)
        code = run([*arguments, "--project-dir", folder, "--profiles-dir", folder])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_path_between_two_records_names_each_value_and_tier(sync: Any) -> None:
    code, out, _ = sync("explain", "person", "records:shop", "records:ticket", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["together"] is True
    assert [(step["from"], step["identifier_type"], step["tier"]) for step in found["path"]] == [
        ("records:shop", "email", 2),
        ("records:app", "phone", 3),
    ]


def test_two_records_kept_apart_say_which_value_and_why(sync: Any) -> None:
    code, out, _ = sync("explain", "person", "records:x1", "records:x2")
    assert code == 0
    assert "are apart" in out
    assert "is shared: it is seen with ids of more than one person" in out


def test_values_are_masked_unless_asked_for(sync: Any) -> None:
    for arguments in (("records:shop",), ("records:shop", "records:app")):
        assert "anna@web.org" not in sync("explain", "person", *arguments)[1]
        assert "anna@web.org" in sync("explain", "person", *arguments, "--show-values")[1]


def test_one_record_shows_everything_that_joined_it(sync: Any) -> None:
    _, out, _ = sync("explain", "person", "records:ticket", "--json")
    found = json.loads(out)
    assert {one["record"] for one in found["records"]} == {
        "records:shop",
        "records:app",
        "records:ticket",
    }
    assert [event["event"] for event in found["history"]] == ["create"]


def test_an_unknown_record_and_an_unknown_entity_are_named(sync: Any) -> None:
    code, out, err = sync("explain", "person", "records:nobody")
    assert (code, out) == (2, "")
    assert "no record or id 'records:nobody'" in err
    code, _, err = sync("explain", "persn", "records:shop")
    assert code == 2
    assert "there are: person" in err


def test_the_review_counts_what_the_last_build_did(lab: Lab, sync: Any) -> None:
    lab.load([*ROWS, ("records", "new", "c1", None, None, None, None, "2026-02-01"),
              ("records", "bridge", "c9", None, None, "+4930123456", None, "2026-02-01")])  # fmt: skip
    lab.build(command="run")
    lab.release()
    _, out, _ = sync("identity", "diff", "--json")
    found = json.loads(out)
    assert found["ids_before"] == 4
    # The bridge would give one person two customer ids: its phone is shed, and the ticket with it.
    assert {event: count for event, count in found["events"].items() if count} == {"split": 1}
    assert found["ids_now"] == 5
    assert found["largest"][0]["record_count"] >= 3
    assert found["most_shared"][0]["records"] == 3
    assert "kiosk@web.org" not in out
