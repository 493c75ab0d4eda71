"""How a wheel comes to carry the dbt package: beside the tool's code, so that both halves have one version.

Named by pyproject.toml (tool.setuptools.cmdclass). An editable install needs no copy: there the package is the checkout.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).parents[1]
FILES = ("dbt_project.yml", "selectors.yml", "LICENSE", "CHANGELOG.md")
FOLDERS = ("macros", "models", "seeds", "tests/dbt")


class BuildPackage(build_py):
    """Python's modules, and the dbt package as `sync/dbt_package`."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        place = Path(self.build_lib) / "sync" / "dbt_package"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in FILES:
            shutil.copy2(ROOT / name, place / name)
        for name in FOLDERS:
            shutil.copytree(
                ROOT / name, place / name, ignore=shutil.ignore_patterns(".*", "__pycache__")
            )
