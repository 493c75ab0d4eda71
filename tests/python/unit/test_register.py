"""What the register says of a table that nobody described in full."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sync.config.models import Described
from sync.report.register import _fields


@pytest.mark.parametrize(
    ("columns", "has_contract", "told", "wanted"),
    [
        ([], False, {}, ("every column of the model",)),
        (["city"], False, {}, ("city", "every column that is not described")),
        (["city"], True, {}, ("city",)),
        (["city"], False, {"fields": ["city", "born"]}, ("city", "born")),
        ([], False, {"fields": []}, ()),
    ],
)
def test_a_field_that_no_yaml_describes_is_not_left_out(
    columns: list[str], has_contract: bool, told: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    described = Described("t", "t", "", dict.fromkeys(columns, ""), {}, has_contract)
    sync: Any = SimpleNamespace(
        model=SimpleNamespace(meta={"activation": told}),
        fields_of=lambda names: dict.fromkeys(names),
    )
    assert _fields(sync, described) == wanted
