"""What an exposure or destinations.yml says is refused where it is misspelt or where YAML reads it otherwise than it is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sync.config.definitions import parse_definition
from sync.config.destinations import load_destinations
from sync.config.models import SyncDefinition
from sync.errors import ConfigError
from tests.python.unit.workbench import Workbench

GOOD = "destination: klaviyo\nobject: {list: Lapsed buyers}\nmode: mirror\nkey: [profile_id]\nfields: {Name: first_name}\n"


def definition(text: str, bench: Workbench) -> SyncDefinition:
    meta: dict[str, Any] = yaml.safe_load(text)
    return parse_definition(
        name="mails", meta=meta, model=bench.definition.model, path="exposures.yml"
    )


@pytest.mark.parametrize(
    ("good", "wrong", "said"),
    [
        ("list: Lapsed buyers", "list: NO", "read by YAML as false, no text; put it in quotes"),
        ("list: Lapsed buyers", "list: 0123", "read by YAML as 83, no text"),
        ("list: Lapsed buyers", "list: 12:30", "read by YAML as 750, no text"),
        ("list: Lapsed buyers", "list: ", "read by YAML as nothing"),
        ("first_name", "yes", "'Name' is mapped to true, no text"),
        ("key:", "kye:", "unknown key 'kye'"),
        ("mode: mirror", "mode: mirror\ngaurds: {}\nnul: omit",
         "unknown keys 'gaurds' (did you mean 'guards'?), 'nul' (did you mean 'nulls'?) in sync; allowed"),
        ("mode: mirror", "mode: miror", "did you mean 'mirror'"),
        ("mode: mirror", "mode: mirror\nid: 5", "`id` is read by YAML as 5, no text; put it in quotes"),
        ("mode: mirror", "mode: mirror\nid: ../other", "no folder may be called so"),
        ("mode: mirror", "mode: mirror\nid: ..", "no folder may be called so"),
        ("mode: mirror", "mode: mirror\nquarantine_after: 1.5", "`quarantine_after` must be a whole number, not '1.5'"),
        ("mode: mirror", "mode: mirror\nguards: {min_rows: 1.5}", "`guards.min_rows` must be a whole number, not '1.5'"),
        ("mode: mirror", "mode: mirror\nguards: {max_removals_percent: .nan}", "must be a number of at least 0, not 'nan'"),
        ("mode: mirror", "mode: mirror\nguards: {max_changes: .inf}", "must be a number of at least 0, not 'inf'"),
    ],
)  # fmt: skip
def test_a_wrong_exposure_says_what_and_where(
    bench: Workbench, good: str, wrong: str, said: str
) -> None:
    assert definition(GOOD, bench).object.name == "Lapsed buyers"
    with pytest.raises(ConfigError, match=r"sync 'mails' in exposures\.yml") as caught:
        definition(GOOD.replace(good, wrong), bench)
    assert said in str(caught.value)


TOLD = {
    "key": ["touchpoint_id"],
    "identifiers": ["phone", "email"],
    "consent": {"channel": "sms", "purpose": "news"},
}


def of_activation(text: str, bench: Workbench) -> SyncDefinition:
    model = replace(bench.definition.model, meta={"activation": TOLD})
    return parse_definition(
        name="mails", meta=yaml.safe_load(text), model=model, path="exposures.yml"
    )


def test_what_activation_says_need_not_be_said_again(bench: Workbench) -> None:
    short = GOOD.replace("key: [profile_id]\n", "")
    found = of_activation(short, bench)
    assert (found.key, found.identifiers) == (("touchpoint_id",), ("phone", "email"))
    assert found.consent is not None
    assert found.consent.channel == "sms"
    again = (
        "key: touchpoint_id\nidentifiers: [Email, phone]\nconsent: {purpose: news, channel: sms}\n"
    )
    assert of_activation(short + again, bench).identifiers == ("email", "phone")


@pytest.mark.parametrize(
    "other",
    ["key: [profile_id]", "identifiers: [email]", "consent: {channel: email, purpose: news}"],
)
def test_two_tellings_that_differ_are_refused_by_both_their_places(
    bench: Workbench, other: str
) -> None:
    short = GOOD.replace("key: [profile_id]\n", "")
    with pytest.raises(
        ConfigError, match=r"exposures\.yml: .* here and .* in the call of activation"
    ) as caught:
        of_activation(short + other, bench)
    assert "say it there alone" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("destinations:\n  klaviyo: {api_key: a, api_key: b}", "line 2 is not valid YAML: the key 'api_key' is given twice"),
        ("destinations:\n  a: {}\n  b: {}\n  a: {}", "line 4 is not valid YAML: the key 'a' is given twice"),
        ("destinations:\n  meta: {ad_account_id: 0123}", "put it in quotes"),
        ("destinations:\n  meta: {ad_account_id: 12:30}", "put it in quotes"),
        ("destinations:\n  meta: {region: NO}", "`NO` is read as true or false"),
        ("destnations:\n  meta: {}", "did you mean 'destinations'"),
    ],
)  # fmt: skip
def test_a_wrong_destinations_yml_says_what_and_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "destinations.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"destinations\.yml") as caught:
        load_destinations(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize("entry", ["{type: webhook}", "{type: slack, url: notaurl}"])
def test_alerts_that_go_nowhere_are_named(tmp_path: Path, entry: str) -> None:
    (tmp_path / "destinations.yml").write_text(f"alerts: [{entry}]")
    with pytest.raises(ConfigError, match="want a `url` that begins with http"):
        load_destinations(tmp_path).alerts()


def test_misspelt_alerts_are_named(tmp_path: Path) -> None:
    (tmp_path / "destinations.yml").write_text("alerts: {tpye: slack, url: x}")
    with pytest.raises(ConfigError, match=r"not 'tpye' .did you mean 'type'"):
        load_destinations(tmp_path).alerts()
