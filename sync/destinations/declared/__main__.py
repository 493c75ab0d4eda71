"""python -m sync.destinations.declared check FILE | page FILE | schema: look at a file, write its page, or the JSON Schema of all."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sync.destinations.declared import form, page
from sync.destinations.declared.connector import connector
from sync.destinations.declared.files import load
from sync.errors import ConfigError


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where the file is right, 1 where it is not, 2 where the command is not."""
    try:
        match list(arguments):
            case ["schema"]:
                said = json.dumps(form.schema(), indent=2, ensure_ascii=False)
            case ["check", path]:
                made = connector(load(Path(path).resolve()))
                objects = ", ".join(made.declaration.objects)
                said = f"{made.declaration.title} is declared, with {objects}."
            case ["page", path]:
                file = load(Path(path).resolve())
                said = page.section(file) + "\n" + page.entry(file)
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except ConfigError as error:
        sys.stderr.write(
            f"Error: {error.message}\n" + (f"Hint:  {error.hint}\n" if error.hint else "")
        )
        return 1
    sys.stdout.write(said + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
