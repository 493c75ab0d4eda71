"""A process with dbt in it, kept warm: it reads questions, a JSON document {inline, as_of} a line (or {manifest}, where to write
the project's), and answers what dbt makes of the inline SQL at that instant, a JSON document a line.

Its own artifacts go where it is told, so that those of the last build stay as the gates of a push want them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from functools import partial
from typing import Any


def main(options: list[str]) -> None:
    """Answer until the questions end. `options` are dbt's own."""
    os.environ.update(DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_LOG_LEVEL_FILE="none")
    from dbt.cli.main import dbtRunner

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    manifest: Any = None
    told: list[str] = []
    listener = partial(_hear, told)
    now = os.environ.get("HEADWATER_AS_OF")
    for line in sys.stdin:
        question = json.loads(line)
        _set_now(question.get("as_of") or now)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            if manifest is None:
                parsed = dbtRunner().invoke(["--quiet", "parse", "--no-write-json", *options])
                manifest = parsed.result if parsed.success else None
                answer = {} if parsed.success else {"error": _said(parsed)}
            if manifest is not None:
                told.clear()
                runner = dbtRunner(manifest=manifest, callbacks=[listener])
                if "manifest" in question:
                    manifest.write(question["manifest"])
                    answer = {"compiled": ""}
                else:
                    answer = _asked(runner, question["inline"], options)
                if "error" in answer and told:
                    answer = {"error": told[-1]}
                if "error" in answer:
                    _forget_question(manifest)
            _let_go()
        print(json.dumps(answer), file=answers, flush=True)


def _forget_question(manifest: Any) -> None:
    """dbt leaves a question that it could not read in the manifest, and stumbles over it at the next."""
    for key, node in [*manifest.nodes.items()]:
        if node.resource_type == "sql_operation":
            del manifest.nodes[key]


def _set_now(now: str | None) -> None:
    if now is None:
        os.environ.pop("HEADWATER_AS_OF", None)
    else:
        os.environ["HEADWATER_AS_OF"] = now


def _asked(runner: Any, inline: str, options: list[str]) -> dict[str, str]:
    found = runner.invoke(["--quiet", "compile", "--no-write-json", "--inline", inline, *options])
    if not found.success:
        return {"error": _said(found)}
    return {"compiled": found.result.results[0].node.compiled_code}


def _hear(told: list[str], event: Any) -> None:
    """Keep what is wrong with a question that dbt could not even parse: its exception says only that it could not."""
    if event.info.name == "ParseInlineNodeError":
        told.append(event.data.exc)


def _let_go() -> None:
    """Close what an adapter keeps open between runs: of a database in a file nobody else could read meanwhile."""
    from dbt.adapters.factory import FACTORY

    for adapter in FACTORY.adapters.values():
        close = getattr(adapter.connections, "close_all_connections", None)
        if close is not None:
            close()


def _said(found: Any) -> str:
    if found.exception is not None:
        return str(found.exception)
    results = getattr(found.result, "results", None) or []
    return "\n".join(str(one.message) for one in results if one.message)


if __name__ == "__main__":
    main(sys.argv[1:])
