"""A run whose end the warehouse could not write down: one small file per sync beside its journal, until a run ends on record."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from sync import private


class Unrecorded:
    """The file of one sync in one environment."""

    def __init__(self, folder: Path, *, environment: str, sync_name: str) -> None:
        self._top = folder
        self._path = folder / environment / sync_name / "unrecorded.json"

    def keep(self, *, status: str, message: str, now: dt.datetime) -> None:
        """What the run came to. Where the disk refuses this too, its exit code is all there is."""
        content = {"status": status, "message": message, "finished_at": now.isoformat()}
        with suppress(OSError):
            private.make_folder(self._path.parent, below=self._top)
            with private.open_file(self._path) as file:
                file.write(json.dumps(content).encode())

    def forget(self) -> None:
        """A run has ended on record."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def read(self) -> dict[str, Any] | None:
        """status, message and finished_at of the run, or None."""
        try:
            found = json.loads(self._path.read_bytes())
            return {**found, "finished_at": dt.datetime.fromisoformat(found["finished_at"])}
        except OSError:
            return None
        except (ValueError, KeyError, TypeError):  # cut short by a full disk
            return {"status": "failed", "message": "", "finished_at": None}
