"""An audit and its repair through the shipped HubSpot module and the engine: what was deleted outside is found, and nothing is invented."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from workbench import QUICK, Workbench

from sync.destinations import registry
from sync.engine.audit import audit
from sync.engine.connect import Connection
from sync.engine.retry import Retrier
from sync.records import SyncObject
from sync.sandbox import start_sandbox
from sync.sandbox.store import Store

PEOPLE, GONE, OFF = 1500, 500, 500
TABLE = f"""
    select 'p' || number as profile_id, 'p' || number || '@shop.example' as email,
        cast(null as varchar) as withheld_reason, md5(cast(number as varchar)) as row_hash
    from range({PEOPLE}) as numbers (number)
"""


class Hubspot:
    """A list of everybody in the stand-in, and a hand that changes it there."""

    def __init__(self, bench: Workbench, folder: Path, url: str) -> None:
        self.bench, self.folder, self.url = bench, folder, f"{url}/hubspot"
        self.bench.table(TABLE)
        self.renew()

    def renew(self) -> None:
        """As another process would have it."""
        target = SyncObject("list", "People")
        settings = registry.sandbox_settings(
            "hubspot", base_url=self.url.removesuffix("/hubspot"), directory=str(self.folder)
        )
        made = registry.create("hubspot", name="hubspot", settings=settings, target=target)
        self.bench.destination = made  # type: ignore[assignment]
        self.bench.declaration = registry.declaration("hubspot")

    def call(self, method: str, path: str, body: Any) -> None:
        headers = {"Authorization": "Bearer sandbox"}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text

    def archive(self, ids: list[str]) -> None:
        for start in range(0, len(ids), 100):
            inputs = [{"id": one} for one in ids[start : start + 100]]
            self.call("POST", "/crm/v3/objects/contacts/batch/archive", {"inputs": inputs})

    def take_off(self, ids: list[str]) -> None:
        self.call("PUT", f"/crm/v3/lists/{self.list_id}/memberships/remove", ids)

    @property
    def list_id(self) -> str:
        store = Store(self.folder / "sandbox.sqlite")
        ((_, found, _),) = store.objects("hubspot", "list")
        store.close()
        return found

    def members(self) -> list[str]:
        """The addresses on the list, of contacts that are there."""
        store = Store(self.folder / "sandbox.sqlite")
        ids = store.members("hubspot", self.list_id)
        contacts = [store.member("hubspot", "contacts", one) for one in ids]
        store.close()
        return sorted(contact["email"] for contact in contacts if contact)

    def audit(self, **options: Any) -> Any:
        self.renew()
        bench = self.bench
        connection = Connection(bench.destination, bench.declaration, "credential", type="hubspot")
        retrier = Retrier(QUICK, threading.Event())
        return audit(bench.planning(), bench.definition, connection, retrier, **options)

    def push(self) -> Any:
        self.renew()
        return self.bench.push(allow_additions=True)


@pytest.fixture
def hubspot(workbench: Any, tmp_path: Path) -> Iterator[Hubspot]:
    with start_sandbox(tmp_path / "sandbox.sqlite") as url:
        bench = workbench(identifiers=("email",), object=SyncObject("list", "People"))
        made = Hubspot(bench, tmp_path, url)
        assert made.push().status == "success"
        yield made


def test_a_thousand_who_were_deleted_or_taken_off_are_found_and_nobody_else(
    hubspot: Hubspot,
) -> None:
    everybody = hubspot.members()
    assert len(everybody) == PEOPLE
    assert hubspot.audit().missing == []
    ids = dict(hubspot.bench.rows("select sync_key, remote_id from analytics_sync.ledger"))
    lost = random.Random(3).sample(sorted(ids), GONE + OFF)
    hubspot.archive([ids[key] for key in lost[:GONE]])
    hubspot.take_off([ids[key] for key in lost[GONE:]])

    found = hubspot.audit(repair=True)
    assert sorted(found.missing) == sorted(lost)
    assert len(hubspot.members()) == PEOPLE - len(lost)
    result = hubspot.push()
    assert (result.status, result.added + result.changed) == ("success", len(lost))
    assert hubspot.members() == everybody
    assert hubspot.audit().missing == []


def test_a_list_that_was_deleted_is_everybody(hubspot: Hubspot) -> None:
    everybody = hubspot.members()
    store = Store(hubspot.folder / "sandbox.sqlite")
    store._write("delete from objects where vendor = ? and kind = 'list'", [("hubspot",)])
    store.close()
    assert len(hubspot.audit(repair=True).missing) == PEOPLE
    assert hubspot.push().status == "success"
    assert hubspot.members() == everybody
