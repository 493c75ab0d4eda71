"""Which module speaks to which warehouse."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from sync.config.profiles import Target
from sync.errors import ConfigError
from sync.warehouses.base import Warehouse
from sync.warehouses.batches import prepare_arrow

# dbt adapter type -> module with an `open_warehouse(target, notify)`; its driver is imported there alone.
WAREHOUSES = {
    "duckdb": "sync.warehouses.duckdb",
    "snowflake": "sync.warehouses.snowflake",
    "bigquery": "sync.warehouses.bigquery",
}

Notify = Callable[[str], None]


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
    prepare_arrow()
    return cast(Warehouse, module.open_warehouse(target, notify=notify))
