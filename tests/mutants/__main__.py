"""Small wrong changes to the shipped destinations, one at a time: which of them do the tests notice?

    python -m tests.mutants [--only klaviyo] [--list]

Each change is made in a copy of the project in a temporary folder; the content suite of the module's vendor is run first, and all tests of
destinations where that notices nothing. Slow, and not part of the test suite. Ends with 1 where fewer than 95 % are noticed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.changes import CHANGES, Change

ROOT = Path(__file__).parents[2]
SHARE = 0.95
COPIED = (
    "sync", "headwater", "tests/python", "docs", "macros", "pyproject.toml", "CHANGELOG.md", "README.md",
    "destinations.yml.example",
)  # fmt: skip
CONTRACT = "tests/python/contract"
# By module, what notices a change most likely; the vendor's name selects its cases.
QUICK = [
    "test_content.py", "test_suite.py", "test_check.py", "test_opt_outs.py", "test_results.py", "test_vendor_rules.py",
    "test_subscriptions.py",
]  # fmt: skip
SLOW = [CONTRACT, "tests/python/unit/test_vendor_conditions.py", "tests/python/unit/test_tables_arrive.py"]  # fmt: skip
SELECTED = {
    "klaviyo_metrics": "", "values": "", "writers": "files or csv", "google_data_manager": "google",
    "klaviyo_subscriptions": "klaviyo or subscri",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", help="changes of one module")
    parser.add_argument("--list", action="store_true", help="say the changes and make none")
    chosen = parser.parse_args()
    changes = [one for one in CHANGES if chosen.only in (None, one.module)]
    if chosen.list:
        print("\n".join(f"{one.module}: {one.what}" for one in changes))
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy(Path(folder))
        if not passes(Path(folder), *quick(chosen.only or ""), selected=""):
            print("the tests fail without any change.", file=sys.stderr)
            return 2
        unnoticed = [one for one in changes if not noticed(Path(folder), one)]
    share = 1 - len(unnoticed) / len(changes)
    print(f"{len(changes) - len(unnoticed)} of {len(changes)} noticed ({share:.1%})")
    for one in unnoticed:
        print(f"not noticed: {one.module}: {one.what}")
    return 0 if share >= SHARE else 1


def copy(folder: Path) -> None:
    """What the tests need of the project."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def noticed(folder: Path, change: Change) -> bool:
    """Whether a test fails with the change made."""
    began, path = time.monotonic(), folder / change.file
    text = path.read_text()
    if text.count(change.old) != 1:
        raise SystemExit(f"{change.module}: '{change.what}' fits {text.count(change.old)} places.")
    path.write_text(text.replace(change.old, change.new))
    try:
        selected = SELECTED.get(change.module, "" if "/" in change.module else change.module)
        found = not passes(folder, *quick(change.module), selected=selected)
        if "/" not in change.module:
            found = found or not passes(folder, *SLOW, selected="not documentation")
    finally:
        path.write_text(text)
    word = "noticed" if found else "NOT NOTICED"
    seconds = time.monotonic() - began
    print(f"{word:12} {seconds:5.1f} s  {change.module}: {change.what}", file=sys.stderr)
    return found


def quick(module: str) -> list[str]:
    """The files of a module's own tests."""
    if module.startswith("declared/"):
        return [f"{CONTRACT}/test_declared.py"]
    names = ["test_opt_outs.py", *QUICK] if module == "klaviyo_metrics" else QUICK
    return [f"{CONTRACT}/{name}" for name in dict.fromkeys(names)]


def passes(folder: Path, *files: str, selected: str) -> bool:
    """Whether all tests of these files that `selected` names pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    command += ["--basetemp", str(folder / "temporary")]
    done = subprocess.run(
        [*command, "-k", selected], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"pytest could not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
