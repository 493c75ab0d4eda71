"""What is written about destinations is what they declare."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sync.config.destinations import load_destinations
from sync.destinations import registry

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "destinations.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    assert found, f"docs/destinations.md has no section '{title}'"
    return found[1]


@pytest.mark.parametrize("kind", registry.shipped())
def test_every_destination_has_its_section_with_true_limits(kind: str) -> None:
    declared = registry.declaration(kind)
    text = section(declared.title)
    assert f"`type: {kind}` · API {declared.api_version}" in text
    for name, able in declared.objects.items():
        modes = ", ".join(sorted(mode.value for mode in able.modes))
        identifiers = ", ".join(sorted(able.identifiers)) or "any"
        assert (
            f"| `{name}` | {modes} | {able.batch_rows:,} | {identifiers} | {able.latency} |" in text
        )
    for setting, meaning in declared.settings_help.items():
        assert f"| `{setting}` | {meaning} |" in text
    assert (declared.erasure.how or declared.erasure.cannot) in text
    assert "Sources, read" in text


@pytest.mark.parametrize("kind", registry.shipped())
def test_every_setting_is_explained_in_the_declaration(kind: str) -> None:
    fields = set(registry._class(kind).settings_type.model_fields) - {"base_url", "token_url"}
    assert set(registry.declaration(kind).settings_help) == fields


def test_the_example_has_every_destination_with_settings_that_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "destinations.yml.example").read_text()
    for variable in re.findall(r"env_var\('(\w+)'", text):
        monkeypatch.setenv(variable, "https://example.com/x")
    (tmp_path / "destinations.yml").write_text(text)
    loaded = load_destinations(tmp_path)
    assert sorted(entry.type for entry in loaded.entries.values()) == registry.shipped()
    for entry in loaded.entries.values():
        kind: Any = registry._class(entry.type)
        kind.settings_type.model_validate(dict(entry.settings()))


def test_the_example_holds_no_secret() -> None:
    document = yaml.safe_load((ROOT / "destinations.yml.example").read_text())
    for entry in document["destinations"].values():
        for name, value in entry.items():
            if re.search("key|token|secret|password", name):
                assert "env_var(" in value, name


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    records = {path.name for path in folder.glob("0*.md")}
    assert set(re.findall(r"\]\((0[^)]*\.md)\)", (folder / "README.md").read_text())) == records
