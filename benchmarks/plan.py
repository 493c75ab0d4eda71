"""One plan over a large activation table and a ledger as large, 1 % of it changed, and the same when nothing changed.

The plan runs as `sync plan` does, in a process of its own, its start included; memory is that process's peak.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.push import TABLE
from benchmarks.sync_project import SyncProject


def run(options: Namespace) -> list[Figure]:
    rows: int = options.rows
    with tempfile.TemporaryDirectory(prefix="headwater-plan-") as folder:
        project = SyncProject(
            Path(folder) / "project",
            models={"sync_webhook__people": TABLE.format(rows=rows)},
            syncs={
                "webhook_people": (
                    "sync_webhook__people",
                    {
                        "destination": "webhook",
                        "object": {"record": "people"},
                        "mode": "mirror",
                        "key": ["profile_id"],
                        "identifiers": ["email"],
                    },
                )
            },
            environment={"HEADWATER_ENVIRONMENT": "sandbox"},
        )
        print(f"building a table and a ledger of {rows:,} rows", file=sys.stderr, flush=True)
        project.build()
        first = project.run("plan")
        _expect(first.answer, add=rows)
        _fill_ledger(project)
        unchanged = project.run("plan")
        _expect(unchanged.answer, unchanged=rows)
        project.sql(
            "update analytics.sync_webhook__people set row_hash = md5(row_hash) "
            "where order_count = 7"
        )
        changed = project.run("plan")
        _expect(changed.answer, change=rows // 100)
        size = project.database.stat().st_size / 1e6
        return [
            Figure("plan, 1 % changed", changed.seconds, "s", goal=at_most(6)),
            Figure("plan, nothing changed", unchanged.seconds, "s"),
            Figure("plan, empty ledger", first.seconds, "s"),
            Figure("peak memory, 1 % changed", changed.peak_bytes / 1e6, "MB", reference=size),
        ]


def _fill_ledger(project: SyncProject) -> None:
    """Everything was sent before, with the definition that the sync has now."""
    from sync.config.manifest import Manifest

    defined = Manifest(project.directory / "target" / "manifest.json").syncs()[0]
    definition = replace(defined, account="webhook sandbox")
    project.sql(
        "insert into analytics_sync.ledger select 'sandbox', 'webhook_people', profile_id, "
        f"row_hash, '{definition.definition_hash}', '{{\"email\": \"' || email || '\"}}', null, "
        "'20260101-000000-000000-aaaaaa', now()::timestamp from analytics.sync_webhook__people"
    )


def _expect(answer: dict[str, object], **numbers: int) -> None:
    syncs = answer["syncs"]
    assert isinstance(syncs, list)
    found = {name: syncs[0][name] for name in ("add", "change", "remove", "unchanged")}
    wanted = {name: numbers.get(name, 0) for name in found}
    if "change" in numbers:
        wanted["unchanged"] = found["unchanged"]
    if found != wanted:
        raise RuntimeError(f"expected {wanted}, planned {found}: {syncs[0]['refused']}")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=10_000_000)


BENCHMARK = Benchmark("plan", "One plan over a large ledger, 1 % changed.", run, add_arguments)
