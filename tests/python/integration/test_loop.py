"""The command line over a project that dbt built: list, check, plan, push, status."""

from __future__ import annotations

import pytest
from hook import running_hook

from sync.engine.pull import Puller, PullResult
from sync.errors import WarehouseError
from sync.state.leases import owner_name


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
        "mode": "replace", "model": "sync_files__people", "delivery": "idempotent",
    }  # fmt: skip


def test_plan_then_push_then_plan_has_nothing_left(lab, answer):
    assert lab.sync("plan", "--select", "files_people", "--json") == 0
    assert answer()["syncs"] == [
        {"name": "files_people", "add": 10, "change": 0, "remove": 0, "merged": 0, "kept_both": 0, "why_kept": None, "unchanged": 0,
         "withheld": {}, "refused": None, "delivery": "idempotent"}
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


def test_list_and_plan_say_what_a_crash_may_do_to_a_row(lab, answer, capsys):
    assert lab.sync("list", "--json") == 0
    guarantees = {sync["name"]: sync["delivery"] for sync in answer()["syncs"]}
    assert guarantees == {"files_people": "idempotent", "hook_people": "idempotent",
                          "hook_events": "at_least_once"}  # fmt: skip
    assert lab.sync("plan", "--select", "hook_events") == 0
    assert "at_least_once" in capsys.readouterr().out
    (lab.folder / "destinations.yml").unlink()
    assert lab.sync("list", "--json") == 0, "a list needs no account"
    assert answer()["syncs"][0]["delivery"] is None


def test_what_an_older_version_kept_in_clear_of_refused_rows_is_masked(lab, answer):
    lab.sql("insert into analytics_sync.failures select 'live', 'r', 'hook_people', 'anna@example.com', "
            "'add', 'anna@example.com is no address', 'anna@example.com or +491701234567', 'h', 1, false, now()::timestamp")  # fmt: skip
    assert lab.sync("failures", "--scrub", "--json") == 0
    assert answer()["scrubbed"] == 1
    kept = lab.sql(
        "select sync_key, status, message from analytics_sync.failures where payload_hash = 'h'"
    )
    assert "anna" not in str(kept)
    assert "1701234567" not in str(kept)
    assert kept[0][0].startswith("#")
    assert lab.sync("failures", "--scrub", "--json") == 0
    assert answer()["scrubbed"] == 0


def test_refused_rows_wait_in_quarantine_until_failures_retry_frees_them(lab, answer):
    lab.sql("insert into analytics_sync.failures select 'live', 'r', 'hook_people', profile_id, "
            "'add', '422', 'no', row_hash, 5, true, current_timestamp::timestamp "
            "from analytics.sync_hook__people where profile_id = 'p3'")  # fmt: skip
    assert lab.sync("failures", "--json") == 0
    found = answer()["failures"]
    assert [(row["sync_key"], row["quarantined"]) for row in found] == [("p3", True)]
    assert lab.sync("plan", "--select", "hook_people", "--json") == 0
    assert answer()["syncs"][0]["withheld"] == {"quarantined": 1}
    assert lab.sync("failures", "--retry", "--json") == 0
    assert answer()["released"] is True
    assert lab.sync("plan", "--select", "hook_people", "--json") == 0
    assert answer()["syncs"][0]["add"] == 10


def test_an_alert_tells_that_a_sync_broke_and_that_it_works_again(lab, monkeypatch):
    with running_hook() as made, running_hook() as alerts:
        told = alerts.bodies
        path = lab.folder / "destinations.yml"
        path.write_text(path.read_text() + f"alerts: {{type: webhook, url: '{alerts.url}'}}\n")
        push = ("push", "--select", "hook_people", "--attempts", "1", "--json")
        monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:9")
        assert lab.sync(*push) == 1
        assert lab.sync(*push) == 1
        monkeypatch.setenv("HOOK_URL", made.url)
        assert lab.sync(*push) == 0
        assert lab.sync(*push) == 0
    changes = [change for body in told for change in body["changes"]]
    assert [(change["sync"], change["recovered"]) for change in changes] == [
        ("hook_people", False), ("hook_people", True),
    ]  # fmt: skip


def test_the_first_news_of_a_sync_that_does_not_arrive_is_told_again(lab, monkeypatch):
    """The run on record had the new state by then, so that nobody ever heard of it."""
    path = lab.folder / "destinations.yml"
    text = path.read_text()
    path.write_text(text + "alerts: {type: webhook, url: 'http://127.0.0.1:9'}\n")
    push = ("push", "--select", "hook_people", "--attempts", "1", "--json")
    monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:9")
    assert lab.sync(*push) == 1
    with running_hook() as alerts:
        path.write_text(text + f"alerts: {{type: webhook, url: '{alerts.url}'}}\n")
        assert lab.sync(*push) == 1
        assert lab.sync(*push) == 1
    changes = [change for body in alerts.bodies for change in body["changes"]]
    assert [(one["sync"], one["status"]) for one in changes] == [("hook_people", "failed")]


@pytest.mark.parametrize("command", [("push",), ("pull",), ("status", "--alert")])
def test_a_command_that_cannot_begin_is_told_once_and_again_when_it_works(lab, command):
    manifest = lab.folder / "target" / "manifest.json"
    with running_hook() as alerts:
        path = lab.folder / "destinations.yml"
        text = path.read_text() + f"alerts: {{type: webhook, url: '{alerts.url}', owners: [x]}}\n"
        path.write_text(text)
        kept = manifest.read_text()
        manifest.unlink()
        assert lab.sync(*command) == 2
        assert lab.sync(*command) == 2
        assert lab.sync("push", "--dry-run") == 2  # nobody asked for it
        manifest.write_text(kept)
        for _ in range(2):
            lab.sync(*command, "--select", "files_people")
    changes = [change for body in alerts.bodies for change in body["changes"]]
    found = [
        (one["status"], one["recovered"]) for one in changes if one["sync"] == f"sync {command[0]}"
    ]
    assert found == [("failed", False), ("success", True)]
    assert "dbt" in changes[0]["message"]


def test_a_receiver_that_hears_nothing_is_told_again_and_a_wrong_option_is_nobodys_news(lab):
    manifest = lab.folder / "target" / "manifest.json"
    path = lab.folder / "destinations.yml"
    text = path.read_text()
    manifest.unlink()
    path.write_text(text + "alerts: {type: webhook, url: 'http://127.0.0.1:9'}\n")
    assert lab.sync("push") == 2
    with running_hook() as alerts:
        path.write_text(text + f"alerts: {{type: webhook, url: '{alerts.url}'}}\n")
        assert lab.sync("push", "--selct", "x") == 2
        assert alerts.bodies == []
        assert lab.sync("push") == 2
    assert [change["status"] for body in alerts.bodies for change in body["changes"]] == ["failed"]


def test_a_pull_that_fails_is_told_once_and_again_when_it_works(lab, monkeypatch):
    """Without results nobody here knows who unsubscribed at the vendor."""
    ends = iter(["success", "failed", "failed", "success", "success"])

    def pulled(puller):
        status = next(ends)
        error = WarehouseError("no room.") if status == "failed" else None
        return PullResult("hook", status, error=error)

    monkeypatch.setattr("sync.cli.pull._reporting", lambda *_: ["hook"])
    monkeypatch.setattr(Puller, "pull", pulled)
    with running_hook() as alerts:
        path = lab.folder / "destinations.yml"
        path.write_text(path.read_text() + f"alerts: {{type: webhook, url: '{alerts.url}'}}\n")
        assert [lab.sync("pull") for _ in range(5)] == [0, 1, 1, 0, 0]
        lab.sync("status")
    changes = [change for body in alerts.bodies for change in body["changes"]]
    assert [(one["sync"], one["status"], one["message"]) for one in changes] == [
        ("pull of hook", "failed", "no room."), ("pull of hook", "success", ""),
    ]  # fmt: skip


def test_a_pull_that_does_not_come_is_told_and_again_when_it_works(lab, monkeypatch, capsys):
    monkeypatch.setattr("sync.cli.pull._reporting", lambda *_: ["hook"])
    monkeypatch.setattr(Puller, "pull", lambda _: PullResult("hook", "success"))
    lab.sql(
        "insert into analytics_sync.runs (environment, run_id, sync_name, command, mode, status, started_at, finished_at) "
        "select 'live', 'p' || day, 'pull:hook', 'pull', 'pull', 'success', began, began from (select day, "
        "current_timestamp::timestamp - to_days(3 + day) as began from range(4) as days (day)) as pulls"
    )
    with running_hook() as alerts:
        path = lab.folder / "destinations.yml"
        path.write_text(path.read_text() + f"alerts: {{type: webhook, url: '{alerts.url}'}}\n")
        assert [lab.sync("status", "--alert") for _ in range(2)] == [1, 1]
        assert "pull of hook is missing: its next run was expected at" in capsys.readouterr().err
        assert lab.sync("pull") == 0
    changes = [change for body in alerts.bodies for change in body["changes"]]
    assert [(one["sync"], one["status"]) for one in changes] == [
        ("pull of hook", "missing"), ("pull of hook", "success"),
    ]  # fmt: skip


def test_unlock_breaks_the_lease_of_what_cannot_be_seen_and_of_nothing_that_is_at_work_here(
    lab, capsys
):
    def lease(owner):
        lab.sql("delete from analytics_sync.leases")
        lab.sql(
            f"insert into analytics_sync.leases values ('live', 'files_people', '{owner}', "
            "current_timestamp::timestamp + interval 1 hour)"
        )

    unlock, push = ("unlock", "files_people", "--yes"), ("push", "--select", "files_people")
    lease(owner_name("run"))
    assert lab.sync(*unlock) == 1
    assert "kill" in capsys.readouterr().err
    assert lab.sync(*push) == 1
    lease("another-machine/7.1/run")
    assert lab.sync(*push) == 1
    capsys.readouterr()
    assert lab.sync("unlock", "files_people") == 2
    assert "nobody is there to ask: --yes does it." in capsys.readouterr().err
    assert lab.sync(*unlock) == 0
    [(said,)] = lab.sql("select message from analytics_sync.runs where command = 'unlock'")
    assert said.startswith("the lease of process 7 on another-machine")
    assert lab.sync(*push) == 0
    assert lab.sync(*unlock) == 0  # nobody holds it


def test_status_calls_no_error_what_a_flag_let_pass(lab, capsys):
    assert lab.sync("push", "--select", "files_people") == 0
    assert lab.sync("push", "--select", "files_people", "--full-refresh") == 0
    capsys.readouterr()
    assert lab.sync("status", "--select", "files_people") == 0
    shown = capsys.readouterr().err
    assert "files_people: --full-refresh" in shown
    assert "Error" not in shown


def test_status_shows_the_last_run_and_what_is_held(lab, answer):
    lab.sync("push", "--select", "files_people", "--json")
    answer()
    assert lab.sync("status", "--select", "files_people", "--json") == 0
    shown = answer()["syncs"][0]
    assert (shown["status"], shown["held"], shown["failing"]) == ("success", 10, 0)


def test_status_names_a_sync_that_is_not_defined_any_more_and_still_holds_people(
    lab, answer, capsys
):
    lab.sync("push", "--select", "files_people", "--json")
    answer()
    lab.sql("update analytics_sync.ledger set sync_name = 'old_people'")
    # What was sent as events cannot be taken out, and who was taken out is nowhere.
    for mode in ("event", "remove"):
        for table, more, which in (
            ("ledger", "", "sync_name = 'old_people'"),
            ("runs", f", '{mode}' as mode", "command = 'push' and sync_name = 'files_people'"),
        ):
            lab.sql(
                f"insert into analytics_sync.{table} by name select * replace ('old_{mode}' as sync_name{more}) "
                f"from analytics_sync.{table} where {which}"
            )
    assert lab.sync("status", "--select", "hook_people", "--json") == 0
    assert answer()["undefined"] == [{"name": "old_people", "held": 10}]
    assert lab.sync("status") == 1
    told = capsys.readouterr().err
    assert "old_people: no exposure defines this sync any more; 10 rows" in told
    project = lab.folder / "dbt_project.yml"
    said = project.read_text("utf-8")
    project.write_text(f"{said}vars: {{cdp_retired_syncs: [old_people]}}\n")
    assert lab.sync("status", "--json") == 0
    assert answer()["undefined"] == []
    project.write_text(f"{said}vars: {{cdp_retired_syncs: [hook_people]}}\n")
    assert lab.sync("status") == 2
    assert "names 'hook_people', which an exposure defines" in capsys.readouterr().err


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
