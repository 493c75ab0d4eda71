"""The laws on who is sent to hold on dbt's v2 engine too: a build that breaks one fails and is remembered as failed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.python.activation.test_laws import MODELS, MUTATIONS, PLAIN, SYNC
from tests.python.engine_v2.engines import VENV, own_environment, v2_library, v2_program
from tests.python.guest import Project

pytestmark = pytest.mark.skipif(VENV is None, reason="dbt's v2 engine: make test-engine-v2")


class ProjectOnV2(Project):
    def build(self) -> list[str]:
        self.write()
        done = subprocess.run(
            [v2_program(), "build", "--profiles-dir", ".", "--target-path", "target", "--log-path", "logs"],
            cwd=self.folder,
            env={**own_environment(), **v2_library()},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        failed = [
            f"{one['unique_id']}: {one['message']}"
            for one in results
            if one["status"] in ("error", "fail")
        ]
        if done.returncode and not failed:
            failed.append(f"run: {done.stdout}")
        return failed


@pytest.fixture
def project(tmp_path: Path) -> ProjectOnV2:
    shop = ProjectOnV2(tmp_path)
    shop.models = dict(MODELS)
    shop.syncs = {"everybody": ("sync_memory__everybody", dict(SYNC))}
    return shop


def failures(project: Project) -> list[tuple[object, ...]]:
    return project.rows("select unique_id, status from analytics_sync.dbt_failures")


@pytest.mark.parametrize("name", ["consent", "suppression", "holdout"])
def test_a_law_taken_out_of_the_macro_fails_the_model(project: ProjectOnV2, name: str) -> None:
    old, new, message = MUTATIONS[name]
    assert project.build() == []
    assert failures(project) == []
    project.mutate("activation/activation.sql", old, new)
    (error,) = project.build()
    assert message in error
    assert failures(project) == [("model.shop.sync_memory__everybody", "law broken")]


def test_a_model_in_plain_sql_is_held_against_the_laws(project: ProjectOnV2) -> None:
    project.models["sync_memory__plain"] = PLAIN.format(reason="cast(null as varchar)")
    project.syncs["plain"] = ("sync_memory__plain", dict(SYNC))
    # The engine says of every model of such a run that it failed; the warehouse knows which.
    assert project.build() != []
    assert failures(project) == [("model.shop.sync_memory__plain", "law broken")]
