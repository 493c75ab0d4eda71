"""What stops a sync: nothing is sent, nothing is marked, and the message has the next step."""

from __future__ import annotations

import dataclasses
import json

import duckdb
import pytest

from sync.config.models import Guards
from sync.engine.plan.gates import RunResults
from sync.records import Mode

MODEL = "model.headwater.sync_memory"


def refused(bench, reason, **options):
    result = bench.push(**options)
    assert (result.status, result.error.reason) == ("refused", reason), result.error
    assert bench.destination.calls == []
    assert bench.held() == set()
    assert result.error.hint
    return result


def test_a_missing_table_is_named(bench):
    assert "dbt build" in refused(bench, "missing_table").error.hint


def test_a_missing_row_hash_is_named(bench):
    bench.table("select 'a' as profile_id, 'a@example.com' as email")
    assert "row_hash" in refused(bench, "unknown_column").message


def test_an_unknown_column_in_the_mapping_gets_the_nearest_name(workbench):
    bench = workbench(fields={"points": "scores"})
    bench.people("a")
    assert "did you mean 'score'" in refused(bench, "unknown_column").message


def test_an_unknown_identifier_column_is_named(workbench):
    bench = workbench(identifiers=("phone",))
    bench.people("a")
    assert "'phone'" in refused(bench, "unknown_column").message


def test_duplicate_keys_are_refused_and_some_named(bench):
    bench.people("a", "b", "b")
    assert ": b" in refused(bench, "duplicate_key").message.replace("such as", ":").replace(
        "  ", " "
    )


def test_null_keys_are_refused(bench):
    bench.table([{"profile_id": None, "email": "a@example.com"}, {"profile_id": "b"}])
    assert "1 rows" in refused(bench, "null_key").message


def test_no_flag_lets_duplicate_keys_through(bench):
    bench.people("b", "b")
    refused(bench, "duplicate_key", skip_gates=True, allow_removals=True)


def test_an_empty_audience_is_refused_and_keeps_its_members(bench):
    bench.people("a", "b")
    bench.push()
    bench.people()
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "empty")
    assert bench.held() == {"a", "b"} == set(bench.destination.members)


def test_an_audience_of_nobody_says_what_the_project_lacks(workbench):
    """A guard that lets it pass would hide that no model says who the customers are."""
    bench = workbench(
        nobody=("no model says who the customers are", "headwater init --from-models")
    )
    bench.people()
    error = bench.push().error
    assert error.reason == "empty"
    assert error.message.endswith("has 0 rows: no model says who the customers are.")
    assert error.hint == "headwater init --from-models"


def test_an_empty_audience_may_be_declared(workbench):
    bench = workbench(guards=Guards(min_rows=0, max_removals_percent=None))
    bench.people("a")
    bench.push()
    bench.people()
    assert bench.push().removed == 1


def test_too_many_removals_are_refused_until_allowed_for_one_run(bench):
    bench.people(*"abcdefghij")
    bench.push()
    bench.people(*"abcdef")
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "too_many_removals")
    assert "4 removals (40 % of 10)" in result.message
    assert len(bench.destination.members) == 10
    assert bench.push(allow_removals=True).removed == 4


def test_allowing_removals_opens_no_other_guard(workbench):
    bench = workbench(guards=Guards(max_removals_percent=10.0, max_changes_percent=10.0))
    bench.people("a", "b", "c", "d")
    bench.push()
    bench.people("a", "b", score=2)
    assert bench.push(allow_removals=True).error.reason == "too_many_changes"


@pytest.mark.parametrize("flag", ["allow_removals", "skip_gates", "full_refresh"])
def test_a_flag_that_opened_a_gate_is_on_record(bench, flag):
    bench.people("a", "b")
    bench.push()
    bench.people("a")
    wanted = "allow_removals" if flag == "full_refresh" else flag
    assert bench.push(**{flag: True, wanted: True}).status == "success"
    (message,) = bench.rows(
        "select message from analytics_sync.runs order by started_at desc limit 1"
    )[0]
    assert "--" + flag.replace("_", "-") in message


def test_a_flag_that_was_not_needed_is_not(bench):
    bench.people("a")
    bench.push(allow_removals=True)
    assert bench.rows("select message from analytics_sync.runs") == [(None,)]


def test_a_guard_may_count_rows(workbench):
    bench = workbench(guards=Guards(max_removals=1, max_removals_percent=None))
    bench.people("a", "b", "c")
    bench.push()
    bench.people("a")
    assert bench.push().error.reason == "too_many_removals"


def test_too_many_changes_are_refused_where_a_guard_says_so(workbench):
    bench = workbench(guards=Guards(max_changes_percent=50.0))
    bench.people("a", "b")
    bench.push()
    bench.people("a", "b", score=2)
    assert bench.push().error.reason == "too_many_changes"
    assert bench.push(skip_gates=True).changed == 2


def run_results(
    bench, tmp_path, *, model="success", test=None, upstream=None, which="build", message=None
):
    from dataclasses import replace

    results = [{"unique_id": MODEL, "status": model, "message": message, "timing": [
        {"name": "execute", "completed_at": "2020-01-01T00:00:00.000000Z"}]}]  # fmt: skip
    if test:
        results.append({"unique_id": "test.headwater.unique_x.1", "status": test, "timing": []})
    if upstream:
        results.append({"unique_id": "model.headwater.stg_people", "status": upstream})
    metadata = {"generated_at": "2026-11-23T12:00:00.000000Z"}
    (tmp_path / "run_results.json").write_text(
        json.dumps({"metadata": metadata, "args": {"which": which}, "results": results})
    )
    bench.definition = replace(
        bench.definition,
        model=replace(
            bench.definition.model,
            tests=("test.headwater.unique_x.1",),
            upstream=("model.headwater.stg_people",),
        ),
    )
    bench.run_results = RunResults(tmp_path / "run_results.json")


@pytest.mark.parametrize(
    ("model", "test"),
    [("error", None), ("skipped", None), ("success", "fail"), ("success", "error")],
)
def test_a_model_or_test_that_failed_in_the_latest_dbt_run_stops_the_sync(
    bench, tmp_path, model, test
):
    bench.people("a")
    run_results(bench, tmp_path, model=model, test=test)
    refused(bench, "dbt_result")
    assert bench.push(skip_gates=True).status == "success"


def test_what_the_model_is_built_from_failed_in_the_latest_dbt_run_stops_the_sync(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path, upstream="error")
    message = refused(bench, "dbt_result").message
    assert "model 'stg_people', which 'sync_memory' is built on, has status 'error'" in message


def test_a_table_that_was_never_made_for_what_failed_is_told_by_what_failed(bench, tmp_path):
    run_results(bench, tmp_path, model="skipped", test="skipped", upstream="error")
    refused(bench, "dbt_result")
    refused(bench, "missing_table", skip_gates=True)


def test_what_failed_is_named_before_what_was_skipped_for_it(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path, model="skipped", test="skipped", upstream="error")
    message = refused(bench, "dbt_result").message
    assert "model 'stg_people', which 'sync_memory' is built on, has status 'error'" in message
    assert message.endswith("in the latest dbt run (1 more did not pass).")


def ended(bench, tmp_path, **nodes):
    """The latest run ended like that; names as in `unit_test__a__b` for unit_test.headwater.a.b."""
    found = [{"unique_id": name.replace("__", "."), "status": how} for name, how in nodes.items()]
    metadata = {"generated_at": "2026-11-23T12:00:00.000000Z"}
    (tmp_path / "run_results.json").write_text(
        json.dumps({"metadata": metadata, "args": {"which": "build"}, "results": found})
    )
    tests = tuple(one["unique_id"] for one in found if one["unique_id"].startswith("test."))
    others = tuple(one["unique_id"] for one in found if not one["unique_id"].startswith("test."))
    model = dataclasses.replace(
        bench.definition.model, tests=tests, upstream=others, asked=("profile_consent",)
    )
    bench.definition = dataclasses.replace(bench.definition, model=model)
    bench.run_results = RunResults(tmp_path / "run_results.json")


def test_a_test_skipped_for_something_else_does_not_stop_the_sync(bench, tmp_path):
    """One over several syncs is, when a model of another of them fails."""
    bench.people("a")
    ended(bench, tmp_path, test__headwater__nobody_is_sent__1="skipped")
    assert bench.push().status == "success"


def test_a_unit_test_for_which_a_model_was_skipped_is_named(bench, tmp_path):
    bench.people("a")
    ended(
        bench,
        tmp_path,
        model__headwater__stg_people="skipped",
        unit_test__headwater__stg_people__people_are_read="fail",
    )
    result = refused(bench, "dbt_result")
    assert "unit test 'people_are_read' on what 'sync_memory' is built on" in result.message
    assert result.error.hint.endswith(
        "run: dbt build --select +sync_memory +people_are_read +profile_consent"
    )


def failed_before(bench, unique_id, at, status="error"):
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "insert into analytics_sync.dbt_failures values (?, ?, ?)", [unique_id, status, at]
        )


def test_a_law_that_was_found_broken_when_the_run_had_ended_stops_the_sync(bench, tmp_path):
    """The run's own results say that the table was made."""
    bench.people("a")
    run_results(bench, tmp_path)
    failed_before(bench, MODEL, "2026-11-23 11:59:00", status="law broken")
    assert "would send rows that must not be sent" in refused(bench, "law_broken").message
    result = refused(bench, "law_broken", skip_gates=True)
    assert "--skip-gates" not in result.error.hint


def test_a_law_that_failed_the_model_is_passed_by_no_flag(bench, tmp_path):
    """Elsewhere than on DuckDB the table is there with the rows that must not be sent."""
    bench.people("a")
    run_results(
        bench, tmp_path, model="error", message="law broken in sync_memory: 3 rows are sent"
    )
    refused(bench, "law_broken")
    refused(bench, "law_broken", skip_gates=True, allow_removals=True)


def test_what_was_built_for_the_sandbox_goes_nowhere_live(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path)
    failed_before(bench, "model.headwater.stg_people", "2026-11-22 08:30:00", status="sandbox")
    result = refused(bench, "dbt_result")
    assert "'stg_people' was last built for the sandbox" in result.message
    assert "HEADWATER_ENVIRONMENT=live dbt build" in result.error.hint
    refused(bench, "dbt_result", skip_gates=True)


def test_what_was_built_for_live_does_not_go_to_the_sandbox_once_somebody_unsubscribed_there(
    bench, tmp_path
):
    bench.people("a")
    run_results(bench, tmp_path)
    bench.results = "told"
    bench.options = dataclasses.replace(bench.options, environment="sandbox")
    told = "insert into told values ('{}', '{}')"
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("create table told (environment varchar, kind varchar)")
        connection.execute(told.format("live", "unsubscribed"))
        connection.execute(told.format("sandbox", "opened"))
    assert bench.push().added == 1
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(told.format("sandbox", "unsubscribed"))
    result = bench.push()
    assert result.error.reason == "dbt_result"
    assert "'sync_memory' was last built for live" in result.error.message
    assert "HEADWATER_ENVIRONMENT=sandbox dbt build" in result.error.hint
    failed_before(bench, MODEL, "2026-11-22 08:30:00", status="sandbox")
    assert bench.push().status == "success"


def test_what_failed_and_was_left_out_of_the_latest_run_stops_the_sync(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path)
    failed_before(bench, "model.headwater.stg_people", "2026-11-22 08:30:00")
    message = refused(bench, "dbt_result").message
    assert "model 'stg_people', which 'sync_memory' is built on, has status 'error'" in message
    assert "in the dbt run of 2026-11-22 08:30 UTC, and has not run since." in message
    assert bench.push(skip_gates=True).status == "success"


def test_what_failed_elsewhere_after_the_latest_run_here_stops_the_sync(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path)
    failed_before(bench, MODEL, "2026-11-24 00:00:00")
    refused(bench, "dbt_result")


def test_what_failed_and_passed_in_the_latest_run_does_not_stop_it(bench, tmp_path):
    """A run whose own record of it was lost, such as by an on-run-end that failed."""
    bench.people("a")
    run_results(bench, tmp_path)
    failed_before(bench, MODEL, "2026-11-22 08:30:00")
    assert bench.push().status == "success"


def test_a_warning_and_a_compile_do_not_stop_it(bench, tmp_path):
    bench.people("a")
    run_results(bench, tmp_path, test="warn")
    assert bench.push().status == "success"
    run_results(bench, tmp_path, model="error", which="compile")
    bench.people("a", "b")
    assert bench.push().status == "success"


def test_a_table_older_than_its_freshness_is_refused(workbench, tmp_path):
    bench = workbench(max_age_hours=24.0)
    bench.people("a")
    run_results(bench, tmp_path)
    refused(bench, "stale")


def test_a_table_of_unknown_age_is_refused_where_freshness_is_declared(workbench):
    bench = workbench(max_age_hours=24.0)
    bench.people("a")
    refused(bench, "unknown_age")


def test_a_mode_the_destination_cannot_do_is_refused_with_those_it_can(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.declare(modes=frozenset({Mode.UPSERT, Mode.MIRROR}))
    bench.people("a")
    assert "mirror, upsert" in refused(bench, "mode").message


def test_an_object_the_destination_lacks_is_refused(workbench):
    from sync.records import SyncObject

    bench = workbench(object=SyncObject("lists", "People"))
    bench.people("a")
    assert "did you mean 'list'" in refused(bench, "object").message


def test_clear_identifiers_are_refused_where_they_must_be_hashed(workbench):
    from dataclasses import replace

    bench = workbench(identifiers=("email_sha256",))
    bench.declare(identifiers=frozenset({"email_sha256"}))
    bench.declaration = replace(bench.declaration, hashed=True)
    bench.table("select 'a' as profile_id, 'a@example.com' as email_sha256, 'h' as row_hash")
    refused(bench, "clear_identifiers")
    bench.table("select 'a' as profile_id, sha256('a') as email_sha256, 'h' as row_hash")
    assert bench.push().status == "success"


def test_refusals_are_on_record(bench):
    bench.people("b", "b")
    bench.push()
    ((status, message),) = bench.rows("select status, message from analytics_sync.runs")
    assert status == "refused"
    assert "repeat a key" in message


def test_two_keys_of_one_hash_are_no_duplicate(bench, monkeypatch):
    """Hashes are counted for speed; what they make suspect is counted again by the keys themselves."""
    bench.people("a", "b")
    same = dataclasses.replace(
        bench.warehouse.dialect, counted_as="case when {0} is not null then 1 end"
    )
    monkeypatch.setattr(type(bench.warehouse), "dialect", same)
    assert bench.push().added == 2
    bench.people("a", "a")
    assert bench.push().error.reason == "duplicate_key"
