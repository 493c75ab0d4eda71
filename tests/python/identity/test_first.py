from pathlib import Path

from tests.python.identity.lab import Lab


def test_first(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    rows = [
        ("s", "1", "c1", None, "a@x.org", None, None, "2026-01-01"),
        ("s", "2", None, "u1", "a@x.org", "+4930111", None, "2026-01-02"),
        ("s", "3", None, None, None, "+4930111", None, "2026-01-03"),
        ("s", "4", "c4", None, "b@x.org", None, None, "2026-01-03"),
    ]
    lab.load(rows)
    lab.build("--exclude", "source:*")
    groups = lab.groups()
    assert groups["1"] == groups["2"] == groups["3"] != groups["4"]
    lab.load([*rows, ("s", "5", None, None, "b@x.org", "+4930111", None, "2026-01-04")])
    lab.build()
    print(lab.query("from analytics.identity_assignments"))
    assert lab.groups()["4"] == lab.groups()["1"] == groups["1"]
