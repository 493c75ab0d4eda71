"""Merges by a vendor's ids: whom nobody knows an id of is looked up, by what is theirs alone, and nobody else's record is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sync.destinations.base import ObjectType
from sync.destinations.declared import FOLDER, files, in_folder
from sync.destinations.declared.asking import answer_of
from sync.destinations.declared.connector import connector
from sync.destinations.declared.form import Owed
from sync.destinations.http import HttpClient
from sync.destinations.registry import declarations, settings_in_sandbox
from sync.destinations.settings import parse
from sync.errors import UnexpectedAnswerError
from sync.records import Mode, Record, SyncObject

FILES = in_folder(FOLDER)


class Vendor:
    """People by id, each with an external id and addresses, who are searched and go into each other."""

    def __init__(self, vendor: str, kind: str, people: dict[str, dict[str, Any]]) -> None:
        made = connector(files.load(FILES[vendor]))
        given = settings_in_sandbox(made, base_url="http://127.0.0.1:9", directory="/nowhere")
        settings = parse(made.settings_type, vendor, {**given, "base_url": "http://127.0.0.1:9"})
        self.destination: Any = made(settings, SyncObject(kind), lambda _: None)
        self.destination.http.request = self.request
        self.people, self.let_go, self.asked = people, dict[str, Any](), list[str]()

    def request(self, method: str, path: str, **told: Any) -> Any:
        self.asked.append(f"{method} {path}")
        if path == "/api/v2/users/search":
            return {"users": self._by(told["params"])}
        if path == "/contacts/search":
            query = json.loads(told["data"])["query"]
            return {"data": self._by({query["field"]: query["value"]})}
        *_, known, _verb = path.split("/")
        into = None
        if told["data"] is not None:
            into = str(json.loads(told["data"])["user"]["id"])
        if known not in self.people or (into is not None and into not in self.people):
            return None  # 404
        self.let_go[known] = into
        return {"user": {"id": 1}, "id": known, "archived": True}

    def _by(self, params: dict[str, Any]) -> list[dict[str, str]]:
        ((name, value),) = params.items()
        if name == "query":
            name, _, value = str(value).partition(":")
        return [{"id": known} for known, one in self.people.items() if value in one.get(name, ())]

    def merge(self, gone: Record, into: Record) -> dict[str, str | None]:
        """What became of one row: its key, and the code where it was refused."""
        result = self.destination.merge(
            [Record(gone.key, gone.identifiers, {}, gone.remote_id, into=into)]
        )
        return {
            **{row.key: None for row in result.accepted},
            **{row.key: row.status for row in result.failed},
        }


def _zendesk() -> Vendor:
    people = {
        "1": {"external_id": ["a"], "email": ["ada@x.example"]},
        "2": {"external_id": ["b"], "email": ["ada.old@x.example"]},
        "3": {"external_id": ["c"], "email": ["other@x.example"]},
    }
    return Vendor("zendesk", "user", people)


def _row(key: str, email: str, remote_id: str | None = None) -> Record:
    return Record(key, {"external_id": key, "email": f"{email}@x.example"}, {}, remote_id)


@pytest.mark.parametrize("known", ["2", None])
@pytest.mark.parametrize("stays", ["1", None])
def test_one_goes_into_the_other_by_ids_that_are_known_or_looked_up(
    known: str | None, stays: str | None
) -> None:
    vendor = _zendesk()
    assert vendor.merge(_row("b", "ada.old", known), _row("a", "ada", stays)) == {"b": None}
    assert vendor.let_go == {"2": "1"}


def test_who_is_not_there_is_not_looked_for_by_an_address_that_is_anothers() -> None:
    """Somebody merged the two by hand, and the address is another's by now."""
    vendor = _zendesk()
    del vendor.people["2"]
    for known in ("2", None):
        assert vendor.merge(_row("b", "other", known), _row("a", "ada", "1")) == {"b": None}
    assert vendor.let_go == {}


def test_who_has_an_address_alone_is_looked_up_by_it_and_is_not_who_stays() -> None:
    vendor = _zendesk()
    address = Record("b", {"email": "ada.old@x.example"}, {})
    assert vendor.merge(address, _row("a", "ada", "1")) == {"b": None}
    assert vendor.let_go == {"2": "1"}
    of_the_other = Record("b", {"email": "ada@x.example"}, {})
    for stays in ("1", None):
        assert vendor.merge(of_the_other, _row("a", "ada", stays)) == {"b": None}
    assert vendor.let_go == {"2": "1"}, "a record does not go into itself"


@pytest.mark.parametrize("stays", ["9", None])
def test_where_nobody_stays_the_row_is_tried_again(stays: str | None) -> None:
    vendor = _zendesk()
    del vendor.people["1"]
    assert vendor.merge(_row("b", "ada.old", "2"), _row("a", "ada", stays)) == {"b": "not_there"}
    assert vendor.let_go == {}


def test_a_contact_that_is_gone_archives_nobody_who_has_its_address_now() -> None:
    people = {"1": {"external_id": ["a"], "email": ["ada.old@x.example"]}}
    vendor = Vendor("intercom", "contact", people)
    for known in ("2", None):
        assert vendor.merge(_row("b", "ada.old", known), _row("a", "ada", "1")) == {"b": None}
    assert vendor.merge(Record("b", {"email": "ada.old@x.example"}), _row("a", "ada")) == {
        "b": None
    }
    assert vendor.let_go == {}


@pytest.mark.parametrize(
    ("content", "taken"),
    [(b"success", True), (b'{"code": 200}', True), (b"<html>Log in</html>", False), (b"", False)],
)
def test_an_answer_of_which_nothing_is_said_is_json_or_a_word(content: bytes, taken: bool) -> None:
    class Reply:
        status_code, headers = 200, dict[str, str]()

    client = HttpClient("http://127.0.0.1:9", vendor="amplitude")
    client._content = lambda _: content  # type: ignore[method-assign]
    owed = answer_of(Owed(form="any"))
    if taken:
        assert isinstance(client._read("POST", Reply(), owed, missing_ok=False), dict)  # type: ignore[arg-type]
        return
    with pytest.raises(UnexpectedAnswerError):
        client._read("POST", Reply(), owed, missing_ok=False)  # type: ignore[arg-type]


def _keeping() -> list[Any]:
    return [
        pytest.param(one, id=f"{declared.name}-{kind}")
        for declared in declarations()
        for kind, one in declared.objects.items()
        if one.modes & {Mode.UPSERT, Mode.MIRROR} and one.member != "event"
    ]


@pytest.mark.parametrize("offered", _keeping())
def test_every_object_lets_go_of_who_was_merged_or_says_why_it_cannot(offered: ObjectType) -> None:
    assert offered.lets_go != bool(offered.keeps_both)
    assert bool(offered.why_it_keeps_both) != offered.lets_go
