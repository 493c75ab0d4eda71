"""New edges on a resolved graph: the links model's second run beside its full refresh.

A run is not told what is new: it compares every edge with those it has (docs/decisions/0012). What that takes is measured by a run
that finds nothing; what is left is the taking in of new edges, which is what has a goal (docs/decisions/0111).
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.components import SHAPES, write_edges
from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.scratch import ScratchProject

# Each edge's two ends hold one value, as records do that share an identifier.
MODEL = """
{{ config(materialized='identity_links', meta={'tiers': [0, 1]}) }}
select
    record_node,
    value_node,
    value_node as counted_node,
    'email' as identifier_type,
    1 as tier,
    cast(null as integer) as value_limit,
    cast(null as integer) as merge_limit,
    cast(null as double) as strength,
    cast(null as bigint) as claim
from raw.current_edges
"""

# A link of two records is a value of the one that the other carries too: as an e-mail two records share.
CURRENT = """
create or replace table raw.{name} as
select right_key as record_node, left_key as value_node from {edges}
union
select left_key as record_node, left_key as value_node from {edges}
"""


def run(options: Namespace) -> list[Figure]:
    """Resolve, and again with nothing new; add edges that join what is there and bring records, resolve; then all at once."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        project = ScratchProject(Path(name), folders=("macros",), models={"links": MODEL})
        write_edges(project.database, options.edges + options.new, options.shape)
        with duckdb.connect(str(project.database)) as connection:
            first = f"(from raw.edges limit {options.edges})"
            connection.execute(CURRENT.format(name="current_edges", edges=first))
            connection.execute(CURRENT.format(name="all_edges", edges="raw.edges"))
        print(f"resolving {options.edges:,} edges", file=sys.stderr)
        project.run("--select", "links")
        print("once more", file=sys.stderr)
        nothing = project.run("--select", "links").total_seconds
        with duckdb.connect(str(project.database)) as connection:
            connection.execute("drop table raw.current_edges")
            connection.execute("alter table raw.all_edges rename to current_edges")
        print(f"adding {options.new:,}", file=sys.stderr)
        step = project.run("--select", "links").total_seconds
        answer = "select count(*), count(distinct component_node) from analytics.links"
        with duckdb.connect(str(project.database), read_only=True) as connection:
            stepwise = connection.execute(answer).fetchone()
        print("full refresh", file=sys.stderr)
        full = project.run("--select", "links", "--full-refresh").total_seconds
        with duckdb.connect(str(project.database), read_only=True) as connection:
            if connection.execute(answer).fetchone() != stepwise:
                raise SystemExit("wrong answer: the second run and a full refresh differ")
    goal = at_most(0.1, of="ratio") if options.edges >= 10_000_000 else None
    size = f"{options.new:,} new edges on {options.edges:,} ({options.shape})"
    return [
        Figure(f"{size}: found and taken in, beside a full refresh", step, "s", full),
        Figure("a run that finds nothing new, beside a full refresh", nothing, "s", full),
        Figure("taking in alone, beside a full refresh", step - nothing, "s", full, goal),
    ]


def add_arguments(parser: ArgumentParser) -> None:
    """Size and shape."""
    parser.add_argument("--edges", type=lambda text: int(float(text)), default=1_000_000)
    parser.add_argument("--new", type=lambda text: int(float(text)), default=100_000)
    parser.add_argument("--shape", choices=list(SHAPES), default="tail")
    parser.add_argument("--directory", type=Path, help="where the scratch database goes")


BENCHMARK = Benchmark(
    "incremental",
    "New edges on a resolved graph, beside a full refresh.",
    run,
    add_arguments,
)
