"""Many syncs with nothing to do: what a command costs that finds no difference, its start included."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.push import LIMITS, TABLE, sink
from benchmarks.sync_project import SyncProject

SYNC = {
    "destination": "hook",
    "mode": "mirror",
    "key": ["profile_id"],
    "identifiers": ["email"],
}


def run(arguments: Namespace) -> Sequence[Figure]:
    """`arguments.syncs` of `arguments.rows` rows each: the second plan and the second push."""
    names = [f"sync_{number:03d}" for number in range(arguments.syncs)]
    with sink() as url, tempfile.TemporaryDirectory() as folder:
        project = SyncProject(
            Path(folder) / "many",
            models={name: TABLE.format(rows=arguments.rows) for name in names},
            syncs={f"hook_{name}": (name, {**SYNC, "object": {"record": name}}) for name in names},
            destinations={"hook": {"type": "webhook", "url": url, "limits": LIMITS}},
            live=True,
        )
        project.build()
        first = project.run("push")
        plan, push = project.run("plan"), project.run("push")
        if any(one["unchanged"] != arguments.rows for one in plan.answer["syncs"]):
            raise RuntimeError(f"the plan finds something to do: {plan.answer['syncs'][:3]}")
        sent = {one["status"]: one["added"] + one["changed"] for one in push.answer["syncs"]}
        if sent != {"success": 0}:
            raise RuntimeError(f"the push finds something to do: {push.answer['syncs'][:3]}")
    return [
        Figure(f"plan, {arguments.syncs} syncs", plan.seconds, "s", goal=at_most(arguments.goal)),
        Figure(f"push, {arguments.syncs} syncs", push.seconds, "s", goal=at_most(arguments.goal)),
        Figure("first push", first.seconds, "s"),
    ]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--syncs", type=int, default=60)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--goal", type=float, default=2.0, help="seconds that each may take")


BENCHMARK = Benchmark("many", "Many syncs with nothing to do.", run, add_arguments)
