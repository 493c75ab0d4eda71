"""Known vulnerabilities in pinned requirements, by pip-audit; says what could not be asked, and fails only for what was found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SECONDS = 120


def main(paths: list[str]) -> int:
    """The exit code: 1 where a pinned version has a known vulnerability."""
    words = ["--format", "json", "--progress-spinner", "off", "--disable-pip", "--no-deps"]
    program = str(Path(sys.executable).parent / "pip-audit")
    command = [program, *words, *(word for path in paths for word in ("-r", path))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("audit: skipped, the index that knows vulnerabilities cannot be reached here")
        return 0
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if len(unknown) == len(found):
        print("audit: skipped, the index that was asked knows no vulnerabilities")
        return 0
    bad = [(one, vuln) for one in found for vuln in one.get("vulns", [])]
    for one, vuln in bad:
        fixed = ", ".join(vuln.get("fix_versions") or ["no version yet"])
        print(f"{one['name']} {one['version']}: {vuln['id']}, mended in {fixed}")
    told = f", {len(unknown)} not known to the index that was asked" if unknown else ""
    print(f"audit: {len(found)} packages, {len(bad)} known vulnerabilities{told}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
