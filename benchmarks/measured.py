"""A command in a process of its own, measured from outside: seconds with its start, and the most memory it took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A parent of its own, for a process knows only the peak of the largest of all its children.
_PARENT = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": done.returncode, "seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime,
                  "peak_bytes": used.ru_maxrss * 1024, "output": done.stdout.decode()}))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command came to; `output` is what it printed on stdout."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def measured(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Measured:
    """Run `command` to its end, however it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _PARENT, *command],
        env=env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Measured(**json.loads(done.stdout))
