"""HubSpot: contacts, companies, deals and custom objects, created or updated by a property that is unique, and lists of contacts.

Read 2026-11-24: developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide (batch endpoints take 100 records; upsert by
`idProperty`, which must be a property with unique values; an empty text clears a property), .../crm-companies-v3/guide (`domain`
is not unique, so companies are keyed on a property of our own), .../crm/search-the-crm (4 searches a second), .../crm-lists-v3
(MANUAL lists take record ids), .../usage-details (private apps: 190 requests in 10 seconds on Professional and up, 100 below).

Read 2026-11-28: .../crm-contacts-v3 (a batch is done when its status is COMPLETE), legacydocs.hubspot.com/docs/methods/contacts/
get-secondary-email-addresses-by-vid (a contact's other addresses are in `hs_additional_emails`), .../error-handling (423 locked for
two seconds, 477 migration with Retry-After; the fields of an error are optional), and the categories that public code tells apart.

Read 2026-11-29: developers.hubspot.com/docs/api-reference/legacy/crm/properties/get-properties (what properties there are, and
`modificationMetadata.readOnlyValue`), github.com/HubSpot/hubspot-api-php/issues/171 (a private app's token tells its scopes, and to
public code without a scope of its own), .../crm-lists-v3 (members are put on MANUAL and SNAPSHOT lists; a DYNAMIC one fills itself).

Read 2026-11-29, description v3 and .../crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-update (by id, of which an address is a
property like any other), github.com/HubSpot/hubspot-api-python/issues/51 (409 CONFLICT, of the whole request, where an address is
another contact's).

Erasure, read 2026-11-29: developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/gdpr/gdpr-delete-contact (a contact and all
that belongs to it, for good; by id, since an address that no contact has would be put on a blocklist).

Merging, read 2026-11-29: developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/merge-contacts and the guides (for good; the
record that is left may have an id that neither had).

Read 2026-11-29: .../crm/objects/deals/guide and .../crm/objects/custom-objects/guide (the same endpoints by the type's name),
.../crm/properties/get-property-groups (a property wants a group). Associations, tasks and events are hubspot_links, and results
hubspot_results.

A 207 answer holds results and errors side by side. A company that HubSpot already has under the same domain is taken over, not
made a second time. Nobody's subscriptions are touched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from sync.destinations import hubspot_links, hubspot_results
from sync.destinations.answers import NO_CONTENT, TEXT_ID, Answer, Fault, Verdict, Verdicts
from sync.destinations.base import (
    Declaration,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
    UnknownField,
)
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.hubspot_links import COMPANY_KEY, CONTACTS, Links, text
from sync.destinations.settings import Address, HttpSettings
from sync.destinations.values import merged_one_by_one, plain, same
from sync.errors import (
    AuthError,
    DestinationError,
    MisconfiguredError,
    RejectedError,
    UnexpectedAnswerError,
)
from sync.records import (
    Accepted,
    BatchResult,
    Mode,
    Record,
    Result,
    RowError,
    SyncObject,
)

API_VERSION = "v3"
# Our name of a column -> HubSpot's name of the property.
CONTACT_PROPERTIES = {
    "first_name": "firstname",
    "last_name": "lastname",
    "job_title": "jobtitle",
    "street": "address",
    "postal_code": "zip",
    "language": "hs_language",
}
COMPANY_PROPERTIES = {"account_name": "name", "employee_count": "numberofemployees"}
DEAL_PROPERTIES = {"name": "dealname", "stage": "dealstage", "closed_at": "closedate"}
# Kinds that are keyed on a property of ours: it, and the group that it is made in; a custom object's is asked for.
OWN_KEYS: dict[str, tuple[str, str | None]] = {
    "company": (COMPANY_KEY, "companyinformation"),
    "deal": ("headwater_deal_id", "dealinformation"),
    "custom_object": ("headwater_id", None),
}
OWN_KEY_NAMES = frozenset(name for name, _ in OWN_KEYS.values())
CONTACT_TYPE_ID = "0-1"
BATCH_ROWS = 100  # of each batch request
SECOND_ADDRESSES = "hs_additional_emails"  # separated by semicolons
RECORD_ID = "id"  # of every record, beside its properties


RESULTS = Answer(frozenset({200, 201, 207}), (("results", list), ("status", str)))
SEARCHED = Answer(fields=(("results", list),))
TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105
SCOPES_OF_TOKEN = Answer(fields=(("scopes", list),))
_CONTACTS = frozenset({"crm.objects.contacts.read", "crm.objects.contacts.write"})
_COMPANIES = frozenset({"crm.objects.companies.read", "crm.objects.companies.write"})
SCOPES = {
    "contact": _CONTACTS,
    "list": _CONTACTS | {"crm.lists.read", "crm.lists.write"},
    "company": _COMPANIES,
    "deal": frozenset({"crm.objects.deals.read", "crm.objects.deals.write"}),
    "custom_object": frozenset({"crm.objects.custom.read", "crm.objects.custom.write"}),
    "association": _CONTACTS | _COMPANIES,
    "task": _CONTACTS | _COMPANIES,
    "event": frozenset({"behavioral_events.event_definitions.read_write"}),
}
CREATED = Answer(frozenset({201}), (("name", str),))
FOUND = Answer(fields=(("name", str),))
LIST = Answer(fields=(("list.listId", TEXT_ID),))
MERGED = Answer(frozenset({200}), (("id", TEXT_ID),))
MEMBERS = Answer(
    fields=(("recordIdsMissing", list), ("recordIdsRemoved", list), ("recordsIdsAdded", list))
)

_TOKEN = Verdict(Fault.AUTH)
_PROPERTY = Verdict(
    Fault.CONFIGURATION,
    "a property is not in HubSpot: make it there, rename the column by fields:, or leave it out of the model.",
    may_be_new=True,
)
_ROW = Verdict(Fault.ROW)
VERDICTS = Verdicts(
    {
        **{
            (None, code): _TOKEN
            for code in ("INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION", "MISSING_SCOPES")
        },
        **{(None, code): Verdict(Fault.WAIT) for code in ("RATE_LIMITS", "RATE_LIMIT")},
        **{(None, code): _ROW for code in ("INVALID_EMAIL", "CONFLICT")},
        (None, "PROPERTY_DOESNT_EXIST"): _PROPERTY,
        (409, None): _ROW,
        (423, None): Verdict(Fault.WAIT, seconds=2.0),
        (477, None): Verdict(Fault.WAIT, "HubSpot is moving the account; push again later."),
    }
)


class HubspotSettings(HttpSettings):
    """The private app."""

    access_token: SecretStr
    base_url: Address = "https://api.hubapi.com"


def _object(
    member: str,
    identifiers: frozenset[str],
    found_by: tuple[str, ...] = (),
    *modes: Mode,
    merges: bool = True,
) -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE, *modes}),
        batch_rows=BATCH_ROWS,
        identifiers=identifiers,
        member=member,
        found_by=found_by,
        updates_by_id=bool(found_by),
        merges=merges,
        conflicts={"CONFLICT": ("email",)} if found_by else {},
        partial_failure=PartialFailure.PER_ROW,
        rate_group="crm",
    )


class Hubspot:
    """Fills contacts (unique by e-mail), companies (unique by our account id), or a list of contacts.

    Removing archives a contact or company; it takes a contact off a list and leaves the contact.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="hubspot",
        title="HubSpot",
        api_version=API_VERSION,
        objects={
            "contact": _object(
                "record id", frozenset({"email"}), ("email",), Mode.UPDATE_ONLY, Mode.CREATE_ONLY
            ),
            "company": _object("record id", frozenset({"domain"})),
            "list": _object("record id", frozenset({"email"}), ("email",), Mode.UPDATE_ONLY),
            "deal": _object("record id", frozenset({"email", "account_id"}), merges=False),
            "custom_object": _object("record id", frozenset(), merges=False),
            **hubspot_links.OBJECTS,
        },
        pulls=True,
        asks_account=True,
        rate_limits={
            "crm": RateLimit(requests=90, seconds=10, parallel=4),
            "search": RateLimit(requests=4, seconds=1, parallel=1),
            "default": RateLimit(requests=90, seconds=10, parallel=2),
        },
        settings_help={
            "access_token": "private app token with crm.objects contacts and companies, read and write, "
            "crm.schemas.companies.write and crm.lists, read and write; for the other objects theirs, and content to pull"
        },
        erasure=Erasure(
            "the contact is deleted for good, with all that belongs to it",
            whole_account=True,
            objects=frozenset({"contact", "list"}),
        ),
        verdicts=VERDICTS,
    )
    settings_type: ClassVar[type[HubspotSettings]] = HubspotSettings
    sandbox_settings: ClassVar[dict[str, str]] = {"access_token": "sandbox"}

    def __init__(self, settings: HubspotSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self._is_company = target.kind == "company"
        nothing: tuple[str | None, str | None] = (None, None)
        self._own_key, self._group = OWN_KEYS.get(target.kind, nothing)
        self._kind = {
            "company": "companies",
            "deal": "deals",
            "task": "tasks",
            "custom_object": quote(target.name or "", safe=""),
        }.get(target.kind, CONTACTS)
        self._names = {
            "company": COMPANY_PROPERTIES, "deal": DEAL_PROPERTIES, "custom_object": {},
        }.get(target.kind, CONTACT_PROPERTIES)  # fmt: skip
        self._objects = f"/crm/v3/objects/{self._kind}"
        self._token = settings.access_token
        self._key_property_exists = self._own_key is None
        self._list_id: str | None = None
        self._on_list: set[str] | None = None
        self.http = HttpClient(
            settings.base_url,
            vendor="hubspot",
            limiter=limiter,
            verdicts=VERDICTS,
            headers={"Authorization": f"Bearer {self._token.get_secret_value()}"},
        )
        self._links = Links(self.http)

    def check(self) -> str:
        self.http.get(self._objects, {"limit": 1}, answer=SEARCHED)
        self._check_scopes()
        if self.target.kind == "list":
            return f"list '{self.target.name}' {'is there' if self._found() else 'will be made'}"
        return f"{self._kind} can be read and written"

    def _check_scopes(self) -> None:
        """Whether the token has every scope that the sync needs. Tokens of other kinds than a private app's do not tell theirs."""
        try:
            answer = self.http.post(
                TOKEN_INFO, {"tokenKey": self._token.get_secret_value()}, answer=SCOPES_OF_TOKEN
            )
        except (RejectedError, MisconfiguredError, AuthError):
            return
        missing = sorted(SCOPES[self.target.kind] - set(answer["scopes"]))
        if missing:
            raise AuthError(
                f"hubspot: the token lacks the scopes {', '.join(missing)}, which a {self.target.kind} needs.",
                "add them to the private app in HubSpot.",
            )

    def unknown_fields(self, names: Sequence[str]) -> Sequence[UnknownField]:
        if self.target.kind in hubspot_links.OBJECTS:
            return []  # they have the fields that their declaration says, or an event's own
        try:
            rows = self.http.get(f"/crm/v3/properties/{self._kind}", answer=SEARCHED)["results"]
        except AuthError:
            return []  # these credentials may not read what properties there are
        known = {row["name"]: row.get("modificationMetadata") or {} for row in rows}
        unknown = []
        for name in names:
            theirs = self._names.get(name, name)
            if theirs not in known:
                unknown.append(UnknownField(name, theirs))
            elif known[theirs].get("readOnlyValue") is True:
                unknown.append(UnknownField(name, theirs, "nobody may write"))
        return unknown

    def account(self) -> str:
        """The portal's id, which every private app may read.

        https://developers.hubspot.com/docs/api-reference/legacy/account/account-information/guide, read 2026-11-28.
        """
        answer = Answer(fields=(("portalId", int),))
        return str(self.http.get("/account-info/v3/details", answer=answer)["portalId"])

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        if self.target.kind == "association":
            return self._links.associate(records)
        return self._write(records)

    def send(self, records: Sequence[Record]) -> BatchResult:
        """Make tasks, or send events of the name that the sync's object has."""
        if self.target.kind == "task":
            return self._links.make_tasks(records)
        return self._links.send_events(self.target.name or "", records)

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        """What became of marketing e-mails."""
        return hubspot_results.pulled(self.http, since)

    def update(self, records: Sequence[Record]) -> BatchResult:
        """Update contacts that HubSpot has; who is on the list is whom it has."""
        return self._write(records, only_known=True)

    def create(self, records: Sequence[Record]) -> BatchResult:
        """Make contacts that HubSpot has not, by any of their addresses."""
        first, failed = self._distinct(records)
        if not first:
            return BatchResult(failed=failed, requests=0)
        before = self.http.requests_sent
        passed_over = self._known(first)
        missing = {one: record for one, record in first.items() if record.key not in passed_over}
        accepted, refused, error = list[Accepted](), list[RowError](), None
        if missing:
            inputs = [
                {"properties": self._input(record)["properties"]} for record in missing.values()
            ]
            accepted, refused, error = self._taken(self._batch("create", inputs), missing)
        return BatchResult(
            accepted,
            [*failed, *refused],
            passed_over=sorted(passed_over),
            requests=self.http.requests_sent - before,
            error=error,
        )

    def _distinct(self, records: Sequence[Record]) -> tuple[dict[str, Record], list[RowError]]:
        """Rows by what is unique of them, and those that cannot go."""
        first: dict[str, Record] = {}
        failed = []
        for record in records:
            if not (unique := self._unique(record)):
                failed.append(RowError(record.key, "no_identifier", "the row has no e-mail", False))
            elif first.setdefault(unique, record) is not record:
                # HubSpot refuses a batch that names one record twice.
                said = f"another row has the same {self._id_property}"
                failed.append(RowError(record.key, "duplicate", said, False))
        return first, failed

    def _known(self, rows: Mapping[str, Record]) -> set[str]:
        """Keys of the rows whose contact is there, under any of its addresses."""
        addresses = self._ids_of(rows)
        return {record.key for unique, record in rows.items() if unique in addresses}

    def _write(self, records: Sequence[Record], *, only_known: bool = False) -> BatchResult:
        first, failed = self._distinct(records)
        if not first:
            return BatchResult(failed=failed, requests=0)
        before = self.http.requests_sent
        passed_over = list[str]()
        self._ensure_key_property()
        if self._is_company:
            self._take_over([record for record in first.values() if not record.remote_id])
        accepted, refused, error = self._readdress(first)
        if only_known and first and error is None:
            known = self._known(first)
            passed_over = [record.key for record in first.values() if record.key not in known]
            first = {one: record for one, record in first.items() if record.key in known}
        if first and error is None:
            answer = self._batch("upsert", [self._input(record) for record in first.values()])
            taken, others, error = self._taken(answer, first)
            accepted, refused = [*accepted, *taken], [*refused, *others]
        if self.target.kind == "deal":
            accepted, refused = self._tied(records, accepted, refused)
        if self.target.kind == "list":
            missing = self._memberships("add", [row.remote_id for row in accepted if row.remote_id])
            refused += [
                RowError(row.key, "not_on_the_list", "HubSpot did not put the contact on the list")
                for row in accepted
                if row.remote_id in missing
            ]
            accepted = [row for row in accepted if row.remote_id not in missing]
        return BatchResult(
            accepted,
            [*failed, *refused],
            passed_over=passed_over,
            requests=self.http.requests_sent - before,
            error=error,
        )

    def _tied(
        self, records: Sequence[Record], accepted: list[Accepted], refused: list[RowError]
    ) -> tuple[list[Accepted], list[RowError]]:
        """Tie deals that were taken to their contact and company; one that is not there yet fails its row, which goes again."""
        ids = {row.key: str(row.remote_id) for row in accepted if row.remote_id}
        taken = [record for record in records if record.key in ids]
        open_ = set[str]()
        for kind, name, found in (
            (CONTACTS, "email", self._links.contacts(taken)),
            (hubspot_links.COMPANIES, "account_id", self._links.companies(taken)),
        ):
            done = self._links.tie("deals", kind, [(ids[key], to) for key, to in found.items()])
            open_ |= {
                record.key
                for record in taken
                if record.identifiers.get(name)
                and (ids[record.key], found.get(record.key, "")) not in done
            }
        said = "the deal is there, and its contact or company is not, or was not tied to it"
        return (
            [row for row in accepted if row.key not in open_],
            [*refused, *(RowError(key, "not_associated", said) for key in sorted(open_))],
        )

    def _readdress(
        self, rows: dict[str, Record]
    ) -> tuple[list[Accepted], list[RowError], DestinationError | None]:
        """Write rows that have a new address to the contacts that they were, which takes them out of `rows`.

        A contact that is not there any more, or that has the address already, is found by it as ever.
        """
        by_id = {
            record.remote_id: record
            for record in rows.values()
            if record.remote_id and record.has_new_address and self._own_key is None
        } | self._by_former(rows)
        if not by_id:
            return [], [], None
        there = self._batch(
            "read",
            [{"id": one} for one in by_id],
            properties=["email", SECOND_ADDRESSES],
            propertiesWithHistory=[],
        )["results"]
        addresses = {str(row["id"]): _addresses(row) for row in there}
        sent = {
            known: record
            for known, record in by_id.items()
            if known in addresses and self._unique(record) not in addresses[known]
        }
        if not sent:
            return [], [], None
        inputs = [
            {"id": known, "properties": self._input(record)["properties"]}
            for known, record in sent.items()
        ]
        try:
            answer = self._batch("update", inputs)
        except RejectedError as error:
            if error.code != "CONFLICT":
                raise
            raise RejectedError(
                "hubspot: the new address is another contact's (CONFLICT): merge the two in HubSpot.",
                code=error.code,
                known=True,
            ) from error
        for record in sent.values():
            del rows[self._unique(record)]
        taken, refused, left, _ = _outcome(answer, sent, RECORD_ID)
        if not left:
            return taken, refused, None
        said = f"hubspot: the answer does not name {len(left):,} of {len(sent):,} rows."
        return taken, refused, UnexpectedAnswerError(said)

    def _by_former(self, rows: Mapping[str, Record]) -> dict[str, Record]:
        """By id, rows of which no id is known that are there under an address of before alone: an answer about them was lost."""
        lost = [
            (record, formers)
            for record in rows.values()
            if not record.remote_id and self._own_key is None
            if (formers := [one["email"].lower() for one in record.formers if one.get("email")])
        ]
        there = self._ids_of({address for _, formers in lost for address in formers})
        known = [
            (record, there[found])
            for record, formers in lost
            if (found := next(filter(there.__contains__, formers), None))
        ]
        now = self._ids_of({self._unique(record) for record, _ in known})
        return {id_: record for record, id_ in known if self._unique(record) not in now}

    def _ids_of(self, addresses: Collection[str]) -> dict[str, str]:
        """Ids of the contacts that have these addresses, by address."""
        found: dict[str, str] = {}
        left = sorted(addresses)
        while left:
            some, left = left[:BATCH_ROWS], left[BATCH_ROWS:]
            answer = self._batch(
                "read",
                [{"id": one} for one in some],
                idProperty="email",
                properties=["email", SECOND_ADDRESSES],
                propertiesWithHistory=[],
            )
            found |= {
                address: str(row["id"]) for row in answer["results"] for address in _addresses(row)
            }
        return found

    def _taken(
        self, answer: Any, sent: Mapping[str, Record]
    ) -> tuple[list[Accepted], list[RowError], DestinationError | None]:
        """What HubSpot took and refused of the rows in `sent`; and why others are open."""
        taken, refused, left, strangers = _outcome(answer, sent, self._id_property)
        if left and strangers and self._own_key is None:
            # A contact that was found by a second address of its own is named by its first.
            for row in self._batch(
                "read",
                [{"id": one} for one in strangers],
                properties=[SECOND_ADDRESSES],
                propertiesWithHistory=[],
            )["results"]:
                for address in _addresses(row):
                    if row["id"] in strangers and (record := left.pop(address, None)):
                        taken.append(Accepted(record.key, row["id"]))
        if not left:
            return taken, refused, None
        # What HubSpot neither confirmed nor refused is not known to be there, and it is not the row's fault.
        if not taken and not refused and (errors := _errors(answer)):
            return [], [], RejectedError(f"hubspot: {errors} rows are refused and not named.")
        said = f"hubspot: the answer does not name {len(left):,} of {len(sent):,} rows."
        return taken, refused, UnexpectedAnswerError(said)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        """Archive the records, or take them off the list; one that HubSpot no longer has counts as removed."""
        if not records:
            return BatchResult(requests=0)
        if self.target.kind == "association":
            return self._links.part(records)
        before = self.http.requests_sent
        ids = self._ids(records)
        if ids and self.target.kind == "list":
            self._memberships("remove", sorted(set(ids.values())))
        elif ids:
            self._batch("archive", [{"id": record_id} for record_id in sorted(set(ids.values()))])
        return BatchResult(
            accepted=[Accepted(record.key, ids.get(record.key)) for record in records],
            requests=self.http.requests_sent - before,
        )

    def merge(self, records: Sequence[Record]) -> BatchResult:
        """Make one contact or company of two; HubSpot cannot undo it.

        POST /crm/v3/objects/{contacts,companies}/merge, description v3 and the guides' "merge records", read 2026-11-29: the record that
        is left may have an id that neither had.
        """
        before = self.http.requests_sent
        # Whose id is gone is gone, since their address may be somebody else's by now; who was given none is looked up, each apart: two
        # addresses may be one record's.
        known = self._there({one.remote_id for one in records if one.remote_id})
        gone = {
            key: found
            for one in records
            if one.remote_id in {None, *known}
            for key, found in self._ids([one]).items()
        }
        stay = [_kept(one) for one in records]
        known = self._there({one.remote_id for one in stay if one.remote_id})
        kept = {
            key: found
            for one in {one.key: one for one in stay}.values()
            for key, found in self._ids(
                [one if one.remote_id in known else replace(one, remote_id=None)]
            ).items()
        }
        lacks = "HubSpot does not have the record that it was merged into"

        def merge(source: str, target: str) -> str:
            both = {"primaryObjectId": target, "objectIdToMerge": source}
            answer = self.http.post(f"{self._objects}/merge", both, group="crm", answer=MERGED)
            return str(answer["id"])

        result = merged_one_by_one(records, gone, kept, merge, lacks=lacks)
        return replace(result, requests=self.http.requests_sent - before)

    def _there(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that HubSpot has."""
        if not ids:
            return set()
        asked = [{"id": one} for one in sorted(ids)]
        read = self._batch("read", asked, properties=[], propertiesWithHistory=[])["results"]
        return {str(row["id"]) for row in read}

    def there(self, records: Sequence[Record]) -> Collection[str]:
        """Contacts and companies that are not archived; of a list, those that are on it.

        Description v3, read 2026-11-29: GET /crm/v3/lists/{listId}/memberships, by pages.
        """
        if self.target.kind == "association":
            return self._links.associated(records)
        by_id = {record.remote_id: record.key for record in records if record.remote_id}
        found: dict[str, str] = {}
        if by_id:
            asked = [{"id": one} for one in by_id]
            read = self._batch("read", asked, properties=[], propertiesWithHistory=[])["results"]
            found = {by_id[row["id"]]: str(row["id"]) for row in read if row["id"] in by_id}
        # An id may be gone, and somebody have the address under another.
        left = [replace(one, remote_id=None) for one in records if one.key not in found]
        if left:
            found |= self._ids(left)
        if self.target.kind == "list":
            members = self._members()
            found = {key: known for key, known in found.items() if known in members}
        return set(found)

    def differing(self, records: Sequence[Record]) -> Mapping[str, Sequence[str]]:
        """Properties that are others than were sent, read with the records themselves; the address is what a record is found by."""
        if self.target.kind in hubspot_links.OBJECTS:
            return {}
        wanted = {record.key: self._input(record)["properties"] for record in records}
        names = sorted({name for one in wanted.values() for name in one} - {self._id_property})
        by_id = {record.remote_id: record.key for record in records if record.remote_id}
        if not by_id or not names:
            return {}
        asked = [{"id": one} for one in by_id]
        read = self._batch("read", asked, properties=names, propertiesWithHistory=[])["results"]
        found = {}
        for row in read:
            if (key := by_id.get(str(row["id"]))) is None:
                continue
            theirs = row.get("properties") or {}
            told = [name for name in wanted[key] if name in theirs and name in names]
            if told:
                found[key] = [name for name in told if not same(wanted[key][name], theirs[name])]
        return found

    def everybody(self) -> Collection[str] | None:
        """Ids of everybody on the list."""
        return self._members() if self.target.kind == "list" else None

    def matched(self) -> int | None:
        """How many are on the list."""
        return len(self._members()) if self.target.kind == "list" else None

    def _members(self) -> set[str]:
        """Ids of all who are on the list, read once."""
        if self._on_list is None:
            list_id, after = self._found(), None
            self._on_list = set()
            while list_id is not None:
                page = self.http.get(
                    f"/crm/v3/lists/{list_id}/memberships",
                    {"limit": 250, **({"after": after} if after else {})},
                    group="crm",
                    answer=SEARCHED,
                )
                self._on_list |= {str(row["recordId"]) for row in page["results"]}
                following = ((page.get("paging") or {}).get("next") or {}).get("after")
                if not following or following == after:
                    break
                after = following
        return self._on_list

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Delete for good every contact that has the id or the address of the row."""
        if not records:
            return BatchResult(requests=0)
        before = self.http.requests_sent
        ids = {record.remote_id for record in records if record.remote_id}
        by_address = [replace(record, remote_id=None) for record in records]
        ids.update(self._ids(by_address).values())
        for contact_id in sorted(ids):
            self.http.post(
                f"{self._objects}/gdpr-delete",
                {"objectId": contact_id},
                group="crm",
                missing_ok=True,
                answer=NO_CONTENT,
            )
        return BatchResult(
            accepted=[Accepted(record.key) for record in records],
            requests=self.http.requests_sent - before,
        )

    def list_id(self) -> str:
        """Id of the list by its name, made if there is none."""
        found = self._found()
        if found is None:
            made = self.http.post(
                "/crm/v3/lists/",
                {
                    "name": self.target.name or "",
                    "objectTypeId": CONTACT_TYPE_ID,
                    "processingType": "MANUAL",
                },
                answer=LIST,
            )
            self.http.made()
            found = self._list_id = str(made["list"]["listId"])
        return found

    def _found(self) -> str | None:
        """Id of the list, where there is one.

        Raises:
            MisconfiguredError: it fills itself, by filters, and takes no members.
        """
        if self._list_id is None:
            name = quote(self.target.name or "", safe="")
            found = self.http.get(
                f"/crm/v3/lists/object-type-id/{CONTACT_TYPE_ID}/name/{name}",
                missing_ok=True,
                answer=LIST,
            )
            if found is not None and found["list"].get("processingType") == "DYNAMIC":
                raise MisconfiguredError(
                    f"hubspot: the list '{self.target.name}' is filled by filters, so that nobody can be put on it.",
                    "name another list in the sync's object, or make this one static in HubSpot.",
                )
            self._list_id = found and str(found["list"]["listId"])
        return self._list_id

    @property
    def _id_property(self) -> str:
        return self._own_key or "email"

    def _unique(self, record: Record) -> str:
        return record.key if self._own_key else record.identifiers.get("email", "").lower()

    def _input(self, record: Record) -> dict[str, Any]:
        # A deal is tied to whom its identifiers name, and has no such properties.
        properties: dict[str, Any] = {} if self.target.kind == "deal" else {**record.identifiers}
        properties.update(
            (self._names.get(name, name), plain(value)) for name, value in record.fields.items()
        )
        properties[self._id_property] = self._unique(record)
        texts = {name: text(value) for name, value in properties.items()}
        return {"idProperty": self._id_property, "id": self._unique(record), "properties": texts}

    def _batch(self, verb: str, inputs: list[dict[str, Any]], **more: Any) -> Any:
        answer = self.http.post(
            f"{self._objects}/batch/{verb}",
            {"inputs": inputs, **more},
            group="crm",
            answer=NO_CONTENT if verb == "archive" else RESULTS,
        )
        if answer is not None:
            _check(answer)
        return answer

    def _ids(self, records: Sequence[Record]) -> dict[str, str]:
        """HubSpot's ids by key: those it gave when the row was taken, else looked up by what is unique."""
        known = {record.key: record.remote_id for record in records if record.remote_id}
        keys = {
            unique: record.key
            for record in records
            if record.key not in known and (unique := self._unique(record))
        }
        if keys:
            answer = self._batch(
                "read",
                [{"id": unique} for unique in keys],
                idProperty=self._id_property,
                properties=[self._id_property],
                propertiesWithHistory=[],
            )
            for row in answer["results"]:
                if key := keys.get(_named(row, self._id_property)):
                    known[key] = str(row["id"])
        return known

    def _memberships(self, verb: str, ids: Sequence[str]) -> set[str]:
        """Put contacts on the list or take them off; returns the ids that HubSpot does not know."""
        if not ids:
            return set()
        answer = self.http.request(
            "PUT",
            f"/crm/v3/lists/{self.list_id()}/memberships/{verb}",
            json=list(ids),
            group="crm",
            answer=MEMBERS,
        )
        return {str(record_id) for record_id in answer["recordIdsMissing"]}

    def _take_over(self, records: Sequence[Record]) -> None:
        """Give companies that HubSpot has under a row's domain, and that are nobody's yet, the row's account id."""
        keys = {
            domain.lower(): record.key
            for record in records
            if (domain := record.identifiers.get("domain"))
        }
        if not keys:
            return
        filters = [
            {"propertyName": "domain", "operator": "IN", "values": sorted(keys)},
            {"propertyName": COMPANY_KEY, "operator": "NOT_HAS_PROPERTY"},
        ]
        answer = self.http.post(
            f"{self._objects}/search",
            {"filterGroups": [{"filters": filters}], "properties": ["domain"], "limit": 200},
            group="search",
            answer=SEARCHED,
        )
        found: dict[str, str] = {}
        # Of two companies with one domain, the older one.
        for row in sorted(answer["results"], key=lambda row: int(row["id"])):
            if key := keys.get(_named(row, "domain")):
                found.setdefault(key, str(row["id"]))
        if found:
            self._batch(
                "update",
                [
                    {"id": record_id, "properties": {COMPANY_KEY: key}}
                    for key, record_id in found.items()
                ],
            )

    def _ensure_key_property(self) -> None:
        if self._key_property_exists:
            return
        path, name = f"/crm/v3/properties/{self._kind}", str(self._own_key)
        if self.http.get(f"{path}/{name}", missing_ok=True, answer=FOUND) is None:
            group = self._group
            if group is None:
                groups = self.http.get(f"{path}/groups", answer=SEARCHED)["results"]
                group = str(groups[0]["name"]) if groups else f"{self._kind}_information"
            self.http.post(
                path,
                {
                    "name": name,
                    "label": name.replace("_", " ").capitalize(),
                    "groupName": group,
                    "type": "string",
                    "fieldType": "text",
                    "hasUniqueValue": True,
                },
                answer=CREATED,
            )
            self.http.made()
        self._key_property_exists = True


def _kept(record: Record) -> Record:
    """Whom a row was merged into."""
    assert record.into is not None  # noqa: S101 - the engine says so
    return record.into


def _addresses(row: Mapping[str, Any]) -> list[str]:
    """All addresses of a contact, where they were asked for."""
    properties = row.get("properties") or {}
    texts = str(properties.get(SECOND_ADDRESSES) or "").split(";")
    return [text.strip().lower() for text in (str(properties.get("email") or ""), *texts) if text]


def _named(row: Mapping[str, Any], name: str) -> str:
    if name == RECORD_ID:
        return str(row["id"])
    value = str((row.get("properties") or {}).get(name) or "")
    return value if name in OWN_KEY_NAMES else value.lower()


_CONTRADICTS = "hubspot: an answer contradicts itself, and nothing counts as taken"


def _outcome(
    answer: Any, sent: Mapping[str, Record], id_property: str
) -> tuple[list[Accepted], list[RowError], dict[str, Record], list[str]]:
    """What an answer says of the rows in `sent`, which are by what is unique of them: those it took, those it refused, those
    it does not name, and the ids of records that are named by nothing that was sent.

    Raises:
        UnexpectedAnswerError: the answer contradicts itself, so that nothing of it is believed.
    """
    results, errors = answer["results"], answer.get("errors") or []
    taken: list[Accepted] = []
    refused: list[RowError] = []
    strangers: list[str] = []
    left = dict(sent)
    for row in results:
        unique = _named(row, id_property)
        if record := left.pop(unique, None):
            taken.append(Accepted(record.key, row["id"]))
        elif unique in sent:
            raise UnexpectedAnswerError(f"{_CONTRADICTS}: a row is two records.")
        else:
            strangers.append(row["id"])
    confirmed = {known.lower() for known in sent if known not in left}
    for error in errors:
        named = {
            str(value).lower()
            for values in (error.get("context") or {}).values()
            for value in _listed(values)
        }
        refuses = [known for known in left if known.lower() in named]
        if not refuses and named & confirmed:
            raise UnexpectedAnswerError(f"{_CONTRADICTS}: a row is taken and refused.")
        for unique in refuses:
            status = str(error.get("category") or "error")
            refused.append(RowError(left.pop(unique).key, status, "refused by HubSpot"))
    if len(strangers) + _errors(answer) > len(left) + len(refused):
        raise UnexpectedAnswerError(
            f"{_CONTRADICTS}: it speaks of more rows than the {len(sent):,} that were sent."
        )
    return taken, refused, left, strangers


def _check(answer: Any) -> None:
    """A batch is complete, of the shape that the API has, and names each record once.

    Raises:
        UnexpectedAnswerError: it is not.
    """
    errors, said = answer.get("errors") or [], answer.get("numErrors")
    rows = answer["results"]
    shaped = (
        answer["status"] == "COMPLETE"
        and isinstance(errors, list)
        and all(isinstance(one, dict) for one in (*rows, *errors))
        and all(isinstance(one.get("properties") or {}, dict) for one in rows)
        and all(isinstance(one.get("context") or {}, dict) for one in errors)
        and all(isinstance(one.get("id"), str) and one["id"] for one in rows)
        and (said is None or type(said) is int)
    )
    if not shaped or len({one["id"] for one in rows}) < len(rows):
        raise UnexpectedAnswerError(
            "hubspot: a batch that is not complete, of another shape, or names one record twice: nothing counts as taken."
        )


def _errors(answer: Any) -> int:
    """How many rows an answer says were refused."""
    return max(len(answer.get("errors") or []), answer.get("numErrors") or 0)


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
