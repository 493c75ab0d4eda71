"""`sync sandbox`: the stand-ins of every destination, until interrupted."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sync.cli.app import App, Verb

STATE = Path(".headwater/sandbox.sqlite")


@click.command(cls=Verb, example="sync sandbox --fault 429:0.1 --fault 500_after_commit:0.05")
@click.option("--port", default=8788, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--fault",
    "fault_texts",
    multiple=True,
    metavar="KIND:SHARE",
    help="Make a share of requests go wrong: 429, 500, 500_after_commit, reset, slow, "
    "refuse_rows, job_failed, token_expired. Repeatable.",
)
@click.option("--seed", default=0, help="Seed of the faults.")
@click.option("--reset", "forget", is_flag=True, help="Forget what earlier pushes left.")
@click.pass_obj
def sandbox(app: App, port: int, fault_texts: tuple[str, ...], seed: int, forget: bool) -> int:
    """Run local stand-ins of every destination, with a page that shows what they hold.

    `sync push --sandbox` starts them by itself; this keeps them up, to look at or to send to with faults.
    """
    from sync.destinations import registry
    from sync.engine.run import HEARING_SECONDS
    from sync.sandbox import start_sandbox
    from sync.sandbox.faults import Faults

    faults = Faults.parse(fault_texts, seed=seed)
    registry.add_folder(app.project.directory / registry.PROJECT_FOLDER)
    state = app.project.directory / STATE
    if forget:
        for path in state.parent.glob(state.name + "*"):
            path.unlink()
    with start_sandbox(state, faults, port=port) as url:
        app.output.text(f"Sandbox on {url} (Ctrl-C stops it).")
        app.output.note(f"Each destination answers below its own name, such as {url}/klaviyo.")
        try:
            while True:
                time.sleep(HEARING_SECONDS)
        except KeyboardInterrupt:
            app.output.note("Stopped. What was sent is kept for the next time.")
    return 0
