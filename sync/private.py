"""Files and folders that hold people's data: their owner can read them and nobody else, from the moment they are there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

FILE, FOLDER = 0o600, 0o700
OURS = ".headwater"  # the tool's own folder in a project


def make_folder(path: Path, *, below: Path | None = None, mode: int = FOLDER) -> Path:
    """Make `path` and the folders above it that are missing; what is there already between `below` and it is mended.

    `below` is the uppermost folder that is ours, and `path` itself where none is given. Git takes nothing of the tool's own folder,
    whatever the project's .gitignore says.
    """
    path = Path(path)
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process made it
            os.mkdir(folder, mode)
        os.chmod(folder, mode)  # whatever the umask left of it
    top = below or path
    for folder in (path, *path.parents):
        mend_file(folder, mode)
        if folder == top:
            break
    for folder in (path, *path.parents):
        if folder.name == OURS:
            _keep_from_git(folder)
    return path


def _keep_from_git(folder: Path) -> None:
    ignored = folder / ".gitignore"
    if not ignored.exists():
        with suppress(OSError), open_file(ignored) as file:
            file.write(b"*\n")


def open_file(path: str | Path, *, mode: int = FILE) -> IO[bytes]:
    """An empty file to write to, whatever was there and whoever could read that."""
    return os.fdopen(descriptor(path, mode=mode), "wb")


def descriptor(path: str | Path, *, flags: int = os.O_WRONLY | os.O_TRUNC, mode: int = FILE) -> int:
    """The same as the system knows it. An older file is mended before it is emptied, so that no reader comes in between."""
    made = os.open(path, (flags & ~os.O_TRUNC) | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        if stat.S_ISREG(os.fstat(made).st_mode):
            os.fchmod(made, mode)  # whatever the umask left of it
            if flags & os.O_TRUNC:
                os.ftruncate(made, 0)
    except BaseException:
        os.close(made)
        raise
    return made


def beside(path: str | Path) -> None:
    """From here on the process makes no file that is more open than that one: a library writes others beside it, of the same people, and
    asks the umask alone.
    """
    with suppress(OSError):
        closed = ~os.stat(path).st_mode & 0o666
        os.umask(os.umask(FOLDER ^ 0o777) | closed)


def mend(folder: Path, *, file: int = FILE, mode: int = FOLDER) -> None:
    """What earlier versions left readable by others, in `folder` and below it."""
    for root, _, names in os.walk(folder):
        mend_file(Path(root), mode)
        for name in names:
            mend_file(Path(root, name), file)


def mend_file(path: Path, mode: int) -> None:
    """Take away what others may. A link is left alone; what belongs to somebody else is theirs to mend, and a disk that is read only cannot
    be.
    """
    with suppress(OSError):
        found = os.lstat(path)
        now = stat.S_IMODE(found.st_mode)
        if not stat.S_ISLNK(found.st_mode) and now & ~mode:
            os.chmod(path, now & mode)
