"""A lab per test, and a webhook that its syncs send to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.python.integration.hook import Hook, running_hook
from tests.python.journeys.lab import JourneyLab

DESTINATIONS = "destinations: {hook: {type: webhook, url: \"{{ env_var('HOOK_URL') }}\"}}\n"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with running_hook() as found:
        monkeypatch.setenv("HOOK_URL", found.url)
        yield found


@pytest.fixture
def lab(hook: Hook, tmp_path: Path) -> Callable[..., JourneyLab]:
    def make(definition: str, **settings: object) -> JourneyLab:
        made = JourneyLab(tmp_path / "project", definition, **settings)  # type: ignore[arg-type]
        (made.folder / "destinations.yml").write_text(DESTINATIONS)
        return made

    return make


@pytest.fixture(scope="module")
def wrong_lab(tmp_path_factory: pytest.TempPathFactory) -> JourneyLab:
    """Built once, for definitions that stop the next build."""
    made = JourneyLab(
        tmp_path_factory.mktemp("wrong") / "project",
        "entry: {audience: audience_tried}\nsteps:\n"
        "  - {name: first, touchpoint: {destination: hook, channel: email, template: Mail}}",
    )
    made.build("2026-03-01 12:00:00")
    return made
