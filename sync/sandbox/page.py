"""The page that shows what every stand-in now holds. People are masked; nothing leaves this machine."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app, render_template_string

from sync.sandbox.faults import Faults
from sync.sandbox.store import Store

SHOWN = 5
HEX = re.compile(r"[0-9a-f]{32,}")

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Headwater sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8882; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem }
  table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem;
    border-bottom: 1px solid var(--line); vertical-align: top } th { font-weight: 600; font-size: .85rem; opacity: .7 }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
  code { background: var(--soft); padding: 0 .3rem; border-radius: .2rem; font-size: .85rem }
  .quiet { opacity: .65 } .chips span { background: var(--soft); border-radius: 1rem; padding: .1rem .6rem; margin-right: .4rem;
    font-size: .85rem }
</style>
<h1>Headwater sandbox</h1>
<p class="quiet">What each vendor's stand-in now holds. Nothing here ever reached a vendor.</p>
{% if faults %}<p class="chips">Faults asked for:
{% for kind, share in faults.items() %}<span>{{ kind }} {{ '%g' % (share * 100) }} %</span>
{% endfor %}</p>{% endif %}
{% for vendor in vendors %}
<h2>{{ vendor.name }}</h2>
<p class="chips">{% for outcome, times in vendor.requests %}
<span>{{ outcome }} × {{ '{:,}'.format(times) }}</span>{% endfor %}</p>
{% if vendor.objects %}
<table><tr><th>Object<th>Name<th class="number">Members<th class="number">Events<th>First few, masked</tr>
{% for row in vendor.objects %}<tr><td>{{ row.kind }}<td>{{ row.name }}<td class="number">{{ '{:,}'.format(row.members) }}
<td class="number">{{ '{:,}'.format(row.events) }}<td>{% for text in row.sample %}<code>{{ text }}</code>
{% endfor %}</tr>{% endfor %}
</table>
{% else %}<p class="quiet">Nothing yet.</p>{% endif %}
{% endfor %}
<p class="quiet">Reload to see what the next push brings.</p>
</html>"""


def page() -> str:
    """HTML of the whole sandbox."""
    store: Store = current_app.extensions["headwater"][0]
    faults: Faults = current_app.extensions["headwater"][1]
    return render_template_string(PAGE, vendors=overview(store), faults=faults.shares)


def overview(store: Store) -> list[dict[str, Any]]:
    """Per vendor: its objects with counts and masked samples, and its requests by outcome."""
    from sync.sandbox.app import served

    return [
        {
            "name": vendor,
            "requests": store.rows(
                "select outcome, times from requests where vendor = ? order by outcome", vendor
            ),
            "objects": [
                row
                for kind, key, name in store.objects(vendor)
                if (row := _object(store, vendor, kind, key, name))
            ],
        }
        for vendor in served()
    ]


def _object(store: Store, vendor: str, kind: str, key: str, name: str) -> dict[str, Any] | None:
    if kind.startswith("property:"):
        return None
    member_key = {"object": name, "tag": "users", "messages": name}.get(kind, key)
    members = store.members(vendor, member_key)
    if kind == "tag":
        members = {one: data for one, data in members.items() if name in data.get("tags", {})}
    events = store.events(vendor, "messages" if kind == "messages" else key)
    if kind == "messages":
        events = [event for event in events if event["data"]["name"] == name]
    return {
        "kind": kind,
        "name": name,
        "members": len(members),
        "events": len(events),
        "sample": [masked(one) for one in list(members)[:SHOWN]],
    }


def masked(text: str) -> str:
    """Enough of an id to tell two apart; never an address or a number."""
    if "@" in text or text.startswith("+"):
        return text[:2] + "…"
    return text[:8] + "…" if len(text) > 10 or HEX.fullmatch(text) else text
