"""Reading a declared destination's file: what is wrong is said with its line, the key, and what may stand there."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sync.destinations.declared import form, templates
from sync.destinations.declared.form import INDEX
from sync.destinations.declared.templates import Scope, TemplateError
from sync.errors import ConfigError, closest

KEYED = frozenset({"upsert", "mirror", "add"})
LETTING_GO = frozenset({"merge", "remove", "erase"})  # verbs after which a row is not there
SETTING_WORDS = ("object", "object_id")
# What a setting cannot be called: the addresses that every destination takes, and words of templates.
TAKEN = frozenset(
    {"base_url", "token_url", *SETTING_WORDS, "key", "remote_id", "idempotency_key", "job", "since", "month_before", "campaign_id"}
)  # fmt: skip
Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class DeclaredFile:
    """A vendor as its file declares it, and the file."""

    path: Path
    vendor: form.Vendor
    filters: templates.Filters = field(default_factory=lambda: templates.FILTERS)

    @property
    def constant(self) -> Scope:
        """What a template may say that is the same for every row."""
        return self.with_words()

    def with_words(self, *words: str) -> Scope:
        """The same, and words of one request."""
        names = (*self.vendor.settings, *SETTING_WORDS, *words)
        return Scope(names, has_rows=False, filters=self.filters)

    def rows(self, kind: str, *, has_into: bool = False) -> Scope:
        """What a template of a row of one kind of object may say; with `has_into`, of the row that it went into too."""
        names = (*self.vendor.settings, *SETTING_WORDS)
        identifiers = self.vendor.objects[kind].identifiers
        return Scope(names, identifiers, has_rows=True, has_into=has_into, filters=self.filters)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where there is libyaml


@cache
def load(path: Path) -> DeclaredFile:
    """A vendor from its file.

    Raises:
        ConfigError: the file is no YAML, or says what no file may; with line, key and what may stand there.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_LOADER)
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - it is safe
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read ({error.strerror}).") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path.name}{line}: this is no YAML.") from error
    lines = _Lines(path, node)
    if twice := _twice(node):
        raise lines.error(twice, "stands here twice: the first would be passed over in silence")
    if not isinstance(document, dict):
        raise lines.error((), "is no declaration: it wants keys", form.Vendor.model_fields)
    try:
        vendor = form.Vendor.model_validate(document)
    except ValidationError as error:
        raise _said(lines, error) from None
    found = DeclaredFile(path, vendor, {**templates.FILTERS, **_hooked(path, vendor, lines)})
    _check(found, lines)
    return found


def _hooked(path: Path, vendor: form.Vendor, lines: _Lines) -> templates.Filters:
    """The functions of a file's hook, by name: each turns one value into another."""
    if vendor.hook is None:
        return {}
    if Path(vendor.hook).name != vendor.hook or not vendor.hook.endswith(".py"):
        raise lines.error(("hook",), "is no file of Python beside this one, such as mailer.py")
    spec = importlib.util.spec_from_file_location(f"{path.stem}_hook", path.parent / vendor.hook)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = f"cannot be read ({vendor.hook}: {type(error).__name__})"
        raise lines.error(("hook",), said) from error
    found = {
        name: one
        for name, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__ and name[0] != "_"
    }
    for name, one in found.items():
        if len(inspect.signature(one).parameters) != 1:
            raise lines.error(("hook",), f"has '{name}', which takes other than one value")
        if name in templates.FILTERS:
            raise lines.error(("hook",), f"has '{name}', which is a filter already")
    return found


class _Lines:
    """Where keys stand in a file."""

    def __init__(self, path: Path, node: Any) -> None:
        self._path = path
        self._node = node

    def error(
        self, keys: Sequence[str | int], message: str, allowed: Iterable[Any] = ()
    ) -> ConfigError:
        listed = ", ".join(map(str, allowed))
        where = ".".join(map(str, keys)) or "the file"
        return ConfigError(
            f"{self._path.name}, line {self.line(keys)}: {where} {message}.",
            f"allowed: {listed}." if listed else None,
        )

    def line(self, keys: Sequence[str | int]) -> int:
        """The line of a key, or of the nearest one above it that is there."""
        node, line = self._node, 1
        for key in keys:
            if isinstance(node, yaml.MappingNode):
                pairs = [(one, value) for one, value in node.value if str(one.value) == str(key)]
                if not pairs:
                    break
                line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                if key >= len(node.value):
                    break
                node = node.value[key]
                line = node.start_mark.line + 1
            else:
                break
        return line


def _twice(node: Any, keys: Keys = ()) -> Keys | None:
    """The first key that a mapping has twice."""
    if isinstance(node, yaml.SequenceNode):
        places: list[tuple[str | int, Any]] = list(enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        names = [str(name.value) for name, _ in node.value]
        if again := next((one for one in names if one != "<<" and names.count(one) > 1), None):
            return (*keys, again)
        places = [(str(name.value), one) for name, one in node.value]
    else:
        return None
    return next((found for key, one in places if (found := _twice(one, (*keys, key)))), None)


def _said(lines: _Lines, error: ValidationError) -> ConfigError:
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    keys = tuple(key for key in problem["loc"] if key not in ("[key]", "str", "int", "float"))
    kind, message = problem["type"], str(problem["msg"])
    if kind == "extra_forbidden":
        allowed = _names(keys[:-1])
        return lines.error(
            keys, f"is not a key here{closest(str(keys[-1]), allowed)}", sorted(allowed)
        )
    if kind == "missing":
        return lines.error(keys, "is missing", sorted(_names(keys[:-1])))
    if kind == "literal_error":
        expected = re.findall(r"'([^']*)'", str((problem.get("ctx") or {}).get("expected", "")))
        given = str(problem.get("input"))
        return lines.error(keys, f"is '{given}'{closest(given, expected)}", expected)
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return lines.error(keys, message[0].lower() + message[1:])


def _names(keys: Sequence[str | int]) -> list[str]:
    """Keys that may stand at a place of the form."""
    found: Any = form.Vendor
    for key in keys:
        if isinstance(found, type) and issubclass(found, BaseModel):
            by_name = {(field.alias or name): field for name, field in found.model_fields.items()}
            if str(key) not in by_name:
                return []
            found = by_name[str(key)].annotation
        else:
            found = found.__args__[-1] if getattr(found, "__args__", None) else None
        found = _inner(found, key)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return [field.alias or name for name, field in found.model_fields.items()]
    return []


def _inner(annotation: Any, _key: str | int) -> Any:
    """The model in `Model | None`."""
    options = [one for one in getattr(annotation, "__args__", ()) if one is not type(None)]
    is_union = type(annotation).__name__ in ("UnionType", "Union", "_UnionGenericAlias")
    return options[0] if is_union and options else annotation


def _check(found: DeclaredFile, lines: _Lines) -> None:
    """What one key asks of another."""
    vendor = found.vendor
    if vendor.name != found.path.stem:
        raise lines.error(
            ("name",), f"is '{vendor.name}', and the file is called {found.path.name}"
        )
    secrets = {name for name, setting in vendor.settings.items() if setting.secret}
    for name in TAKEN & set(vendor.settings):
        raise lines.error(
            ("settings", name), "is a name that templates, or every destination, know already"
        )
    _render(lines, ("base_url",), vendor.base_url, found.constant)
    addresses: dict[Keys, str] = {("base_url",): vendor.base_url}
    addresses |= {("hosts", name, "base_url"): one.base_url for name, one in vendor.hosts.items()}
    for place, address in addresses.items():
        for secret in secrets & _named(address):
            raise lines.error(place, f"shows the secret '{secret}': say it under `auth`")
    if "default" not in vendor.rate_limits:
        raise lines.error(
            ("rate_limits",), "has no group `default`, which whatever names none is of"
        )
    for place, text in [*_texts(vendor.auth, ("auth",)), *_texts(vendor.hosts, ("hosts",))]:
        _render(lines, place, text, found.constant)
    if vendor.account.matches is not None:
        _render(lines, ("account", "is"), vendor.account.matches, found.constant)
        for secret in secrets & _named(vendor.account.matches):
            raise lines.error(("account", "is"), f"shows the secret '{secret}'")
    else:
        _render(lines, ("account", "get"), vendor.account.get or "", found.constant)
    for kind, offered in vendor.objects.items():
        _check_object(found, kind, offered, lines)
        holds_people = vendor.erasure.objects is None or kind in vendor.erasure.objects
        if vendor.erasure.how and holds_people and offered.erase is None:
            raise lines.error(
                ("objects", kind), "has no `erase`, and `erasure` says how somebody is erased"
            )
        if offered.erase is not None and not (vendor.erasure.how and holds_people):
            raise lines.error(
                ("objects", kind, "erase"), "erases people, of which `erasure` says nothing"
            )
    for name in vendor.erasure.objects or ():
        if name not in vendor.objects:
            raise lines.error(
                ("erasure", "objects"), f"names '{name}', which is no object", vendor.objects
            )
    if vendor.pull is not None:
        _check_pull(found, vendor.pull, lines)


def _check_object(found: DeclaredFile, kind: str, offered: form.Object, lines: _Lines) -> None:
    at: Keys = ("objects", kind)
    groups = found.vendor.rate_limits
    for place, name in _keys_said(offered, "host"):
        if name not in found.vendor.hosts:
            raise lines.error(
                (*at, *place), f"is '{name}', which hosts has not", sorted(found.vendor.hosts)
            )
    for place, name in [(("group",), offered.group), *_keys_said(offered, "group")]:
        if name not in groups:
            raise lines.error(
                (*at, *place), f"is '{name}', which rate_limits has not", sorted(groups)
            )
    modes = set(offered.modes)
    if "event" in modes and len(modes) > 1:
        raise lines.error(
            (*at, "modes"), "has event beside others; events are an object of their own"
        )
    owed = {
        "upsert": KEYED,
        "update_only": {"update_only"},
        "remove": {"mirror", "remove"},
        "send": {"event"},
    }
    for done, needs in owed.items():
        if modes & needs and done not in offered.verbs:
            raise lines.error(at, f"has mode {min(modes & needs)} and no `{done}`")
    if not all(offered.members):
        raise lines.error((*at, "members"), "has one of no identifiers, which everybody would be")
    for name in (
        *offered.hashed,
        *(one for some in offered.members for one in some),
        *offered.found_by,
        *(one for some in offered.conflicts.values() for one in some),
    ):
        if name not in offered.identifiers:
            raise lines.error(
                at, f"names '{name}', which is no identifier of it", offered.identifiers
            )
    if sum(one is not None for one in (offered.id, offered.find)) > 1 or (
        offered.make and not offered.find
    ):
        raise lines.error(at, "wants `id`, or `find` with or without `make`, and not both")
    for name in offered.identifiers:
        if name in found.constant.constant:
            raise lines.error(
                (*at, "identifiers"),
                f"has '{name}', which templates know for a setting or the object",
            )
    constant, rows = found.constant, found.rows(kind)
    if offered.id is not None:
        _render(lines, (*at, "id"), offered.id, constant)
    for name in ("find", "make", "check", "properties"):
        request = getattr(offered, name)
        if request is not None:
            _check_request(lines, (*at, name), request, constant, constant)
    for number, look_up in enumerate(offered.look_up):
        place = (*at, "look_up", number)
        _check_request(lines, place, look_up, rows, rows, single=True)
        if look_up.by not in offered.identifiers:
            raise lines.error(
                (*place, "by"),
                f"is '{look_up.by}', which is no identifier of it",
                offered.identifiers,
            )
        if look_up.by not in names_in(look_up):
            raise lines.error(place, f"never says `${look_up.by}`, by which it is to find")
    if offered.read is not None:
        _check_request(lines, (*at, "read"), offered.read, rows, rows, single=True)
        if offered.upsert is None:
            raise lines.error(
                (*at, "read"), "is for an object that has `upsert`, which it is compared with"
            )
        if "remote_id" in names_in(offered.read) and not offered.look_up:
            raise lines.error(
                (*at, "read"), "says `$remote_id`, and there is no `look_up` for who has none"
            )
    for name, verb in offered.verbs.items():
        if name in LETTING_GO and needs_remote_id(offered, name) and not offered.look_up:
            raise lines.error(
                (*at, name),
                "says `$remote_id`, and there is no `look_up` for who has none: an answer that is lost gives no id",
            )
        if offered.look_up and needs_remote_id(offered, name) and verb.per != "row":
            raise lines.error(
                (*at, name), "wants `per: row`, since `look_up` finds a row at a time"
            )
        said = found.rows(kind, has_into=True) if name == "merge" else rows
        path_scope = said if verb.per == "row" else constant
        _check_request(lines, (*at, name), verb, path_scope, said, single=verb.per == "row")
        if name == "merge" and (verb.per != "row" or verb.job or not KEYED & modes):
            raise lines.error(
                (*at, name),
                "wants `per: row` and no `job`, in an object that has upsert, mirror or add",
            )
        if verb.missing_ok and (
            name not in ("merge", "remove", "erase", "update", "update_only") or verb.per != "row"
        ):
            raise lines.error(
                (*at, name, "missing_ok"),
                "is for `update`, `update_only` and what lets go of rows, with `per: row`: else 404 says that a list or account is gone",
            )
        if name == "update_only" and not (verb.missing_ok and verb.per == "row"):
            raise lines.error(
                (*at, name), "wants `per: row` and `missing_ok: true`: 404 says who is not there"
            )
        for number, refused in enumerate(verb.refused):
            if refused.done and name not in LETTING_GO and offered.fields != []:
                raise lines.error(
                    (*at, name, "refused", number, "done"),
                    "is for `remove` and `erase`, and for members without fields (`fields: []`)",
                )
            if refused.by == INDEX and refused.matches != INDEX:
                raise lines.error(
                    (*at, name, "refused", number, "is"), f"is `{INDEX}` where `by` is"
                )
            if refused.matches != INDEX:
                _render(lines, (*at, name, "refused", number, "is"), refused.matches, rows)
        if verb.job is not None:
            scope = found.with_words("job")
            _check_request(lines, (*at, name, "job", "poll"), verb.job.poll, scope, scope)
        _check_sent(lines, (*at, name), verb, offered, is_remove=name in LETTING_GO)
    polls = [verb.job.poll for verb in offered.verbs.values() if verb.job is not None]
    if any(poll != polls[0] for poll in polls):
        raise lines.error(at, "has jobs that are asked for in two ways: one `poll` must do for all")
    if offered.update is not None:
        _check_update(offered, offered.update, at, lines)
    if (
        offered.send
        and offered.delivery == "exactly_once"
        and "idempotency_key" not in _named(offered.send.model_dump())
    ):
        raise lines.error(
            (*at, "send"),
            "sends no `$idempotency_key`: say it, or `delivery: at_least_once`, so that the sync must choose",
        )


def _check_update(offered: form.Object, update: form.Verb, at: Keys, lines: _Lines) -> None:
    """Who is updated by an id must have been given one, and be found otherwise when it is gone."""
    if offered.upsert is None or offered.upsert.ids is None or offered.upsert.job is not None:
        raise lines.error(
            (*at, "update"), "is for an object whose `upsert` gives `ids`, and is no job"
        )
    if update.per != "row" or not update.missing_ok:
        raise lines.error(
            (*at, "update"),
            "wants `per: row` and `missing_ok: true`: whose id is gone is found by the address",
        )
    if update.answer.empty:
        raise lines.error(
            (*at, "update", "answer"), "is empty, so that a 404 could not be told from it"
        )
    if "remote_id" not in _named({"path": getattr(update, update.method), "body": update.body}):
        raise lines.error((*at, "update"), "never says `$remote_id`, by which it is to update")


def _check_sent(
    lines: _Lines, at: Keys, verb: form.Verb, offered: form.Object, *, is_remove: bool
) -> None:
    """Whoever a request is about must be in it, and so must whatever is to be delivered."""
    said = _named({"path": getattr(verb, verb.method), "body": verb.body, "query": verb.query})
    missing = [name for name in offered.identifiers if name not in said]
    by_id = "remote_id" in said and (is_remove or bool(offered.look_up))
    if (
        len(missing) == len(offered.identifiers)
        and offered.identifiers
        and not by_id
        and "key" not in said
    ):
        raise lines.error(
            at, "names nobody: no identifier of the row is in its path or body", offered.identifiers
        )
    if missing and not is_remove and not by_id:
        raise lines.error(at, f"never sends the identifier '{missing[0]}', which it declares")
    if verb.per == "batch" and not _has_rows(verb.body):
        raise lines.error(at, "has no rows in its body: `$rows`, `$join`, or `per: row`")
    if (
        not is_remove
        and not _delivers_fields(verb.body)
        and (
            offered.fields is None
            or any(name not in _field_names(verb.body) for name in offered.fields)
        )
    ):
        raise lines.error(
            at,
            "leaves fields out: put `$fields` (or `$also`) into the body, or say under `fields` which it takes",
        )
    if verb.job is not None and verb.per == "row":
        raise lines.error((*at, "job"), "is of a batch; a request of one row has none")


def _check_request(
    lines: _Lines,
    at: Keys,
    request: form.Request,
    path: Scope,
    rows: Scope,
    *,
    single: bool = False,
) -> None:
    _render(lines, (*at, request.method), getattr(request, request.method), path, quoted=True)
    for name, value in request.query.items():
        if isinstance(value, str):
            _render(lines, (*at, "query", name), value, path)
    for name, text in request.headers.items():
        _render(lines, (*at, "headers", name), text, path)
    try:
        templates.body(request.body, path if not single else rows, rows, single=single)
    except TemplateError as error:
        raise lines.error((*at, "body", *error.keys), f"says {error}") from None


def _check_pull(found: DeclaredFile, pull: form.Pull, lines: _Lines) -> None:
    words = (*found.vendor.settings, "since", "month_before", "campaign_id")
    request = Scope(words, has_rows=False, filters=found.filters)
    row = _RowScope(words)
    listings: list[tuple[Keys, form.Listing, Mapping[Any, str]]] = []
    if pull.campaigns is not None:
        listings.append((("pull", "campaigns"), pull.campaigns, pull.campaigns.map))
    for place, events in enumerate(pull.events):
        listings.append((("pull", "events", place), events, events.map))
        for owed in ("kind", "recipient_type", "recipient", "occurred_at"):
            if owed not in events.map:
                raise lines.error(("pull", "events", place, "map"), f"lacks '{owed}'")
        unknown = set(events.kinds.values()) - EVENT_WORDS
        if unknown:
            raise lines.error(
                ("pull", "events", place, "kinds"), f"has '{min(unknown)}'", sorted(EVENT_WORDS)
            )
        if events.per_campaign and pull.campaigns is None:
            raise lines.error(
                ("pull", "events", place), "asks per campaign, and no campaigns are pulled"
            )
    for at, listing, named in listings:
        _check_request(lines, at, listing, request, request)
        for name, text in named.items():
            try:
                templates.text(text, row)
            except TemplateError as error:
                raise lines.error((*at, "map", name), f"says {error}") from None


class _RowScope(Scope):
    """Names of a pulled row: `row.` and `inner.` with a path."""

    def __init__(self, constant: Iterable[str]) -> None:
        super().__init__(constant, has_rows=False)

    def _value(self, name: str) -> templates.Part:
        head, _, path = name.partition(".")
        if head in ("row", "inner") and path:
            return lambda words, _: (
                templates.MISSING if (found := at(words[head], path)) is None else found
            )
        return super()._value(name)


pulled_scope = _RowScope
EVENT_WORDS = frozenset(
    {"sent", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained", "converted"}
)


def at(document: Any, path: str) -> Any:
    """What stands at a path of names, or places in a list, with dots between; None where nothing does."""
    for name in path.split(".") if path else ():
        if isinstance(document, list) and name.isdigit():
            document = document[int(name)] if int(name) < len(document) else None
        else:
            document = document.get(name) if isinstance(document, dict) else None
    return document


def _render(lines: _Lines, keys: Keys, text: str, scope: Scope, *, quoted: bool = False) -> None:
    try:
        templates.text(text, scope, quoted=quoted)
    except TemplateError as error:
        raise lines.error(keys, f"says {error}") from None


def _texts(node: Any, at: Keys) -> list[tuple[Keys, str]]:
    document = node.model_dump() if isinstance(node, BaseModel) else node
    if isinstance(document, str):
        return [(at, document)]
    if isinstance(document, dict):
        return [one for name, value in document.items() for one in _texts(value, (*at, name))]
    return []


def _keys_said(offered: form.Object, key: str) -> list[tuple[Keys, str]]:
    """What the requests of an object say under a key."""
    found: list[tuple[Keys, str]] = []
    for name in ("find", "make", "check", "properties", "read", *form.VERBS):
        request = getattr(offered, name)
        if request is not None and (said := getattr(request, key)) is not None:
            found.append(((name, key), said))
    return found


def _named(node: Any) -> set[str]:
    """Every name that stands in a template."""
    if isinstance(node, str):
        return {
            found[1] or found[3] for found in templates.PLACE.finditer(node) if found[0] != "$$"
        }
    if isinstance(node, Mapping):
        return set().union(*map(_named, node.values())) if node else set()
    if isinstance(node, list):
        return set().union(*map(_named, node)) if node else set()
    return set()


def names_id(request: form.Request) -> bool:
    """Whether a request says the id of the object, which must be found then."""
    said = [request.path, request.body, request.query, request.headers]
    return "object_id" in _named(said) | _keys(said)


def needs_remote_id(offered: form.Object, name: str) -> bool:
    """Whether a verb is about an id of the vendor's, which must be known, or looked up, then."""
    verb = offered.verbs[name]
    updates = name in ("upsert", "update_only") and offered.update is not None
    return updates or "remote_id" in names_in(verb)


def names_in(request: form.Request) -> set[str]:
    """Names that a request says."""
    return _named([request.path, request.body, request.query])


def names_object(offered: form.Object) -> bool:
    """Whether requests about an object say which it is."""
    said = [[getattr(verb, verb.method), verb.body, verb.query] for verb in offered.verbs.values()]
    return offered.find is not None or bool({"object", "object_id"} & (_named(said) | _keys(said)))


def _keys(node: Any) -> set[str]:
    """Names that are keys of a template."""
    if isinstance(node, Mapping):
        here = {str(key)[1:] for key in node if str(key).startswith("$")}
        return here.union(*map(_keys, node.values()))
    return set().union(*map(_keys, node)) if isinstance(node, list) else set()


def _has_rows(node: Any) -> bool:
    if isinstance(node, Mapping):
        return bool({"$rows", "$join"} & set(node)) or any(map(_has_rows, node.values()))
    return isinstance(node, list) and any(map(_has_rows, node))


def _delivers_fields(node: Any) -> bool:
    if isinstance(node, Mapping):
        return bool({"$fields", "$also"} & set(node)) or any(map(_delivers_fields, node.values()))
    return isinstance(node, list) and any(map(_delivers_fields, node))


def _field_names(node: Any) -> frozenset[str]:
    return templates.used_fields(node)
