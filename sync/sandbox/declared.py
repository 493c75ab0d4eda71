"""A stand-in out of a declared file: it reads requests by the file's own templates, and keeps rows as they came.

It knows what the file knows, so that it shows that the parts fit each other, and not that the vendor is as the file says: that
is for the file's `examples`, and for a description of the vendor's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, jsonify, request

from sync.destinations.declared import form
from sync.destinations.declared.files import DeclaredFile, load, names_in, needs_remote_id
from sync.destinations.declared.templates import (
    FILTERS,
    IF,
    IF_ANY,
    PLACE,
    item,
    literal,
    unconditional,
)
from sync.destinations.registry import TOKEN_PATH
from sync.sandbox import clock
from sync.sandbox.app import faults, store

Captured = dict[str, Any]
DEFAULTS: Mapping[str, Any] = {
    "list": [], "object": {}, "text": "ok", "id": "1", "number": 0, "boolean": True,
}  # fmt: skip
FAULTS = {"limit_by_code": "wait", "token_by_code": "auth", "terms_by_code": "configuration"}
SHOWN_EVENTS = 500


class StandIn:
    """What the sandbox serves for a file: a module's names."""

    def __init__(self, file: DeclaredFile) -> None:
        self.file = file
        self.vendor = file.vendor
        self.AUTHORIZATION = None if self.vendor.hosts else _scheme(self.vendor.auth)
        self.REFUSALS = {
            fault: (row.status or 400, {"error": {"code": str(row.code)}})
            for fault, kind in FAULTS.items()
            for row in self.vendor.errors
            if row.fault == kind and row.code is not None and (row.status or 400) >= 400
        }
        self._settings = {
            f"${name}": one.sandbox or one.default or "sandbox"
            for name, one in self.vendor.settings.items()
        }
        self.blueprint = Blueprint(self.vendor.name, __name__)
        if self.vendor.auth.oauth is not None:
            self.blueprint.add_url_rule(TOKEN_PATH, "token", _token, methods=["POST"])
        self._routes: dict[tuple[str, str], list[tuple[str, str, form.Request]]] = {}
        for kind, offered in self.vendor.objects.items():
            for look_up in offered.look_up:
                self._add(look_up, kind, "look_up")
            for name in ("find", "make", "properties", "read", "check", *form.VERBS):
                if (asked := getattr(offered, name)) is not None:
                    self._add(asked, kind, name)
            for verb in offered.verbs.values():
                if verb.job is not None:
                    self._add(verb.job.poll, kind, "poll")
        if self.vendor.pull is not None:
            if self.vendor.pull.campaigns is not None:
                self._add(self.vendor.pull.campaigns, "", "campaigns")
            for events in self.vendor.pull.events:
                self._add(events, "", "events")
        if self.vendor.account.get is not None:
            owed = form.Owed(fields={str(self.vendor.account.at): "id"})
            self._add(form.Request(get=self.vendor.account.get, answer=owed), "", "account")
        for number, ((method, rule), told) in enumerate(self._routes.items()):
            told.sort(
                key=lambda one: (not isinstance(one[2], form.Listing), _is_open(one[2].body))
            )  # what lists says more than a check; what takes any field is the last resort
            self.blueprint.add_url_rule(
                rule, f"r{number}", self._view(told), methods=[method.upper()]
            )

    def _add(self, asked: form.Request, kind: str, name: str) -> None:
        rule = _rule(getattr(asked, asked.method))
        self._routes.setdefault((asked.method, rule), []).append((kind, name, asked))

    def _view(self, told: Sequence[tuple[str, str, form.Request]]) -> Any:
        def view(**given: str) -> Any:
            for kind, name, asked in told:
                body = _form() if asked.form else _body()
                captured = _path_names(getattr(asked, asked.method), given)
                rows = _read(asked, body, captured, self._settings)
                if (
                    name == "update"
                    and rows
                    and self._unknown(kind, rows[0])
                    and asked is not told[-1][2]
                ):
                    continue  # the same address may be another verb's
                if rows is not None:
                    return self._answer(kind, name, asked, captured, rows, body)
            return jsonify({"error": {"code": "unreadable"}}), 400

        return view

    # -- answers ----------------------------------------------------------------------------------

    def _answer(
        self,
        kind: str,
        name: str,
        asked: form.Request,
        captured: Captured,
        rows: list[Captured],
        body: Any,
    ) -> Any:
        document: Any = [] if asked.answer.form == "list" else {}
        for path, of in {**asked.answer.fields, **asked.has}.items():
            _put(document, path, DEFAULTS[of])
        for path, value in asked.ok.items():
            _put(document, path, value)
        if isinstance(asked, form.Find):
            if self.vendor.objects[kind].make is None:
                self._make_asked(kind, asked)  # nobody could make it here
            found = [
                _nested({asked.name: title, asked.id: key})
                for _, key, title in store().objects(self.vendor.name, kind)
            ]
            return _page(asked, document, found)
        if isinstance(asked, form.Make):
            made = store().object_id(self.vendor.name, kind, str(_named(asked, body)))
            _put(document, asked.id, made)
        elif isinstance(asked, form.Properties):
            if not faults().shares.get("unknown_property"):
                return jsonify({"error": {"code": "forbidden"}}), 403  # any field is taken then
            _put(document, asked.rows, [])
        elif isinstance(asked, form.Campaigns):
            return _page(asked, document, self._campaigns(asked))
        elif isinstance(asked, form.Events):
            return _page(asked, document, self._events(asked))
        elif name == "poll":
            verb = next(
                verb
                for verb in self.vendor.objects[kind].verbs.values()
                if verb.job and verb.job.poll is asked
            )
            assert verb.job is not None  # noqa: S101
            job = store().job(self.vendor.name, str(captured.get("job"))) or {
                "taken": 0,
                "refused": 0,
            }
            states = verb.job.partly if job["refused"] and verb.job.partly else verb.job.done
            _put(document, verb.job.status, states[0])
            _count(document, verb.job.taken_count, job["taken"])
            _count(document, verb.job.refused_count, job["refused"])
            _count(document, verb.job.total_count, job["taken"] + job["refused"])
        elif isinstance(asked, form.Read):
            return self._read_back(kind, asked, document, captured)
        elif isinstance(asked, form.LookUp):
            return self._looked_up(kind, asked, document, rows[0])
        elif isinstance(asked, form.Verb):
            return self._rows(kind, name, asked, document, rows)
        return _document(asked, document)

    def _read_back(self, kind: str, asked: form.Read, document: Any, captured: Captured) -> Any:
        """A member as it came, by its key or by the id that it was given."""
        place = self._object_there(kind, captured) or ""
        key: Any = self._key(kind, captured)
        if (known := captured.get("remote_id")) is not None:
            key = store().member(f"{self.vendor.name}:ids", f"{place}:keys", str(known))
        elif not key:
            key = next(
                (
                    member
                    for member in store().members(self.vendor.name, place)
                    if set(captured.values()) & _words_of(member, None)
                ),
                "",
            )
        data = store().member(self.vendor.name, place, key or "")
        if data is None:
            return jsonify({"error": {"code": "not_found"}}), 404
        if asked.at == "":
            return jsonify({**document, **data})
        _put(document, asked.at, data)
        return jsonify(document)

    def _looked_up(self, kind: str, asked: form.LookUp, document: Any, row: Captured) -> Any:
        """Members that have an identifier: as a list, or as an object under what was asked for, which has nobody where it is 404."""
        value = str(row.get(asked.by))
        if "object_id" in row or "object" in row or not self.vendor.objects[kind].find:
            places = [self._object_there(kind, row)]
        else:
            places = [key for _, key, _ in store().objects(self.vendor.name, kind)]
        ids = dict.fromkeys(
            one
            for place in places
            if place is not None
            for one in self._with_identifier(kind, place, asked.by, value)
        )
        if asked.answer.fields.get(asked.rows) != "object":
            _put(document, asked.rows, [_nested({asked.id: one}) for one in ids])
        elif not ids:
            return jsonify({"error": {"code": "not_found"}}), 404
        else:
            _put(document, asked.rows, {value: _nested({asked.id: next(iter(ids))})})
        return _document(asked, document)

    def _make_asked(self, kind: str, asked: form.Find) -> None:
        """The object of the name that a query asks for."""
        for name, template in asked.query.items():
            for place in PLACE.finditer(str(template)):
                plain = str(template).replace(place[0], "${object}")
                if (place[1] or place[3]) == "object":
                    found = _match_text(plain, request.args.get(name, "")) or {}
                    store().object_id(self.vendor.name, kind, str(found.get("object")))

    def _rows(
        self, kind: str, name: str, verb: form.Verb, document: Any, rows: list[Captured]
    ) -> Any:
        refused = [place for place in range(len(rows)) if faults().draw("refuse_rows")]
        names_none = not verb.refused and not verb.refused_count and not verb.job
        if refused and names_none:
            return jsonify({"error": {"code": "invalid"}}), 400
        good = [row for place, row in enumerate(rows) if place not in refused]
        if name == "update" and not all(self._move(kind, row) for row in good):
            return jsonify({"error": {"code": "not_found"}}), 404
        if name == "update_only" and not all(self._is_there(kind, row) for row in good):
            return jsonify({"error": {"code": "not_found"}}), 404
        self._keep(kind, name, good)
        _count(document, verb.taken_count, len(good))
        _count(document, verb.refused_count, len(refused))
        if any(told.by == form.INDEX for told in verb.refused):
            return self._by_place(kind, verb, rows, refused)
        if verb.refused:
            items = []
            for place in refused:
                told = verb.refused[0]
                item: dict[str, Any] = {}
                value = (
                    place
                    if told.matches == "$index"
                    else rows[place].get(told.matches[1:].strip("{}"))
                )
                if told.code:
                    _put(item, told.code, "invalid")
                if told.by:
                    _put(item, told.by, value)
                items.append(item if told.by else value)
            for told in verb.refused:
                _put(document, told.rows, items if told is verb.refused[0] else [])
        if verb.ids is not None:
            self._ids(kind, verb.ids, document, good)
        if verb.job is not None:
            job = str(uuid.uuid4())
            store().put_job(self.vendor.name, job, {"taken": len(good), "refused": len(refused)})
            _put(document, verb.job.id, job)
        return _document(verb, document)

    def _by_place(
        self, kind: str, verb: form.Verb, rows: list[Captured], refused: list[int]
    ) -> Any:
        """An answer with an item a row, in their order."""
        told = next(one for one in verb.refused if one.by == form.INDEX and not one.done)
        items: list[dict[str, Any]] = []
        for place, row in enumerate(rows):
            item: dict[str, Any] = {}
            for path, value in told.when.items():
                _put(item, path, value if place in refused else _other(value))
            for path, value in told.unless.items():
                _put(item, path, _other(value) if place in refused else value)
            if place in refused and told.code:
                _put(item, told.code, "invalid")
            if place not in refused and verb.ids is not None:
                _put(item, verb.ids.id, self._made(kind, row))
            items.append(item)
        if told.rows == "":
            return jsonify(items)
        document: dict[str, Any] = {}
        for path, of in verb.answer.fields.items():
            _put(document, path, DEFAULTS[of])
        _put(document, told.rows, items)
        return _document(verb, document)

    def _made(self, kind: str, row: Captured) -> str:
        """The id of a row's member."""
        place, key = self._object(kind, row), self._key(kind, row)
        return self._know(place, key, hashlib.sha256(f"{place}|{key}".encode()).hexdigest()[:12])

    def _with_identifier(self, kind: str, place: str, name: str, value: str) -> list[str]:
        """Ids of the members that have an identifier."""
        found = []
        for member, data in store().members(self.vendor.name, place).items():
            row = _row_of(self.vendor.objects[kind], data)
            if str(row.get(name, "")).lower() == value.lower():
                made = hashlib.sha256(f"{kind}|{member}".encode()).hexdigest()[:12]
                found.append(self._know(place, member, made))
        return found

    def _keep(self, kind: str, name: str, rows: list[Captured]) -> None:
        for row in rows:
            if name == "erase":
                self._forget(kind, row)
                continue
            if name == "merge":
                self._drop(kind, row)
                continue
            if name == "remove":
                if "remote_id" in row and self.key_names(kind) != ["remote_id"]:
                    self._drop(kind, row)
                elif (there := self._object_there(kind, row)) is not None:
                    key = self._key(kind, row)
                    store().drop_members(self.vendor.name, there, [key])
                continue
            place = self._object(kind, row)
            if name == "send":
                key = str(row.get("idempotency_key") or uuid.uuid4())
                said = _words_of("", row["$row"])
                people = [str(row[one]) for one in self._identifiers(kind) if one in row]
                # Whom the path alone names is kept beside it, so that the event is known for theirs.
                key = "|".join([key, *(one for one in people if one not in said)])
                store().add_events(
                    self.vendor.name, place, [(key, row["$row"], clock.iso(clock.now()))]
                )
                continue
            store().put_members(self.vendor.name, place, {self._key(kind, row): row["$row"]})

    def _drop(self, kind: str, row: Captured) -> None:
        """Take out one member, by the id that it was given or by its key."""
        there, ids = self._object_there(kind, row), f"{self.vendor.name}:ids"
        if there is None:
            return
        known, keys = row.get("remote_id"), [self._key(kind, row)]
        if known is not None:
            keys = [str(store().member(ids, f"{there}:keys", str(known)))]
        elif not keys[0]:
            words = {str(row[one]) for one in row if one.split("|")[0] in self._identifiers(kind)}
            members = store().members(self.vendor.name, there)
            keys = [member for member in members if words & _words_of(member, None)]
        store().drop_members(self.vendor.name, there, keys)
        store().drop_members(ids, f"{there}:ids", keys)

    def _forget(self, kind: str, row: Captured) -> None:
        """Take out whatever is of somebody, in every object."""
        words = {
            str(value)
            for name, value in row.items()
            if name.split("|")[0] in self.vendor.objects[kind].identifiers or name == "key"
        }
        if (known := row.get("remote_id")) is not None:
            ids = f"{self.vendor.name}:ids"
            words.add(str(known))
            for _, key, _ in store().objects(self.vendor.name):
                member = store().member(ids, f"{key}:keys", str(known))
                words |= set(str(member).split("|")) if member is not None else set()
        one = "object_id" in row or "object" in row
        place = self._object_there(kind, row)
        for _, key, _ in store().objects(self.vendor.name):
            if one and key != place:
                continue
            gone = [
                member
                for member, data in store().members(self.vendor.name, key).items()
                if words & _words_of(member, data)
            ]
            store().drop_members(self.vendor.name, key, gone)
            ids = f"{self.vendor.name}:ids"
            known = [store().member(ids, f"{key}:ids", member) for member in gone]
            store().drop_members(ids, f"{key}:ids", gone)
            store().drop_members(ids, f"{key}:keys", [one for one in known if one is not None])
            store().drop_events(
                self.vendor.name,
                [
                    (key, event["event_id"])
                    for event in store().events(self.vendor.name, key)
                    if words & _words_of(event["event_id"], event["data"])
                ],
            )

    def _object_there(self, kind: str, row: Captured) -> str | None:
        """The object that a request names, where there is one."""
        given = str(row.get("object_id", row.get("object", kind)))
        for _, key, title in store().objects(self.vendor.name, kind):
            if given in (key, title):
                return key
        return None

    def _object(self, kind: str, row: Captured) -> str:
        name = str(row.get("object_id", row.get("object", kind)))
        return self._object_there(kind, row) or store().object_id(self.vendor.name, kind, name)

    def _identifiers(self, kind: str) -> list[str]:
        return sorted(self.vendor.objects[kind].identifiers)

    def key_names(self, kind: str) -> list[str]:
        """What tells a member, as it stands in requests: the identifiers that every verb of the object has."""
        offered = self.vendor.objects[kind]
        names = {*offered.identifiers, "key"}
        shared: set[str] | None = None
        for done, verb in offered.verbs.items():
            if done in ("erase", "merge"):
                continue
            here = {
                (found[1] or found[3]) + (found[2] or found[4] or "")
                for found in PLACE.finditer(json.dumps([getattr(verb, verb.method), verb.body]))
                if (found[1] or found[3]) in names
            }
            if not here and "remote_id" in names_in(verb) and self.vendor.objects[kind].find:
                continue  # what it is about is told by the id that was looked up
            shared = here if shared is None else shared & here
        if "key" in (shared or ()):
            return ["key"]
        if not shared and names_remote_id(offered):
            return ["remote_id"]
        plain = {name for name in shared or () if "|" not in name}
        return sorted(
            name for name in shared or () if name in plain or name.split("|")[0] not in plain
        )

    def _key(self, kind: str, row: Captured) -> str:
        return "|".join(str(row[name]) for name in self.key_names(kind) if name in row)

    def _unknown(self, kind: str, row: Captured) -> bool:
        place = self._object(kind, row)
        known = str(row["remote_id"])
        return store().member(f"{self.vendor.name}:ids", f"{place}:keys", known) is None

    def _move(self, kind: str, row: Captured) -> bool:
        """Give the member that has an id the key that it has in this row; False where nobody has the id."""
        place, ids = self._object(kind, row), f"{self.vendor.name}:ids"
        known = str(row["remote_id"])
        before = store().member(ids, f"{place}:keys", known)
        if before is None or (old := store().member(self.vendor.name, place, before)) is None:
            return False
        if isinstance(old, dict) and isinstance(row["$row"], dict):
            row["$row"] = {**old, **row["$row"]}  # what it does not say stays
        store().drop_members(self.vendor.name, place, [before])
        store().drop_members(ids, f"{place}:ids", [before])
        self._know(place, self._key(kind, row), known)
        return True

    def _is_there(self, kind: str, row: Captured) -> bool:
        old = store().member(self.vendor.name, self._object(kind, row), self._key(kind, row))
        if isinstance(old, dict) and isinstance(row["$row"], dict):
            row["$row"] = {**old, **row["$row"]}
        return old is not None

    def _know(self, place: str, key: str, made: str) -> str:
        """The id of a member, which it keeps under another key."""
        ids = f"{self.vendor.name}:ids"
        known = store().member(ids, f"{place}:ids", key)
        if known is not None:
            return str(known)
        while store().member(ids, f"{place}:keys", made) not in (None, key):
            made = hashlib.sha256(made.encode()).hexdigest()[:12]
        store().put_members(ids, f"{place}:ids", {key: made})
        store().put_members(ids, f"{place}:keys", {made: key})
        return made

    def _ids(self, kind: str, ids: form.Ids, document: Any, rows: list[Captured]) -> None:
        items = []
        for row in rows:
            item: dict[str, Any] = {}
            name = row.get(ids.matches[1:]) if ids.matches else None
            made = self._made(kind, row)
            if ids.rows is None:
                _put(document, ids.id, made)
                return
            _put(item, ids.id, made)
            if ids.by:
                _put(item, ids.by, name)
            items.append(item)
        if ids.rows is not None:
            _put(document, ids.rows, items)

    # -- results ----------------------------------------------------------------------------------

    def _campaigns(self, asked: form.Campaigns) -> list[Any]:
        names = sorted({title for _, _, title in store().objects(self.vendor.name)})
        return [
            _row(
                asked.map,
                {"campaign_id": name, "campaign_name": name, "started_at": _sent_at().isoformat()},
            )["row"]
            for name in names
        ]

    def _events(self, asked: form.Events) -> list[Any]:
        words = {ours: theirs for theirs, ours in asked.kinds.items()}
        rows = []
        for kind, key, title in store().objects(self.vendor.name):
            for member, data in list(store().members(self.vendor.name, key).items())[:SHOWN_EVENTS]:
                found = _row_of(self.vendor.objects[kind], data)
                recipient = found.get("email") or member
                for word, at in clock.outcomes(f"{title}|{member}", _sent_at()):
                    if word not in words:
                        continue
                    values = {
                        "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{title}|{member}|{word}")),
                        "campaign_id": title, "kind": words[word], "recipient": recipient,
                        "occurred_at": clock.iso(at),
                    }  # fmt: skip
                    made = _row(asked.map, values)
                    if asked.inner:
                        _put(made["row"], asked.inner, [made["inner"]])
                    if (
                        title == request.view_args.get("campaign_id", title)
                        if request.view_args
                        else True
                    ):
                        rows.append(made["row"])
        return rows


@cache
def stand_in(path: Path) -> StandIn:
    """The stand-in of a file."""
    return StandIn(load(path))


def _sent_at() -> dt.datetime:
    """Three days ago at midnight, so that results are the same whenever they are asked for on one day."""
    now = clock.now()
    return dt.datetime(now.year, now.month, now.day) - dt.timedelta(days=3)


def _scheme(auth: form.Auth) -> str | None:
    if auth.bearer is not None or auth.oauth is not None:
        return "Bearer"
    if auth.basic is not None:
        return "Basic"
    given = (auth.headers or {}).get("Authorization", "").split(" ")
    return given[0] if len(given) > 1 else None


def _rule(path: str) -> str:
    """A path as Flask has it: names as converters, without the query."""
    number = iter(range(100))
    return PLACE.sub(lambda _: f"<v{next(number)}>", path)


def _path_names(path: str, given: Mapping[str, str]) -> Captured:
    captured = {}
    for number, found in enumerate(PLACE.finditer(path)):
        name = (found[1] or found[3]) + (found[2] or found[4] or "")
        captured[name] = unquote(given[f"v{number}"])
    return captured


def _body() -> Any:
    return request.get_json(silent=True) if request.data else None


def _form() -> dict[str, Any]:
    """What a form says: a name that it has several times is a list, and an object is its JSON."""
    return {
        name: _of_form(values[0]) if len(values) == 1 else values
        for name, values in request.form.lists()
    }


def _of_form(text: str) -> Any:
    if not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _token() -> Any:
    """An access token, as RFC 6749 (5.1) has it."""
    return jsonify({"access_token": "sandbox", "token_type": "Bearer"})


def _other(value: Any) -> Any:
    """What stands where an item is not as `when` wants it."""
    return not value if isinstance(value, bool) else None


def _settled(node: Any, settings: Mapping[str, str]) -> Any:
    """A template whose members are called as the settings of the sandbox say."""
    if isinstance(node, Mapping):
        return {
            settings.get(str(name), name): _settled(one, settings) for name, one in node.items()
        }
    return [_settled(one, settings) for one in node] if isinstance(node, list) else node


def _read(
    asked: form.Request, body: Any, captured: Captured, settings: Mapping[str, str]
) -> list[Captured] | None:
    """What a request says of each of its rows; None where it is another request."""
    node = _settled(asked.body, settings)
    if not isinstance(asked, form.Verb | form.LookUp):
        return []
    if (queried := _queried(asked)) is None:
        return None
    captured = {**captured, **queried}
    if isinstance(asked, form.LookUp):
        row = _match(node, body)
        return None if row is None else [{**captured, **row}]
    if asked.per == "row":
        row = _match(node, body)
        return None if row is None else [{**captured, **row, "$row": body}]
    rows: list[Captured] = []
    shared = _match(node, body, rows)
    return None if shared is None else [{**captured, **shared, **row} for row in rows]


def _queried(asked: form.Verb | form.LookUp) -> Captured | None:
    """What stands at the names of a query; None where it is another request's."""
    found: Captured = {}
    for name, template in asked.query.items():
        if not isinstance(template, str) or not PLACE.search(template):
            continue
        here = _match_text(template, request.args.get(name, ""))
        if name not in request.args or here is None:
            return None
        found |= here
    return found


def _match(node: Any, given: Any, rows: list[Captured] | None = None) -> Captured | None:
    """What stands at a template's names in a document; None where it is not of that template."""
    if node is None:
        return {}
    if isinstance(node, str):
        whole = PLACE.fullmatch(node)
        if whole and whole[0] != "$$":
            name, filters = whole[1] or whole[3], whole[2] or whole[4] or ""
            if filters == "|number":
                return {name: str(given)}  # the same, written as a number
            return {name + filters: given}
        return _match_text(node, given)
    if isinstance(node, Mapping) and "$rows" in node and rows is not None:
        for item in given if isinstance(given, list) else [None]:
            row = _match(node["$rows"], item)
            if row is None:
                return None
            rows.append({**row, "$row": item})
        return {}
    if isinstance(node, Mapping) and "$join" in node and rows is not None:
        for item in str(given).split(node.get("with", ",")):
            rows.append({**(_match(node["$join"], item) or {}), "$row": item})
        return {}
    if isinstance(node, Mapping):
        return _match_object(node, given, rows)
    if isinstance(node, list):
        return _match_list(node, given, rows)
    return {} if node == given else None


def _match_list(node: list[Any], given: Any, rows: list[Captured] | None) -> Captured | None:
    """Items in their order, of which those with a condition may be left out."""
    if not isinstance(given, list):
        return None
    found: Captured = {}
    left = list(given)
    for one in node:
        here = _match(one, left[0], rows) if left else None
        if here is not None:
            found |= here
            left.pop(0)
        elif not _may_be_left_out(one):
            return None
    return None if left else found


def _may_be_left_out(node: Any) -> bool:
    return isinstance(node, Mapping) and bool({IF, IF_ANY} & set(node))


def _match_text(node: str, given: Any) -> Captured | None:
    """What stands at the names of a text with others around them; the same name twice is the same."""
    names, pattern, end = list[str](), "", 0
    for found in PLACE.finditer(node):
        pattern += re.escape(node[end : found.start()])
        pattern += re.escape("$") if found[0] == "$$" else "(.*?)"
        names += [] if found[0] == "$$" else [(found[1] or found[3]) + (found[2] or found[4] or "")]
        end = found.end()
    matched = re.fullmatch(pattern + re.escape(node[end:]), str(given), re.DOTALL)
    if matched is None:
        return None
    return {
        name: value for name, value in zip(names, matched.groups(), strict=True) if "|" not in name
    }


def _match_object(
    node: Mapping[str, Any], given: Any, rows: list[Captured] | None
) -> Captured | None:
    if not isinstance(given, dict):
        return None
    if "$fields" in node:
        return {}
    node = unconditional(node)
    marks = {name for name in node if literal(name) is None}
    node = {literal(name) or name: one for name, one in node.items()}
    named = [name for name in node if name.startswith("$") and name in marks and name != "$also"]
    more = [name for name in given if name not in node]
    if "$also" not in node and len(more) > len(named):
        return None
    found: Captured = {}
    for name, one in node.items():
        if name == "$also":
            continue
        if name in named:
            here = next((key for key in more if _match(one, given[key]) is not None), None)
            if here is None:
                return None
            found[name[1:]] = here
            continue
        if name not in given:
            if _may_be_left_out(one) or (isinstance(one, str) and PLACE.fullmatch(one)):
                continue  # a row that lacks it
            return None
        matched = _match(one, given[name], rows)
        if matched is None:
            return None
        found |= matched
    return found


def _words_of(member: str, data: Any) -> set[str]:
    """Texts that stand in a row, and what filters make of them."""
    found, left = {member, *member.split("|")}, [data]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            found.add(one)
    lower = {one.lower() for one in found}
    return found | lower | {FILTERS["md5"](one) for one in lower}


def names_remote_id(offered: form.Object) -> bool:
    """Whether a member is told by the vendor's id alone."""
    return offered.upsert is not None and needs_remote_id(offered, "upsert")


def _row_of(offered: form.Object, data: Any) -> Captured:
    """What a member says of itself: as it was made, or as it was updated."""
    for verb in (offered.upsert, offered.update):
        if verb is not None:
            node = verb.body if verb.per == "row" else item(verb.body)
            if found := _match(node, data):
                return found
    return {}


def _is_open(node: Any) -> bool:
    if isinstance(node, Mapping):
        return "$also" in node or any(map(_is_open, node.values()))
    return isinstance(node, list) and any(map(_is_open, node))


def _named(asked: form.Make, body: Any) -> Any:
    return (_match(asked.body, body) or {}).get("object")


def _row(named: Mapping[Any, str], values: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"row": {}, "inner": {}}
    for name, template in named.items():
        found = PLACE.fullmatch(template)
        path = (found[1] or found[3]) if found else ""
        if path.startswith(("row.", "inner.")) and name in values:
            _put(made, path, values[name])
    return made


def _page(asked: form.Listing, document: Any, rows: list[Any]) -> Any:
    if asked.pages is not None and asked.pages.offset is not None:
        start = int(request.args.get(asked.pages.offset) or 0)
        rows = rows[start : start + (asked.pages.size or len(rows))]
    if asked.rows == "":
        return jsonify(rows)
    _put(document, asked.rows, rows)
    return jsonify(document)


def _document(asked: form.Request, document: Any) -> Response:
    status = asked.answer.statuses[0]
    if asked.answer.empty and not document:
        return Response(status=status)
    answer: Response = jsonify(document)
    answer.status_code = status
    return answer


def _count(document: Any, paths: form.Paths, number: int) -> None:
    for place, path in enumerate([paths] if isinstance(paths, str) else paths):
        _put(document, path, number if place == 0 else 0)


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path, value in flat.items():
        _put(made, path, value)
    return made


def _put(document: Any, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name, following in zip(above, path.split(".")[1:], strict=True):
        made: Any = [] if following.isdigit() else {}
        if isinstance(document, list):
            document += [made] if not document else []
            document = document[int(name)]
        else:
            document = document.setdefault(name, made)
    if isinstance(document, list):
        document.append(value)
    else:
        document[last] = value
