"""A destination's class out of a declared file.

What an answer does not say is not taken: sums must agree, whoever is refused must be one of the rows, and an answer that is not what
the file owes is none. A refusal that names nobody is the request's, so that the engine sends halves until it is found.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations.answers import Answer, Fault, codes, raised
from sync.destinations.base import Declaration, UnknownField
from sync.destinations.declared import form, templates
from sync.destinations.declared.asking import TYPES, Asked, items, listed, summed
from sync.destinations.declared.declaring import declaration, settings_type
from sync.destinations.declared.files import (
    LETTING_GO,
    DeclaredFile,
    at,
    names_id,
    names_in,
    names_object,
    needs_remote_id,
)
from sync.destinations.declared.pulling import pulled
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.oauth import RefreshedToken
from sync.destinations.settings import HttpSettings, checked, fingerprint
from sync.destinations.values import is_sha256, json_bytes, one_by_one, same
from sync.errors import (
    AuthError,
    ConfigError,
    DestinationError,
    MisconfiguredError,
    RejectedError,
    UnexpectedAnswerError,
)
from sync.records import (
    Accepted,
    BatchResult,
    JobStatus,
    Record,
    Result,
    RowError,
    SyncObject,
)


def connector(file: DeclaredFile) -> type[Declared]:
    """The class of a vendor: it has the verbs that the file has."""
    vendor = file.vendor
    offers = vendor.objects.values()
    verbs: dict[str, Any] = {}
    if any(one.update_only for one in offers):
        verbs["update"] = Declared._update_only
    if any(one.merge for one in offers):
        verbs["merge"] = Declared._merge
    if any(one.remove for one in offers):
        verbs["remove"] = Declared._remove
    if any(one.erase for one in offers):
        verbs["erase"] = Declared._erase
    if any(one.send for one in offers):
        verbs["send"] = Declared._send
    if any(verb.job for one in offers for verb in (one.upsert, one.remove, one.send) if verb):
        verbs["poll"] = Declared._poll
    if any(one.properties for one in offers):
        verbs["unknown_fields"] = Declared._unknown_fields
    if vendor.pull is not None:
        verbs["pull"] = Declared._pull
    name = "".join(word.title() for word in vendor.name.split("_"))
    return type(
        name,
        (Declared,),
        {
            "__doc__": f"{vendor.title}, as {file.path.name} declares it.",
            "file": file,
            "declaration": declaration(file),
            "settings_type": settings_type(file),
            "sandbox_settings": {
                one: setting.sandbox or "sandbox"
                for one, setting in vendor.settings.items()
                if setting.default is None
            },
            **verbs,
        },
    )


class Declared:
    """What every declared destination does, by its file."""

    file: ClassVar[DeclaredFile]
    declaration: ClassVar[Declaration]
    settings_type: ClassVar[type[HttpSettings]]
    sandbox_settings: ClassVar[dict[str, str]]

    def __init__(self, settings: HttpSettings, target: SyncObject, limiter: Limiter) -> None:
        vendor = self.file.vendor
        if target.kind not in vendor.objects:
            raise ConfigError(
                f"{vendor.name} has no object '{target.kind}'.",
                f"it has {', '.join(vendor.objects)}.",
            )
        self.target = target
        self._object = vendor.objects[target.kind]
        if target.name is None and names_object(self._object):
            raise ConfigError(
                f"{vendor.name}: a {target.kind} wants a name.",
                f"say `object: {{{target.kind}: its name}}` in the sync.",
            )
        self._secrets = _Secrets(settings, vendor)
        self._known_id: str | None = None
        main = form.Host(base_url=vendor.base_url, auth=vendor.auth, headers=vendor.headers)
        self.http = self._client(main, settings, limiter)
        self._hosts = {
            name: self._client(host, settings, limiter) for name, host in vendor.hosts.items()
        }
        self._asked = {
            name: Asked(self.file, target.kind, request)
            for name in ("find", "make", "check", "properties", "read", *form.VERBS)
            if (request := getattr(self._object, name)) is not None
        }
        if self._object.read is not None:
            self.there, self.differing = self._there, self._differing
        self._look_ups = [Asked(self.file, target.kind, one) for one in self._object.look_up]

    def _client(self, host: form.Host, settings: HttpSettings, limiter: Limiter) -> HttpClient:
        vendor, auth = self.file.vendor, host.auth
        base_url = settings.base_url or checked(self._filled(host.base_url), vendor.name)
        headers = {name: self._filled(text) for name, text in host.headers.items()}
        renewed = None
        if auth is None:
            pass
        elif auth.bearer is not None:
            headers["Authorization"] = f"Bearer {self._filled(auth.bearer)}"
        elif auth.basic is not None:
            pair = f"{self._filled(auth.basic.user)}:{self._filled(auth.basic.password)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif auth.headers is not None:
            headers |= {name: self._filled(text) for name, text in auth.headers.items()}
        elif auth.oauth is not None:
            renewed = self._renewed(auth.oauth, getattr(settings, "token_url", None))
        return HttpClient(
            str(base_url),
            vendor=vendor.name,
            limiter=limiter,
            verdicts=self.declaration.verdicts,
            headers=headers,
            auth=renewed,
        )

    def _at(self, asked: Asked) -> HttpClient:
        """The address of a request."""
        host = asked.request.host
        return self.http if host is None else self._hosts[host]

    @property
    def _requests(self) -> int:
        return self.http.requests_sent + sum(one.requests_sent for one in self._hosts.values())

    def _renewed(self, oauth: form.OAuth, token_url: str | None) -> RefreshedToken:
        vendor, refresh = self.file.vendor.name, oauth.refresh_token
        return RefreshedToken(
            HttpClient(
                token_url or checked(self._filled(oauth.token_url), vendor),
                vendor=vendor,
                verdicts=self.declaration.verdicts,
            ),
            client_id=self._filled(oauth.client_id),
            client_secret=SecretStr(self._filled(oauth.client_secret)),
            refresh_token=None if refresh is None else SecretStr(self._filled(refresh)),
            scope=oauth.scope,
            seconds=oauth.seconds or 3600,
        )

    def check(self) -> str:
        check = self._asked["check"]
        self._is_ok(
            check.request, check.send(self._at(check), self._words(None), group=self._group)
        )
        if self._object.find is None:
            return f"the {self.target.kind} can be reached"
        there = "is there" if self._found() is not None else "will be made"
        if self._known_id is None and self._object.make is None:
            raise self._is_missing()
        return f"{self.target.kind} '{self.target.name}' {there}"

    def account(self) -> str:
        account = self.file.vendor.account
        if account.matches is not None:
            given = templates.text(account.matches, self.file.constant)(self._words(None), None)
            return str(given) if given is not templates.MISSING else fingerprint(self.http.base_url)
        path = templates.text(account.get or "", self.file.constant, quoted=True)
        answer = Answer(fields=((account.at or "", (str, int)),))
        http = self.http if account.host is None else self._hosts[account.host]
        found = http.get(path(self._words(None), None), answer=answer)
        return str(at(found, account.at or ""))

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._verb("upsert", records)

    def _update_only(self, records: Sequence[Record]) -> BatchResult:
        return self._verb("update_only", records)

    def _remove(self, records: Sequence[Record]) -> BatchResult:
        return self._verb("remove", records)

    def _merge(self, records: Sequence[Record]) -> BatchResult:
        """Of two rows that are one record there already nothing is asked."""
        one = [row.key for row in records if row.into and self._is_one(row, row.into)]
        result = self._verb("merge", [row for row in records if row.key not in one])
        return replace(result, accepted=[*result.accepted, *map(Accepted, one)])

    def _is_one(self, row: Record, other: Record) -> bool:
        if row.remote_id is not None and other.remote_id is not None:
            return row.remote_id == other.remote_id
        return bool(row.identifiers) and row.identifiers == other.identifiers

    def _erase(self, records: Sequence[Record]) -> BatchResult:
        return self._verb("erase", records)

    def _send(self, records: Sequence[Record]) -> BatchResult:
        return self._verb("send", records)

    def _pull(self, since: dt.datetime) -> Iterator[Result]:
        pull = self.file.vendor.pull
        assert pull is not None  # noqa: S101 - the class has the method only then
        return pulled(
            pull,
            lambda request: Asked(self.file, None, request),
            self._at,
            self._words(None),
            since,
        )

    def _unknown_fields(self, names: Sequence[str]) -> Sequence[UnknownField]:
        """Fields that the vendor has no property for, or lets nobody write."""
        properties = self._object.properties
        if properties is None:
            return []
        verb = self._object.upsert or self._object.send or self._object.update_only
        renames, named = (
            (templates.renames(verb.body), templates.used_fields(verb.body))
            if verb
            else ({}, frozenset())
        )
        try:
            asked = self._asked["properties"]
            rows = list(listed(asked, properties, self._at(asked), self._words(None), self._group))
        except AuthError:
            return []  # these credentials may not read what there is
        known = {str(at(row, properties.name)): row for row in rows}
        unknown = []
        for name in names:
            theirs = renames.get(name, name)
            if name in named:
                continue  # the file says where it stands
            if theirs not in known:
                unknown.append(UnknownField(name, theirs))
            elif any(at(known[theirs], path) != is_ for path, is_ in properties.when.items()):
                unknown.append(UnknownField(name, theirs, "nobody may write"))
        return unknown

    # -- for an audit -----------------------------------------------------------------------------

    def _there(self, records: Sequence[Record]) -> Collection[str]:
        """Keys of those who are there; of whom nobody knows how to ask is there."""
        words = self._reading
        if words is None:
            return set()
        return {record.key for record in records if self._document(record, words) is not None}

    def _differing(self, records: Sequence[Record]) -> Mapping[str, Sequence[str]]:
        """Of those of whom the vendor tells a value, what stands there otherwise than it would be sent."""
        verb, words = self._object.upsert, self._reading
        assert verb is not None  # noqa: S101 - as the file's check says
        if words is None:
            return {}
        node = verb.body if verb.per == "row" else templates.item(verb.body)
        made = templates.compiled(node, self.file.rows(self.target.kind))
        found = {}
        for record in records:
            document = self._document(record, words)
            ours = json.loads(json_bytes(made(words, record)))
            if isinstance(document, dict) and (told := compared(ours, document)):
                found[record.key] = [name for name, is_same in told if not is_same]
        return found

    @property
    def _reading(self) -> dict[str, Any] | None:
        """What a request that reads a row names; None where the object is not there, so that nobody is in it."""
        read = self._object.read
        assert read is not None  # noqa: S101
        object_id = self._object_id(makes=False) if names_id(read) else self._known_id
        if object_id is None and names_id(read) and self._object.find is not None:
            return None
        return self._words(object_id)

    def _document(self, record: Record, words: dict[str, Any]) -> Any:
        """What the vendor has of a row; None where it has nobody like it."""
        asked, read = self._asked["read"], self._object.read
        assert read is not None  # noqa: S101
        row: Record | None = record
        if record.remote_id is None and self._look_ups and "remote_id" in names_in(read):
            row = self._looked_up(words, record)
        if row is None:
            return None
        answer = asked.send(self._at(asked), words, [row], group=self._group, missing_ok=True)
        return None if answer is None else at(answer, read.at)

    @property
    def _group(self) -> str:
        return self._object.group

    # -- verbs ------------------------------------------------------------------------------------

    def _verb(self, name: str, records: Sequence[Record]) -> BatchResult:
        if name not in self._asked:
            raise ConfigError(
                f"{self.http.vendor}: a {self.target.kind} has no '{name}'.",
                f"its modes are {', '.join(self._object.modes)}.",
            )
        able, failed = self._able(records)
        if not able:
            return BatchResult(failed=failed, requests=0)
        before = self._requests
        asked = self._asked[name]
        verb = asked.request
        assert isinstance(verb, form.Verb)  # noqa: S101
        object_id = None
        if names_id(verb):  # who is erased everywhere is, whether there is a list or not
            object_id = self._object_id(makes=name not in LETTING_GO)
        if object_id is None and names_id(verb) and self._object.find is not None:
            if name == "erase":  # an object that is not there is not made for it, and has nobody
                accepted = [Accepted(record.key) for record in able]
                return BatchResult(accepted, failed, requests=self._requests - before)
            # It may have another name by now, and those who are to go still be on it.
            raise self._is_missing()
        words = self._words(object_id)
        passed_over: list[str] = []
        if self._look_ups and needs_remote_id(self._object, name):
            result = one_by_one(able, lambda one: self._found_row(name, words, one, passed_over))
            return replace(
                result,
                failed=[*failed, *result.failed],
                passed_over=passed_over,
                requests=self._requests - before,
            )
        moved = [one for one in able if self._has_new_address(name, one)]
        result = one_by_one(moved, lambda one: self._update(asked, words, one, passed_over))
        left = [record for record in able if record not in moved] if moved else able
        if left and result.error is not None:
            result = replace(result, unsent=[*result.unsent, *(record.key for record in left)])
        elif left:
            if name == "update_only":
                part = one_by_one(left, lambda one: self._if_there(asked, words, one, passed_over))
            else:
                part = self._all(asked, verb, words, left)
            result = _both(result, part)
        if name == "upsert":
            result = self._folded(result, left)
        return BatchResult(
            result.accepted,
            [*failed, *result.failed],
            result.pending,
            passed_over,
            result.job,
            self._requests - before,
            result.error,
            result.unsent,
        )

    def _all(
        self, asked: Asked, verb: form.Verb, words: templates.Words, records: Sequence[Record]
    ) -> BatchResult:
        if verb.per == "row":
            return one_by_one(records, lambda record: self._one(asked, verb, words, record))
        return self._many(asked, verb, words, records)

    def _if_there(
        self, asked: Asked, words: templates.Words, record: Record, passed_over: list[str]
    ) -> Accepted | RowError | None:
        answer = asked.send(self._at(asked), words, [record], group=self._group, missing_ok=True)
        if answer is None:
            passed_over.append(record.key)
            return None
        verb = asked.request
        assert isinstance(verb, form.Verb)  # noqa: S101
        self._is_ok(verb, answer)
        result = self._outcome(asked, verb, answer, [record])
        return result.failed[0] if result.failed else result.accepted[0]

    # -- rows by an id of the vendor's ------------------------------------------------------------

    def _found_row(
        self, name: str, words: templates.Words, record: Record, passed_over: list[str]
    ) -> Accepted | RowError | None:
        """A row of an object whose rows are looked up: by its id, and where that is not known, or gone, by what finds it."""
        known, merges = record.remote_id is not None, name == "merge"
        found = record if known else self._looked_up(words, record, is_exact=merges)
        for former in () if merges else record.formers:
            if found is None:  # made without an answer
                was = replace(record, identifiers=former)
                there = self._looked_up(words, was, is_exact=True)
                found = there and replace(record, remote_id=there.remote_id)
        while found is not None:
            if merges:
                named = self._with_who_stays(words, found, is_needed=not known)
                if not isinstance(named, Record):
                    return named
                found = named
            updates = name in ("upsert", "update_only") and "update" in self._asked
            asked = self._asked["update" if updates else name]
            verb = asked.request
            assert isinstance(verb, form.Verb)  # noqa: S101
            answer = asked.send(
                self._at(asked), words, [found], group=self._group, missing_ok=verb.missing_ok
            )
            if answer is not None or verb.answer.empty:
                outcome = self._of_one(asked, verb, answer, found)
                if isinstance(outcome, Accepted) and outcome.remote_id is None:
                    return Accepted(record.key, found.remote_id)
                return outcome
            if not known:
                break
            asked_anew = replace(record, remote_id=None)
            known, found = False, self._looked_up(words, asked_anew, is_exact=merges)
        if merges and found is not None and self._names_who_stays:
            return self._nobody_stays(record)
        if name in LETTING_GO:
            return Accepted(record.key)
        if name == "update_only":
            passed_over.append(record.key)
            return None
        if "update" not in self._asked:
            return RowError(record.key, "not_there", f"{self.file.vendor.title} has nobody like it")
        asked = self._asked[name]
        assert isinstance(asked.request, form.Verb)  # noqa: S101
        return self._one(asked, asked.request, words, replace(record, remote_id=None))

    @property
    def _names_who_stays(self) -> bool:
        """Whether a merge says the vendor's id of whom a row goes into."""
        return self._object.merge is not None and "into.remote_id" in names_in(self._object.merge)

    def _with_who_stays(
        self, words: templates.Words, record: Record, *, is_needed: bool
    ) -> Record | Accepted | RowError:
        """A row to merge, with the vendor's id of whom it goes into; accepted where that is the same record.

        An id that was looked up is held against that of who stays, who may have the other's address by now: `is_needed` says so.
        """
        into = record.into
        assert into is not None  # noqa: S101 - the engine says so
        if into.remote_id is None and (is_needed or self._names_who_stays):
            there = self._looked_up(words, into, is_exact=True)
            if there is None and self._names_who_stays:
                return self._nobody_stays(record)
            into = there or into
        if into.remote_id == record.remote_id:
            return Accepted(record.key)
        return replace(record, into=into)

    def _nobody_stays(self, record: Record) -> RowError:
        said = f"{self.file.vendor.title} does not have the record that it was merged into"
        return RowError(record.key, "not_there", said)

    def _looked_up(
        self, words: templates.Words, record: Record, *, is_exact: bool = False
    ) -> Record | None:
        """A row with the vendor's id of it; with `is_exact`, by the strongest identifier that it has alone: a weaker may be another's."""
        for asked in self._look_ups:
            look_up = asked.request
            assert isinstance(look_up, form.LookUp)  # noqa: S101
            if not record.identifiers.get(look_up.by):
                continue
            answer = asked.send(
                self._at(asked), words, [record], group=self._group, missing_ok=True
            )
            if rows := self._found_rows(look_up, answer):
                found = at(rows[0], look_up.id)
                if not isinstance(found, str | int) or found == "":
                    raise UnexpectedAnswerError(f"{self.http.vendor}: who was found has no id.")
                return replace(record, remote_id=str(found))
            if is_exact:
                return None
        return None

    def _found_rows(self, look_up: form.LookUp, answer: Any) -> list[Any]:
        if answer is None:
            return []
        found = at(answer, look_up.rows)
        if isinstance(found, dict):
            return list(found.values())
        return items(answer, look_up.rows, self.http.vendor)

    def _has_new_address(self, name: str, record: Record) -> bool:
        return (
            name in ("upsert", "update_only")
            and self._object.update is not None
            and record.has_new_address
            and record.remote_id is not None
        )

    def _update(
        self, otherwise: Asked, words: templates.Words, record: Record, passed_over: list[str]
    ) -> Accepted | RowError | None:
        """A row with a new address, by the id that the vendor gave it; where that is gone, by the address."""
        asked, verb = self._asked["update"], self._object.update
        assert verb is not None  # noqa: S101 - as `_has_new_address` says
        answer = asked.send(self._at(asked), words, [record], group=self._group, missing_ok=True)
        if answer is None:
            if otherwise.request is self._object.update_only:
                return self._if_there(otherwise, words, record, passed_over)
            assert isinstance(otherwise.request, form.Verb)  # noqa: S101
            result = self._all(otherwise, otherwise.request, words, [record])
            if result.error is not None:
                raise result.error
            return result.failed[0] if result.failed else result.accepted[0]
        self._is_ok(verb, answer)
        result = self._outcome(asked, verb, answer, [record])
        return result.failed[0] if result.failed else result.accepted[0]

    def _folded(self, result: BatchResult, records: Sequence[Record]) -> BatchResult:
        """Of rows that were taken, whoever has another address than before where the address is the record: the old one goes into the
        new, and a row of which it does not is refused.
        """
        if self._object.merge is None:
            return result
        for place in range(max((len(record.formers) for record in records), default=0)):
            result = self._fold_each(result, records, place)
        return result

    def _fold_each(self, result: BatchResult, records: Sequence[Record], place: int) -> BatchResult:
        """The same of one of the addresses of before of each."""
        taken = {row.key for row in result.accepted}
        moved = [
            Record(record.key, former, into=record)
            for record in records
            if record.key in taken and (self._object.update is None or record.remote_id is None)
            for former in record.formers[place : place + 1]
            if any(
                former.get(name) not in (None, record.identifiers.get(name))
                for name in self._object.found_by
            )
        ]
        if not moved:
            return result
        folded = self._verb("merge", moved)
        done = {row.key for row in folded.accepted}
        left = {record.key for record in moved} - done - {row.key for row in folded.failed}
        return replace(
            result,
            accepted=[
                row
                for row in result.accepted
                if row.key in done or row.key not in {record.key for record in moved}
            ],
            failed=[*result.failed, *folded.failed],
            error=result.error or folded.error,
            unsent=[*result.unsent, *left],
        )

    def _able(self, records: Sequence[Record]) -> tuple[list[Record], list[RowError]]:
        """Rows that may be sent: whoever must be hashed is."""
        hashed, able, failed = self._object.hashed, [], []
        for record in records:
            if any(
                name in record.identifiers and not is_sha256(record.identifiers[name])
                for name in hashed
            ):
                said = "an identifier is not a SHA-256 in lower-case hex"
                failed.append(RowError(record.key, "not_hashed", said, retryable=False))
            elif (
                self._object.identifiers
                and not any(record.identifiers.values())
                and not record.remote_id
            ):
                failed.append(RowError(record.key, "no_identifier", "the row names nobody", False))
            else:
                able.append(record)
        return able, failed

    def _one(
        self, asked: Asked, verb: form.Verb, words: templates.Words, record: Record
    ) -> Accepted | RowError:
        answer = asked.send(
            self._at(asked), words, [record], group=self._group, missing_ok=verb.missing_ok
        )
        if answer is None:
            return Accepted(record.key, record.remote_id)
        return self._of_one(asked, verb, answer, record)

    def _of_one(
        self, asked: Asked, verb: form.Verb, answer: Any, record: Record
    ) -> Accepted | RowError:
        self._is_ok(verb, answer)
        result = self._outcome(asked, verb, answer, [record])
        return result.failed[0] if result.failed else result.accepted[0]

    def _many(
        self, asked: Asked, verb: form.Verb, words: templates.Words, records: Sequence[Record]
    ) -> BatchResult:
        answer = asked.send(self._at(asked), words, records, group=self._group)
        self._is_ok(verb, answer)
        if verb.job is not None:
            job = at(answer, verb.job.id)
            if not isinstance(job, str | int) or job == "":
                raise UnexpectedAnswerError(f"{self.http.vendor}: the answer names no job.")
            return BatchResult(pending=[record.key for record in records], job=str(job))
        return self._outcome(asked, verb, answer, records)

    def _is_ok(self, verb: form.Request, answer: Any) -> None:
        """A success says what the file wants it to; what says otherwise is a refusal, whatever its status."""
        wrong = [path for path, wanted in verb.ok.items() if at(answer, path) != wanted]
        if not wrong:
            owed = Answer(fields=tuple((path, TYPES[kind]) for path, kind in verb.has.items()))
            if verb.has and (missing := owed.misses(200, has_body=True, body=answer)):
                raise UnexpectedAnswerError(
                    f"{self.http.vendor}: an answer of success with {missing}: nothing counts as taken."
                )
            return
        found = codes(answer)
        said = f"{self.http.vendor}: an answer of success has another '{wrong[0]}'"
        said += f" ({found[0]})." if found else "."
        verdict = self.declaration.verdicts.find(200, found)
        if verdict is not None:
            raise raised(verdict, self.http.vendor, said, code=found[0] if found else None)
        # Of which nobody said whose fault it is: not the rows', as far as is known.
        raise UnexpectedAnswerError(said)

    def _outcome(
        self, asked: Asked, verb: form.Verb, answer: Any, records: Sequence[Record]
    ) -> BatchResult:
        words = self._words(self._known_id)
        named = self._named(asked.refusals, answer, records, words)
        self._sums(verb.taken_count, verb.refused_count, answer, len(records), len(named))
        refused = {key: code for key, code in named.items() if code is not None}
        ids = self._ids(asked, answer, records, words)
        accepted, failed, open_ = [], [], []
        error: DestinationError | None = None
        for record in records:
            if (code := refused.get(record.key)) is None:
                accepted.append(Accepted(record.key, ids.get(record.key)))
                continue
            verdict = self.declaration.verdicts.find(None, [code])
            if verdict is not None and verdict.fault is not Fault.ROW:
                said = f"{self.http.vendor}: rows are refused ({code})."
                error = error or raised(verdict, self.http.vendor, said, code=code)
                open_.append(record.key)
            else:
                failed.append(RowError(record.key, code, f"refused by {self.file.vendor.title}"))
        if error is not None and not accepted and not failed:
            raise error
        # What was taken stays taken, or an event would be sent twice.
        return BatchResult(accepted, failed, error=error, unsent=open_)

    def _named(
        self,
        refusals: Sequence[tuple[form.Refused, templates.Part | None]],
        answer: Any,
        records: Sequence[Record],
        words: templates.Words,
    ) -> dict[str, str | None]:
        """Keys of the rows that an answer names, with the vendor's codes, or None where the row is as it should be.

        The first that fits counts.
        """
        named: dict[str, str | None] = {}
        for one, template in refusals:
            told = self._told(answer, one.rows, one.by, len(records))
            by_name: dict[str, list[str]] = {}
            for place, record in enumerate(records):
                value = place if template is None else template(words, record)
                if value is not templates.MISSING:
                    by_name.setdefault(templates.as_text(value).lower(), []).append(record.key)
            for number, item in enumerate(told):
                if any(at(item, path) != wanted for path, wanted in one.when.items()) or (
                    one.unless and all(at(item, path) == is_ for path, is_ in one.unless.items())
                ):
                    continue
                given = (
                    number if one.by == form.INDEX else item if one.by is None else at(item, one.by)
                )
                code = at(item, one.code) if one.code else None
                word = str(code) if _is_code(code) else one.status
                for name in given if isinstance(given, list) else [given]:
                    keys = by_name.get(templates.as_text(name).lower())
                    if keys is None:
                        said = f"{self.http.vendor}: a row is refused and not told apart ({word})."
                        raise self._unnamed(said, len(records), word)
                    for key in keys:
                        named.setdefault(key, None if one.done else word)
        return named

    def _told(self, answer: Any, rows: str, by: str | None, sent: int) -> list[Any]:
        """What an answer says of rows; where a row is told by its place, of each of them."""
        told = items(answer, rows, self.http.vendor)
        if by == form.INDEX and len(told) != sent:
            raise UnexpectedAnswerError(
                f"{self.http.vendor}: an answer says what became of {len(told):,} rows, and {sent:,} were sent."
            )
        return told

    def _sums(
        self, taken: form.Paths, refused: form.Paths, answer: Any, sent: int, named: int
    ) -> None:
        """What an answer counts must be what it names.

        Raises:
            RejectedError: rows were refused that it does not name.
            UnexpectedAnswerError: it counts other rows than were sent.
        """
        vendor = self.http.vendor
        counted_refused = summed(refused, answer, vendor)
        if counted_refused is not None and counted_refused > named:
            raise self._unnamed(
                f"{vendor}: {counted_refused - named} rows are refused and not named.", sent
            )
        counted = summed(taken, answer, vendor)
        if counted is not None and counted < sent - named:
            raise self._unnamed(
                f"{vendor}: it took {counted:,} of {sent:,} rows, and does not name the others.",
                sent,
            )
        if counted is not None and counted > sent:
            raise UnexpectedAnswerError(
                f"{vendor}: it counts more rows than the {sent:,} that were sent."
            )

    def _unnamed(self, said: str, sent: int, code: str | None = None) -> DestinationError:
        """Some of a request's rows are refused, and nobody knows which: halves are sent, unless the others would be so twice."""
        if sent > 1 and self._object.delivery == "at_least_once":
            return UnexpectedAnswerError(said)
        return RejectedError(said, code=code)

    def _ids(
        self, asked: Asked, answer: Any, records: Sequence[Record], words: templates.Words
    ) -> dict[str, str]:
        if asked.ids is None:
            return {}
        ids, template = asked.ids
        if ids.rows is None:
            found = at(answer, ids.id)
            return {} if found in (None, "") else {record.key: str(found) for record in records}
        by_name = {}
        for number, item in enumerate(self._told(answer, ids.rows, ids.by, len(records))):
            name = number if ids.by == form.INDEX else at(item, ids.by or "")
            by_name[str(name).lower()] = at(item, ids.id)
        given = {}
        for number, record in enumerate(records):
            name = number if ids.by == form.INDEX else templates.MISSING
            if template is not None:
                name = template(words, record)
            if (found := by_name.get(str(name).lower())) not in (None, ""):
                given[record.key] = str(found)
        return given

    def _poll(self, job: str) -> JobStatus:
        verb = next(
            verb
            for verb in (self._object.upsert, self._object.remove, self._object.send)
            if verb is not None and verb.job is not None
        )
        told = verb.job
        assert told is not None  # noqa: S101
        asked = Asked(self.file, None, told.poll)
        words = {**self._words(self._known_id), "job": job}
        answer = asked.send(self._at(asked), words, group=self._group)
        status = at(answer, told.status)
        if status in told.running:
            return JobStatus(done=False)
        if status in told.failed:
            return JobStatus(done=True, all_failed=str(status).lower())
        if status in told.partly:
            return JobStatus(done=True, some_failed=str(status).lower())
        if status not in told.done:
            raise UnexpectedAnswerError(
                f"{self.http.vendor}: a job is in a state that the file has not."
            )
        vendor = self.http.vendor
        return JobStatus(
            done=True,
            total_count=summed(told.total_count, answer, vendor),
            taken_count=summed(told.taken_count, answer, vendor),
            failed_count=summed(told.refused_count, answer, vendor),
        )

    # -- the object -------------------------------------------------------------------------------

    def _object_id(self, *, makes: bool) -> str | None:
        if self._object.id is not None:
            given = templates.text(self._object.id, self.file.constant)(self._words(None), None)
            self._known_id = None if given is templates.MISSING else str(given)
            return self._known_id
        if self._object.find is None:
            return None
        found = self._found()
        if found is None and makes:
            make = self._object.make
            if make is None:
                raise self._is_missing()
            asked = self._asked["make"]
            made = at(asked.send(self._at(asked), self._words(None), group=self._group), make.id)
            if not isinstance(made, str | int) or made == "":
                raise UnexpectedAnswerError(f"{self.http.vendor}: what was made has no id.")
            for http in (self.http, *self._hosts.values()):
                http.made()
            found = self._known_id = str(made)
        return found

    def _found(self) -> str | None:
        find = self._object.find
        assert find is not None  # noqa: S101
        if self._known_id is None:
            asked = self._asked["find"]
            for row in listed(asked, find, self._at(asked), self._words(None), self._group):
                if at(row, find.name) == self.target.name:
                    found = at(row, find.id)
                    if not isinstance(found, str | int) or found == "":
                        raise UnexpectedAnswerError(
                            f"{self.http.vendor}: what was found has no id."
                        )
                    self._known_id = str(found)
                    break
        return self._known_id

    def _is_missing(self) -> MisconfiguredError:
        return MisconfiguredError(
            f"{self.http.vendor}: there is no {self.target.kind} '{self.target.name}'.",
            f"make it in {self.file.vendor.title}, or name another in the sync's object.",
        )

    def _words(self, object_id: str | None) -> dict[str, Any]:
        words: dict[str, Any] = dict(self._secrets.plain)
        if self.target.name is not None:
            words["object"] = self.target.name
        if object_id is not None:
            words["object_id"] = object_id
        return words

    def _filled(self, template: str) -> str:
        found = templates.text(template, self.file.constant)(self._secrets.all(), None)
        return "" if found is templates.MISSING else str(found)


class _Secrets:
    """Settings by name; those that are secret are given only to headers, and shown by nothing."""

    def __init__(self, settings: HttpSettings, vendor: form.Vendor) -> None:
        self._settings = settings
        self._names = list(vendor.settings)
        self.plain = {
            name: getattr(settings, name)
            for name, setting in vendor.settings.items()
            if not setting.secret
        }

    def all(self) -> dict[str, Any]:
        found = {name: getattr(self._settings, name) for name in self._names}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in found.items()
        }


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Names that a document of the vendor's has too, and whether the same stands there."""
    found: list[tuple[str, bool]] = []
    for name, value in ours.items():
        if name not in theirs:
            continue
        if isinstance(value, dict) and isinstance(theirs[name], dict):
            found += compared(value, theirs[name])
        elif isinstance(value, dict | list) or isinstance(theirs[name], dict | list):
            found.append((name, value == theirs[name]))
        else:
            found.append((name, same(value, theirs[name])))
    return found


def _both(first: BatchResult, second: BatchResult) -> BatchResult:
    """What became of the rows of two requests."""
    return replace(
        second,
        accepted=[*first.accepted, *second.accepted],
        failed=[*first.failed, *second.failed],
    )


def _is_code(value: Any) -> bool:
    return isinstance(value, str | int) and bool(codes({"code": value}))
