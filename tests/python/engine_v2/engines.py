"""The two engines of dbt, each of which takes one project through the same steps, into a DuckDB file of its own.

A file that DuckDB 2 made cannot be opened by the 1.5 of the v2 engine; the other way round it can, so that Python reads both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
WAREHOUSE = "warehouse.duckdb"
VENV = os.environ.get("HEADWATER_V2_VENV")


@dataclass(frozen=True)
class Step:
    """One dbt command. `invocation_id` goes into the ids that a build mints, so both engines get the same."""

    invocation_id: str
    as_of: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A project taken through its steps by one engine; `folder` holds the warehouse's file and what dbt wrote."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def warehouse(self) -> Path:
        return self.folder / WAREHOUSE

    def finish(self) -> None:
        """Waits for the last step.

        Raises:
            AssertionError: a step failed; with the end of what was printed.
        """
        output, _ = self.process.communicate()
        assert self.process.returncode == 0, "\n".join(output.splitlines()[-60:])

    def plan(self, as_of: str) -> str:
        """What a push would send."""
        told = {"HEADWATER_AS_OF": as_of, "HEADWATER_ENVIRONMENT": "sandbox"}
        done = subprocess.run(
            [sys.executable, "-m", "sync", "plan"],
            cwd=ROOT,
            env=self.environment | told,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def nodes(self) -> set[str]:
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text())
        return {name for kind in ("nodes", "unit_tests", "exposures") for name in manifest[kind]}


def start_v1(project: Path, profiles: Path, folder: Path, steps: Sequence[Step]) -> Run:
    """Begins with dbt 1.11, in one process for all steps."""
    return _start(
        project, profiles, folder, [sys.executable, "-m", "tests.python.engine_v2.engines"], steps
    )


def start_v2(project: Path, profiles: Path, folder: Path, steps: Sequence[Step]) -> Run:
    """Begins with dbt's v2 engine."""
    script = "set -e\n" + "\n".join(
        f"export HEADWATER_AS_OF='{step.as_of}'; '{v2_program()}' {' '.join(step.words)}"
        f" --invocation-id {step.invocation_id}"
        for step in steps
    )
    return _start(project, profiles, folder, ["bash", "-c", script], (), v2_library())


def v2_program() -> str:
    return str(ROOT / str(VENV) / "bin" / "dbt")


def v2_library() -> dict[str, str]:
    """Where the engine looks for DuckDB."""
    return {"LD_LIBRARY_PATH": str(ROOT / str(VENV) / "lib")}


def own_environment() -> dict[str, str]:
    """This process's, without what is said to dbt and to the project in it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "DBT_"))}
    said = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
    return {**kept, "PYTHONPATH": str(ROOT), **said}


def _start(project: Path, profiles: Path, folder: Path, command: Sequence[str], steps: Sequence[Step],
           more: dict[str, str] | None = None) -> Run:  # fmt: skip
    folder.mkdir()
    environment = {
        **own_environment(),
        "DBT_PROFILES_DIR": str(profiles),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PACKAGES_INSTALL_PATH": str(folder / "packages"),
        # The same name in both folders, for views name the file they are in.
        "HEADWATER_DUCKDB_PATH": str(folder / WAREHOUSE),
        "WINERY_DUCKDB_PATH": str(folder / WAREHOUSE),
        **(more or {}),
    }
    written = json.dumps([[step.invocation_id, step.as_of, *step.words] for step in steps])
    process = subprocess.Popen(
        [*command, written],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(folder, environment, process)


def main(written: str) -> int:
    """The steps on dbt 1.11: what start_v1 starts."""
    import dbt_common.invocation
    from dbt.cli import requires
    from dbt.cli.main import dbtRunner

    import tests.python.quick_dbt  # noqa: F401

    requires.reset_invocation_id = lambda: None
    manifest = None
    for invocation_id, as_of, *words in json.loads(written):
        dbt_common.invocation._INVOCATION_ID = invocation_id
        os.environ["HEADWATER_AS_OF"] = as_of
        if words[0] != "deps" and manifest is None:
            manifest = dbtRunner().invoke(["--quiet", "parse"]).result
        result = dbtRunner(manifest).invoke(["--quiet", *words])
        if not result.success:
            failed = getattr(result.result, "results", ())
            print(
                result.exception or "\n".join(f"{one.node.name}: {one.message}" for one in failed)
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
