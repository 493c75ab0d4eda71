"""A page that a person reads in a browser: headings, paragraphs, tables. One file, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from sync import private

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { margin-bottom: .2rem; } p { max-width: 45rem; margin: .3rem 0; }
div { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0 1rem; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--soft); } td { overflow-wrap: anywhere; min-width: 4rem; }
"""

_BOLD, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`(.+?)`")


class Page:
    """Built from the top; whatever it is given is text, never HTML."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]

    def heading(self, text: str, level: int = 2) -> None:
        """A heading of level 2 or 3."""
        self._parts.append(f"<h{level}>{escape(text)}</h{level}>")

    def paragraph(self, text: str) -> None:
        """A paragraph, with the bold and code of dbt's descriptions; nothing for an empty text."""
        if text:
            shown = _BOLD.sub(r"<b>\1</b>", _CODE.sub(r"<code>\1</code>", escape(text)))
            self._parts.append(f"<p>{shown}</p>")

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; a list in a cell is its members."""
        head = "".join(f"<th>{escape(one)}</th>" for one in headings)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        self._parts.append(
            f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def write(self, path: Path) -> None:
        """Write it, for its owner's eyes only."""
        text = (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._title)}</title><style>{_STYLE}</style></head>"
            f"<body>{''.join(self._parts)}</body></html>\n"
        )
        with private.open_file(path) as file:
            file.write(text.encode())


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list | tuple):
        return ", ".join(map(_text, cell))
    return str(cell)
