"""The how-to's example is a destination that works, from nothing but what the how-to says."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sync.destinations
import sync.sandbox.vendors
from sync.destinations import registry
from sync.records import Record
from sync.sandbox import app

from .conftest import Bench

HOWTO = Path(__file__).parents[3] / "docs" / "add-a-destination.md"


@pytest.fixture
def mailer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module, stand_in = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    for package, text in [(sync.destinations, module), (sync.sandbox.vendors, stand_in)]:
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "mailer.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    importlib.invalidate_caches()
    monkeypatch.setitem(registry.BUILT_IN, "mailer", "sync.destinations.mailer:Mailer")
    monkeypatch.setattr(app, "VENDORS", (*app.VENDORS, "mailer"))
    yield
    for name in ("sync.destinations.mailer", "sync.sandbox.vendors.mailer"):
        sys.modules.pop(name, None)


def test_the_example_of_the_how_to_fills_and_empties_its_group(mailer: None, bench: Bench) -> None:
    destination: Any = bench.destination("mailer", "group")
    rows = [Record(f"p{number}", {"email": f"p{number}@shop.example"}) for number in range(3)]
    assert destination.check()
    assert len(destination.upsert(rows).accepted) == 3
    assert len(destination.remove(rows[:1]).accepted) == 1
    store = bench.store()
    group = store.objects("mailer", "group")[0][1]
    left = store.count_members("mailer", group)
    store.close()
    assert left == 2
    bench.faults.shares = {"refuse_rows": 1}
    assert len(destination.upsert(rows).failed) == 3
