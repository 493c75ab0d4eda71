"""What the manifest says of a sync, read from a project of four models."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sync.config.manifest import STAYS, Manifest

ROOT = Path(__file__).parents[3]

CONSENT = {"channel": "email", "purpose": "marketing"}


def model(name, *parents, columns=()):
    return {
        "name": name,
        "resource_type": "model",
        "relation_name": f"analytics.{name}",
        "columns": {column: {"name": column} for column in columns},
        "depends_on": {"nodes": [f"model.shop.{parent}" for parent in parents]},
    }


def definition_of(tmp_path, sync, columns):
    """The sync of a model that is plain SQL on one table and refers to no consent."""
    nodes = [
        model("stg_consents"),
        model("profile_consent", "stg_consents"),
        model("profile_suppressions", "profile_consent"),
        model("sync_list", columns=columns),
    ]
    return manifest_of(tmp_path, sync, nodes)


def manifest_of(tmp_path, sync, nodes, **document):
    exposure = {
        "name": "list",
        "depends_on": {"nodes": ["model.shop.sync_list"]},
        "config": {"meta": {"sync": sync}},
    }
    path = tmp_path / "manifest.json"
    path.write_text(
        json.dumps(
            {
                "nodes": {f"model.shop.{node['name']}": node for node in nodes},
                "exposures": {"exposure.shop.list": exposure},
                **document,
            }
        )
    )
    (definition,) = Manifest(path).syncs()
    return definition


def sync_of(tmp_path, nodes, **document):
    """A sync that asks for consent."""
    sync = {
        "destination": "klaviyo",
        "object": {"list": "Everybody"},
        "mode": "mirror",
        "key": ["profile_id"],
        "identifiers": ["email"],
        "consent": CONSENT,
    }
    return manifest_of(tmp_path, sync, nodes, **document)


@pytest.mark.parametrize(
    ("mode", "consent", "columns", "asked"),
    [
        (
            "mirror",
            CONSENT,
            ["profile_id"],
            {"stg_consents", "profile_consent", "profile_suppressions"},
        ),
        (
            "mirror",
            None,
            ["profile_id"],
            {"stg_consents", "profile_consent", "profile_suppressions"},
        ),
        ("mirror", None, ["account_id"], set()),
        ("remove", CONSENT, ["profile_id"], set()),
    ],
    ids=["asks for consent", "people without consent", "companies", "to be taken out"],
)
def test_what_the_plan_asks_for_permission_must_be_well_though_the_model_refers_to_it_nowhere(
    tmp_path, mode, consent, columns, asked
):
    """Else a refusal that the failed build left out would be sent against, and the gate would not know."""
    sync = {
        "destination": "klaviyo",
        "object": {"list": "Everybody"},
        "mode": mode,
        "key": columns,
        "identifiers": ["email"],
    }
    if consent:
        sync["consent"] = consent
    upstream = definition_of(tmp_path, sync, columns).model.upstream
    assert set(upstream) == {f"model.shop.{name}" for name in asked}


@pytest.mark.parametrize(
    ("kind", "told", "read"),
    [
        ("audience", {"any": [{"member_of": "audience_b", "left": {"within": "7 days"}}]}, ["audience_memberships"]),
        ("audience", {"trait": "t", "holdout": {"percent": 10, "per": "country"}}, ["audience_memberships"]),
        ("audience", {"not": {"in_journey": "journey_welcome"}}, ["journey_welcome"]),
        ("audience", {"was_sent": {"journey": "journey_welcome", "step": "mail"}}, ["journey_welcome"]),
        ("journey", {"entry": {"audience": "audience_b"}, "steps": [
            {"wait": {"until": {"member_of": "audience_b", "stayed": {">=": 3}}}}]}, ["audience_memberships"]),
        ("audience", {"all": [{"member_of": "audience_b"}, {"was_sent": {"sync": "list"}}], "holdout": {"percent": 5}}, []),
    ],
)  # fmt: skip
def test_what_is_read_as_the_last_build_left_it_must_be_well_too(tmp_path, kind, told, read):
    """One wrong audience keeps memberships from being made, and who entered since is not known then."""
    nodes = [
        model("audience_memberships", "audience_wrong"),
        model("audience_wrong"),
        model("journey_welcome"),
        model("audience_b"),
        {**model("asking", "audience_b"), "config": {"meta": {kind: told}}},
        model("sync_list", "asking"),
        model("profile_consent"),
        model("profile_suppressions"),
    ]
    upstream = set(sync_of(tmp_path, nodes).model.upstream)
    common = {"asking", "audience_b", "profile_consent", "profile_suppressions"}
    assert upstream - {f"model.shop.{one}" for one in common} == {
        f"model.shop.{one}" for one in read
    }


def test_what_asks_when_somebody_was_a_member_is_one_list():
    text = (ROOT / "macros/audiences/definition_keys.sql").read_text()
    (keys,) = re.findall(r"'member_of': \[('member_of', .*)\]", text)
    assert set(keys.replace("'", "").split(", ")) - {"member_of"} == STAYS


def test_unit_tests_of_what_a_sync_is_built_on_are_looked_at_and_others_are_not(tmp_path):
    """dbt skips a model for its unit test: what failed is there to be named."""
    unit_tests = {
        f"unit_test.shop.{name}.{name}_is_right": {"depends_on": {"nodes": [f"model.shop.{name}"]}}
        for name in ("stg_people", "audience", "other_audience", "sync_list")
    }
    definition = sync_of(
        tmp_path,
        [
            model("stg_people"),
            model("audience", "stg_people"),
            model("other_audience", "stg_people"),
            model("sync_list", "audience"),
        ],
        unit_tests=unit_tests,
    )
    found = {one for one in definition.model.upstream if one.startswith("unit_test")}
    assert {one.split(".")[2] for one in found} == {"stg_people", "audience", "sync_list"}


def test_what_the_plan_asks_is_named_for_the_hint_where_the_model_is_not_built_from_it(tmp_path):
    """`dbt build --select +model` would leave it as it is."""
    people = [model("profile_consent"), model("profile_suppressions", "profile_consent")]
    apart = sync_of(tmp_path, [*people, model("sync_list")])
    assert apart.model.asked == ("profile_consent", "profile_suppressions")
    within = sync_of(tmp_path, [*people, model("sync_list", "profile_suppressions")])
    assert within.model.asked == ()


PERSON, COMPANY = {"person": {}}, {"account": {}}
NOBODY = {
    "an empty registry": ([], ("profiles",), "cdp_registry: records is empty"),
    "people": ([PERSON], ("profiles",), ""),
    "companies alone": ([COMPANY], ("profiles",), "companies alone (stg_0)"),
    "companies for companies": ([COMPANY], ("accounts",), ""),
    "companies and contacts": ([COMPANY, {**PERSON, **COMPANY}], ("profiles",), ""),
    "a record that the settings spell out": ([None], ("profiles",), ""),
    "no package": (None, ("profiles",), ""),
}


@pytest.mark.parametrize("case", NOBODY)
def test_why_nobody_can_be_in_a_sync_is_known(tmp_path, case):
    records, above, said = NOBODY[case]
    nodes = [model(name) for name in above] + [model("sync_list", *above, columns=["profile_id"])]
    path = tmp_path / "manifest.json"
    sync_of(tmp_path, nodes)
    document = json.loads(path.read_text())
    if records is not None:
        reader = model("identity_records")
        reader["depends_on"]["nodes"] = ["model.headwater.stg_sync__erasure_requests"]
        for number, record in enumerate(records):
            one = {
                **model(f"stg_{number}"),
                "config": {"meta": {"record": record} if record else {}},
            }
            document["nodes"][f"model.shop.stg_{number}"] = one
            reader["depends_on"]["nodes"].append(f"model.shop.stg_{number}")
        document["nodes"]["model.headwater.identity_records"] = reader
    path.write_text(json.dumps(document))
    (definition,) = Manifest(path).syncs()
    why, what_to_do = definition.nobody
    assert (said in why) if said else (why, what_to_do) == ("", "")
    assert bool(what_to_do) is bool(said)
