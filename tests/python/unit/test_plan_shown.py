"""What `sync plan` shows to people."""

from __future__ import annotations

from sync.cli.app import App
from sync.cli.output import Output
from sync.cli.plan import _text


def test_the_reasons_of_the_withheld_are_shown(capsys):
    why = "it has no request for it"
    one = {
        "name": "klaviyo_people", "add": 1, "change": 0, "remove": 0, "merged": 2, "unchanged": 0,
        "kept_both": 3, "why_kept": why,
        "withheld": {"no_consent": 1200, "holdout": 3}, "delivery": "idempotent", "refused": None,
    }  # fmt: skip
    _text(
        App(Output()),
        [one, {**one, "name": "files_people", "withheld": {}, "merged": 0, "kept_both": 0}],
    )
    shown = capsys.readouterr().out
    assert "klaviyo_people withholds: no_consent 1,200, holdout 3" in shown
    assert "files_people withholds" not in shown
    assert "klaviyo_people: 2 of those to remove were merged into others" in shown
    assert f"klaviyo_people: 3 were merged into others and stay there too: {why}" in shown
    assert "files_people: " not in shown
