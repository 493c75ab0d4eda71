"""What a replay says beside the steps: what messages cost, and which other journey's they meet."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from sync.audiences.journeys import _collisions
from sync.config.destinations import Price, load_destinations
from sync.errors import ConfigError
from sync.warehouses.duckdb import DuckDBWarehouse

COLUMNS = (
    "step_id varchar, profile_id varchar, node_type varchar, outcome varchar, is_holdout boolean, "
    "happened_at timestamp"
)


def test_messages_to_the_same_person_on_the_same_day_are_told(tmp_path):
    path = tmp_path / "journeys.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name in ("tried", "letters", "calls", "before"):
            connection.execute(f"create table {name} ({COLUMNS})")
        for name, step, who, outcome, held, at in (
            ("tried", "1", "anna", "due", False, "2026-03-01 08:00"),
            ("tried", "2", "anna", "due", False, "2026-03-02 08:00"),
            ("tried", "3", "ben", "due", False, "2026-03-01 08:00"),
            ("tried", "4", "cleo", "due", True, "2026-03-01 08:00"),
            ("tried", "5", "dora", "dropped_capped", False, "2026-03-01 08:00"),
            ("letters", "6", "anna", "due", False, "2026-03-01 20:00"),
            ("letters", "7", "anna", "due", False, "2026-03-01 21:00"),
            ("letters", "8", "anna", "due", False, "2026-03-03 08:00"),
            ("letters", "9", "cleo", "due", False, "2026-03-01 08:00"),
            ("letters", "10", "dora", "due", False, "2026-03-01 08:00"),
            ("calls", "11", "ben", "due", True, "2026-03-01 08:00"),
            ("before", "1", "anna", "due", False, "2026-03-01 08:00"),
        ):
            connection.execute(
                f"insert into {name} values (?, ?, 'touchpoint', ?, ?, ?)",
                [step, who, outcome, held, at],
            )
    others = {"letters": "letters", "calls": "calls", "never_built": "nothing_there"}
    warehouse = DuckDBWarehouse(str(path))
    with warehouse.session() as session:
        found = _collisions(session, "tried", None, others)
        assert found == [{"journey": "letters", "messages": 1, "people": 1}]
        assert _collisions(session, "tried", "before", others) == [], "what was in the log is past"


@pytest.mark.parametrize(
    "told",
    ["0.07", "{amount: 0.07}", "{amount: cheap, currency: EUR}", "{amount: -1, currency: EUR}",
     "{amount: 1, currency: EUR, per: month}", "{amount: true, currency: EUR}"],
)  # fmt: skip
def test_a_price_says_an_amount_and_a_currency(tmp_path, told):
    path = tmp_path / "destinations.yml"
    path.write_text(f"destinations: {{hook: {{type: webhook, url: x, price: {told}}}}}\n")
    with pytest.raises(ConfigError, match=r"hook\.price must say what a message costs"):
        load_destinations(tmp_path)
    path.write_text("destinations: {hook: {url: x, price: {amount: 0.07, currency: EUR}}}\n")
    entry = load_destinations(tmp_path).entries["hook"]
    assert entry.price == Price(Decimal("0.07"), "EUR")
    assert entry.settings() == {"url": "x"}
