"""`sync unlock`."""

from __future__ import annotations

import click

from sync.cli.app import App, Verb, agreed
from sync.cli.session import chosen_environment
from sync.engine.context import new_run_id
from sync.errors import RefusedError
from sync.state.leases import Leases, owner_name
from sync.state.runs import RunLog
from sync.state.tables import Tables
from sync.warehouses.base import now_utc


@click.command("unlock", cls=Verb, example="sync unlock klaviyo_lapsed_buyers")
@click.argument("sync")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sandbox", is_flag=True, help="The sandbox's lease.")
@click.pass_obj
def unlock(app: App, sync: str, yes: bool, sandbox: bool) -> int:
    """Break the lease of a push of SYNC that will never end: its machine is gone, or it hangs.

    A lease expires by itself ten minutes after its holder last renewed it, and at once when its process on this machine is gone: one that
    is at work here is stopped first. A holder that is alive elsewhere writes nothing any more, and sends nothing more within seconds: it
    asks whether the lease is its own. What it had in flight may still arrive, so look that it has ended before the next push.
    """
    definition, environment = app.sync(sync), chosen_environment(sandbox)
    tables, run_id = Tables.of(app.manifest), new_run_id()
    lease = Leases(
        tables,
        app.warehouse.dialect,
        environment=environment,
        sync_name=definition.sync_id,
        owner=owner_name(run_id),
    )
    with app.warehouse.session() as session:
        holder = lease.holder_of(session, definition.sync_id, now_utc())
        process = lease.process_here(session)
    if holder is None:
        app.output.note(f"{sync}: nobody holds its lease.")
        return 0
    if process is not None:
        raise RefusedError(
            "running",
            f"{sync} is being pushed by process {process}, which is at work on this machine: without its lease it would send beside "
            "the next push.",
            hint=f"stop it, and its lease is free: kill {process}",
        )
    if not agreed(f"{sync} is being pushed by {holder}. Break its lease?", yes=yes):
        app.output.note(f"{sync}: its lease stands.")
        return 1
    log = RunLog(
        tables,
        app.warehouse.dialect,
        environment=environment,
        sync_name=definition.sync_id,
        run_id=run_id,
    )
    with app.warehouse.session(write=True) as session:
        session.execute(lease.breaking())
        log.note(
            session,
            command="unlock",
            mode=definition.mode.value,
            now=now_utc(),
            message=f"the lease of {holder} was broken",
        )
    app.output.note(f"{sync}: the lease of {holder} is broken; push again.")
    return 0
