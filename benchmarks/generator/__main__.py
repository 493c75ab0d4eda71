"""python -m benchmarks.generator: write raw tables and their truth, as CSV or Parquet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.generator.app import draw_app
from benchmarks.generator.consent import draw_consent
from benchmarks.generator.crm import draw_crm
from benchmarks.generator.loyalty import draw_loyalty
from benchmarks.generator.people import draw_people
from benchmarks.generator.shop import draw_shop
from benchmarks.generator.support import draw_support
from benchmarks.generator.tables import Source
from benchmarks.generator.web import draw_web


def draw_sources(people_count: int, seed: int) -> Iterator[Source]:
    """Every source in turn. Each has its own stream, so a change in one leaves the others be."""
    streams = iter(np.random.default_rng([seed, number]) for number in range(8))
    people = draw_people(people_count, next(streams))
    shop = draw_shop(people, next(streams))
    yield shop.source
    app = draw_app(people, next(streams))
    yield app.source
    yield draw_web(people, shop, app, next(streams))
    yield draw_crm(people, next(streams))
    yield draw_support(people, next(streams))
    yield draw_loyalty(people, next(streams))
    yield draw_consent(people, next(streams))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write one table; every column is text, as raw files are. The ending says CSV or Parquet."""
    form = "format parquet" if path.suffix == ".parquet" else "format csv, header"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.register("raw_table", table)
        connection.execute(f"copy (select columns(*)::varchar from raw_table) to '{path}' ({form})")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder for <schema>__<table>")
    parser.add_argument("--truth", type=Path, help="file of the truth (default: in --out)")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    options = parser.parse_args(arguments)

    truths = []
    for source in draw_sources(options.people, options.seed):
        for name, table in source.tables.items():
            path = options.out / f"{source.schema}__{name}.{options.format}"
            write_table(table, path)
            print(f"{path}: {len(table):,} rows", file=sys.stderr)
        truths += source.truth
    truth = pd.concat(truths, ignore_index=True)
    write_table(truth, options.truth or options.out / f"truth.{options.format}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
