"""In which line of a definition a key stands."""

from __future__ import annotations

import re

import yaml

_PARTS = re.compile(r"[^.\[\]]+|\[\d+\]")
_WRONG_KEY = re.compile(r"'(?P<key>[^']*)' is not one of")


def line_of_key(text: str, path: str, said: str) -> int | None:
    """The line, 1 the first, of what a path such as steps[2].wait.weekday names, or of the key in it that is refused; or None."""
    try:
        node = yaml.compose(text)
    except yaml.YAMLError:
        return None
    line: int | None = None
    for part in _PARTS.findall(path):
        if part.startswith("[") and isinstance(node, yaml.SequenceNode):
            place = int(part[1:-1]) - 1
            if place >= len(node.value):
                return line
            node = node.value[place]
            line = node.start_mark.line + 1
            continue
        found = _entry(node, part)
        if found is None:
            # A step that is named by its place has its kind among its keys, a condition too.
            continue
        line, node = found
    wrong = _WRONG_KEY.match(said)
    found = _entry(node, wrong["key"]) if wrong else None
    return found[0] if found else line


def _entry(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    """The line of a key in a mapping, and what it has."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    return None
