"""A wrong `cdp_survivorship` stops before anything is built, and says where and what is allowed."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[3]

IDENTITY: dict[str, Any] = {
    "person": {
        "identifiers": {"email": {"tier": 1}},
        "records": [
            {"source_name": "users", "model": "stg_users", "record_key": "user_id", "identifiers": {"email": "email"}},
            {"source_name": "orders", "model": "stg_orders", "record_key": "order_id", "identifiers": {"email": "email"}},
        ],
    }
}  # fmt: skip

Rules = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Checks a survivorship in a project that has our macros and nothing else; returns dbt's complaint, or ''."""
    directory = tmp_path_factory.mktemp("survivorship")
    shutil.copytree(ROOT / "macros", directory / "macros")
    project = {"name": "headwater", "version": "1.0", "config-version": 2, "profile": "headwater"}
    (directory / "dbt_project.yml").write_text(yaml.safe_dump(project))
    target = {"type": "duckdb", "path": ":memory:"}
    profile = {"headwater": {"target": "duckdb", "outputs": {"duckdb": target}}}
    (directory / "profiles.yml").write_text(yaml.safe_dump(profile))

    places = [
        "--project-dir",
        str(directory),
        "--profiles-dir",
        str(directory),
        "--log-level-file",
        "none",
    ]
    places += ["--target-path", str(directory / "target")]
    manifest = dbtRunner().invoke(["--quiet", "parse", *places]).result
    messages: list[str] = []

    def check(survivorship: dict[str, Any]) -> str:
        variables = {"cdp_registry": {}, **survivorship}
        messages.clear()
        result = dbtRunner(
            manifest=manifest, callbacks=[lambda event: messages.append(event.info.msg)]
        ).invoke(
            ["--quiet", "run-operation", "survivorship_rules", "--args", "{entity: person}",
             "--vars", json.dumps(variables), *places]
        )  # fmt: skip
        return "" if result.success else "\n".join(messages)

    return check


def survivorship(
    attributes: dict[str, Any], given: list[Any] | None = None, *, also_orders: bool = False
) -> dict[str, Any]:
    names = given or [*attributes]
    identity = copy.deepcopy(IDENTITY)
    identity["person"]["records"][0]["attributes"] = names
    if also_orders:
        identity["person"]["records"][1]["attributes"] = names
    return {"cdp_survivorship": {"person": {"attributes": attributes}}, "cdp_identity": identity}


@pytest.mark.parametrize(
    "attributes",
    [
        {"email": "most_recent"},
        {"email": {"rule": "first", "identifier": "email", "sources": ["users"]}},
        {"age": {"rule": ["most_frequent", "max"], "type": "integer"}},
        {"street": "most_recent", "city": {"follows": "street"}},
    ],
)
def test_accepts_every_form_of_an_attribute(rules: Rules, attributes: dict[str, Any]) -> None:
    assert rules(survivorship(attributes)) == ""


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (survivorship({"email": "newest"}), ["attributes.email", "'newest'", "most_recent", "source_priority"]),
        (survivorship({"email": {}}), ["attributes.email", "rule", "most_recent"]),
        (survivorship({"email": {"rule": "max", "type": "money"}}), ["attributes.email", "'money'", "integer"]),
        (survivorship({"email": {"rule": "max", "typ": "integer"}}), ["attributes.email", "'typ'", "follows"]),
        (survivorship({"email": {"rule": "first", "sources": ["orders"]}}), ["attributes.email", "'orders'", "users"]),
        (survivorship({"email": {"rule": "first", "identifier": "mail"}}),
         ["attributes.email", "'mail'", "email", "did you mean 'email'?", "the package's holds: write yours"]),
        (survivorship({"email": {"rule": "first", "identifier": "email"}}) | {"cdp_identity": {"boat": {"identifiers": {"hull": {}}}}},
         ["'email' is not one of none, for cdp_identity has no person"]),
        (survivorship({"a": "first", "b": {"follows": "a", "rule": "first"}}), ["attributes.b", "follows"]),
        (survivorship({"a": "first", "b": {"follows": "c"}}), ["attributes.b", "'c'", "a"]),
        (survivorship({"E-Mail": "first"}), ["attributes.E-Mail", "lower case"]),
        (survivorship({"a": "first", "b": "first"}, given=["a"]), ["attributes.b", "no source gives it"]),
        (survivorship({"a": "first"}, given=["a", "z"]), ["records of person, users", "'z'", "a"]),
        ({"cdp_survivorship": {"person": {"attributes": {}, "sources": []}}, "cdp_identity": IDENTITY},
         ["cdp_survivorship.person", "'sources'", "attributes"]),
        (survivorship({"email": {"rule": "first", "sources": ["users"]}}, also_orders=True), ["'orders'", "which gives it", "users"]),
    ],
)  # fmt: skip
def test_refuses_what_is_wrong_and_says_where_and_what_is_allowed(
    rules: Rules, wrong: dict[str, Any], words: list[str]
) -> None:
    complaint = rules(wrong)
    assert [word for word in words if word not in complaint] == []
