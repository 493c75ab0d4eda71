"""`sync validate`: every mistake of every file, without a warehouse; and the JSON Schema, of the words that the checks know."""

from __future__ import annotations

import ast
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sync.audiences.schema import schema
from sync.cli.main import run
from sync.config.definitions import GUARD_KEYS, SYNC_KEYS
from tests.python import worker_here
from tests.python.audiences.project import ROOT, make_project
from tests.python.audiences.test_wrong_definitions import STUBS

HERE = Path(__file__).parent
JOURNEYS = HERE.parent / "journeys"


def tables() -> dict[str, list[str]]:
    """The words as the macro has them, which is a Python literal too."""
    text = (ROOT / "macros/audiences/definition_keys.sql").read_text()
    start = text.index("{{ return({") + len("{{ return(")
    found: dict[str, list[str]] = ast.literal_eval(text[start : text.index(") }}", start)])
    return found


def validator() -> jsonschema.Draft202012Validator:
    made = schema(tables(), SYNC_KEYS, GUARD_KEYS, ["household"])
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def asks(*files: Path) -> list[dict[str, Any]]:
    return [ask for file in files for ask in yaml.safe_load(file.read_text())]


def test_what_can_be_said_is_valid() -> None:
    checks = validator()
    wrong = []
    for ask in asks(HERE / "sayable_asks.yml", HERE / "sayable_more.yml"):
        if not checks.is_valid({"entity": ask.get("entity", "person"), **ask["definition"]}):
            wrong.append(ask["ask"])
    for ask in asks(JOURNEYS / "sayable_journeys.yml", JOURNEYS / "sayable_journeys_more.yml"):
        definition = json.loads(json.dumps(ask["definition"], default=str))
        if not checks.is_valid(definition):
            wrong.append(ask["ask"])
    for path in (ROOT / "models/demo").rglob("*exposures.yml"):
        if not checks.is_valid(yaml.safe_load(path.read_text())):
            wrong.append(path.name)
    assert wrong == []


@pytest.mark.parametrize(
    "mistyped",
    [
        {"did": "order_placed", "at_leat": 2},
        {"did": "order_placed", "within": "90 dyas"},
        {"did": "order_placed", "at_least": "2"},
        {"trait": "country", "equalls": "DE"},
        {"all": {"trait": "country", "equals": "DE"}},
        {"all": [{"trait": "country", "equals": "DE"}], "holdot": {"percent": 5}},
        {"trait": "country", "equals": "DE", "limit": {"topp": 5, "by": "x"}},
        {"not": {"did": "order_placed", "wher": {"a": 1}}},
        {"figure": {"did": "order_placed", "summ": "x"}, ">": 5},
        {"sequence": [{"did": "a"}, {"did_nt": "b"}]},
        {"consent": {"chanel": "email"}},
        {"trait": "a", "equals": 1, "did": "b"},
        {"entry": {"audience": "a", "cpa": 5}, "steps": []},
        {"entry": {"audience": "a"}, "steps": [{"name": "b", "wiat": {"for": "1 days"}}]},
        {"entry": {"did": "a"}, "steps": [{"name": "b", "repeat": {"times": 3, "steps": []}}]},
        {"entry": {"did": "a"}, "steps": [{"name": "b", "branch": {"iff": {"did": "a"}}}]},
        {"exposures": [{"config": {"meta": {"sync": {"destination": "a", "object": "b", "mode": "c", "keey": []}}}}]},
        {"exposures": [{"config": {"meta": {"sync": {"destination": "a", "object": "b", "mode": "c", "guards": {"min_row": 1}}}}}]},
    ],
)  # fmt: skip
def test_what_is_mistyped_is_not(mistyped: dict[str, Any]) -> None:
    assert not validator().is_valid(mistyped)


WRONG = {
    "audience_one": ("audience", "did: order_placed\nat_leat: 2\nwithin: 90 dyas"),
    "audience_two": ("audience", "trait: country\nequals: DE\nholdot: {percent: 5}"),
    "audience_three": ("audience", "trait: country\nequals: [DE"),
    "audience_good": ("audience", "trait: country\nequals: DE"),
    "journey_one": (
        "journey",
        "entry: {audience: audience_good}\nsteps:\n  - {name: a, wiat: {for: 1 days}}",
    ),
    "journey_good": (
        "journey",
        "entry: {audience: audience_good}\nsteps:\n  - {name: a, wait: {for: 1 days}}",
    ),
    "audience_four": ("audience", "entity: person\nall:\n  - did: order_plcaed"),
    "audience_five": ("audience", "trait: country\nequals: DE\nequals: FR\nholdout:"),
    # Right, behind a wrong one that contact rules tie it to: the other's mistake is not its own.
    "journey_behind": (
        "journey",
        "entry: {audience: audience_good}\nsteps:\n  - {name: a, touchpoint: {destination: mailer, channel: email, template: b}}",
    ),
    # Of the event's columns the properties name one, and so no word is said of the others.
    "journey_of_orders": (
        "journey",
        "entry: {did: order_placed}\nsteps:\n  - {name: a, wait: {for: 1 days}}",
    ),
}


def test_every_file_is_checked_and_no_warehouse_asked(tmp_path: Path) -> None:
    events = [{"name": "order_placed", "properties": ["revenue_eur"]}]
    stubs = {**STUBS, "profile_suppressions": "select 'p' as profile_id"}
    make_project(
        tmp_path,
        tmp_path / "nowhere" / "not.duckdb",
        stubs,
        {
            "cdp_events": events,
            "cdp_registry": {
                "traits": ["traits_billing"],
                "journeys": ["journey_one", "journey_behind"],
            },
            "cdp_contact_rules": {"caps": [{"at_most": 1, "days": 1}]},
        },
    )
    (tmp_path / "models/journey_tried.sql").unlink()
    for name, (macro, text) in WRONG.items():
        (tmp_path / "models" / f"{name}.sql").write_text(
            f"-- a comment\n{{% set definition %}}\n{text}\n{{% endset %}}\n{{{{ headwater.{macro}(definition) }}}}\n"
        )
    exposure = {
        "name": "mailer_people", "type": "application", "owner": {"name": "D", "email": "d@e.example"},
        "depends_on": ["ref('audience_good')"], "config": {"meta": {"sync": {"destination": "mailer", "modus": "mirror"}}},
    }  # fmt: skip
    # A trait that is for service alone, a query of it, and what sends that for marketing.
    (tmp_path / "models/traits_billing.sql").write_text(
        "select 'p' as profile_id, 1 as overdue_eur"
    )
    (tmp_path / "models/audience_late.sql").write_text(
        "select profile_id\nfrom {{ ref('traits_billing') }}\nwhere overdue_eur > 1"
    )
    column = {"name": "overdue_eur", "config": {"meta": {"purposes": ["service"]}}}
    sync = {
        "destination": "mailer", "object": "list", "mode": "mirror", "key": ["profile_id"],
        "consent": {"channel": "email", "purpose": "marketing"},
    }  # fmt: skip
    late = {
        **exposure,
        "name": "mailer_late",
        "depends_on": ["ref('audience_late')"],
        "config": {"meta": {"sync": sync}},
    }
    (tmp_path / "models/_exposures.yml").write_text(
        yaml.safe_dump(
            {
                "exposures": [exposure, late],
                "models": [{"name": "traits_billing", "columns": [column]}],
            },
            sort_keys=False,
        )
    )
    out = io.StringIO()
    with worker_here.of_its_own(), redirect_stdout(out):
        code = run(["validate", "--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path), "--json"])  # fmt: skip
    told = json.loads(out.getvalue())
    assert code == 1, told
    found = {(Path(one["file"]).name, one["line"]): one["key"] for one in told["problems"]}
    assert found[("audience_one.sql", 4)] == "did"
    assert found[("audience_one.sql", 5)] == "did.within"
    assert ("audience_two.sql", 5) in found or ("audience_two.sql", None) in found
    assert found[("audience_four.sql", 5)] == "all[1].did"
    assert found[("audience_five.sql", 5)] == "equals"
    assert found[("audience_five.sql", 6)] == "holdout"
    absent = next(one["said"] for one in told["problems"] if "audience_four" in one["file"])
    assert absent.startswith("there is no event 'order_plcaed'; did you mean 'order_placed'?")
    purpose = next(one for one in told["problems"] if "audience_late" in one["file"])
    assert purpose["line"] == 3
    assert purpose["said"].startswith("'overdue_eur' is used, and sync 'mailer_late'")
    assert "for marketing: traits_billing has it for service alone" in purpose["said"]
    files = {file for file, _ in found}
    assert files == {
        "audience_one.sql",
        "audience_two.sql",
        "audience_three.sql",
        "audience_four.sql",
        "audience_five.sql",
        "journey_one.sql",
        "audience_late.sql",
        "_exposures.yml",
    }
    assert found[("_exposures.yml", 2)] == "sync mailer_people"
    assert told["checked"] == len(WRONG) + 2
    assert not (tmp_path / "nowhere").exists()
