"""An audience in plain SQL has the columns of one, or the build names what is wrong; a definition makes them itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.guest import Project

GOOD = "select 'p1' as profile_id, false as is_holdout, {{ headwater.cdp_now() }} as qualified_at"


def build(folder: Path, sql: str) -> list[str]:
    project = Project(folder)
    project.vars = {"cdp_registry": {"audiences": ["audience_regulars"]}}
    project.models = {
        "audience_regulars": sql,
        "identity_aliases": "select 'person' as entity, 'p1' as old_id, 'p1' as live_id",
        "audience_memberships": "{{ headwater.audience_memberships() }}",
    }
    return project.build()


@pytest.mark.long
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (GOOD.replace(", false as is_holdout", ""), "column 'is_holdout' is missing"),
        (GOOD.replace("false as", "'no' as"), "column 'is_holdout' is of the kind text"),
        (GOOD.replace("'p1'", "1"), "column 'profile_id' is of the kind number"),
        (GOOD, ""),
    ],
)
def test_an_audience_of_plain_sql_has_the_three_columns(
    tmp_path: Path, sql: str, message: str
) -> None:
    failed = [one for one in build(tmp_path, sql) if one.startswith("audience_memberships")]
    assert bool(failed) is bool(message), failed
    assert not message or f"audience_regulars: {message}" in failed[0]
