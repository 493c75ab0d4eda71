"""Wrong configuration: a clear message, the next step, exit code 2, and nothing sent."""

from __future__ import annotations

import json

import pytest


def edit(lab, change):
    path = lab.folder / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest["exposures"]["exposure.headwater.files_people"]["config"]["meta"]["sync"])
    path.write_text(json.dumps(manifest))


def says(capsys, *words):
    shown = capsys.readouterr().err
    for word in words:
        assert word in shown, shown
    assert "Traceback" not in shown
    assert "?." not in shown


def test_no_profiles_yml(lab, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    assert lab.sync("push") == 2
    says(capsys, "no profiles.yml", "Hint:  cp profiles.yml.example profiles.yml")


def test_a_profile_that_is_not_there_names_those_that_are(lab, capsys):
    (lab.folder / "profiles.yml").write_text("other: {outputs: {}}")
    assert lab.sync("list") == 2
    says(capsys, "no profile 'headwater'", "it has: other")


def test_a_target_that_is_not_there_names_those_that_are(lab, capsys):
    assert lab.sync("list", "--target", "prod") == 2
    says(capsys, "no target 'prod'", "it has: dev")


def test_a_missing_environment_variable_is_named(lab, capsys):
    path = lab.folder / "destinations.yml"
    path.write_text(path.read_text().replace("'HOOK_URL', 'http://127.0.0.1:9'", "'HOOK_TOKEN_X'"))
    assert lab.sync("push", "--select", "hook_people") == 1
    says(capsys, "environment variable HOOK_TOKEN_X is not set", "destinations.hook", "export HOOK")


def test_a_missing_variable_of_one_destination_does_not_stop_another(lab):
    path = lab.folder / "destinations.yml"
    path.write_text(path.read_text().replace("'HOOK_URL', 'http://127.0.0.1:9'", "'HOOK_TOKEN_X'"))
    assert lab.sync("push", "--select", "files_people") == 0


def test_a_wrong_destination_name_in_an_exposure_stops_before_anything_is_sent(lab, capsys):
    edit(lab, lambda sync: sync.update(destination="file"))
    assert lab.sync("push") == 2
    says(capsys, "destination 'file' is not in", "did you mean 'files'")
    assert not (lab.folder / "exports").exists()


def test_a_misspelt_setting_is_named_before_the_one_that_is_missing_for_it(lab, capsys):
    path = lab.folder / "destinations.yml"
    path.write_text(path.read_text().replace("url:", "ulr:"))
    assert lab.sync("push", "--select", "hook_people") == 1
    says(capsys, "unknown setting 'ulr' (did you mean 'url'?)")


def test_no_destinations_yml_points_at_the_example_and_the_sandbox(lab, capsys):
    (lab.folder / "destinations.yml").unlink()
    assert lab.sync("push") == 2
    says(capsys, "destinations.yml", "--sandbox")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "miror"}, ["mode 'miror'", "did you mean 'mirror'"]),
        ({"identifier": ["email"]}, ["unknown key 'identifier'", "did you mean 'identifiers'"]),
        ({"key": []}, ["needs `key`"]),
        ({"object": "", "options": {}}, ["needs `object`"]),
        ({"guards": {"max_removals_percent": "few"}}, ["guards.max_removals_percent"]),
        ({"nulls": "keep"}, ["nulls 'keep'", "omit, send"]),
        ({"after": ["hook"]}, ["after names 'hook'"]),
    ],
)
def test_a_wrong_setting_of_an_exposure_is_named_with_what_is_allowed(lab, capsys, change, words):
    edit(lab, lambda sync: sync.update(change))
    assert lab.sync("push") == 2
    says(capsys, "files_people", *words)
    assert not (lab.folder / "exports").exists()


def test_a_selection_that_names_nothing_gets_the_nearest_name(lab, capsys):
    assert lab.sync("push", "--select", "files_peple") == 2
    says(capsys, "did you mean 'files_people'")


def test_a_command_that_is_not_there_gets_the_nearest_name(lab, capsys):
    assert lab.sync("psuh") == 2
    says(capsys, "no command 'psuh' (did you mean 'push'?)")


def test_list_says_why_it_cannot_tell_the_delivery(lab, capsys):
    (lab.folder / "destinations.yml").unlink()
    assert lab.sync("list") == 0
    says(capsys, "Delivery unknown: no", "destinations.yml")


def test_no_manifest_says_to_run_dbt(lab, capsys):
    (lab.folder / "target" / "manifest.json").unlink()
    assert lab.sync("list") == 2
    says(capsys, "dbt build")


def test_malformed_yaml_is_named_with_its_line(lab, capsys):
    (lab.folder / "destinations.yml").write_text("destinations:\n  files: {path: {{ x }}\n")
    assert lab.sync("push") == 2
    says(capsys, "destinations.yml, line", "quotes")


def test_a_manifest_of_another_warehouse_is_refused(lab, capsys):
    path = lab.folder / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["metadata"]["adapter_type"] = "snowflake"
    path.write_text(json.dumps(manifest))
    assert lab.sync("plan") == 2
    says(capsys, "snowflake", "--target")


def test_one_refused_sync_does_not_stop_the_others(lab, answer):
    lab.sql("insert into analytics.sync_files__people select * from analytics.sync_files__people "
            "limit 1")  # fmt: skip
    lab.sql("update analytics.sync_hook__events set profile_id = null where score = 1")
    assert lab.sync("push", "--json", "--attempts", "1") == 1
    found = {sync["name"]: sync for sync in answer()["syncs"]}
    assert found["files_people"]["status"] == "refused"
    assert found["hook_events"]["status"] == "refused"
    assert found["hook_people"]["status"] == "failed"


def test_fail_fast_starts_no_sync_after_a_failure(lab, answer):
    lab.sql("insert into analytics.sync_files__people select * from analytics.sync_files__people "
            "limit 1")  # fmt: skip
    assert lab.sync("push", "--json", "--fail-fast", "--threads", "1") == 1
    assert [sync["status"] for sync in answer()["syncs"]] == ["refused", "skipped", "skipped"]


def test_strange_text_travels_unharmed(lab, answer):
    strange = "Zoë '; drop table x; -- 🎉 =1+1 \\ | ~ \n line"
    lab.sql("alter table analytics.sync_files__people add column note varchar")
    quoted = strange.replace("'", "''")
    lab.sql(f"update analytics.sync_files__people set note = '{quoted}', "
            f"profile_id = 'k''{quoted}' where score = 1")  # fmt: skip
    assert lab.sync("push", "--select", "files_people", "--json") == 0
    answer()
    assert any(strange in str(row.values()) or row.get("note") == strange
               for row in lab.exported().values())  # fmt: skip
    assert lab.sync("plan", "--select", "files_people", "--json") == 0
    assert answer()["syncs"][0]["unchanged"] == 10


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file"),
        ('{"syncs": [', "is not a plan"),
        ('{"schema_version": 1, "environment": "live"}', "is not a plan"),
        ('{"schema_version": 1, "environment": "sandbox", "syncs": []}', "is a plan for sandbox"),
    ],
)
def test_a_file_that_is_no_plan_for_this_push_is_a_wrong_command_line(
    lab, capsys, tmp_path, content, told
):
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_text(content)
    assert lab.sync("push", "--plan", str(path)) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "sync plan --out" in shown
