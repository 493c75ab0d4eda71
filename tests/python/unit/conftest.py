from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench import Workbench

from sync.engine.plan import plan


@pytest.fixture(autouse=True)
def _as_of_large_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are kept as those of large tables are, however few rows a test has."""
    monkeypatch.setattr(plan, "WORTH_KEEPING", 0)


@pytest.fixture
def workbench(tmp_path: Path) -> Callable[..., Workbench]:
    return lambda **definition: Workbench(tmp_path, **definition)


@pytest.fixture
def bench(workbench: Callable[..., Any]) -> Workbench:
    made: Workbench = workbench()
    return made
