"""Requests of a declared file, compiled, and what is read of their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sync.destinations.answers import Answer
from sync.destinations.declared import form, templates
from sync.destinations.declared.files import DeclaredFile, at
from sync.destinations.declared.form import INDEX
from sync.destinations.http import HttpClient
from sync.destinations.values import json_bytes, plain
from sync.errors import RejectedError, UnexpectedAnswerError
from sync.records import Record

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "list": list,
    "object": dict,
    "text": str,
    "id": (str, int),
    "number": (int, float),
    "boolean": bool,
}
PAGES = 1000  # more than any account has of lists
FORM = "application/x-www-form-urlencoded"


def form_bytes(body: Mapping[str, Any]) -> bytes:
    """An object as a form; a list is its name several times, an object its JSON, and what is null is left out."""
    said = {name: _in_form(value) for name, value in body.items() if value is not None}
    return urlencode(said, doseq=True).encode()


def _in_form(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [templates.as_text(one) for one in value]
    return json_bytes(value).decode() if isinstance(value, dict) else templates.as_text(value)


FORMS: Mapping[str, type | tuple[type, ...]] = {"list": list, "object": dict, "any": (dict, list)}


def answer_of(owed: form.Owed) -> Answer:
    """What an answer must be, for the door."""
    return Answer(
        statuses=frozenset(owed.statuses),
        fields=tuple((path, TYPES[kind]) for path, kind in owed.fields.items()),
        form=FORMS[owed.form],
        empty=owed.empty,
        nothing=owed.empty and not owed.fields,
        word=owed.form == "any",
    )


class Asked:
    """A request of the file, compiled: of one kind of object, or of results."""

    def __init__(self, file: DeclaredFile, kind: str | None, request: form.Request) -> None:
        self.request = request
        per_row = isinstance(request, form.LookUp | form.Read) or (
            isinstance(request, form.Verb) and request.per == "row"
        )
        constant = file.constant
        if not isinstance(request, form.Verb | form.LookUp | form.Read):
            constant = file.with_words("job", "since", "month_before", "campaign_id")
        rows = file.rows(kind, has_into=True) if kind is not None else constant
        scope = rows if per_row else constant
        self.answer = answer_of(request.answer)
        self._path = templates.text(getattr(request, request.method), scope, quoted=True)
        self._query = {
            name: templates.text(value, scope) if isinstance(value, str) else value
            for name, value in request.query.items()
        }
        self._headers = {
            name: templates.text(text, scope) for name, text in request.headers.items()
        }
        is_verb = isinstance(request, form.Verb | form.LookUp | form.Read)
        self._body = templates.body(
            request.body, constant, rows if is_verb else constant, single=per_row
        )
        if isinstance(request, form.Verb):
            self.refusals = [
                (one, None if one.matches == INDEX else templates.text(one.matches, rows))
                for one in request.refused
            ]
            self.ids = None
            if request.ids is not None:
                template = request.ids.matches
                by_name = template not in (None, INDEX)
                self.ids = (request.ids, templates.text(str(template), rows) if by_name else None)

    def send(
        self,
        http: HttpClient,
        words: templates.Words,
        records: Sequence[Record] = (),
        *,
        group: str = "default",
        missing_ok: bool = False,
        more: Mapping[str, Any] | None = None,
        path: str | None = None,
    ) -> Any:
        """Ask, and give the document that was owed."""
        row = records[0] if records else None
        where = self._path(words, row) if path is None else path
        if where is templates.MISSING:
            raise RejectedError(
                f"{http.vendor}: the row lacks what its address is made of.",
                code="no_identifier",
                known=True,
            )
        query = {
            name: plain(value)
            for name, part in self._query.items()
            if (value := part(words, row) if callable(part) else part) is not templates.MISSING
        }
        headers = {name: str(part(words, row)) for name, part in self._headers.items()}
        data = None
        if self._body is not None:
            body = self._body(words, records)
            data = form_bytes(body) if self.request.form else json_bytes(body)
            headers.setdefault("Content-Type", FORM if self.request.form else "application/json")
        return http.request(
            self.request.method.upper(),
            where,
            data=data,
            params={**query, **(more or {})} if path is None else None,
            headers=headers,
            group=self.request.group or group,
            missing_ok=missing_ok,
            answer=self.answer,
        )


def items(answer: Any, path: str, vendor: str) -> list[Any]:
    """The list that stands at a path of an answer; none where nothing does.

    Raises:
        UnexpectedAnswerError: something else stands there.
    """
    found = at(answer, path)
    if not isinstance(found, list | None):
        raise UnexpectedAnswerError(f"{vendor}: '{path}' of an answer is no list.")
    return found or []


def listed(
    asked: Asked, listing: form.Listing, http: HttpClient, words: templates.Words, group: str
) -> Iterator[Any]:
    """Rows of every page."""
    more: dict[str, Any] = {}
    path: str | None = None
    seen = 0
    pages = listing.pages
    if pages is not None and pages.offset is not None:
        more = {pages.offset: 0}
    for _ in range(PAGES):
        answer = asked.send(http, words, group=group, more=more, path=path)
        rows = at(answer, listing.rows)
        if not isinstance(rows, list):
            raise UnexpectedAnswerError(f"{http.vendor}: '{listing.rows}' of an answer is no list.")
        yield from rows
        seen += len(rows)
        if pages is None:
            return
        if pages.offset is not None:
            if len(rows) < (pages.size or 1):
                return
            more = {pages.offset: seen}
        elif pages.cursor is not None:
            cursor = at(answer, pages.cursor)
            if cursor in (None, ""):
                return
            more = {str(pages.as_): cursor}
        else:
            path = at(answer, pages.next or "")
            if not isinstance(path, str) or not path:
                return
    raise UnexpectedAnswerError(f"{http.vendor}: more than {PAGES:,} pages.")


def summed(paths: form.Paths, answer: Any, vendor: str) -> int | None:
    """The sum of counts; None where none is told."""
    named = [paths] if isinstance(paths, str) else paths
    if not named:
        return None
    counts = [at(answer, path) for path in named]
    if not all(type(one) is int and one >= 0 for one in counts):
        raise UnexpectedAnswerError(f"{vendor}: an answer does not count its rows.")
    return sum(one for one in counts if isinstance(one, int))
