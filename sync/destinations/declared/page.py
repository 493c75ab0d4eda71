"""The section of docs/destinations.md, and the entry of destinations.yml.example, that a declared file has."""

from __future__ import annotations

from sync.destinations.declared.declaring import declaration
from sync.destinations.declared.files import DeclaredFile


def section(file: DeclaredFile) -> str:
    """What a reader must know: settings, objects, limits, notes, sources."""
    vendor, declared = file.vendor, declaration(file)
    lines = [
        f"## {vendor.title}",
        "",
        f"`type: {vendor.name}` · API {declared.api_version} · declared in `{file.path.name}`",
        "",
        "| setting | what |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in declared.settings_help.items()]
    lines += [
        "",
        "| object | modes | rows a request | identifiers | takes effect |",
        "|---|---|---|---|---|",
    ]
    for kind, able in declared.objects.items():
        modes = ", ".join(sorted(mode.value for mode in able.modes))
        identifiers = ", ".join(sorted(able.identifiers)) or "any"
        lines.append(
            f"| `{kind}` | {modes} | {able.batch_rows:,} | {identifiers} | {able.latency} |"
        )
    lines += [""] + [f"- {note}" for note in vendor.notes]
    kept = {kind: able.keeps_both for kind, able in declared.objects.items() if able.keeps_both}
    for why in dict.fromkeys(kept.values()):
        named = ", ".join(f"`{kind}`" for kind in kept if kept[kind] == why)
        lines.append(f"- **Who was merged into another** stays there too ({named}): {why}.")
    erasing = declared.erasure.how or f"cannot be asked for: {declared.erasure.cannot}"
    lines.append(f"- **Erasing** ([sync forget](consent.md#erasure)): {erasing}.")
    for name, limit in declared.rate_limits.items():
        lines.append(
            f"- Requests of the group `{name}`: {limit.requests:,} in {limit.seconds:g} s, {limit.parallel} at a time."
        )
    if vendor.pull is not None:
        kinds = sorted({kind for events in vendor.pull.events for kind in events.kinds.values()})
        lines.append(f"- **Pull** brings campaigns{' and ' if kinds else ''}{', '.join(kinds)}.")
    if not vendor.described:
        lines.append(
            "- The vendor publishes no description that its requests could be held against: they are as its pages have them."
        )
    for date, sources in vendor.read.items():
        lines += ["", f"Sources, read {date}: {'; '.join(sources)}."]
    return "\n".join(lines) + "\n"


def entry(file: DeclaredFile) -> str:
    """Its entry in destinations.yml: secrets from the environment."""
    vendor = file.vendor
    lines = [f"  {vendor.name}:"]
    for name, setting in vendor.settings.items():
        variable = f"{vendor.name}_{name}".upper()
        said = f"{name}: \"{{{{ env_var('{variable}') }}}}\""
        if setting.default is not None:
            said = f"# {name}: {setting.default}"
        elif not setting.secret and setting.sandbox:
            said = f'{name}: "{setting.sandbox}"'
        lines.append(f"    {said}")
    return "\n".join(lines) + "\n"
