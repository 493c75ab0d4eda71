"""Additions to somebody's YAML, as text: comments, order and spelling of what is there stay. An addition that would read as anything
but the old document with the new entry is none."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import yaml

from sync.errors import ConfigError

Path = Sequence[str]


def compose(text: str, where: str) -> yaml.Node | None:
    """The nodes of a document with their places; None where it is empty.

    Raises:
        ConfigError: it is not one YAML document.
    """
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{where}{line} is not valid YAML: {getattr(error, 'problem', '') or 'malformed'}.",
            hint="mend it, and run again; nothing was written.",
        ) from error


def word(text: str) -> str:
    """A text as a value of YAML, also in a list in brackets: in quotes where it would be read as something else."""
    try:
        is_plain = yaml.safe_load(f"[{text}]") == [text] and "#" not in text
    except yaml.YAMLError:
        is_plain = False
    return text if is_plain else "'" + text.replace("'", "''") + "'"


def at(document: Any, path: Path) -> Any:
    """What stands under a path of keys, or names in a list of {name: ...}; None where nothing does."""
    for key in path:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list):
            named = (one for one in document if isinstance(one, dict) and one.get("name") == key)
            document = next(named, None)
        else:
            return None
    return document


def add(text: str, path: Path, entry: str, where: str) -> str | None:
    """`text` with `entry` under `path`: keys of a mapping, or items of a list. None where it cannot be added as text.

    Keys of the path that are missing are made. `entry` is YAML of its own, and may begin with comments.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    mark = "\ufeff" if plain.startswith("\ufeff") else ""
    plain = plain.removeprefix(mark)
    added = _added(plain, list(path), textwrap.dedent(entry).strip("\n") + "\n", where)
    if added is None or not _is_the_same_but(plain, added, path, entry):
        return None
    return (mark + added).replace("\n", newline)


def _added(text: str, path: list[str], entry: str, where: str) -> str | None:
    node = compose(text, where)
    if node is None or _is_empty(node):
        return _behind(text, len(text.splitlines()), _nested(path, entry), 0, apart=True)
    for depth, key in enumerate(path):
        child = _child(node, key)
        if child is None:
            return _into(text, node, _nested(path[depth:], entry), top=depth == 0)
        holder, node = child
        if _is_empty(node):
            nested = _nested(path[depth + 1 :], entry)
            column = holder.start_mark.column + 2
            return _behind(text, holder.start_mark.line + 1, nested, column)
    return _into(text, node, entry)


def _child(node: yaml.Node, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The node of a key and its value, or of an item of a list by its name."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name, value
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            named = _child(item, "name") if isinstance(item, yaml.MappingNode) else None
            if named is not None and named[1].value == key:
                return item, item
    return None


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None


def _nested(path: Sequence[str], entry: str) -> str:
    for key in reversed(path):
        entry = f"{key}:\n" + textwrap.indent(entry, "  ")
    return entry


def _into(text: str, node: yaml.Node, entry: str, *, top: bool = False) -> str | None:
    """`text` with `entry` at the end of a mapping or list."""
    if not isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        return None
    if node.flow_style:
        return _into_flow(text, node, entry)
    last = _last_line(node)
    lines = text.splitlines()
    column = node.start_mark.column
    while not top and last + 1 < len(lines) and _is_comment_of(lines[last + 1], column):
        last += 1
    line = len(lines) if top else last + 1
    return _behind(text, line, entry, column, apart=top)


def _into_flow(text: str, node: yaml.CollectionNode, entry: str) -> str | None:
    content = [line for line in entry.splitlines() if line and not line.lstrip().startswith("#")]
    if len(content) != 1:
        return None
    new = content[0].removeprefix("- ")
    if not node.value:
        place = node.start_mark.index + 1
        return text[:place] + new + text[place:]
    last = node.value[-1]
    place = (last[1] if isinstance(last, tuple) else last).end_mark.index
    return f"{text[:place]}, {new}{text[place:]}"


def _last_line(node: yaml.Node) -> int:
    """The last line with content of a node in block style."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1])
    end = node.end_mark
    return int(end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line)


def _is_comment_of(line: str, column: int) -> bool:
    stripped = line.lstrip()
    return stripped.startswith("#") and len(line) - len(stripped) >= max(column, 1)


def _behind(text: str, line: int, entry: str, column: int, *, apart: bool = False) -> str:
    lines = text.splitlines()
    block = textwrap.indent(entry, " " * column).splitlines()
    if apart and lines and lines[-1].strip():
        block = ["", *block]
    return "\n".join([*lines[:line], *block, *lines[line:]]) + "\n"


def _is_the_same_but(before: str, after: str, path: Path, entry: str) -> bool:
    """Whether `after` reads as `before` with the entry, and as nothing else."""
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
        addition = yaml.safe_load(textwrap.dedent(entry))
        return bool(_with(old, list(path), addition) == new)
    except (yaml.YAMLError, TypeError, ValueError):
        return False


def _with(document: Any, path: list[str], addition: Any) -> Any:
    if isinstance(document, list) and path:
        return [
            _with(one, path[1:], addition)
            if isinstance(one, dict) and one.get("name") == path[0]
            else one
            for one in document
        ]
    if path:
        document = document or {}
        return {**document, path[0]: _with(document.get(path[0]), path[1:], addition)}
    if addition is None:
        return document
    if isinstance(addition, list):
        return [*(document or []), *addition]
    if set(document or {}) & set(addition):
        raise ValueError("a key that is there already")
    return {**(document or {}), **addition}
