"""The small wrong changes, as changes.yml has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Change:
    """`old`, which stands in the module once, becomes `new`."""

    module: str
    what: str
    old: str
    new: str

    @property
    def file(self) -> str:
        return f"sync/destinations/{self.module}.py"


CHANGES = [
    Change(module, **change)
    for module, changes in yaml.safe_load(
        Path(__file__).with_name("changes.yml").read_text()
    ).items()
    for change in changes
]
