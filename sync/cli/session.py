"""What plan, push, pull and check share: the environment, the sandbox, and the way to destinations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sync.cli.app import App
from sync.config.destinations import environment_name
from sync.engine.connect import RegistryConnector, Sandbox
from sync.private import make_folder, mend

# The address of a sandbox that is not started: nothing is asked of it.
NOBODY = "http://127.0.0.1:9"


def chosen_environment(sandbox: bool) -> str:
    """`live` or `sandbox`; --sandbox means the sandbox for this run."""
    return "sandbox" if sandbox else environment_name()


@contextmanager
def connector(
    app: App, environment: str, faults: Sequence[str] = (), *, start: bool = True
) -> Iterator[RegistryConnector]:
    """Destinations with their own settings, or all in a local sandbox; without `start` they are only asked what they can do."""
    if environment != "sandbox":
        yield RegistryConnector(app.destinations)
        return
    folder = app.project.private
    make_folder(folder)
    mend(folder)
    files = str(folder / "sandbox")
    running = os.environ.get("HEADWATER_SANDBOX_URL")
    if running or not start:
        yield RegistryConnector(app.destinations, sandbox=Sandbox(running or NOBODY, files))
        return
    from sync.sandbox import start_sandbox

    with start_sandbox(folder / "sandbox.sqlite", list(faults)) as base_url:
        yield RegistryConnector(app.destinations, sandbox=Sandbox(base_url, files))
