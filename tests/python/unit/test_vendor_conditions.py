"""A condition of the whole vendor, said by its own code, through the shipped module and the engine: nobody is lost for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workbench import Workbench

from sync.destinations import registry
from sync.records import SyncObject
from sync.sandbox import start_sandbox
from sync.sandbox.faults import Faults
from sync.sandbox.store import Store

PEOPLE = 71
TABLE = f"""
    select 'p' || number as profile_id, sha256('p' || number || '@shop.example') as email_sha256,
        cast(null as varchar) as withheld_reason, md5(cast(number as varchar)) as row_hash
    from range({PEOPLE}) as numbers (number)
"""
AUDIENCES = ["meta", "google_data_manager"]


@pytest.fixture
def vendor(workbench: Callable[..., Workbench], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A bench whose sync fills an audience of the vendor's stand-in, and the faults of that."""
    faults = Faults(seed=1)
    with start_sandbox(tmp_path / "sandbox.sqlite", faults) as base_url:

        def of(kind: str) -> tuple[Workbench, Faults]:
            target = SyncObject("audience", "People")
            bench = workbench(identifiers=("email_sha256",), object=target, quarantine_after=2)
            settings = registry.sandbox_settings(kind, base_url=base_url, directory=str(tmp_path))
            bench.destination = registry.create(  # type: ignore[assignment]
                kind, name=kind, settings=settings, target=target
            )
            bench.declaration = registry.declaration(kind)
            bench.table(TABLE)
            # What a check sees too is refused before a row is sent; here the rows themselves meet it.
            bench.destination.check = lambda: "ok"  # type: ignore[method-assign]
            bench.destination._found()  # type: ignore[attr-defined]
            return bench, faults

        yield of


@pytest.mark.parametrize("kind", AUDIENCES)
@pytest.mark.parametrize("fault", ["token_by_code", "limit_by_code", "terms_by_code"])
def test_what_the_vendor_says_of_itself_loses_nobody(
    vendor: Any, tmp_path: Path, kind: str, fault: str
) -> None:
    bench, faults = vendor(kind)
    faults.shares = {fault: 1}
    for _ in range(3):
        result = bench.push()
        assert (result.status, result.failed, result.counts.withheld) == ("failed", PEOPLE, {})
        assert result.error is not None
    assert bench.rows("select count(*) from analytics_sync.failures") == [(0,)]
    faults.shares = {}
    result = bench.push()
    assert (result.status, result.added + result.changed) == ("success", PEOPLE)
    store = Store(tmp_path / "sandbox.sqlite")
    (list_id,) = [key for _, key, _ in store.objects(kind, "audience")]
    assert store.count_members(kind, list_id) == PEOPLE
    store.close()
