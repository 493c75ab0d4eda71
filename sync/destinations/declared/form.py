"""What a declared destination's file may say: the form, of which the JSON Schema for editors is made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Paths = list[str] | str
METHODS = ("get", "post", "put", "patch", "delete")
VERBS = ("upsert", "update", "update_only", "merge", "remove", "send", "erase")
INDEX = "$index"  # the row's place in the request, and an item's in the list of an answer
Type = Literal["list", "object", "text", "id", "number", "boolean"]
ModeName = Literal["upsert", "mirror", "add", "remove", "event", "update_only"]


class Form(BaseModel):
    """Nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Setting(Form):
    """One setting in destinations.yml."""

    help: str
    secret: bool = False
    default: str | None = None
    pattern: str | None = None
    sandbox: str | None = (
        None  # what it is in the sandbox, where a pattern wants more than the word
    )


class Basic(Form):
    """A user and a password (RFC 7617)."""

    user: str
    password: str


class OAuth(Form):
    """A refresh token (RFC 6749, 6), or without one the client's own credentials (RFC 6749, 4.4)."""

    token_url: str
    client_id: str
    client_secret: str
    refresh_token: str | None = None
    scope: str | None = None  # what is asked for, where the vendor wants it said
    seconds: float | None = None  # how long a token lives, where the answer does not say


class Auth(Form):
    """How a request says who it is from: one of these."""

    bearer: str | None = None
    basic: Basic | None = None
    headers: dict[str, str] | None = None
    oauth: OAuth | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Auth:
        if sum(one is not None for one in (self.bearer, self.basic, self.headers, self.oauth)) != 1:
            raise ValueError("wants one of bearer, basic, headers, oauth")
        return self


class Host(Form):
    """Another address of the vendor's, with its own way to say who asks; nothing but its `headers` without `auth`."""

    base_url: str
    auth: Auth | None = None
    headers: dict[str, str] = {}


class ErrorRow(Form):
    """A row of the error table: a status, a code of the vendor's, or both, and whose fault it is."""

    fault: Literal["auth", "wait", "trouble", "configuration", "gone", "row"]
    status: int | None = None
    code: str | int | None = None
    hint: str | None = None
    seconds: float | None = None

    @model_validator(mode="after")
    def _names_one(self) -> ErrorRow:
        if self.status is None and self.code is None:
            raise ValueError("wants a status, a code, or both")
        return self


class Limit(Form):
    """So many requests in so many seconds, of a rate group."""

    requests: int = Field(gt=0)
    seconds: float = Field(gt=0)
    parallel: int = Field(default=1, gt=0)


class Owed(Form):
    """What an answer must be to count as taken: statuses, and what stands in the document; with `empty`, no body or `{}`.

    The form `any` is for a request of whose answer the vendor's pages say nothing: JSON of any form, or a single word.
    """

    statuses: list[int] = [200]
    fields: dict[str, Type] = {}
    form: Literal["object", "list", "any"] = "object"
    empty: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Owed:
        if not self.fields and not self.empty and self.form == "object":
            raise ValueError(
                "wants `fields` that the document must have, `form: list` or `any`, or `empty: true`: a login page is JSON too"
            )
        if any(not 200 <= status < 300 for status in self.statuses):
            raise ValueError("has a status that is no success (200 to 299)")
        return self


class Request(Form):
    """One request: a method and its path, and what must be answered."""

    get: str | None = None
    post: str | None = None
    put: str | None = None
    patch: str | None = None
    delete: str | None = None
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = None
    host: Name | None = None  # one of `hosts`
    form: bool = False  # the body is sent as a form (name=value), and not as JSON
    group: str | None = None
    answer: Owed
    ok: dict[str, str | int | bool | None] = {}  # what must stand where in a success
    has: dict[str, Type] = {}  # what stands where beside it, once it does

    @model_validator(mode="after")
    def _has_one_method(self) -> Request:
        if sum(getattr(self, method) is not None for method in METHODS) != 1:
            raise ValueError(f"wants one of {', '.join(METHODS)}, with the path")
        return self

    @property
    def method(self) -> str:
        """The method that it names, in small letters."""
        return next(method for method in METHODS if getattr(self, method) is not None)

    @property
    def path(self) -> str:
        """The path's template."""
        return str(getattr(self, self.method))


class Refused(Form):
    """Where an answer names the rows that it refuses: a list `rows` whose items are told by `by`, and are the row's `is`."""

    rows: str  # the empty path is the answer itself
    # Path in an item; without it the item itself, or each text of a list there; `$index` is its place, of a list with an item a row.
    by: str | None = None
    matches: str = Field(
        alias="is"
    )  # template of the row: what stands at `by`; `$index` is its place
    when: dict[
        str, str | int | bool | None
    ] = {}  # what stands where in an item that is one; others are none
    unless: dict[str, str | int | bool | None] = {}  # what stands where in one that is taken
    code: str | None = None  # path of the vendor's code in an item
    status: str = "refused"  # the code where the vendor gives none
    done: bool = False  # these are as the verb wants them: not there, or there already


class Ids(Form):
    """Where an answer gives rows their ids."""

    rows: str | None = None  # without it the answer is about one row
    by: str | None = None  # as in `refused`
    matches: str | None = Field(default=None, alias="is")
    id: str


class Job(Form):
    """An answer that is a job: its id, and how it is asked for."""

    id: str
    poll: Request
    status: str
    running: list[str]
    done: list[str]
    partly: list[str] = []  # done, and some rows were refused that it does not name
    failed: list[str] = []
    taken_count: Paths = []
    refused_count: Paths = []
    total_count: Paths = []


class Verb(Request):
    """A request that carries rows: all of a batch, or one each."""

    per: Literal["batch", "row"] = "batch"
    refused: list[Refused] = []
    taken_count: Paths = []
    refused_count: Paths = []
    ids: Ids | None = None
    missing_ok: bool = False  # 404 means: not there, as the removal of one row wants it, and after which an update is an upsert
    job: Job | None = None


class Pages(Form):
    """How the next page is asked for: a link, a cursor, or an offset."""

    next: str | None = None
    cursor: str | None = None
    as_: str | None = Field(default=None, alias="as")
    offset: str | None = None
    size: int | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Pages:
        ways = (self.next is not None, self.cursor is not None, self.offset is not None)
        if sum(ways) != 1 or (self.cursor and not self.as_) or (self.offset and not self.size):
            raise ValueError("wants `next`, or `cursor` with `as`, or `offset` with `size`")
        return self


class Listing(Request):
    """A request that is answered by pages of rows."""

    rows: str
    pages: Pages | None = None


class Find(Listing):
    """How the object is found by its name."""

    name: str = "name"
    id: str = "id"


class Make(Request):
    """How the object is made where there is none."""

    id: str


class Properties(Listing):
    """Which fields the object has, and what stands where in one that may be written."""

    name: str = "name"
    when: dict[str, str | int | bool | None] = {}


class Read(Request):
    """How one row is read back, for an audit: 404 says that it is not there."""

    at: str = ""  # where what was sent of the row stands; the empty path is the answer itself


class LookUp(Request):
    """How the vendor's id of a row is found by one identifier: the first of `rows`, a list, or an object by what was asked for."""

    by: Name
    rows: str
    id: str = "id"


class Object(Form):
    """A kind of object that a sync can fill."""

    member: str
    modes: list[ModeName]
    batch_rows: int = Field(gt=0)
    batch_bytes: int | None = None
    identifiers: list[Name]
    hashed: list[Name] = []
    members: list[list[Name]] = []
    found_by: list[Name] = []
    conflicts: dict[str, list[Name]] = {}  # codes by which an identifier is another record's
    fields: list[str] | None = None  # those that it knows; without it any
    nested: bool = False
    delivery: Literal["exactly_once", "at_least_once"] = "exactly_once"
    group: str = "default"
    latency: str = "seconds"
    refresh_days: int | None = None
    job_seconds: float = 900.0
    keeps_both: str | None = (
        None  # why a record of who was merged into another stays, where nothing lets go of it
    )
    subscribes: Literal["email", "sms"] | None = (
        None  # the channel to which a row is subscribed, for which a sync must ask consent
    )
    id: str | None = None
    find: Find | None = None
    make: Make | None = None
    look_up: list[LookUp] = []  # the first that finds the row's id at the vendor; `update` then
    check: Request
    properties: Properties | None = None  # so that a field that is not there is found before a push
    read: Read | None = None  # so that an audit sees who is gone, and what was changed
    upsert: Verb | None = None
    update: Verb | None = None  # by $remote_id, of a row with a new address
    update_only: Verb | None = None  # of whom the vendor has; 404 says that it has not
    merge: Verb | None = None  # of who goes on in the record of $into, or is archived
    remove: Verb | None = None
    send: Verb | None = None
    erase: Verb | None = None

    @property
    def verbs(self) -> dict[str, Verb]:
        """Requests that carry rows, by what they do."""
        found = {name: getattr(self, name) for name in VERBS}
        return {name: verb for name, verb in found.items() if verb is not None}


class Erasure(Form):
    """How somebody is erased there, in words, by each object's `erase`; or why nobody can be."""

    how: str | None = None
    cannot: str | None = None
    whole_account: bool = False  # one request erases the person everywhere in the account
    objects: list[Name] | None = None  # kinds that hold people; all without it

    @model_validator(mode="after")
    def _is_one(self) -> Erasure:
        if bool(self.how) == bool(self.cannot):
            raise ValueError("wants `how` or `cannot`")
        return self


class Account(Form):
    """What names the account: settings (`is`), or an answer (`get`, `at`)."""

    matches: str | None = Field(default=None, alias="is")
    get: str | None = None
    at: str | None = None
    host: Name | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Account:
        if (self.matches is None) == (self.get is None) or (self.get is None) != (self.at is None):
            raise ValueError("wants `is`, or `get` and `at`")
        return self


class Campaigns(Listing):
    """Campaigns, by the fields of `map`."""

    map: dict[Literal["campaign_id", "campaign_name", "channel", "status", "started_at"], str]


class Events(Listing):
    """Events of recipients, by the fields of `map`; with `per_campaign`, asked of each campaign."""

    per_campaign: bool = False
    inner: str | None = None  # a list in each row, whose items are the events
    kinds: dict[str, str] = {}  # the vendor's word -> ours
    map: dict[
        Literal[
            "event_id", "campaign_id", "kind", "recipient_type", "recipient", "occurred_at", "channel",
        ],
        str,
    ]  # fmt: skip


class Pull(Form):
    """What the vendor reports."""

    campaigns: Campaigns | None = None
    events: list[Events] = []


class Example(Form):
    """A row or several, and the requests and answer that the vendor's pages, or a recording, have for them."""

    object: str
    verb: Literal["upsert", "update", "update_only", "merge", "remove", "send", "erase"]
    name: str = "Lapsed buyers"
    settings: dict[str, str] = {}
    rows: list[dict[str, Any]]
    request: dict[str, Any]  # method, path, body
    answer: dict[str, Any] = {}  # status, body
    accepted: list[str] = []
    failed: dict[str, str] = {}
    pending: list[str] = []
    known_id: str | None = None  # of the object, where it is found or made


class Vendor(Form):
    """A declared destination."""

    name: Name
    title: str
    api_version: str | int | float
    read: dict[dt.date, list[str]]
    described: bool = True  # whether its requests were held against a description of the vendor's
    base_url: str
    settings: dict[Name, Setting]
    auth: Auth
    headers: dict[str, str] = {}
    hosts: dict[Name, Host] = {}  # other addresses, for requests that name one
    account: Account
    erasure: Erasure
    errors: list[ErrorRow] = []
    rate_limits: dict[Name, Limit]
    objects: dict[Name, Object]
    pull: Pull | None = None
    hook: str | None = None  # a file of Python beside this one, whose functions are filters
    notes: list[str] = []
    examples: list[Example] = []


def schema() -> Mapping[str, Any]:
    """JSON Schema of a file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Vendor.model_json_schema()}
