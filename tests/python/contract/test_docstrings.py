"""What every public name of the tool is, stands with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def test_every_public_name_of_the_tool_says_what_it_is() -> None:
    """A method that a protocol or base describes need not say it again; the stand-ins' routes are named by the vendors' addresses."""
    trees = {
        path.relative_to(ROOT): ast.parse(path.read_text())
        for path in (ROOT / "sync").rglob("*.py")
        if "vendors" not in path.relative_to(ROOT).parts
    }
    classes = [
        node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    bases = {base.id for one in classes for base in one.bases if isinstance(base, ast.Name)}
    described = {
        method.name
        for one in classes
        if one.name in bases or "Protocol" in {getattr(base, "id", "") for base in one.bases}
        for method in one.body
        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
    }
    assert {"upsert", "session", "advanced"} <= described
    silent = []
    for path, tree in trees.items():
        if not ast.get_docstring(tree) and path.name != "__init__.py":
            silent.append(str(path))
        public = (
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        )
        for owner in (tree, *public):
            for node in owner.body:
                if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith(
                    "_"
                ):
                    continue
                is_described = isinstance(owner, ast.ClassDef) and node.name in described
                if not is_described and not ast.get_docstring(node):
                    silent.append(f"{path}:{node.lineno}: {node.name}")
    assert silent == []


def test_every_public_macro_is_described_with_its_arguments() -> None:
    """In the YAML of its folder; one whose name begins with an underscore, or is an adapter's own, is a part of another."""
    described = {
        one["name"]: one
        for path in (ROOT / "macros").rglob("*.yml")
        for one in yaml.safe_load(path.read_text())["macros"]
    }
    silent = []
    for path in (ROOT / "macros").rglob("*.sql"):
        for name, signature in re.findall(r"\{%-?\s*macro (\w+)\(([^)]*)\)", path.read_text()):
            if name.startswith("_") or "__" in name:
                continue
            told = described.get(name, {})
            plain = re.sub(r"\[[^\]]*\]", "", re.sub(r"'[^']*'", "", signature))
            arguments = {part.split("=")[0].strip() for part in plain.split(",") if part.strip()}
            listed = {one["name"] for one in told.get("arguments") or () if one.get("description")}
            if not told.get("description"):
                silent.append(name)
            elif differ := arguments ^ listed:
                silent.append(f"{name}: {', '.join(sorted(differ))}")
    assert silent == []


def test_no_description_is_cut_short_by_a_comma() -> None:
    """In {name: x, description: This, and that} what follows the comma is a key of its own, without a value."""

    def cut(value: Any) -> list[str]:
        if isinstance(value, dict):
            lost = [str(key) for key in value if value[key] is None and "description" in value]
            return lost + [text for inner in value.values() for text in cut(inner)]
        return [text for inner in value for text in cut(inner)] if isinstance(value, list) else []

    folders = ("models", "macros", "seeds", "tests/team_project", "tests/dbt")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.yml")]
    found = {str(path): cut(yaml.safe_load(path.read_text())) for path in paths}
    assert {path: lost for path, lost in found.items() if lost} == {}
