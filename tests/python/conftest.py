"""What every test of the suite shares."""

from __future__ import annotations

import gc

import tests.python.quick_dbt  # noqa: F401 - before dbt is started anywhere
from tests.python import worker_here

worker_here.in_this_process()

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
