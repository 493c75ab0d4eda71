"""What `make demo` set up, for the person who looks around afterwards in a shell that knows nothing of it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sync.errors import HeadwaterError

if TYPE_CHECKING:
    from sync.cli.app import App

FILE = "demo.env"  # in .headwater: lines of `export NAME='value'`, which a shell reads too
_PLACE = "HEADWATER_DUCKDB_PATH"
_TAKEN = ("HEADWATER_ENVIRONMENT", "HEADWATER_AS_OF")


def remember_demo(app: App) -> list[str]:
    """Set in the environment what the demo left, where this run is on the demo's own warehouse and nobody said otherwise. Names set.

    It can only lead into the sandbox: a run on any other warehouse, or with HEADWATER_ENVIRONMENT set, takes nothing of it.
    """
    if os.environ.get("HEADWATER_ENVIRONMENT"):
        return []
    try:
        left = _read(app.project.private / FILE)
        if left.get("HEADWATER_ENVIRONMENT") != "sandbox" or not _is_here(app, left.get(_PLACE)):
            return []
    except (HeadwaterError, OSError, ValueError):
        return []  # the verb itself says what is wrong with the project
    names = [name for name in _TAKEN if name in left and not os.environ.get(name)]
    for name in names:
        os.environ[name] = left[name]
    app.output.note(
        "This is the demo's warehouse: stand-ins of the vendors answer, as in make demo. "
        "(HEADWATER_ENVIRONMENT=live in the environment ends that.)"
    )
    return names


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    words = shlex.split(path.read_text("utf-8"), comments=True)
    pairs = (word.partition("=") for word in words if "=" in word)
    return {name: value for name, _, value in pairs}


def _is_here(app: App, place: str | None) -> bool:
    target = app.target
    if not place or target.type != "duckdb":
        return False
    path = target.text("path")
    return os.path.realpath(target.project_dir / path) == os.path.realpath(place)
