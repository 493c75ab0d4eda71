"""Ten journeys over many people: the build that lets them in, and that of the next day; time and memory, and how both grow."""

from __future__ import annotations

import json
import os
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.figures import Benchmark, Figure
from benchmarks.scratch import Build, ScratchProject

PROFILES = """select 'p' || lpad(cast(n as varchar), 8, '0') as profile_id,
    ['DE', 'FR', 'AT'][1 + cast(hash(n, 1) % 3 as integer)] as country,
    date '2026-06-01' + cast(hash(n, 2) % 60 as integer) as renews_on from range({people}) as t(n)"""
MEMBERS = """select profile_id, hash(profile_id, 3) % 20 = 0 as is_holdout, timestamp '2026-06-01' as qualified_at
    from {{{{ ref('profiles') }}}} where hash(profile_id, {number}) % 3 = 0"""
EVENT = """select '{name}' || n as event_id, 'p' || lpad(cast(hash(n, 1) % {people} as varchar), 8, '0') as profile_id,
    timestamp '2026-06-03 00:00:00' - to_seconds(hash(n, 2) % 259200) as occurred_at, hash(n, 3) % 200 as revenue_eur
    from range({count}) as t(n)"""
ALIASES = """select 'person' as entity, profile_id as old_id, profile_id as live_id, cast(null as varchar) as split_from_id,
    cast(null as timestamp) as shared_from_at, cast(null as timestamp) as shared_until_at from {{ ref('profiles') }}"""
MAIL = {"touchpoint": {"destination": "hook", "channel": "email", "template": "Mail"}}


def journeys() -> dict[str, dict[str, Any]]:
    """Ten: by audience, by event and by date; waits, branches, splits, a repeat, exits."""
    entries: list[dict[str, Any]] = [{"audience": f"audience_a{n}"} for n in range(6)]
    entries += [{"did": "cart_filled"}, {"did": "order_placed", "within": "1 day"}, {"date": "renews_on", "before": "7 days"},
        {"did": "cart_filled", "again": {"after": "2 days"}}]  # fmt: skip
    found = {}
    for number, entry in enumerate(entries):
        steps: list[dict[str, Any]] = [
            {"name": "hello", **MAIL},
            {"name": "pause", "wait": {"for": "1 day"} if number % 2 else {"until": {"did": "order_placed"}, "timeout": "1 day"}},
            {"name": "asked", "branch": {"if": {"trait": "country", "equals": "DE"}, "then": [{"name": "second", **MAIL}], "else": []}},
            {"name": "half", "split": {"a": {"percent": 50, "steps": [{"name": "third", **MAIL}]}, "b": {"percent": 50}}},
            {"name": "again", "repeat": {"at_most": 3, "until": {"did": "order_placed"}, "steps": [{"name": "tip", **MAIL},
                {"name": "week", "wait": {"for": "7 days"}}]}},
        ]  # fmt: skip
        found[f"journey_j{number}"] = {"entry": entry, "exit_when": {"did": "order_placed", "at_least": 2}, "steps": steps}  # fmt: skip
    return found


def _built(folder: Path, people: int) -> list[Build]:
    told = journeys()
    project = ScratchProject(
        folder, variables={"cdp_events": [], "cdp_registry": {"journeys": list(told), "audiences": []}},
        models={
            "profiles": PROFILES.format(people=people), "identity_aliases": ALIASES,
            **{f"audience_a{n}": MEMBERS.format(number=n) for n in range(6)},
            **{f"event_{name}": EVENT.format(name=name, people=people, count=people // 5) for name in ("cart_filled", "order_placed")},
        },
    )  # fmt: skip
    for name, definition in told.items():
        (folder / f"models/engine/{name}.sql").write_text(
            f"{{% set definition %}}\n{json.dumps(definition)}\n{{% endset %}}\n{{{{ headwater.journey(definition) }}}}\n"
        )
    builds = []
    for now in ("2026-06-03 12:00:00", "2026-06-04 12:00:00"):
        with mock.patch.dict(os.environ, {"HEADWATER_AS_OF": now}):
            builds.append(project.run())
    return builds


def _seconds(build: Build) -> float:
    return sum(seconds for name, seconds in build.seconds.items() if name.startswith("journey_"))


def run(arguments: Namespace) -> Sequence[Figure]:
    """Two builds over so many people, and over a tenth of them."""
    with tempfile.TemporaryDirectory() as folder:
        less = _built(Path(folder) / "less", arguments.people // 10)
        found = _built(Path(folder) / "all", arguments.people)
    size = f"ten journeys, {arguments.people:,} people, beside a tenth"
    return [
        Figure(f"the build that lets them in, {size}", _seconds(found[0]), "s", reference=_seconds(less[0])),
        Figure(f"the next day, {size}", _seconds(found[1]), "s", reference=_seconds(less[1])),
        Figure("the slowest journey of the next day", max(s for n, s in found[1].seconds.items() if n.startswith("journey_")), "s"),
        Figure("memory at its peak", max(one.peak_bytes for one in found) / 2**20, "MB",
            reference=max(one.peak_bytes for one in less) / 2**20),
    ]  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=1_000_000)


BENCHMARK = Benchmark("journeys", "Ten journeys: the build that lets people in, and the next day's.", run, add_arguments)  # fmt: skip
