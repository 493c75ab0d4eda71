"""Arrow, prepared to take little memory. Imported where there are rows: it takes 0.2 s, and most commands find none to move."""

from __future__ import annotations

import sys
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["pa", "pc"]


class _Hidden:
    """A finder of modules by which pandas is not installed."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def _leave_pandas_out() -> None:
    """Let Arrow do without pandas, which it would import to see whether a list is one of its series: 50 MB and 0.2 s.

    Arrow looks once, on the first list it is given (pyarrow 26, pandas-shim.pxi, read 2026-11-24), and again when it is asked for a
    data frame. Were it to look elsewhere one day, pandas would be imported as before.
    """
    if "pandas" in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        with suppress(ImportError):
            pa.array([""])
    finally:
        sys.meta_path.remove(hidden)


pa.set_memory_pool(pa.system_memory_pool())  # 35 MB less in a push of 1M rows
_leave_pandas_out()
