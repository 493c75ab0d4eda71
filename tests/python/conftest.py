"""What every test of the suite shares."""

from __future__ import annotations

import gc
from typing import Any

from werkzeug.routing.rules import Rule

import tests.python.quick_dbt  # noqa: F401 - before dbt is started anywhere
from tests.python import worker_here

worker_here.in_this_process()


def _builds_none(rule: Rule, **values: Any) -> None:
    raise NotImplementedError(f"{rule}: URLs of a sandbox are answered, never built")


# A sandbox is started for most tests of a destination; half of that is Flask compiling what would build its URLs.
Rule._compile_builder = lambda rule, append_unknown=True: _builds_none  # type: ignore[method-assign]

# What builds with dbt takes minutes a file and is handed out first, so that no worker waits alone for the last of it.
BUILDS = (
    "package",
    "integration",
    "identity",
    "journeys",
    "matching",
    "audiences",
    "activation",
    "warehouses",
    "profiles",
)


def pytest_sessionfinish():
    gc.freeze()  # pytest looks for garbage five times at the end, among all that dbt parsed


def pytest_collection_modifyitems(items):
    def turn(item):
        folder = item.path.parent.name
        return BUILDS.index(folder) if folder in BUILDS else len(BUILDS)

    items.sort(key=turn)
