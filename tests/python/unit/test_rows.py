"""From Arrow to records: what the ledger will say was sent is the same JSON that Python would write, for every row."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sync.engine.push.rows import json_texts

VALUES = st.lists(st.tuples(st.none() | st.text(), st.none() | st.integers(0, 9)), min_size=1)


@given(VALUES)
def test_identifiers_are_written_as_json_with_sorted_names_and_without_nulls(rows):
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([text for text, _ in rows], pa.string()),
            pa.array([None if number is None else str(number) for _, number in rows], pa.string()),
        ],
        names=["m_0", "m_1"],
    )
    written = json_texts(batch, [("phone", "m_1"), ("email", "m_0")])
    for (text, number), found in zip(rows, written, strict=True):
        phone = None if number is None else str(number)
        wanted = {"email": text, "phone": phone}
        left = {name: value for name, value in wanted.items() if value is not None}
        assert found == (json.dumps(left, ensure_ascii=False) if left else None)
