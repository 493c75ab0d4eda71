"""Destinations that are one YAML file each, and what makes them out of it (docs/declare-a-destination.md).

Which files there are is known here, without the form of a file, which takes a tenth of the start of a push to import.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def in_folder(folder: Path) -> dict[str, Path]:
    """Files in a folder, by the vendor's name, which is the file's."""
    return {path.stem: path for path in sorted(folder.glob("*.yml"))}
