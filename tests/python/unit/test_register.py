"""What the register says of a table that nobody described in full, and of what goes out under a name that went out before."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sync.config.destinations import DestinationConfig
from sync.config.models import Described
from sync.report.register import Entry, _fields, added


@pytest.mark.parametrize(
    ("columns", "has_contract", "told", "wanted"),
    [
        ([], False, {}, ("every column of the model",)),
        (["city"], False, {}, ("city", "every column that is not described")),
        (["city"], True, {}, ("city",)),
        (["city"], False, {"fields": ["city", "born"]}, ("city", "born")),
        ([], False, {"fields": []}, ()),
    ],
)
def test_a_field_that_no_yaml_describes_is_not_left_out(
    columns: list[str], has_contract: bool, told: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    described = Described("t", "t", "", dict.fromkeys(columns, ""), {}, has_contract)
    sync: Any = SimpleNamespace(
        model=SimpleNamespace(meta={"activation": told}),
        fields_of=lambda names: dict.fromkeys(names),
    )
    assert _fields(sync, described) == wanted


def entry(**told: Any) -> Entry:
    facts: dict[str, Any] = {
        "sync": "mail", "destination": "mailer", "vendor": "webhook", "object": "list", "mode": "mirror",
        "identifiers": ("email",), "fields": ("first_name", "city"), "purpose": "service", "basis": "asked: email, service",
        "owner": "x", "sources": ("crm.contacts",), "model": "sync_mail", "description": "",
        "made_of": {"email": ["profiles.email"], "first_name": ["profiles.first_name"]}, "account": "a1",
    }  # fmt: skip
    return Entry(**facts | told)


MADE = {"email": ["profiles.email"], "city": ["profiles.city"]}
NOTED = {"fields": ("first_name", "city", "note"), "made_of": {"note": ["profiles.diagnosis"]}}
MARKETING = {"purpose": "marketing", "basis": "asked: email, marketing"}


@pytest.mark.parametrize(
    ("now", "news"),
    [
        ({}, None),
        ({"description": "another", "mode": "upsert", "owner": "y"}, None),
        (
            {"made_of": {"first_name": ["profiles.diagnosis"]}},
            "mail sends first_name, as before, and makes it of profiles.diagnosis now",
        ),
        ({"made_of": MADE}, "mail sends city, as before, and makes it of profiles.city now"),
        (NOTED, "mail sends note (of diagnosis)"),
        (
            {"account": "b2"},
            "mail goes to mailer, whose settings are others: another account or address, maybe",
        ),
        ({"destination": "ads", "account": "c3"}, "mail goes to ads (webhook), list"),
        (
            MARKETING,
            "mail asks another consent: asked: email, service became asked: email, marketing",
        ),
        (
            {"sql": "ff00"},
            "mail is made by other SQL (sync_mail), which says nothing of its columns: look at what it sends",
        ),
        ({"sync": "second"}, "second sends email, first_name, city to mailer"),
    ],
)
def test_what_goes_out_under_a_known_name_shows_what_is_new_of_it(
    now: dict[str, Any], news: str | None
) -> None:
    assert added([entry().document()], [entry(**now)]) == ([news] if news else [])


def test_a_register_of_before_that_has_no_columns_is_compared_by_names() -> None:
    before = entry().document()
    for name in ("made_of", "account", "sql"):
        del before[name]
    assert added([before], [entry(account="b2", sql="f")]) == []


def test_settings_of_a_destination_are_told_apart_and_secrets_count_for_nothing() -> None:
    def mark(**raw: Any) -> str:
        return DestinationConfig("hook", "webhook", raw, Path("destinations.yml")).mark

    first = mark(url="https://a.example/x", signing_key="one", api_token="1")
    assert first == mark(url="https://a.example/x", signing_key="two")
    assert first != mark(url="https://b.example/x")
    assert "a.example" not in first
