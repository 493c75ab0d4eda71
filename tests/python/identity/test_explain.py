"""`sync explain` and `sync identity diff` on a small built project."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from sync.cli.main import run
from sync.identity.explain import REASONS
from tests.python.identity.lab import PERSON, ROOT, Lab

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
    _, _, err = sync("explain", "person", "record:shop")
    assert "the sources of person are records (did you mean 'records'?)" in err
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


def record(name: str, **values: str) -> tuple[Any, ...]:
    columns = ("customer_id", "user_id", "email", "phone", "device_id")
    seen = values.pop("seen", "2026-01-01")
    return ("records", name, *(values.get(column) for column in columns), seen)


APART = {
    "blocked value": (
        [record("b1", email="shop@web.org"), record("b2", email="shop@web.org")],
        "email s***@w*** is on the list of values that identify nobody.",
    ),
    "blocked pattern": (
        [record("p1", email="noreply@a.org"), record("p2", email="noreply@a.org")],
        "has the shape of a value that identifies nobody.",
    ),
    "on too many records": (
        [record(f"m{number}", email="many@web.org") for number in range(1, 6)],
        "is on more records than one person has.",
    ),
    "ambiguous": (
        [record(f"a{n}", customer_id=f"x{n}", email="kiosk@web.org") for n in (1, 2, 3)],
        "is shared: it is seen with ids of more than one person.",
    ),
    "expired": (
        [record("e1", device_id="old", seen="2024-01-01"),
         record("e2", device_id="old", seen="2024-01-01")],
        "device_id *** was last seen too long ago to count.",
    ),
    "limit": (
        [record("l1", customer_id="l1", phone="+49301"),
         record("l2", customer_id="l2", phone="+49301")],
        "would have given one person more customer_id values than a merge may give.",
    ),
    "do not link": (
        [record("d1", phone="+49302"), record("d2", phone="+49302")],
        "would have joined two records that somebody decided to keep apart.",
    ),
    "over the limit": (
        [record("o1", email="z@web.org"),
         record("o2", customer_id="o", email="z@web.org"),
         record("o3", customer_id="o", email="q@web.org"),
         record("o4", customer_id="o", email="r@web.org"),
         record("o5", customer_id="o", email="q@web.org"),
         record("o6", customer_id="o", email="r@web.org")],
        "email z***@w*** is beyond the number of email values that one person may have.",
    ),
    "nothing in common": (
        [record("n1", email="n1@web.org"), record("n2", email="n2@web.org")],
        "They share no value, directly or through the records of either.",
    ),
}  # fmt: skip

IDENTITY: dict[str, Any] = {
    "person": {
        "identifiers": {
            "customer_id": {"tier": 1, "exclusive": True, "limit": 1},
            "user_id": {"tier": 1, "exclusive": True},
            "email": {
                "tier": 2, "limit": 2, "max_exclusive_ids": 2, "max_records": 4,
                "blocked_values": {"exact": ["shop@web.org"], "patterns": ["noreply@.*"]},
            },
            "phone": {"tier": 3},
            "device_id": {"tier": 4, "window_days": 365},
        },
        "records": PERSON["records"],
    },
    "account": {
        "identifiers": {"domain": {"tier": 1, "blocked_values": {"exact": ["a.org"]}}},
        "records": [
            {
                "source_name": "contacts", "model": "fixture_records", "record_key": "record_id",
                "first_seen_at": "seen_at", "needs_identifier": True,
                "identifiers": {"domain": {"column": "email", "normaliser": "email_domain"}},
            }
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(
        tmp_path_factory.mktemp("reasons") / "lab", IDENTITY, variables={"cdp_as_of": "2026-11-24"}
    )
    path = lab.directory / "seeds/identity_overrides.csv"
    path.write_text(path.read_text().strip() + "\n"
                    "person,do_not_link,records:d1,records:d2,me,father and son\n")  # fmt: skip
    lab.build(command="seed")
    lab.load([row for rows, _ in APART.values() for row in rows])
    lab.build()
    lab.release()
    return lab


@pytest.fixture
def explained(reasons: Lab, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> str:
        folder = str(reasons.directory)
        assert run(["explain", *arguments, "--project-dir", folder, "--profiles-dir", folder]) == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("case", APART)
def test_two_people_kept_apart_are_told_why_in_words(explained: Any, case: str) -> None:
    rows, words = APART[case]
    out = explained("person", f"records:{rows[0][1]}", f"records:{rows[1][1]}")
    assert "are apart" in out
    assert words in out


def test_every_reason_that_the_models_know_has_words() -> None:
    models = yaml.safe_load((ROOT / "models/engine/identity/_identity__models.yml").read_text())[
        "models"
    ]
    (conflicts,) = [model for model in models if model["name"] == "identity_conflicts"]
    (rules,) = [test["column_rules"]["arguments"] for test in conflicts["data_tests"]]
    allowed = rules["accepted_values"]["dropped_reason"]
    of_decisions = {"unknown_record", "same_record", "unknown_value", "unknown_action"}
    assert set(REASONS) == set(allowed) - of_decisions


def test_companies_are_explained_as_people_are(explained: Any) -> None:
    out = explained("account", "contacts:n1", "contacts:n2", "--show-values")
    assert "contacts:n1 and contacts:n2 are one account." in out
    assert "contacts:n1 === domain web.org (tier 1) === contacts:n2" in out
    alone = explained("account", "contacts:p1", "contacts:p2")
    assert "no usable identifier, and its source may not stand alone" in alone


def test_what_one_person_is_made_of_can_be_read(explained: Any) -> None:
    out = explained("person", "records:o2")
    for words in ("5 records", "the first", "customer_id", "because of", "create",
                  "Values that link nobody here:"):  # fmt: skip
        assert words in out
