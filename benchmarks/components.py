"""Connected components: the project's materialisation beside scipy and, where installed, Splink."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.scratch import ScratchProject

MODEL = """
{{ config(materialized='components') }}
select left_key, right_key from raw.edges
"""

# Prints seconds; runs in the interpreter that has Splink.
PEER = """
import sys, time, duckdb
from splink import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold as cluster
connection = duckdb.connect()
connection.execute("create table edges as select * from read_parquet('" + sys.argv[1] + "')")
connection.execute("create table nodes as select left_key as id from edges union select right_key from edges")
start = time.perf_counter()
clusters = cluster("nodes", "edges", DuckDBAPI(connection), node_id_column_name="id",
                   edge_id_column_name_left="left_key", edge_id_column_name_right="right_key")
clusters.as_duckdbpyrelation().aggregate("count(*)").fetchall()
print(time.perf_counter() - start)
"""


def _hashed(keys: Any) -> Any:
    """The keys scattered over 63 bits (splitmix64), as keys made by hashing are."""
    import numpy as np

    mixed = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def _tail(count: int, random: Any) -> tuple[Any, Any]:
    """Many small components and a few very large ones: sizes follow a power law."""
    import numpy as np

    sizes = np.minimum(random.zipf(2.0, size=count), max(count // 100, 10))
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), count)) + 1]
    nodes_before = np.concatenate([[0], np.cumsum(sizes + 1)[:-1]])
    edges_before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    component = np.repeat(np.arange(len(sizes)), sizes)[:count]
    position = np.arange(count) - edges_before[component]
    start = nodes_before[component]
    return start + (random.random(count) * (position + 1)).astype(np.int64), start + position + 1


def _star(count: int, _: Any) -> tuple[Any, Any]:
    import numpy as np

    return np.zeros(count, dtype=np.int64), np.arange(1, count + 1)


def _chain(count: int, _: Any) -> tuple[Any, Any]:
    import numpy as np

    return np.arange(count), np.arange(1, count + 1)


def _random(count: int, random: Any) -> tuple[Any, Any]:
    """A random graph at the threshold where one component takes over: half as many edges as nodes."""
    return random.integers(0, 2 * count, count), random.integers(0, 2 * count, count)


SHAPES: dict[str, tuple[Callable[[int, Any], tuple[Any, Any]], bool]] = {
    "tail": (_tail, True),
    "star": (_star, True),
    "chain": (_chain, True),
    "chain-sequential": (_chain, False),
    "random": (_random, True),
}


def write_edges(database: Path, count: int, shape: str, seed: int = 1) -> None:
    """Write raw.edges (left_key, right_key) in random order."""
    import duckdb
    import numpy as np
    import pandas as pd

    make, hashed = SHAPES[shape]
    random = np.random.default_rng(seed)
    left, right = make(count, random)
    if hashed:
        order = random.permutation(count)
        left, right = _hashed(left)[order], _hashed(right)[order]
    frame = pd.DataFrame({"left_key": left, "right_key": right})
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists raw")
        connection.register("frame", frame)
        connection.execute("create or replace table raw.edges as select * from frame")


def scipy_components(database: Path) -> tuple[float, int, int]:
    """Seconds from the table to labels in memory, nodes, components."""
    import duckdb
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    start = time.perf_counter()
    with duckdb.connect(str(database), read_only=True) as connection:
        edges = connection.execute("select left_key, right_key from raw.edges").fetchnumpy()
    count = len(edges["left_key"])
    keys = np.concatenate([edges["left_key"], edges["right_key"]])
    nodes, index = np.unique(keys, return_inverse=True)
    graph = coo_matrix(
        (np.ones(count, dtype=np.int8), (index[:count], index[count:])),
        shape=(len(nodes), len(nodes)),
    )
    components, _ = connected_components(graph, directed=False)
    return time.perf_counter() - start, len(nodes), components


def _peer_seconds(python: Path, database: Path, directory: Path) -> float | None:
    import duckdb

    edges = directory / "edges.parquet"
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"copy raw.edges to '{edges}' (format parquet)")
    done = subprocess.run([python, "-c", PEER, edges], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"Splink did not run: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(done.stdout.split()[-1])


def run(options: Namespace) -> list[Figure]:
    """Build the table once and compare it with scipy's answer; only the model's own time counts."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        project = ScratchProject(
            Path(name),
            folders=("macros",),
            models={"components": MODEL},
            settings={"memory_limit": options.memory} if options.memory else None,
        )
        print(f"writing {options.edges:,} edges ({options.shape})", file=sys.stderr)
        write_edges(project.database, options.edges, options.shape)
        print("running the materialisation", file=sys.stderr)
        built = project.run("--select", "components")
        with duckdb.connect(str(project.database), read_only=True) as connection:
            found = connection.execute(
                "select count(*), count(distinct component) from analytics.components"
            ).fetchone()
        print("running scipy", file=sys.stderr)
        scipy_seconds, nodes, components = scipy_components(project.database)
        if found != (nodes, components):
            raise SystemExit(f"wrong answer: {found}, scipy has {(nodes, components)}")
        size = f"{options.edges:,} edges, {options.shape}"
        bound = 1.2 if options.edges >= 50_000_000 else 1.5
        goal = at_most(bound, of="ratio") if options.edges >= 10_000_000 else None
        seconds = built.total_seconds
        figures = [
            Figure(f"components against scipy, {size}", seconds, "s", scipy_seconds, goal),
            Figure(
                f"peak memory of the build, {size}",
                built.peak_bytes / 1e9,
                "GB",
                goal=at_most(8) if options.edges >= 50_000_000 else None,
            ),
        ]
        if options.peer_python:
            peer = _peer_seconds(options.peer_python, project.database, Path(name))
            if peer is not None:
                figures.append(Figure(f"components against Splink, {size}", seconds, "s", peer))
        return figures


def add_arguments(parser: ArgumentParser) -> None:
    """Size, shape and what runs beside."""
    parser.add_argument("--edges", type=lambda text: int(float(text)), default=1_000_000)
    parser.add_argument("--shape", choices=list(SHAPES), default="tail")
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 6GB")
    parser.add_argument("--directory", type=Path, help="where the scratch database goes")
    parser.add_argument(
        "--peer-python", type=Path, help="a Python that has Splink 5, to run it beside"
    )


BENCHMARK = Benchmark(
    "components",
    "Connected components beside scipy (and Splink, where installed).",
    run,
    add_arguments,
)
