"""What plan, push, pull and check share: the environment, the sandbox, and the way to destinations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sync.cli.app import App
from sync.config.destinations import environment_name
from sync.engine.connect import RegistryConnector


def chosen_environment(sandbox: bool) -> str:
    """`live` or `sandbox`; --sandbox means the sandbox for this run."""
    return "sandbox" if sandbox else environment_name()


@contextmanager
def connector(
    app: App, environment: str, faults: Sequence[str] = (), *, start: bool = True
) -> Iterator[RegistryConnector]:
    """Destinations with their own settings, or all in a local sandbox; `start` false is for asking declarations only."""
    if environment != "sandbox":
        yield RegistryConnector(app.destinations)
        return
    running = os.environ.get("HEADWATER_SANDBOX_URL") or (None if start else "http://sandbox.invalid")
    if running:
        yield RegistryConnector(app.destinations, sandbox_url=running)
        return
    from sync.sandbox import start_sandbox

    state = app.project.private / "sandbox.sqlite"
    state.parent.mkdir(mode=0o700, exist_ok=True)
    with start_sandbox(state, list(faults)) as base_url:
        yield RegistryConnector(app.destinations, sandbox_url=base_url)
