"""The sandbox on loopback, in a thread of this process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sync.sandbox.faults import Faults

STOP_SECONDS = 0.02  # how often the server looks whether it should stop


@contextlib.contextmanager
def start_sandbox(
    state_path: Path,
    faults: Faults | Sequence[str] = (),
    *,
    port: int = 0,
    stand_ins: Mapping[str, Any] | None = None,
    only: str | None = None,
) -> Iterator[str]:
    """Serve the stand-ins on 127.0.0.1 for the length of a `with`; yields the base URL.

    `state_path` is the SQLite file that keeps what they hold; `faults` are KIND:SHARE texts or drawn elsewhere. Port 0 takes
    a free one. `stand_ins` are served beside those that are installed: a module with a `blueprint` by vendor;
    with `only` that vendor's alone is.
    """
    from werkzeug.serving import make_server

    from sync.sandbox.app import create_app
    from sync.sandbox.store import Store

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    drawn = faults if isinstance(faults, Faults) else Faults.parse(faults)
    store = Store(state_path)
    server = make_server(
        "127.0.0.1", port, create_app(store, drawn, stand_ins, only=only), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
        store.close()
