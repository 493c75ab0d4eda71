"""Starts and stops the local stand-ins of Snowflake and BigQuery in the background; needs nothing but Python.

    python scripts/stand_ins/control.py start [snowflake|bigquery]
    python scripts/stand_ins/control.py stop  [snowflake|bigquery]
    python scripts/stand_ins/control.py run   COMMAND...

A stand-in's process id and its log are in .headwater/. `start` returns when the port answers, and does nothing for one
that already runs. `run` starts both on free ports, runs a command with the ports in its environment, and stops them whatever
comes of it; a command that takes longer than HEADWATER_STAND_IN_MINUTES (15) is ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRIVATE = ROOT / ".headwater"
START_SECONDS = 60
STOP_SECONDS = 10
RUN_MINUTES = float(os.environ.get("HEADWATER_STAND_IN_MINUTES", "15"))


@dataclass(frozen=True)
class StandIn:
    """One server: its script, the virtual environment it needs, and its port."""

    name: str
    script: str
    environment: str
    port: int

    @property
    def port_variable(self) -> str:
        return f"HEADWATER_{self.name.upper()}_PORT"

    @property
    def pid_file(self) -> Path:
        return PRIVATE / f"stand_in_{self.name}_{self.port}.pid"

    @property
    def log(self) -> Path:
        return self.pid_file.with_suffix(".log")

    @property
    def python(self) -> Path:
        return ROOT / self.environment / "bin" / "python"


STAND_INS = {
    "snowflake": StandIn(
        "snowflake",
        "fakesnow_server.py",
        os.environ.get("VENV_SF", ".venv-sf"),
        int(os.environ.get("HEADWATER_SNOWFLAKE_PORT", "8085")),
    ),
    "bigquery": StandIn(
        "bigquery",
        "bqemulator_server.py",
        os.environ.get("VENV_BQ", ".venv-bq"),
        int(os.environ.get("HEADWATER_BIGQUERY_PORT", "9050")),
    ),
}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running(stand_in: StandIn) -> int | None:
    """The process id of a stand-in that we started and that is still alive; a number used anew by another is not."""
    try:
        pid = int(stand_in.pid_file.read_text())
    except (OSError, ValueError):
        return None
    ps = ["ps", "-p", str(pid), "-o", "args="]
    command = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    return pid if stand_in.script in command else None


def start(stand_in: StandIn) -> None:
    if running(stand_in) and answers(stand_in.port):
        print(f"{stand_in.name}: runs on port {stand_in.port}")
        return
    if answers(stand_in.port):
        sys.exit(
            f"Error: another program answers on port {stand_in.port}.\n"
            f"Hint:  set {stand_in.port_variable} to a free one."
        )
    if not stand_in.python.exists():
        sys.exit(f"Error: {stand_in.environment} is not installed.\nHint:  make stand-ins")
    PRIVATE.mkdir(exist_ok=True)
    script = Path(__file__).with_name(stand_in.script)
    with stand_in.log.open("wb") as log:
        process = subprocess.Popen(
            [stand_in.python, script, str(stand_in.port)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    stand_in.pid_file.write_text(str(process.pid))
    deadline = time.monotonic() + START_SECONDS
    while not answers(stand_in.port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            stand_in.pid_file.unlink()
            tail = stand_in.log.read_text(errors="replace")[-2000:]
            sys.exit(
                f"{tail}\nError: the stand-in of {stand_in.name} did not start.\n"
                f"Hint:  the whole log is {stand_in.log}."
            )
        time.sleep(0.2)
    print(f"{stand_in.name}: started on port {stand_in.port}")


def stop(stand_in: StandIn) -> None:
    pid = running(stand_in)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while running(stand_in) and time.monotonic() < deadline:
            time.sleep(0.1)
        if running(stand_in):
            os.kill(pid, signal.SIGKILL)
        print(f"{stand_in.name}: stopped")
    stand_in.pid_file.unlink(missing_ok=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(command: list[str]) -> int:
    """The exit code of a command that runs beside stand-ins of its own."""
    own = [replace(stand_in, port=free_port()) for stand_in in STAND_INS.values()]
    ports = {stand_in.port_variable: str(stand_in.port) for stand_in in own}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process, code = None, 1
    try:
        for stand_in in own:
            start(stand_in)
        process = subprocess.Popen(command, env=os.environ | ports, start_new_session=True)
        code = process.wait(RUN_MINUTES * 60)
    except subprocess.TimeoutExpired:
        print(f"Error: the command took longer than {RUN_MINUTES:g} minutes.", file=sys.stderr)
    finally:
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for stand_in in own:
            stop(stand_in)
            if code == 0:
                stand_in.log.unlink()
    return code


def main(arguments: list[str]) -> None:
    if len(arguments) > 1 and arguments[0] == "run":
        sys.exit(run(arguments[1:]))
    actions = {"start": start, "stop": stop}
    if not arguments or arguments[0] not in actions or not set(arguments[1:]) <= set(STAND_INS):
        sys.exit(__doc__)
    for name in arguments[1:] or STAND_INS:
        actions[arguments[0]](STAND_INS[name])


if __name__ == "__main__":
    main(sys.argv[1:])
