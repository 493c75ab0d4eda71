"""An audit and its repair through the shipped HubSpot module and the engine: what drifts there is found, and nothing is invented."""

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

PEOPLE = 400


def table(people: int, *, without: int = 0, shift: int = 0) -> str:
    """Rows of people with fields of every type, less those who left, with the fields of another day."""
    return f"""
        select 'p' || number as profile_id, 'p' || number || '@shop.example' as email,
            'Zoë ' || (number + {shift}) as first_name, number * 7 + {shift} as visits,
            cast(number as decimal(12, 2)) / 8 as balance, number % 2 = 0 as is_vip,
            timestamp '2026-11-01 08:00:00' + to_seconds(61 * number + {shift}) as seen_at,
            date '1990-01-01' + cast(number + {shift} as integer) as born_on,
            case when number % 3 = 0 then null else 'B' || number end as company_note,
            cast(null as varchar) as withheld_reason, md5(number || '|{shift}') as row_hash
        from range({without}, {people}) as numbers (number)
    """


class Hubspot:
    """A list of everybody in the stand-in, and a hand that changes it there."""

    def __init__(self, bench: Workbench, folder: Path, url: str) -> None:
        self.bench, self.folder, self.url = bench, folder, f"{url}/hubspot"
        self.bench.table(table(PEOPLE))
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

    def put_on(self, ids: list[str]) -> None:
        self.call("PUT", f"/crm/v3/lists/{self.list_id}/memberships/add", ids)

    def change(self, ids: list[str], properties: dict[str, str]) -> None:
        for start in range(0, len(ids), 100):
            inputs = [{"id": one, "properties": properties} for one in ids[start : start + 100]]
            self.call("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": inputs})

    def make(self, emails: list[str]) -> list[str]:
        """Contacts of somebody else's."""
        inputs = [{"properties": {"email": one}, "associations": []} for one in emails]
        self.call("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": inputs})
        store = Store(self.folder / "sandbox.sqlite")
        found = {one["email"]: key for key, one in store.members("hubspot", "contacts").items()}
        store.close()
        return [found[one] for one in emails]

    @property
    def ids(self) -> dict[str, str]:
        return dict(self.bench.rows("select sync_key, remote_id from analytics_sync.ledger"))

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
        return self.bench.push(allow_additions=True, allow_removals=True)


@pytest.fixture
def hubspot(workbench: Any, tmp_path: Path) -> Iterator[Hubspot]:
    with start_sandbox(tmp_path / "sandbox.sqlite") as url:
        bench = workbench(identifiers=("email",), object=SyncObject("list", "People"))
        made = Hubspot(bench, tmp_path, url)
        assert made.push().status == "success"
        yield made


@pytest.mark.parametrize(
    ("people", "drifts"), [(PEOPLE, 200), pytest.param(2000, 1000, marks=pytest.mark.long)]
)
def test_what_drifts_there_is_found_and_nobody_else(
    hubspot: Hubspot, people: int, drifts: int
) -> None:
    """Deleted, taken off, put back on, fields changed and emptied; who was put on the list by others is no drift."""
    left = drifts // 5
    hubspot.bench.table(table(people))
    assert hubspot.push().status == "success"
    before = hubspot.ids
    hubspot.bench.table(table(people, without=left))
    assert hubspot.push().status == "success"
    assert hubspot.audit().drifted == 0
    everybody, ids = hubspot.members(), hubspot.ids
    assert len(everybody) == people - left
    lost = random.Random(people).sample(sorted(ids), 4 * left)
    deleted, off, renamed, emptied = (lost[n * left : (n + 1) * left] for n in range(4))
    back = sorted({*before} - {*ids})
    hubspot.archive([ids[key] for key in deleted])
    hubspot.take_off([ids[key] for key in off])
    hubspot.change([ids[key] for key in renamed], {"firstname": "Renamed"})
    hubspot.change([ids[key] for key in emptied], {"visits": ""})
    hubspot.put_on([before[key] for key in back])
    hubspot.put_on(hubspot.make([f"stranger{n}@shop.example" for n in range(7)]))

    found = hubspot.audit(repair=True)
    assert sorted(found.missing) == sorted([*deleted, *off])
    changed = {key: ["firstname"] for key in renamed} | {key: ["visits"] for key in emptied}
    assert found.changed == changed
    assert (found.extra_ours, found.extra_others) == (back, 7)
    assert found.drifted == drifts
    result = hubspot.push()
    assert (result.status, result.changed, result.removed) == ("success", 4 * left, left)
    assert [one for one in hubspot.members() if "stranger" not in one] == everybody
    assert hubspot.audit().drifted == 0


@pytest.mark.parametrize("runs", [4, pytest.param(1000, marks=pytest.mark.long)])
def test_nothing_is_invented(hubspot: Hubspot, runs: int) -> None:
    """However the table changes, what was pushed is there as it was pushed; and each audit is kept."""
    draw = random.Random(runs)
    for _ in range(runs):
        without, shift = draw.randrange(10), draw.randrange(1000)
        hubspot.bench.table(table(draw.randrange(40, 60), without=without, shift=shift))
        assert hubspot.push().status == "success"
        assert hubspot.audit().drifted == 0
    kept = hubspot.bench.rows(
        "select count(*), min(unchanged), max(failed + changed + added), max(message) "
        "from analytics_sync.runs where command = 'audit'"
    )
    assert kept[0][0] == runs
    assert kept[0][1] >= 30
    assert kept[0][2] == 0
    assert "counted there" in kept[0][3]


def test_a_list_that_was_deleted_is_everybody(hubspot: Hubspot) -> None:
    everybody = hubspot.members()
    store = Store(hubspot.folder / "sandbox.sqlite")
    store._write("delete from objects where vendor = ? and kind = 'list'", [("hubspot",)])
    store.close()
    assert len(hubspot.audit(repair=True).missing) == PEOPLE
    assert hubspot.push().status == "success"
    assert hubspot.members() == everybody
