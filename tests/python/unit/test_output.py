"""What ends a pipe does not end a push: a vendor that hangs up, and a reader who has seen enough."""

from __future__ import annotations

import subprocess
import sys

PROLOGUE = """
import sys
from sync.cli import main as line
from sync.cli.output import Output

def run():
{body}

line.run = run
line.main()
"""
HANGS_UP = """
    import socket, threading
    from sync.destinations.http import HttpClient
    from sync.errors import RejectedError

    def serve():
        while True:
            end, _ = server.accept()
            end.recv(1000)
            end.sendall(b"HTTP/1.1 413 Too Large\\r\\nContent-Length: 0\\r\\n\\r\\n")
            end.close()  # with most of the request unread

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    client = HttpClient(f"http://127.0.0.1:{server.getsockname()[1]}", vendor="bakery")
    said = set()
    for _ in range(5):
        try:
            client.post("", "x" * 10_000_000)
        except Exception as error:
            said.add(type(error).__name__)
    assert said <= {"RejectedError", "TransientError"}, said
    return 7
"""
TALKS_ON = """
    output = Output()
    for number in range(50_000):
        output.text(f"row {number}")
        output.note(f"note {number}")
    return 7
"""


def started(body: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_vendor_that_hangs_up_while_it_is_sent_to_ends_no_process() -> None:
    process = started(HANGS_UP)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 7, said


def test_a_reader_who_leaves_ends_no_process() -> None:
    process = started(TALKS_ON)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 7
