"""The process that compiles definitions for `sync audience`, `journey` and `validate`, as a thread of the test's process.

A start of dbt in a process of its own takes seven seconds, of which a question takes a part of one. It runs the same `main`, on
pipes, with the folder and the environment that it would be started with, while whoever asked waits for the answer. `of_its_own`
gives the process back to the tests that are about it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from sync.audiences import compiled, worker


class _Questions:
    """What the worker reads: a line when there is one, until there are no more."""

    def __init__(self) -> None:
        self.given: queue.Queue[str | None] = queue.Queue()
        self.asks = threading.Semaphore(0)  # released whenever the worker wants the next

    def __iter__(self) -> Iterator[str]:
        while True:
            self.asks.release()
            line = self.given.get()
            if line is None:
                return
            yield line


class _Asking:
    """The pipe to it."""

    def __init__(self, here: WorkerHere) -> None:
        self._here = here

    def write(self, line: str) -> None:
        self._here.answer(line)

    def flush(self) -> None: ...

    def close(self) -> None:
        self._here.end()


class WorkerHere:
    """What `subprocess.Popen` gives, as far as Compiler asks it for something."""

    def __init__(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], **_: object
    ) -> None:
        assert words[1:3] == ["-m", worker.__name__]
        self._folder, self._environment = cwd, dict(env)
        self._questions = _Questions()
        self._thread = threading.Thread(target=self._work, args=(list(words[3:]),), daemon=True)
        with tempfile.NamedTemporaryFile() as answers:  # no pipe, which would be full of a long one
            self.stdin, self.stdout = _Asking(self), open(answers.name, encoding="utf-8")  # noqa: SIM115
            with (
                self._placed(),
                mock.patch.object(sys, "stdin", self._questions),
                mock.patch.object(sys, "stdout", answers),
            ):
                self._thread.start()
                self._questions.asks.acquire()

    def _work(self, options: list[str]) -> None:
        try:
            worker.main(options)
        finally:
            self._questions.asks.release()

    def answer(self, line: str) -> None:
        """Let it work until it wants the next question."""
        with self._placed():
            self._questions.given.put(line)
            self._questions.asks.acquire()

    def end(self) -> None:
        self._questions.given.put(None)

    def wait(self) -> None:
        self._thread.join()

    @contextlib.contextmanager
    def _placed(self) -> Iterator[None]:
        """The folder and the environment are the worker's."""
        with (
            mock.patch.dict(os.environ, self._environment, clear=True),
            contextlib.chdir(self._folder),
        ):
            yield
            self._environment = dict(os.environ)


def in_this_process() -> None:
    """From now on."""
    pipes: Any = {"PIPE": subprocess.PIPE, "DEVNULL": subprocess.DEVNULL}
    compiled.subprocess = SimpleNamespace(Popen=WorkerHere, **pipes)  # type: ignore[attr-defined]


@contextlib.contextmanager
def of_its_own() -> Iterator[None]:
    """A process of its own again."""
    with mock.patch.object(compiled, "subprocess", subprocess):
        yield
