"""`sync audit` by the command line."""

from __future__ import annotations

from hook import running_hook

from sync.destinations import webhook


def test_who_is_missing_is_said_and_sent_again_when_that_is_asked(lab, answer, monkeypatch, capsys):
    lost = {"p3", "p7"}

    class Readable(webhook.Webhook):
        def there(self, records):
            return [one.key for one in records if one.key not in lost]

    monkeypatch.setattr(webhook, "Webhook", Readable)
    with running_hook() as hook:
        monkeypatch.setenv("HOOK_URL", hook.url)
        assert lab.sync("push", "--select", "hook_people", "--json") == 0
        answer()
        for key in lost:
            del hook.members[key]
        assert lab.sync("audit", "--select", "hook_people", "--json") == 1
        assert answer()["syncs"] == [
            {"name": "hook_people", "held": 10, "doubted": 0, "missing": 2, "changed": None, "compared": 0, "fields": [],
             "extra_ours": None, "extra_others": None, "matched": None, "keys": ["p3", "p7"],
             "repaired": False, "message": None, "failed": False}
        ]  # fmt: skip
        assert lab.sync("audit", "--select", "hook_people") == 1
        shown = capsys.readouterr()
        assert "p3, p7" in shown.out
        assert "--repair" in shown.err
        assert lab.sync("audit", "--select", "hook_people", "--repair", "--json") == 1
        answer()
        assert len(hook.members) == 8
        assert lab.sync("push", "--select", "hook_people", "--json") == 0
        answer()
        assert len(hook.members) == 10
        lost.clear()
        assert lab.sync("audit", "--select", "hook_people", "--json") == 0


def test_a_vendor_that_cannot_be_asked_is_no_failure(lab, answer):
    assert lab.sync("audit", "--json") == 0
    found = {one["name"]: one["message"] for one in answer()["syncs"]}
    assert set(found) == {"files_people", "hook_events", "hook_people"}
    assert all(found.values())


def test_what_a_vendor_tells_no_value_of_is_not_called_unchanged(lab, answer, monkeypatch):
    told = {}

    class Readable(webhook.Webhook):
        def there(self, records):
            return [one.key for one in records]

        def differing(self, records):
            return {one.key: told[one.key] for one in records if one.key in told}

    monkeypatch.setattr(webhook, "Webhook", Readable)
    with running_hook() as hook:
        monkeypatch.setenv("HOOK_URL", hook.url)
        assert lab.sync("push", "--select", "hook_people", "--json") == 0
        answer()

        def audited():
            code = lab.sync("audit", "--select", "hook_people", "--json")
            (one,) = answer()["syncs"]
            return code, one["compared"], one["changed"]

        assert audited() == (0, 0, None)
        told |= {"p3": [], "p4": []}
        assert audited() == (0, 2, 0)
        told["p5"] = ["plan"]
        assert audited() == (1, 3, 1)


def test_words_after_select_unite_as_they_do_for_dbt(lab, answer):
    def listed(*words):
        assert lab.sync("list", *words, "--json") == 0
        return [one["name"] for one in answer()["syncs"]]

    both = ["files_people", "hook_people"]
    assert listed("--select", "files_people", "hook_people") == both
    assert listed("-s", "files_people hook_people") == both
    assert listed("--select=files_people", "hook_people") == both
    assert listed("--exclude", "hook_events", "hook_people", "-s", "tag:*", "*") == ["files_people"]
    assert lab.sync("list", "files_people") == 2


def test_a_destination_typed_as_a_sync_is_told_with_its_word(lab, capsys):
    assert lab.sync("audit", "--select", "hok") == 2
    assert (
        "--select 'hok' names no sync (did you mean 'destination:hook'?)."
        in capsys.readouterr().err
    )
    assert lab.sync("audit", "--select", "hook_peple") == 2
    assert "did you mean 'hook_people'?" in capsys.readouterr().err
    assert lab.sync("audit", "--select", "destination:hok") == 2
    assert "did you mean 'destination:hook'?" in capsys.readouterr().err
    assert lab.sync("audit", "--select", "tag:hok") == 2
    assert "did you mean" not in capsys.readouterr().err
