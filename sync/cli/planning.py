"""What plan, push and migrate share: a project's plans. Apart from `session`, for it loads what other commands do without."""

from __future__ import annotations

from sync.cli.app import App
from sync.engine.plan.plan import Planning
from sync.state.places import Places
from sync.state.tables import ResultTables, Tables


def planning(app: App, environment: str) -> Planning:
    """What plans of this project share; where rows of each sync are is not read yet."""
    tables = Tables.of(app.manifest)
    return Planning(
        warehouse=app.warehouse,
        tables=tables,
        environment=environment,
        places=Places(tables, app.warehouse.dialect, environment=environment),
        journal=app.project.journal,
        people=app.manifest.consent_tables(),
        syncs=tuple(app.manifest.syncs()),
        results=None if environment == "live" else ResultTables.of(app.manifest).campaign_events,
    )
