"""The command line over a project that dbt built: list, check, plan, push, status."""

from __future__ import annotations


def test_list_shows_every_sync(lab, answer):
    assert lab.sync("list", "--json") == 0
    shown = answer()
    assert shown["schema_version"] == 1
    assert [sync["name"] for sync in shown["syncs"]] == [
        "files_people",
        "hook_events",
        "hook_people",
    ]
    assert shown["syncs"][0] == {
        "name": "files_people", "destination": "files", "object": {"table": "people"},
        "mode": "replace", "model": "sync_files__people",
    }  # fmt: skip


def test_plan_then_push_then_plan_has_nothing_left(lab, answer):
    assert lab.sync("plan", "--select", "files_people", "--json") == 0
    assert answer()["syncs"] == [
        {"name": "files_people", "add": 10, "change": 0, "remove": 0, "unchanged": 0,
         "withheld": {}, "refused": None}
    ]  # fmt: skip
    assert lab.sync("push", "--select", "files_people", "--json") == 0
    pushed = answer()["syncs"][0]
    assert (pushed["status"], pushed["added"], pushed["failed"]) == ("success", 10, 0)
    assert len(lab.exported()) == 10
    assert lab.sync("plan", "--select", "files_people", "--json") == 0
    assert answer()["syncs"][0]["unchanged"] == 10


def test_push_sends_exactly_what_changed(lab, answer):
    lab.sync("push", "--select", "files_people", "--json")
    answer()
    lab.sql("update analytics.sync_files__people set row_hash = 'new', score = 99 "
            "where profile_id = 'p3'")  # fmt: skip
    lab.sql("delete from analytics.sync_files__people where profile_id = 'p4'")
    assert lab.sync("push", "--select", "tag:nightly", "--json") == 0
    pushed = answer()["syncs"][0]
    assert (pushed["added"], pushed["changed"], pushed["removed"]) == (0, 1, 1)
    assert len(lab.exported()) == 9


def test_status_shows_the_last_run_and_what_is_held(lab, answer):
    lab.sync("push", "--select", "files_people", "--json")
    answer()
    assert lab.sync("status", "--select", "files_people", "--json") == 0
    shown = answer()["syncs"][0]
    assert (shown["status"], shown["held"], shown["failing"]) == ("success", 10, 0)


def test_check_tells_what_credentials_reach(lab, answer):
    assert lab.sync("check", "--select", "files_people", "--json") == 0
    assert answer()["syncs"][0]["ok"] is True


def test_check_of_a_dead_destination_fails(lab, answer):
    assert lab.sync("check", "--select", "hook_people", "--json") == 1
    assert answer()["syncs"][0]["ok"] is False


def test_a_saved_plan_is_refused_once_the_world_has_changed(lab, answer, tmp_path):
    plan = str(tmp_path / "plan.json")
    assert lab.sync("plan", "--select", "files_people", "--out", plan, "--json") == 0
    answer()
    lab.sql("update analytics.sync_files__people set row_hash = 'new' where profile_id = 'p3'")
    assert lab.sync("push", "--plan", plan, "--json") == 1
    refused = answer()["syncs"][0]
    assert refused["status"] == "refused"
    assert "what the plan says" in refused["message"]
    assert not (lab.folder / "exports").exists()
    assert lab.sync("plan", "--select", "files_people", "--out", plan, "--json") == 0
    answer()
    assert lab.sync("push", "--plan", plan, "--json") == 0
    assert answer()["syncs"][0]["added"] == 10


def test_markdown_plan_is_a_table(lab, capsys):
    assert lab.sync("plan", "--select", "files_people", "--markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| files_people | 10 | 0 | 0 | 0 |  |  |"


def test_dry_run_writes_nothing(lab, answer):
    before = lab.sql("select count(*) from analytics_sync.runs")
    assert lab.sync("push", "--dry-run", "--select", "files_people", "--json") == 0
    assert lab.sql("select count(*) from analytics_sync.runs") == before
    assert not (lab.folder / "exports").exists()


def test_bare_sync_prints_help_and_exits_2(capsys):
    from sync.cli.main import run

    assert run([]) == 2
    assert "Usage:" in capsys.readouterr().err
