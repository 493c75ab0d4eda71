from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from held_open import holding_open
from workbench import Workbench

from sync.engine.plan import plan


@pytest.fixture(autouse=True)
def _as_of_large_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are kept as those of large tables are, however few rows a test has."""
    monkeypatch.setattr(plan, "WORTH_KEEPING", 0)


@pytest.fixture
def holds(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], None]]:
    """What holds the file of a workbench open; nothing does for tests marked `own_file`."""
    if request.node.get_closest_marker("own_file"):
        yield lambda _: None
        return
    with holding_open() as held:
        yield held.hold


@pytest.fixture
def workbench(tmp_path: Path, holds: Callable[[Path], None]) -> Callable[..., Workbench]:
    return lambda **definition: Workbench(tmp_path, holds, **definition)


@pytest.fixture
def bench(workbench: Callable[..., Any]) -> Workbench:
    made: Workbench = workbench()
    return made
