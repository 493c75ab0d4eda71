"""scripts/demo.sh by itself: its commands are stand-ins that do nothing, so that what it does to files can be seen."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "demo.sh"


@pytest.mark.parametrize("is_anew", [True, False])
def test_a_new_warehouse_begins_with_vendors_that_know_nobody(
    tmp_path: Path, is_anew: bool
) -> None:
    """Else the demo ends at its first push, after the very words by which it says how to begin anew."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("dbt", "sync"):
        (commands / name).write_text("#!/bin/sh\n")
        (commands / name).chmod(0o755)
    kept = tmp_path / ".headwater" / "sandbox.sqlite"
    kept.parent.mkdir()
    kept.write_text("who was sent")
    if not is_anew:
        (tmp_path / "headwater.duckdb").write_text("")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HEADWATER", "DBT"))
    }
    subprocess.run(
        [tmp_path / "scripts" / "demo.sh"],
        env=environment | {"PATH": f"{commands}:{os.environ['PATH']}"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert kept.exists() is not is_anew
