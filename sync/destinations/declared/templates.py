"""Templates of requests, compiled once: a row becomes JSON by calling functions, without a text being read again.

`$email` is a value as it is, and `a ${key} b` a text with it; `$$` is a dollar. What a row lacks is left out of the object it would
stand in. In a body `{$rows: ...}` is a list with an item a row, `{$join: $email, with: ","}` a text of all, and `{$fields: {...}}` an
object of the fields that stand nowhere else. An object with `$if` is left out where the row lacks what it names.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sync.destinations.values import plain
from sync.errors import ConfigError
from sync.records import Record

PLACE = re.compile(
    r"\$(?:\$|\{([a-z_][\w.]*)((?:\|[a-z0-9_]+)*)\}|([a-z_][\w.]*)((?:\|[a-z0-9_]+)*))"
)
FIELDS_OPTIONS = frozenset({"rename", "except", "text"})
IF, IF_ANY = (
    "$if",
    "$if_any",
)  # an object is left out where the row lacks one of these, or has none of these


class MissingType:
    """What a row lacks."""


MISSING = MissingType()
Words = Mapping[str, Any]  # what is the same for every row of a request
Part = Callable[[Words, Record | None], Any]


class TemplateError(ValueError):
    """A template that names what there is not, or is none: `keys` lead to its place in the file."""

    def __init__(self, message: str, keys: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.keys = tuple(keys)


def _lower(value: Any) -> Any:
    return str(plain(value)).lower()


def _md5(value: Any) -> Any:
    return hashlib.md5(str(plain(value)).encode(), usedforsecurity=False).hexdigest()


def as_text(value: Any) -> str:
    """A value in a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(plain(value))


def _unix(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return int(value.replace(tzinfo=dt.UTC).timestamp())
    return value


def _milliseconds(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return int(value.replace(tzinfo=dt.UTC).timestamp() * 1000)
    return value


def _soql(value: Any) -> Any:
    """What stands between the quotes of a text in SOQL."""
    return as_text(value).replace("\\", "\\\\").replace("'", "\\'")


def _escaped(value: Any) -> Any:
    """A text in which nothing is a mark: `&`, `<` and `>` are written as entities."""
    return as_text(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _number(value: Any) -> Any:
    """An id that the vendor writes as a number."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else value


Filters = Mapping[str, Callable[[Any], Any]]
FILTERS: Filters = {
    "escaped": _escaped,
    "lower": _lower,
    "md5": _md5,
    "milliseconds": _milliseconds,
    "number": _number,
    "soql": _soql,
    "text": as_text,
    "unix": _unix,
}


class Scope:
    """Names that a template may use: `constant` ones, `rows`' identifiers, and any field."""

    def __init__(
        self,
        constant: Iterable[str],
        identifiers: Iterable[str] = (),
        *,
        has_rows: bool,
        has_into: bool = False,
        filters: Filters | None = None,
    ) -> None:
        self.filters = FILTERS if filters is None else filters
        self.constant = frozenset(constant)
        self.identifiers = frozenset(identifiers)
        self.has_rows = has_rows
        self.has_into = has_into

    def part(self, name: str, filters: str) -> Part:
        """What gives the value of a name.

        Raises:
            TemplateError: there is no such name or filter.
        """
        given = self._value(name)
        for word in filters.split("|")[1:]:
            if word not in self.filters:
                raise TemplateError(f"'|{word}' is not one of {', '.join(sorted(self.filters))}")
            given = _filtered(given, self.filters[word])
        return given

    def _value(self, name: str) -> Part:
        if name in self.constant:
            return lambda words, _: words.get(name, MISSING)
        if self.has_rows:
            if name in self.identifiers:
                # An empty text names nobody, and asked for it a vendor may give everybody.
                return lambda _, row: row.identifiers.get(name) or MISSING  # type: ignore[union-attr]
            if name in ("key", "idempotency_key", "remote_id"):
                return lambda _, row: _or_missing(getattr(row, name))
            if self.has_into and name.startswith("into."):
                of_row = self._value(name.removeprefix("into."))
                return lambda words, row: (
                    MISSING if row is None or row.into is None else of_row(words, row.into)
                )
            if name.startswith("fields."):
                field = name.partition(".")[2]
                return lambda _, row: row.fields.get(field, MISSING)  # type: ignore[union-attr]
        raise TemplateError(f"'${name}' is not one of {', '.join(f'${one}' for one in self.names)}")

    @property
    def names(self) -> list[str]:
        """What may be said, for a message."""
        row = ["key", "idempotency_key", "remote_id", "fields.<name>"] if self.has_rows else []
        row += ["into.<one of these>"] if self.has_into else []
        return sorted({*self.constant, *(self.identifiers if self.has_rows else ())}) + row


def _or_missing(value: Any) -> Any:
    return MISSING if value is None else value


def _filtered(part: Part, filter_: Callable[[Any], Any]) -> Part:
    def filtered(words: Words, row: Record | None) -> Any:
        value = part(words, row)
        return value if value is MISSING else filter_(value)

    return filtered


def text(template: str, scope: Scope, *, quoted: bool = False) -> Part:
    """A text with values in it; one that is `$name` alone is the value. With `quoted`, values are made fit for a path."""
    whole = PLACE.fullmatch(template)
    if whole and whole[0] != "$$" and not quoted:
        return scope.part(whole[1] or whole[3], whole[2] or whole[4] or "")
    parts: list[str | Part] = []
    end = 0
    for found in PLACE.finditer(template):
        parts.append(template[end : found.start()])
        end = found.end()
        parts.append(
            "$"
            if found[0] == "$$"
            else scope.part(found[1] or found[3], found[2] or found[4] or "")
        )
    parts.append(template[end:])
    if "$" in "".join(part for part in parts if isinstance(part, str)).replace(
        "$", "", template.count("$$")
    ):
        raise TemplateError("a `$` that begins no name is written `$$`")
    if all(isinstance(part, str) for part in parts):
        said = "".join(part for part in parts if isinstance(part, str))
        return lambda _words, _row: said

    def filled(words: Words, row: Record | None) -> Any:
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = part(words, row)
            if value is MISSING or value is None or (quoted and value == ""):
                return MISSING  # `/members/` and nothing is all of them
            texts.append(quote(as_text(value), safe="") if quoted else as_text(value))
        return "".join(texts)

    return filled


def compiled(node: Any, scope: Scope) -> Part:
    """The function of a template: of a text, an object, a list or a constant."""
    if isinstance(node, str):
        return text(node, scope)
    if isinstance(node, list):
        items = [_at(index, item, scope) for index, item in enumerate(node)]
        return lambda words, row: [
            value for item in items if (value := item(words, row)) is not MISSING
        ]
    if isinstance(node, Mapping):
        if "$fields" in node:
            return _fields(node, scope, frozenset())
        if IF in node or IF_ANY in node:
            return _conditional(node, scope)
        used = used_fields(node)
        return _object(
            [
                (
                    _key(name, scope),
                    _fields(item, scope, used)
                    if isinstance(item, Mapping) and "$fields" in item
                    else _at(name, item, scope),
                )
                for name, item in node.items()
                if name != "$also"
            ],
            _fields({"$fields": node["$also"]}, scope, used) if "$also" in node else None,
        )
    return lambda _words, _row: node


def unconditional(node: Mapping[str, Any]) -> dict[str, Any]:
    """An object without the conditions under which it is left out."""
    return {name: one for name, one in node.items() if name not in (IF, IF_ANY)}


def _conditional(node: Mapping[str, Any], scope: Scope) -> Part:
    """An object that is left out where the row lacks what `$if` names, or all that `$if_any` names."""
    made = compiled(unconditional(node), scope)
    every, any_ = _asked(IF, node, scope), _asked(IF_ANY, node, scope)

    def conditional(words: Words, row: Record | None) -> Any:
        for part in every:
            if _is_nothing(part(words, row)):
                return MISSING
        if any_ and all(_is_nothing(part(words, row)) for part in any_):
            return MISSING
        return made(words, row)

    return conditional


def _is_nothing(value: Any) -> bool:
    return value is MISSING or value is None or value == ""


def _asked(name: str, node: Mapping[str, Any], scope: Scope) -> list[Part]:
    """What gives the values that a condition names."""
    if name not in node:
        return []
    names = node[name] if isinstance(node[name], list) else [node[name]]
    if not names or not all(isinstance(one, str) and PLACE.search(one) for one in names):
        raise TemplateError(f"'{name}' wants a name such as `$email`, or a list of such", (name,))
    return [_at(name, one, scope) for one in names]


def _at(key: str | int, item: Any, scope: Scope) -> Part:
    try:
        return compiled(item, scope)
    except TemplateError as error:
        raise TemplateError(str(error), (key, *error.keys)) from None


def _key(name: Any, scope: Scope) -> str | Part:
    """The name of a member; one that is `$object` is made of it."""
    said = literal(name)
    if said is not None:
        return said
    said = str(name)
    constant = Scope(scope.constant, has_rows=False, filters=scope.filters)
    try:
        return text(said, constant)
    except TemplateError as error:
        raise TemplateError(str(error), (said,)) from None


def literal(name: Any) -> str | None:
    """The name of a member that is the same always: `$$` begins one with a dollar; None where it is made of `$object`."""
    said = str(name)
    if said.startswith("$$"):
        return said[1:]
    return None if said.startswith("$") else said


def _object(items: list[tuple[str | Part, Part]], more: Part | None) -> Part:
    fixed = {name for name, _ in items if isinstance(name, str)}

    def made(words: Words, row: Record | None) -> Any:
        out = {} if more is None else dict(more(words, row))
        for name, part in items:
            value = part(words, row)
            if value is MISSING:
                continue
            if not isinstance(name, str):
                name = str(name(words, row))
                if name in fixed or name in out:
                    raise ConfigError(
                        f"'{name}' is the name of something else in the request: nothing was sent.",
                        "give the sync's object another name.",
                    )
            out[name] = value
        return out

    return made


def _fields(node: Mapping[str, Any], scope: Scope, used: frozenset[str]) -> Part:
    """An object of the fields that stand nowhere else."""
    options = node["$fields"] or {}
    if not scope.has_rows or len(node) > 1:
        raise TemplateError("'$fields' stands alone in an object of a row")
    if not isinstance(options, Mapping) or (unknown := set(options) - FIELDS_OPTIONS):
        said = f"'{min(unknown)}'" if isinstance(options, Mapping) else "what it has"
        raise TemplateError(f"$fields: {said} is not one of {', '.join(sorted(FIELDS_OPTIONS))}")
    rename = dict(options.get("rename") or {})
    left_out = frozenset(options.get("except") or ()) | used
    is_text = bool(options.get("text"))
    if not rename and not left_out and not is_text:
        return lambda _, row: dict(row.fields)  # type: ignore[union-attr]

    def fields(_: Words, row: Record | None) -> Any:
        sent = [name for name in row.fields if name not in left_out]  # type: ignore[union-attr]
        out = {
            rename.get(name, name): as_text(row.fields[name]) if is_text else row.fields[name]  # type: ignore[union-attr]
            for name in sent
        }
        if len(out) < len(sent):
            twice = next(rename[name] for name in sent if name in rename and rename[name] in sent)
            raise ConfigError(
                f"two fields would be '{twice}': nothing was sent.",
                "take one of them out of the sync's fields.",
            )
        return out

    return fields


def item(node: Any) -> Any:
    """The template of a row in a body of many."""
    if isinstance(node, Mapping):
        for name in ("$rows", "$join"):
            if name in node:
                return node[name]
        return next((found for one in node.values() if (found := item(one)) is not None), None)
    return None


def renames(node: Any) -> dict[str, str]:
    """What a template calls fields that stand nowhere by name."""
    if isinstance(node, list):
        return {name: said for one in node for name, said in renames(one).items()}
    if not isinstance(node, Mapping):
        return {}
    found: dict[str, str] = {}
    for name, one in node.items():
        options = one if name in ("$fields", "$also") else None
        found |= dict((options or {}).get("rename") or {}) if options else renames(one)
    return found


def used_fields(node: Any) -> frozenset[str]:
    """Fields that stand somewhere by name."""
    if isinstance(node, str):
        names = (found[1] or found[3] or "" for found in PLACE.finditer(node))
        return frozenset(name[7:] for name in names if name.startswith("fields."))
    if isinstance(node, Mapping):
        return frozenset().union(*map(used_fields, node.values()))
    if isinstance(node, list):
        return frozenset().union(*map(used_fields, node))
    return frozenset()


Body = Callable[[Words, Sequence[Record]], Any]


def body(node: Any, constant: Scope, rows: Scope, *, single: bool = False) -> Body | None:
    """The function of a body: of a batch's rows, or with `single` of one row alone."""
    if node is None:
        return None
    if single:
        one = compiled(node, rows)
        return lambda words, records: one(words, records[0])
    return _batch(node, constant, rows)


def _batch(node: Any, constant: Scope, rows: Scope) -> Body:
    if isinstance(node, Mapping) and "$rows" in node:
        if isinstance(node["$rows"], Mapping) and {IF, IF_ANY} & set(node["$rows"]):
            raise TemplateError("a row is sent, or refused, and never left out", ("$rows",))
        item = _at("$rows", node["$rows"], rows)
        return lambda words, records: [item(words, record) for record in records]
    if isinstance(node, Mapping) and "$join" in node:
        one, between = text(str(node["$join"]), rows), str(node.get("with", ","))
        return lambda words, records: between.join(
            as_text(one(words, record)) for record in records
        )
    if isinstance(node, Mapping) and not {IF, IF_ANY} & set(node):
        parts = {}
        for name, value in node.items():
            try:
                parts[name] = _batch(value, constant, rows)
            except TemplateError as error:
                raise TemplateError(str(error), (name, *error.keys)) from None
        return lambda words, records: {
            name: value
            for name, part in parts.items()
            if (value := part(words, records)) is not MISSING
        }
    if isinstance(node, list):
        items = [_batch(one, constant, rows) for one in node]
        return lambda words, records: [
            value for one in items if (value := one(words, records)) is not MISSING
        ]
    fixed = compiled(node, constant)
    return lambda words, _records: fixed(words, None)
