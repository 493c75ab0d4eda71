"""Bringing Arrow in, with little memory."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_M_ARENA_MAX = -8


def prepare_arrow(*, numpy: bool) -> None:
    """Have Arrow take little memory: the system's allocator (35 MB less in a push of 1M rows), no pandas, and without `numpy` none of
    that either. Nobody may have imported Arrow before.

    Arrow looks for numpy when it is imported (11 MB and 0.05 s) and does without; it looks for pandas once, on the first list it is
    given, to see whether that is one of its series (50 MB and 0.2 s; pyarrow 26, pandas-shim.pxi, read 2026-11-24). Were it to look
    elsewhere one day, they would be imported as before.
    """
    with _hidden("pandas", *(() if numpy else ("numpy",))):
        arrow = importlib.import_module("pyarrow")
        with suppress(ImportError):
            arrow.array([""])
    arrow.set_memory_pool(arrow.system_memory_pool())
    _share_arenas()


class _Hider:
    """A finder of modules by which some are not installed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> None:
        if name in self._names:
            raise ModuleNotFoundError(name=name)


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Modules that are not found, but for those that are imported already."""
    hider = _Hider(names)
    sys.meta_path.insert(0, hider)
    try:
        yield
    finally:
        sys.meta_path.remove(hider)


def _share_arenas() -> None:
    """Have all threads allocate from two arenas instead of one each, whose free pages none of the others can use: 15 MB less.

    M_ARENA_MAX of glibc (https://man7.org/linux/man-pages/man3/mallopt.3.html, read 2026-11-27); elsewhere there is no such call.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
