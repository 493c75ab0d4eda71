"""A developer's schema never goes live: push, plan and check say so, and nothing is sent or written."""

from __future__ import annotations

import pytest


@pytest.fixture
def unlisted(lab):
    path = lab.folder / "dbt_project.yml"
    path.write_text(path.read_text().partition("vars:")[0])
    return lab


def refused_of(answer):
    document = answer()
    return {one["name"]: one for one in document["syncs"]}


@pytest.mark.parametrize(
    "flags",
    [(), ("--dry-run",), ("--skip-gates",), ("--full-refresh", "--exclude", "hook_events"),
     ("--skip-gates", "--allow-additions", "--allow-events", "--allow-removals")],
)  # fmt: skip
def test_no_flag_lets_an_unlisted_target_go_live(unlisted, answer, flags):
    assert unlisted.sync("push", "--json", *flags) == 1
    ends = refused_of(answer)
    assert ends
    assert {one["status"] for one in ends.values()} == {"refused"}
    assert not (unlisted.folder / "exports").exists()
    assert unlisted.sql("select count(*) from analytics_sync.runs") == [(0,)]


def test_it_is_said_once_with_the_line_to_add(unlisted, capsys):
    assert unlisted.sync("push") == 1
    said = capsys.readouterr().err
    assert said.count("may not send to real accounts") == 1
    assert (
        f"{{dev: {{path: {unlisted.folder.resolve() / 'headwater.duckdb'}, schema: analytics}}}}"
        in said
    )
    assert "--sandbox" in said


def test_nobody_is_alerted(unlisted, monkeypatch):
    def alerted(*_, **__):
        raise AssertionError("an alert was sent from a developer's machine")

    with (unlisted.folder / "destinations.yml").open("a") as file:
        file.write("\nalerts: {type: webhook, url: 'http://127.0.0.1:9'}\n")
    monkeypatch.setattr("sync.cli.alerting.tell", alerted)
    monkeypatch.setattr("sync.cli.alarm.tell", alerted)
    assert unlisted.sync("push") == 1
    unlisted.sync("status", "--alert")
    (unlisted.folder / "target" / "manifest.json").unlink()
    assert unlisted.sync("push") == 2
    assert unlisted.sync("pull") == 2


def test_the_sandbox_is_free(unlisted, answer, monkeypatch):
    monkeypatch.setenv("HEADWATER_ENVIRONMENT", "sandbox")
    assert unlisted.sync("push", "--json", "--select", "files_people") == 0
    assert refused_of(answer)["files_people"]["added"] == 10


def test_plan_shows_what_a_push_would_and_that_it_may_not(unlisted, answer, capsys):
    assert unlisted.sync("plan", "--json", "--select", "files_people") == 1
    one = refused_of(answer)["files_people"]
    assert (one["add"], one["refused"]["reason"]) == (10, "target")
    assert unlisted.sync("plan") == 1
    assert capsys.readouterr().err.count("may not send to real accounts") == 1
    assert unlisted.sync("plan", "--sandbox", "--select", "files_people") == 0


def test_check_says_it_too(unlisted, answer):
    assert unlisted.sync("check", "--json", "--select", "files_people") == 1
    document = answer()
    assert document["refused"]["reason"] == "target"
    assert document["syncs"][0]["ok"]


def test_check_is_green_where_the_target_is_listed(lab, answer):
    assert lab.sync("check", "--json", "--select", "files_people") == 0
    assert answer()["refused"] is None


def test_a_manifest_of_another_schema_is_refused(lab, capsys):
    path = lab.folder / "target" / "manifest.json"
    path.write_text(path.read_text().replace('"analytics_sync"', '"dbt_anna_sync"'))
    assert lab.sync("push", "--select", "files_people") == 1
    assert "written for another target" in capsys.readouterr().err


def test_plan_says_that_growth_would_be_refused(lab, answer):
    assert lab.sync("push", "--select", "files_people", "--json") == 0
    answer()
    lab.sql(
        "create or replace table analytics.sync_files__people as select 'p' || n as profile_id, "
        "'p' || n || '@example.com' as email, n as score, cast(null as varchar) as withheld_reason, "
        "md5(cast(n as varchar)) as row_hash from range(200) as numbers(n)"
    )
    assert lab.sync("plan", "--select", "files_people", "--json") == 1
    one = refused_of(answer)["files_people"]
    assert (one["add"], one["refused"]["reason"]) == (190, "too_many_additions")
    assert lab.sync("push", "--select", "files_people", "--allow-additions", "--json") == 0
    assert refused_of(answer)["files_people"]["added"] == 190
