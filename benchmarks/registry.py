"""Finds the benchmarks: every module of this package that has a `BENCHMARK`."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks
from benchmarks.figures import Benchmark

_NOT_BENCHMARKS = {"__main__", "figures", "registry", "generator"}


def load_benchmarks() -> dict[str, Benchmark]:
    """All benchmarks by name.

    Raises:
        ValueError: two modules claim one name.
    """
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name in _NOT_BENCHMARKS:
            continue
        benchmark = getattr(importlib.import_module(f"benchmarks.{module.name}"), "BENCHMARK", None)
        if not isinstance(benchmark, Benchmark):
            continue
        if benchmark.name in found:
            raise ValueError(f"Two benchmarks are called {benchmark.name!r}.")
        found[benchmark.name] = benchmark
    return dict(sorted(found.items()))
