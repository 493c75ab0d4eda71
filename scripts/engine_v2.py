"""Puts dbt's v2 engine into an environment of its own, with the DuckDB that its adapter loads.

    python scripts/engine_v2.py .venv-v2

The engine is a wheel, the library is in an npm package; both come from the registries that pip and npm are set up for. Where one
of the two cannot be had, a line beginning with "skipped:" says so, and nothing is left that looks installed.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements" / "engine-v2.txt"
# The adapter is built against DuckDB 1.5, so no other release will do.
PACKAGE, VERSION = "@duckdb/node-bindings-linux-x64", "1.5.6-r.1"
SHA256 = "1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff"
LIBRARY = "libduckdb.so"
SECONDS = 180


class Unavailable(Exception):
    """One of the two cannot be had here."""


def main(folder: Path) -> int:
    """Exit status: 0 too where there is no engine to be had, for that is no fault of the project."""
    (folder / ".setup").unlink(missing_ok=True)
    try:
        check_platform()
        install_wheel(folder)
        install_library(folder)
    except Unavailable as error:
        print(f"skipped: dbt's v2 engine cannot be installed here: {error}")
        return 0
    (folder / ".setup").touch()
    return 0


def check_platform() -> None:
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise Unavailable(f"its wheel is for Linux on x86_64, and this is {system} on {machine}")
    if platform.libc_ver()[0] != "glibc":
        raise Unavailable("its wheel wants glibc")


def install_wheel(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    words = [
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-r",
        str(REQUIREMENTS),
    ]
    done = run([str(folder / "bin" / "python"), "-m", "pip", *words])
    if done.returncode != 0:
        raise Unavailable(f"pip has no such wheel: {last_line(done.stderr)}")


def install_library(folder: Path) -> None:
    packed = packed_by_npm(folder) if shutil.which("npm") else downloaded()
    if hashlib.sha256(packed).hexdigest() != SHA256:
        raise Unavailable(f"{PACKAGE}@{VERSION} is not the package that was tried")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile(f"package/{LIBRARY}")
        assert member is not None
        (folder / "lib" / LIBRARY).write_bytes(member.read())


def packed_by_npm(folder: Path) -> bytes:
    words = ["pack", "--pack-destination", str(folder), f"{PACKAGE}@{VERSION}"]
    done = run(["npm", *words])
    if done.returncode != 0:
        raise Unavailable(f"npm has no {PACKAGE}@{VERSION}: {last_line(done.stderr)}")
    # Releases of npm name the file with the scope or without.
    (packed,) = folder.glob("*node-bindings-linux-x64*.tgz")
    content = packed.read_bytes()
    packed.unlink()
    return content


def downloaded() -> bytes:
    """The package from the registry that is configured for npm, where npm itself is not there."""
    registry = configured_registry()
    if registry is None:
        raise Unavailable("npm is missing, and no registry is configured for it")
    name = PACKAGE.split("/")[1]
    url = f"{registry.rstrip('/')}/{PACKAGE}/-/{name}-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return bytes(response.read())
    except OSError as error:
        raise Unavailable(f"{PACKAGE}@{VERSION} could not be downloaded: {error}") from error


def configured_registry() -> str | None:
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if os.environ.get(name):
            return os.environ[name]
    for path in (Path.home() / ".npmrc", Path("/etc/npmrc"), Path("/usr/etc/npmrc")):
        found = (
            re.search(r"(?m)^registry\s*=\s*(\S+)", path.read_text()) if path.is_file() else None
        )
        if found:
            return found[1]
    return None


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer in {SECONDS} seconds")


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
