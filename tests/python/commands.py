"""Commands as somebody types them, run in the test's process: a process of its own takes two seconds to begin, one with dbt seven."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

from sync.cli.main import run


class BuildError(Exception):
    """dbt refused; the message is what a user would read."""


def check_built(result: dbtRunnerResult) -> None:
    """Nothing, or BuildError with dbt's own words."""
    if result.success:
        return
    if result.exception:
        raise BuildError(str(result.exception))
    wrong = [
        one for one in result.result.results if one.status in ("error", "fail", "runtime error")
    ]
    raise BuildError("\n".join(f"{one.node.name}: {one.message}" for one in wrong))


@dataclass(frozen=True)
class Done:
    """What a command left, by the names of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def sync(*words: str, folder: Path, environment: Mapping[str, str]) -> Done:
    """`sync` in a folder, with an environment and no other."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(words)
    return Done(code, out.getvalue(), err.getvalue())


def dbt(*words: str, environment: Mapping[str, str]) -> None:
    """`dbt`, with more in the environment, which names the project.

    Raises:
        AssertionError: it failed.
    """
    with mock.patch.dict(os.environ, environment):
        result = dbtRunner().invoke(["--quiet", *words])
    DuckDBConnectionManager.close_all_connections()
    assert result.success, result.exception or [one.message for one in result.result]
