from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench import Workbench


@pytest.fixture
def workbench(tmp_path: Path) -> Callable[..., Workbench]:
    return lambda **definition: Workbench(tmp_path, **definition)


@pytest.fixture
def bench(workbench: Callable[..., Any]) -> Workbench:
    made: Workbench = workbench()
    return made
