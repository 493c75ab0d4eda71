"""sqlfluff, which makes millions of small objects and looks for garbage among them a quarter of its time: seldom is enough.

.venv-lint/bin/python scripts/lint_sql.py lint --processes 2 models
"""

from __future__ import annotations

import gc

gc.set_threshold(50_000, 20, 10)  # in each of its processes, which read this file

if __name__ == "__main__":
    from sqlfluff.cli.commands import cli

    cli()
