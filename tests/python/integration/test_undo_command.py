"""`sync undo` by the command line."""

from __future__ import annotations

from hook import running_hook


def test_the_reverse_of_a_run_is_shown_and_done_when_that_is_asked(
    lab, answer, monkeypatch, capsys
):
    with running_hook() as hook:
        monkeypatch.setenv("HOOK_URL", hook.url)
        assert lab.sync("push", "--select", "hook_people", "--select", "hook_events", "--json") == 0
        run = answer()["run_id"]
        assert len(hook.members) == 10
        assert lab.sync("undo", run, "--json") == 0
        found = {one["name"]: one for one in answer()["syncs"]}
        assert set(found) == {"hook_people", "hook_events"}
        assert (found["hook_people"]["remove"], found["hook_people"]["cannot"]) == (10, {})
        assert found["hook_events"]["remove"] == 0
        assert any("called back" in why for why in found["hook_events"]["cannot"])
        assert lab.sync("undo", run) == 0
        assert f"sync push --undo {run}" in capsys.readouterr().err
        assert len(hook.members) == 10
        assert lab.sync("push", "--undo", run, "--json") == 1  # removals pass their guard
        answer()
        assert lab.sync("push", "--undo", run, "--allow-removals", "--json") == 0
        assert [(one["name"], one["removed"]) for one in answer()["syncs"]] == [("hook_people", 10)]
        assert hook.members == {}
        assert lab.sync("undo", "nothing") == 2
        assert run in capsys.readouterr().err
