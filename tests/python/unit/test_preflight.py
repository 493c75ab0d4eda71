"""What a push and a check ask of the vendor before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from sync.cli.check import _check_one
from sync.config.models import Column
from sync.destinations.base import UnknownField
from sync.errors import AuthError
from sync.records import Kind, SyncObject


def lacking(bench, *names):
    """The vendor has no property of these names."""
    bench.destination.unknown_fields = lambda asked: [
        UnknownField(name, f"their_{name}") for name in asked if name in names
    ]


def test_a_field_that_the_vendor_lacks_refuses_the_sync_before_a_request(bench):
    bench.people("a", "b")
    lacking(bench, "score")
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "fields")
    assert (
        "column 'score' goes to property 'their_score', which is not there" in result.error.message
    )
    assert bench.destination.calls == []
    lacking(bench)
    assert bench.push().status == "success"


def test_who_must_go_goes_though_the_vendor_lacks_a_field(bench):
    bench.people("a", "b")
    bench.push()
    lacking(bench, "score")
    bench.people("b", "c")
    bench.destination.calls.clear()
    result = bench.push(allow_removals=True)
    assert bench.destination.calls == [("remove", ["a"])]
    assert (result.status, result.removed, result.added) == ("partial", 1, 0)
    assert "their_score" in result.message
    lacking(bench)
    assert bench.push().status == "success"
    assert bench.held() == {"b", "c"}


def test_a_push_that_writes_nothing_asks_for_no_field(bench):
    bench.people("a", "b")
    bench.push()
    lacking(bench, "score")
    bench.people("a")
    assert bench.push(allow_removals=True).status == "success"


class Connections:
    """Two syncs of one destination, of which the credentials reach one object."""

    def __init__(self, bench):
        self.bench = bench

    def declaration(self, _):
        return self.bench.declaration

    def connect(self, _, target):
        def check():
            if target.name == "Out of reach":
                raise AuthError("memory: the token lacks the scope lists.", "add it.")
            return f"list '{target.name}' is there"

        return SimpleNamespace(
            destination=SimpleNamespace(check=check), declaration=self.bench.declaration
        )


def test_check_tries_every_sync_and_not_one_per_destination(bench):
    columns = {
        bench.relation: [Column(name, "varchar", Kind.TEXT) for name in ("profile_id", "email", "score", "row_hash")]
    }  # fmt: skip
    other = replace(bench.definition, name="other", object=SyncObject("list", "Out of reach"))
    found = [_check_one(Connections(bench), one, columns) for one in (bench.definition, other)]
    assert [one["ok"] for one in found] == [True, False]
    assert found[0]["reaches"] == "list 'People' is there"
    assert (found[1]["message"], found[1]["hint"]) == (
        "memory: the token lacks the scope lists.",
        "add it.",
    )
