"""A scratch project with one journey and the syncs behind it, built day after day on its own DuckDB file.

The macros are the project's; people, orders, engagements and who became whom are tables of the test's.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import yaml

from benchmarks.scratch import ScratchProject
from sync.cli.main import run
from tests.python.commands import BuildError, check_built
from tests.python.rows import insert

MODELS = {
    "profiles": "select profile_id, email, country, time_zone, born_on, renews_at from raw.people where is_known",
    "audience_tried": "select profile_id, is_holdout, timestamp '2020-01-01' as qualified_at from raw.people where is_known and is_member",
    "event_order_placed": "select event_id, profile_id, occurred_at, 1 as revenue_eur from raw.orders",
    "event_cart_filled": "select event_id, profile_id, occurred_at, value_eur from raw.carts",
    "event_campaign_engaged": "select * from raw.engagements",
    "identity_aliases": "select 'person' as entity, old_id, live_id, cast(null as varchar) as split_from_id, "
    "cast(null as timestamp) as shared_from_at, cast(null as timestamp) as shared_until_at from raw.aliases",
    "sync_hook__mails": """{{ headwater.activation(
        members=headwater.journey_touchpoints('journey_tried', %(touchpoints)s, within='60 days'),
        no_consent_because='tried',
        key=['touchpoint_id'], identifiers={'email': 'profiles.email'},
        fields={'profile_id': 'members.profile_id', 'template': 'members.template'},
    ) }}""",
}
SUPPRESSIONS = (
    "select 'nobody' as profile_id, 'email' as channel, 'complaint' as reason where false"
)
EVENT = {
    "name": "order_placed", "model": "event_order_placed", "key": "event_id", "time": "occurred_at",
    "entity": "person", "properties": ["revenue_eur"],
}  # fmt: skip
EXPOSURES = {
    "hook_mails": ("sync_hook__mails", {
        "destination": "hook", "object": {"event": "mail"}, "mode": "event",
        "key": ["touchpoint_id"], "identifiers": ["email"], "guards": {"min_rows": 0},
        "delivery": "at_least_once",
    }),
    "hook_ads": ("sync_hook__ads", {
        "destination": "hook", "object": {"record": "ads"}, "mode": "mirror", "key": ["profile_id"],
        "identifiers": ["email"],
        "guards": {"min_rows": 0, "max_removals_percent": None},
    }),
}  # fmt: skip


class JourneyLab:
    """One scratch project and its database."""

    def __init__(
        self, folder: Path, definition: str, *, touchpoints: Iterable[str] = ("first",),
        between: tuple[str, str] | None = None, variables: Mapping[str, Any] | None = None,
        before: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`before` are other journeys by name, which the registry has before this one."""
        journeys = [*(before or {}), "journey_tried"]
        self.project = ScratchProject(
            folder, folders=("macros", "models/engine/staging/sync"),
            variables={
                "cdp_events": [EVENT], "cdp_registry": {"journeys": journeys, "audiences": ["audience_tried"]},
                **(variables or {}),
            },
        )  # fmt: skip
        path = folder / "dbt_project.yml"
        settings = yaml.safe_load(path.read_text())
        settings["on-run-start"] = ["{{ headwater.create_sync_tables() }}"]
        settings.pop("on-run-end", None)
        settings["vars"]["cdp_live_targets"] = {
            "duckdb": {"path": str(self.project.database), "schema": "analytics"}
        }
        path.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.folder, self.now = folder, ""
        self._manifest: tuple[Any, Any] = (None, None)  # and what it was parsed of
        self._models(list(touchpoints), between)
        for name, other in (before or {}).items():
            self.define(other, name=name)
        self.define(definition)
        self.execute(
            "create schema raw",
            "create table raw.people (profile_id varchar, email varchar, country varchar, time_zone varchar, "
            "born_on date, renews_at timestamp, "
            "is_member boolean default true, is_holdout boolean default false, "
            "is_known boolean default true)",
            "create table raw.orders (event_id varchar, profile_id varchar, occurred_at timestamp)",
            "create table raw.carts (event_id varchar, profile_id varchar, occurred_at timestamp, value_eur double)",
            "create table raw.engagements (event_id varchar, profile_id varchar, kind varchar, "
            "destination varchar, touchpoint_id varchar, occurred_at timestamp)",
            "create table raw.aliases (old_id varchar, live_id varchar)",
        )

    def _models(self, touchpoints: list[str], between: tuple[str, str] | None) -> None:
        models, exposures = dict(MODELS), dict(EXPOSURES)
        models["sync_hook__mails"] %= {"touchpoints": touchpoints}
        models["profile_suppressions"] = SUPPRESSIONS
        if between is None:
            exposures.pop("hook_ads")
        else:
            models["sync_hook__ads"] = (
                "{{ headwater.activation(members=headwater.journey_people_between('journey_tried', "
                f"after='{between[0]}', before='{between[1]}'), no_consent_because='tried', "
                "identifiers={'email': 'profiles.email'}, fields={}) }}"
            )
        for name, sql in models.items():
            kind = "table" if name.startswith("sync_") else "view"
            config = f"{{{{ config(materialized='{kind}') }}}}\n"
            (self.folder / "models/engine" / f"{name}.sql").write_text(config + sql)
        found = [
            {"name": name, "type": "application", "owner": {"name": "Data", "email": "d@e.example"},
             "depends_on": [f"ref('{model}')"], "config": {"meta": {"sync": meta}}}
            for name, (model, meta) in exposures.items()
        ]  # fmt: skip
        document = {"version": 2, "exposures": found}
        (self.folder / "models/engine/_exposures.yml").write_text(yaml.safe_dump(document))

    def define(
        self, definition: str, *, touchpoints: list[str] | None = None, name: str = "journey_tried"
    ) -> None:
        """The journey's file: the definition and the call, no more."""
        (self.folder / f"models/engine/{name}.sql").write_text(
            f"{{% set definition %}}\n{definition}\n{{% endset %}}\n"
            "{{ headwater.journey(definition) }}\n"
        )
        if touchpoints is not None:
            self._models(touchpoints, None)

    def execute(self, *statements: str) -> None:
        with duckdb.connect(str(self.project.database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.project.database)) as connection:
            return connection.execute(statement).fetchall()

    def people(self, *names: str, **columns: Any) -> None:
        """New members of the audience, known to themselves."""
        with duckdb.connect(str(self.project.database)) as connection:
            for name in names:
                given = {"profile_id": name, "email": f"{name}@b.example", "country": "DE"}
                given |= columns
                insert(connection, "raw.people", [list(given.values())], ", ".join(given))
                insert(connection, "raw.aliases", [[name, name]])

    def order(self, person: str, at: str) -> None:
        self.execute(f"insert into raw.orders values ('o' || random(), '{person}', '{at}')")

    def cart(self, event: str, person: str, at: str, value: float = 50) -> None:
        self.execute(f"insert into raw.carts values ('{event}', '{person}', '{at}', {value})")

    def merge(self, old: str, live: str) -> None:
        """`old` became `live`; what it did is `live`'s."""
        self.execute(
            f"update raw.aliases set live_id = '{live}' where live_id = '{old}'",
            f"update raw.people set is_known = false where profile_id = '{old}'",
            f"update raw.orders set profile_id = '{live}' where profile_id = '{old}'",
            f"update raw.carts set profile_id = '{live}' where profile_id = '{old}'",
        )

    def unmerge(self, old: str) -> None:
        """`old` is somebody again; what it did after the merge stays with the other."""
        self.execute(
            f"update raw.aliases set live_id = '{old}' where old_id = '{old}'",
            f"update raw.people set is_known = true where profile_id = '{old}'",
        )

    def environment(self) -> dict[str, str]:
        return {**self.project.environment, "HEADWATER_AS_OF": self.now}

    def build(self, now: str, *arguments: str, variables: Mapping[str, Any] | None = None) -> None:
        """Everything, in this process, with `now` as now. Raises BuildError with dbt's own words."""
        check_built(self._run(now, arguments, variables or {}))

    def told(self, now: str, definitions: Iterable[str]) -> list[str]:
        """What dbt says of each of these journeys, which stand beside one another; empty of one that is built."""
        asked = {f"journey_asked{number:03}": text for number, text in enumerate(definitions)}
        for name, text in asked.items():
            self.define(text, name=name)
        settings = yaml.safe_load((self.folder / "dbt_project.yml").read_text())
        registry = settings["vars"]["cdp_registry"]
        variables = {"cdp_registry": registry | {"journeys": [*registry["journeys"], *asked]}}
        result = self._run(now, ("--select", *asked), variables)
        for name in asked:
            (self.folder / f"models/engine/{name}.sql").unlink()
        if result.exception:
            raise BuildError(str(result.exception))
        lines = {line.node.name: line for line in result.result.results}
        return [
            "" if lines[name].status == "success" else str(lines[name].message) for name in asked
        ]

    def _run(self, now: str, arguments: Iterable[str], variables: Mapping[str, Any]) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        self.now = now
        said = json.dumps(dict(variables))
        with mock.patch.dict(os.environ, self.environment()):
            if self._manifest[0] != (said, self._files()):
                parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse", "--vars", said])
                if not parsed.success:
                    raise BuildError(str(parsed.exception))
                self._manifest = ((said, self._files()), parsed.result)
            result = dbtRunner(manifest=self._manifest[1]).invoke(
                ["--quiet", "run", *arguments, "--vars", said]
            )
        DuckDBConnectionManager.close_all_connections()
        return result

    def _files(self) -> dict[Path, int]:
        """What dbt would read, by when it was written."""
        paths = [*self.folder.glob("*.yml"), *self.folder.glob("models/**/*.*")]
        return {path: path.stat().st_mtime_ns for path in paths}

    def step(self, now: str) -> None:
        """The journey alone, after a first build of everything."""
        self.build(now, "--select", "journey_tried")

    def log(self, *columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        listed = ", ".join(columns or ("profile_id", "node", "outcome"))
        return self.query(
            f"select {listed} from analytics.journey_tried where {where} order by all"
        )

    def sync(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """The JSON answer of a command, by sync."""
        verb, *rest = arguments
        out = io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environment(), **environment}),
            redirect_stdout(out),
        ):
            run([verb, "--project-dir", str(self.folder), "--json", *rest])
        return {one["name"]: one for one in json.loads(out.getvalue())["syncs"]}

    def plan(self, name: str = "hook_mails") -> tuple[int, dict[str, int]]:
        """How many a push would add, and who is withheld."""
        made = self.sync("plan")[name]
        assert made["refused"] is None, made["refused"]
        return made["add"], made["withheld"]
