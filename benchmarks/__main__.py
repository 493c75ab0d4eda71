"""python -m benchmarks NAME [--json]: run one measurement. --list names them all.

A missed goal is a result, not an error: the exit code is 0 when the benchmark ran, 2 when the
command line is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.figures import SCHEMA_VERSION, Benchmark, Figure, report
from benchmarks.registry import load_benchmarks
from sync.errors import closest


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, add_help=False
    )
    parser.add_argument("name", nargs="?", help="which benchmark to run; its own options follow")
    parser.add_argument("--list", action="store_true", help="name all benchmarks")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.add_argument(
        "-h", "--help", action="store_true", help="show this, or a benchmark's options"
    )
    options, rest = parser.parse_known_args(arguments)

    benchmarks = load_benchmarks()
    if options.list:
        _print_list(benchmarks, options.json)
        return 0
    if options.name is None:
        parser.print_help(sys.stdout if options.help else sys.stderr)
        return 0 if options.help else 2
    if options.name not in benchmarks:
        _print_unknown(options.name, benchmarks)
        return 2
    return _run(
        benchmarks[options.name], [*rest, *(["--help"] if options.help else [])], options.json
    )


def _run(benchmark: Benchmark, arguments: Sequence[str], as_json: bool) -> int:
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {benchmark.name}", description=benchmark.summary
    )
    benchmark.add_arguments(parser)
    figures = benchmark.run(parser.parse_args(arguments))
    if as_json:
        print(json.dumps(report(benchmark.name, figures), indent=2))
    else:
        print("\n".join(_line(figure) for figure in figures))
    return 0


def _line(figure: Figure) -> str:
    line = f"{figure.what}: {figure.value:,.4g} {figure.unit}".rstrip()
    if figure.ratio is not None:
        line += f" (reference {figure.reference:,.4g}, ratio {figure.ratio:.3g})"
    if figure.goal is not None:
        verdict = {True: "met", False: "MISSED", None: "not comparable"}[figure.met]
        line += f" [goal {figure.goal}: {verdict}]"
    return line


def _print_list(benchmarks: dict[str, Benchmark], as_json: bool) -> None:
    if as_json:
        names = [{"name": one.name, "summary": one.summary} for one in benchmarks.values()]
        print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmarks": names}, indent=2))
        return
    for benchmark in benchmarks.values():
        print(f"{benchmark.name:<16} {benchmark.summary}")


def _print_unknown(name: str, benchmarks: dict[str, Benchmark]) -> None:
    print(f"Error: there is no benchmark '{name}'{closest(name, benchmarks)}.", file=sys.stderr)
    print(f"Hint:  known: {', '.join(benchmarks) or 'none'}.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
