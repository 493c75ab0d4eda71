"""What people ask of journeys can be said: each ask compiles, and for the other warehouses too."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.python.audiences.project import compiled_models, make_project, make_tables
from tests.python.audiences.worlds import EVENTS, NOW, TABLES
from tests.python.dialects.offline import Offline

ASKS: list[dict[str, Any]] = [
    ask
    for name in ("sayable_journeys.yml", "sayable_journeys_more.yml")
    for ask in yaml.safe_load((Path(__file__).parent / name).read_text())
]
SHOP = {
    **TABLES,
    "profiles": TABLES["profiles"] + ", time_zone text, trial_ends_at timestamp, renews_on date",
    "event_product_added": "event_id text, profile_id text, cart_id text, occurred_at timestamp",
    "event_product_viewed": "event_id text, profile_id text, product_line text, occurred_at timestamp",
    "event_cart_filled": "event_id text, profile_id text, value_eur double, occurred_at timestamp",
    "event_trip_booked": "event_id text, profile_id text, departs_at timestamp, occurred_at timestamp",
    "event_campaign_engaged": "event_id text, profile_id text, kind text, destination text, touchpoint_id text, occurred_at timestamp",
    "audience_buyers": "profile_id text, is_holdout boolean, qualified_at timestamp",
    "identity_aliases": "entity text, old_id text, live_id text, split_from_id text, shared_from_at timestamp, shared_until_at timestamp",
}


def make_journeys(folder: Path, database: Path) -> None:
    names = [f"journey_ask{number}" for number in range(len(ASKS))]
    variables = {
        "cdp_events": EVENTS, "cdp_as_of": str(NOW),
        "cdp_identity": {"person": {"identifiers": {"card_number": {}}}}, "cdp_registry": {"journeys": names},
        "cdp_contact_rules": {"quiet_hours": {"from": "21:00", "to": "08:00"}, "caps": [{"at_most": 3, "days": 7}]},
    }  # fmt: skip
    make_project(folder, database, dict.fromkeys(SHOP, "select 1 as one"), variables)
    for name, ask in zip(names, ASKS, strict=True):
        text = (
            json.dumps(ask["definition"], default=str) + "\n"
        )  # texts in quotes, as "09:00" must be
        (folder / "models" / f"{name}.sql").write_text(
            f"{{% set definition %}}\n{text}{{% endset %}}\n{{{{ headwater.journey(definition) }}}}\n"
        )


def test_every_ask_compiles_and_runs(tmp_path: Path) -> None:
    database = tmp_path / "sayable.duckdb"
    make_tables(database, SHOP)
    make_journeys(tmp_path, database)
    compiled = compiled_models(tmp_path)
    with duckdb.connect(str(database)) as connection:
        for number, ask in enumerate(ASKS):
            # Those before it in the registry are read by it.
            name = f"journey_ask{number}"
            connection.execute(f"create table analytics.{name} as {compiled[name]}")
            assert connection.execute(f"select count(*) from analytics.{name}").fetchone() == (0,), ask  # fmt: skip


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_every_ask_is_spoken_in_the_dialect(dialect: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(f"dbt.adapters.{dialect}") is None:
        pytest.skip(f"dbt-{dialect} is not installed: pip install 'headwater[{dialect}]'")
    make_journeys(tmp_path, tmp_path / "unused.duckdb")
    folder = tmp_path / dialect
    folder.mkdir()
    offline = Offline(dialect)
    offline.build(folder, existing=False, project=tmp_path)
    assert offline.parsed()
    spoken = {one.node for one in offline.statements if "journey_ask" in one.node}
    assert len(spoken) == len(ASKS)
