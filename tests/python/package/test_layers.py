"""Who reads whom is what docs/architecture.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.python.integration.test_readme import DEMO_WAS_RUN
from tests.python.package.projects import ROOT, Place, copy_of_project

ALIASES = {"identity_aliases"}
LEDGER = {"stg_sync__ledger"}
# Of these layers only so much is read.
PARTS = {("audiences", "identity"): ALIASES, ("journeys", "identity"): ALIASES,
         ("activation", "identity"): ALIASES, ("activation", "staging"): LEDGER}  # fmt: skip


def allowed() -> set[tuple[str, str]]:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\w+) \| [^|]* \| [^|]* \| ([^|]+) \|$", text, re.MULTILINE)
    return {(layer, read) for layer, reads in rows for read in reads.strip().split(", ")}


def test_models_read_only_the_layers_of_the_table(tmp_path: Path) -> None:
    place = Place(ROOT)  # of which `make demo` has just left the manifest in CI
    if not DEMO_WAS_RUN:
        place = copy_of_project(tmp_path)
        place.dbt("parse")
    nodes = json.loads((place.folder / "target" / "manifest.json").read_text())["nodes"]
    layers = {
        key: Path(node["original_file_path"]).parts[2]
        for key, node in nodes.items()
        if node["resource_type"] == "model"
    }
    edges = {
        (layers[key], layers[parent], nodes[parent]["name"])
        for key in layers
        for parent in nodes[key]["depends_on"]["nodes"]
        if parent in layers and layers[parent] != layers[key]
    }
    assert len(edges) > 50
    table = allowed()
    wrong = {
        edge
        for edge in edges
        if edge[:2] not in table or edge[2] not in PARTS.get(edge[:2], {edge[2]})
    }
    assert wrong == set()
