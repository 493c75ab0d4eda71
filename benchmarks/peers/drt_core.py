"""drt-core, a reverse ETL tool of one table to one HTTP endpoint, on the same table and sink as ours, in its own environment.

Settings follow its documentation (https://pypi.org/project/drt-core/1.2.1/, read 2026-11-24): `body_mode: batch` with as many rows in
a request as ours, no rate limit to speak of. It keeps no ledger: a second run sends every row again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

from benchmarks.measured import Measured, measured
from sync.destinations.webhook import Webhook

BATCH_ROWS = Webhook.declaration.objects["record"].batch_rows


class DrtCore:
    """A project of drt-core over `table` of the DuckDB file `database`, sending to `url`."""

    def __init__(self, folder: Path, python: str, *, database: Path, table: str, url: str) -> None:
        """`python` is the interpreter of an environment with drt-core and duckdb."""
        self._folder = folder
        self._command = Path(python).parent / "drt"
        if not self._command.exists():
            raise FileNotFoundError(f"no drt beside {python}: pip install drt-core duckdb there")
        (folder / "syncs").mkdir(parents=True)
        (folder / ".drt").mkdir()
        self._write("drt_project.yml", {"name": "peer", "profile": "peer"})
        self._write(".drt/profiles.yml", {"peer": {"type": "duckdb", "database": str(database)}})
        self._write(
            "syncs/people.yml",
            {
                "name": "people",
                "model": f"select * from {table}",
                "destination": {
                    "type": "rest_api",
                    "url": url,
                    "method": "POST",
                    "headers": {"Content-Type": "application/json"},
                    "body_mode": "batch",
                    "batch_template": '{"rows": {{ rows | tojson }}}',
                    "max_records_per_request": BATCH_ROWS,
                },
                "sync": {
                    "mode": "full",
                    "batch_size": BATCH_ROWS,
                    "rate_limit": {"requests_per_second": 100_000},
                    "on_error": "fail",
                },
            },
        )

    def run(self) -> Measured:
        """Send everything.

        Raises:
            RuntimeError: it failed.
        """
        done = measured(
            [str(self._command), "run"],
            env={**os.environ, "HOME": str(self._folder)},
            cwd=self._folder,
        )
        print(done.output, file=sys.stderr)
        if done.code:
            raise RuntimeError(f"drt run ended with {done.code}")
        return done

    def _write(self, name: str, content: object) -> None:
        (self._folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
