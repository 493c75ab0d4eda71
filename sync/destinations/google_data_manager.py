"""Google Data Manager: people in a customer-match user list, for search, shopping and video ads, and conversions.

Read 2026-11-24: developers.google.com/data-manager/api/limits (300 requests a minute, 10,000 members a request, 10
identifiers a member), .../reference/rest/v1/audienceMembers/ingest and .../remove (encoding HEX, consent, terms of service),
.../reference/rest/v1/requestStatus/retrieve and .../devguides/diagnostics (first answer after half an hour, at most 24 hours;
PARTIAL_SUCCESS with `errorInfo.errorCounts`: a reason and a `recordCount` each, no row), .../devguides/concepts/understand-errors
(a request with one malformed row is refused whole), .../devguides/audiences. API v1. Read 2026-11-28, for the error table:
.../reference/rest/v1/ErrorReason, and the reasons of `errorCounts` in google/ads/datamanager/v1/processing_errors.proto.

Read 2026-11-29: .../devguides/audiences/google-ads/customer-match/create-audience (a list without `membershipDuration` has the longest
there is), ppc.land/google-sets-new-540-day-limit-for-customer-match-data-retention (that is 540 days, for lists of before too).

Read 2026-11-29: .../reference/rest/v1/AudienceMember (consent of each; userIdData, mobileData), .../accountTypes.accounts.userLists
(uploadKeyTypes CONTACT_ID, USER_ID and MOBILE_ID, of which a list has its own for ever; mobileIdInfo wants appId and keySpace;
membershipDuration in whole days). Conversions are google_events, what campaigns cost google_reports.

Erasure, read 2026-11-29: .../reference/rest/v1/audienceMembers (there is no persistent data behind the resource: members are what a list
has), .../remove. Google keeps no profile of ours that could be deleted.

Names are hashed, region and postal code are not: an address needs all four. The answer to a batch is a request id; whether
rows were taken is only told later, as counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from sync.destinations import google_events, google_reports
from sync.destinations.answers import TEXT_ID, Answer, Fault, Verdict, Verdicts
from sync.destinations.base import Declaration, Erasure, ObjectType, PartialFailure, RateLimit
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.oauth import RefreshedToken
from sync.destinations.settings import Address, HttpSettings
from sync.destinations.values import is_sha256
from sync.errors import ConfigError
from sync.records import (
    Accepted,
    BatchResult,
    JobStatus,
    Mode,
    Record,
    Result,
    RowError,
    SyncObject,
)

API_VERSION = "v1"
ADDRESS = ("first_name_sha256", "last_name_sha256", "country", "postal_code")
HASHED = frozenset({"email_sha256", "phone_sha256", "first_name_sha256", "last_name_sha256"})
IDENTIFIERS = HASHED | frozenset(ADDRESS)
REFRESH_DAYS = 500  # members leave 540 days after they were sent last
CONSENT = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
# Columns that say it of each row, in place of the request: true, false, or null where nobody was asked.
CONSENT_FIELDS = {"ad_user_data": "adUserData", "ad_personalization": "adPersonalization"}
ANSWERS = {
    True: "CONSENT_GRANTED",
    False: "CONSENT_DENIED",
    None: "CONSENT_STATUS_UNSPECIFIED",
}
FIRST_PARTY = {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}
DAY_SECONDS = 86_400
ADS_URL = "https://googleads.googleapis.com"  # where reports are
MADE = Answer(fields=(("id", TEXT_ID),))
TAKEN = Answer(fields=(("requestId", str),))
ASKED = Answer(fields=(("requestStatusPerDestination", list),))

_TERMS = Verdict(
    Fault.CONFIGURATION, "accept the terms of customer match in the Google Ads account."
)
_LIST = Verdict(
    Fault.CONFIGURATION,
    "look at the user list, customer_id and login_customer_id; no row is at fault.",
)
_ROW = Verdict(Fault.ROW)
_TROUBLE = Verdict(Fault.TROUBLE)
VERDICTS = Verdicts(
    {
        **dict.fromkeys(
            (
                (None, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
                (
                    None,
                    "PROCESSING_ERROR_REASON_DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
                ),
            ),
            _TERMS,
        ),
        **{
            (None, code): _LIST
            for code in (
                "INVALID_USER_LIST_TYPE",
                "INVALID_USER_LIST_ID",
                "INVALID_DESTINATION",
                "INVALID_ENUM_VALUE",
                "DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED",
                "MULTIPLE_DATA_TYPES_NOT_ALLOWED",
                "DIFFERENT_LOGIN_ACCOUNTS_NOT_ALLOWED_FOR_DATA_PARTNER",
                "TOO_MANY_DESTINATIONS",
            )
        },
        **{
            (None, code): _ROW
            for code in (
                "INVALID_HEX_ENCODING",
                "INVALID_SHA256_FORMAT",
                "INVALID_POSTAL_CODE",
                "INVALID_COUNTRY_CODE",
                "INVALID_AUDIENCE_MEMBER",
                "TOO_MANY_USER_IDENTIFIERS",
                "PROCESSING_ERROR_REASON_INVALID_FORMAT",
                *google_events.ROW_REASONS,
            )
        },
        **{
            (None, code): _TROUBLE
            for code in (
                "INTERNAL_ERROR",
                "DEADLINE_EXCEEDED",
                "PROCESSING_ERROR_REASON_INTERNAL_ERROR",
            )
        },
        (None, "RESOURCE_EXHAUSTED"): Verdict(Fault.WAIT),
        (None, "NOT_FOUND"): Verdict(
            Fault.GONE, "the user list or account is not there, or the token does not reach it."
        ),
    }
)
FAILED = {"FAILED", "FAILURE"}  # the reference has the one, the guide the other
FINISHED = {"SUCCESS", "PARTIAL_SUCCESS", *FAILED}


class GoogleDataManagerSettings(HttpSettings):
    """The account and its OAuth client."""

    customer_id: str
    access_token: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    login_customer_id: str | None = None
    membership_days: int | None = Field(default=None, ge=1, le=540)
    mobile_platform: Literal["ios", "android"] | None = None
    mobile_app_id: str | None = None
    event_source: Literal["WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"] = "WEB"
    developer_token: SecretStr | None = None
    base_url: Address = "https://datamanager.googleapis.com"
    token_url: Address = "https://oauth2.googleapis.com/token"  # noqa: S105

    @model_validator(mode="after")
    def _has_a_token(self) -> GoogleDataManagerSettings:
        if not self.access_token and not (
            self.client_id and self.client_secret and self.refresh_token
        ):
            raise ValueError("wants access_token, or client_id, client_secret and refresh_token")
        return self


def _audience(
    identifiers: frozenset[str], members: tuple[tuple[str, ...], ...], member: str
) -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE}),
        batch_rows=10_000,
        identifiers=identifiers,
        open_fields=False,
        known_fields=frozenset(CONSENT_FIELDS),
        # Nobody was asked: no row may fall back on what is said of all.
        null_fields=frozenset(CONSENT_FIELDS),
        member=member,
        members=members,
        partial_failure=PartialFailure.BY_POLLING,
        rate_group="ingest",
        latency="up to 24 hours",
        job_seconds=6 * 3600,
        refresh_days=REFRESH_DAYS,
    )


class GoogleDataManager:
    """Fills one user list of a Google Ads account, found by name or made, or sends one action's conversions."""

    declaration: ClassVar[Declaration] = Declaration(
        name="google_data_manager",
        title="Google Data Manager",
        api_version=API_VERSION,
        objects={
            "audience": _audience(
                IDENTIFIERS, (("email_sha256",), ("phone_sha256",), ADDRESS), "hashed row"
            ),
            "user_audience": _audience(frozenset({"user_id"}), (("user_id",),), "user id"),
            "mobile_audience": _audience(frozenset({"mobile_id"}), (("mobile_id",),), "mobile id"),
            "conversion": ObjectType(
                modes=frozenset({Mode.EVENT}),
                batch_rows=2000,
                identifiers=IDENTIFIERS | google_events.CLICKS,
                open_fields=False,
                known_fields=google_events.FIELDS | frozenset(CONSENT_FIELDS),
                null_fields=frozenset(CONSENT_FIELDS),
                member="event",
                partial_failure=PartialFailure.BY_POLLING,
                rate_group="ingest",
                latency="up to 24 hours",
                job_seconds=6 * 3600,
            ),
        },
        rate_limits={
            "ingest": RateLimit(requests=240, seconds=60, parallel=4),
            "default": RateLimit(requests=60, seconds=60, parallel=2),
        },
        pulls=True,
        hashed=True,
        erasure=Erasure(
            "the hashes or ids are taken out of the user list",
            objects=frozenset({"audience", "user_audience", "mobile_audience"}),
        ),
        verdicts=VERDICTS,
        settings_help={
            "customer_id": "Google Ads account, digits without dashes",
            "access_token": "OAuth token with the scope datamanager, for a try; it lives an hour",
            "client_id": "with client_secret and refresh_token: an OAuth client that renews the token",
            "client_secret": "secret of the OAuth client",
            "refresh_token": "refresh token with the scope datamanager",
            "login_customer_id": "manager account, when access comes through one",
            "membership_days": "how long members stay in a list that is made, 540 days at most and without it",
            "mobile_platform": "ios or android, of a list of mobile ids that is made",
            "mobile_app_id": "id of the app whose mobile ids these are, of a list that is made",
            "event_source": "where conversions happened: WEB (the default), APP, IN_STORE, PHONE, MESSAGE, OTHER",
            "developer_token": "developer token of the Google Ads API, for what campaigns cost; "
            "the OAuth token wants the scope adwords then",
        },
    )
    settings_type: ClassVar[type[GoogleDataManagerSettings]] = GoogleDataManagerSettings
    sandbox_settings: ClassVar[dict[str, str]] = {
        "access_token": "sandbox",
        "customer_id": "1",
        "developer_token": "sandbox",
        "mobile_platform": "ios",
        "mobile_app_id": "1",
    }

    def __init__(
        self, settings: GoogleDataManagerSettings, target: SyncObject, limiter: Limiter
    ) -> None:
        self.target = target
        self._settings = settings
        self._list_id: str | None = None
        self._stays: int | None = None  # days of a membership, where the list tells
        self._limiter, self._auth = limiter, _authorization(settings)
        self.http = self._client(settings.base_url)

    def _client(self, base_url: str) -> HttpClient:
        return HttpClient(
            base_url,
            vendor="google_data_manager",
            limiter=self._limiter,
            verdicts=VERDICTS,
            auth=self._auth,
        )

    def check(self) -> str:
        if self.target.kind == "conversion":
            # Nothing lists conversion actions here; the account's lists say that the token reaches it.
            self.http.get(self._lists_path(), {"pageSize": 1})
            return f"API {API_VERSION}, the account can be reached"
        there = "is there" if self._found() else "will be made"
        stays = f", members stay {self._stays} days" if self._stays else ""
        return f"API {API_VERSION}, user list '{self.target.name}' {there}{stays}"

    def account(self) -> str:
        return _digits(self._settings.customer_id)

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._members(
            "ingest",
            records,
            {
                "consent": CONSENT,
                "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
            },
        )

    def send(self, records: Sequence[Record]) -> BatchResult:
        """Send conversions of the action whose id is the sync's object; one that Google has already counts as taken."""
        events, sent, failed = [], [], []
        for record in records:
            made = self._event(record)
            if isinstance(made, RowError):
                failed.append(made)
            else:
                events.append(made)
                sent.append(record.key)
        if not events:
            return BatchResult(failed=failed, requests=0)
        body = {
            "destinations": [self._destination(self.target.name or "")],
            "events": events,
            "consent": CONSENT,
            "encoding": "HEX",
        }
        answer = self.http.post("/v1/events:ingest", body, group="ingest", answer=TAKEN)
        return BatchResult(failed=failed, pending=sent, job=answer["requestId"])

    def _event(self, record: Record) -> dict[str, Any] | RowError:
        if unfit := _unfit(record):
            return unfit
        user, consent = _identifiers(record), _consent(record)
        return google_events.event(record, user, consent, self._settings.event_source)

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        """What campaigns cost, where there is a developer token."""
        token = self._settings.developer_token
        if token is None:
            return iter(())
        is_own = (
            self._settings.base_url == GoogleDataManagerSettings.model_fields["base_url"].default
        )
        http = self._client(ADS_URL) if is_own else self.http
        headers = {"developer-token": token.get_secret_value()}
        if self._settings.login_customer_id:
            headers["login-customer-id"] = _digits(self._settings.login_customer_id)
        return google_reports.pulled(http, self.account(), headers, since)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._members("remove", records, {})

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Take the hashes out of the list; one that is not there is not made for it."""
        if records and self._found() is None:
            return BatchResult([Accepted(record.key) for record in records])
        return self.remove(records)

    def poll(self, job: str) -> JobStatus:
        answer = self.http.get("/v1/requestStatus:retrieve", {"requestId": job}, answer=ASKED)
        statuses = [
            row.get("requestStatus", "")
            for row in (answer or {}).get("requestStatusPerDestination", [])
        ]
        if not statuses or any(status not in FINISHED for status in statuses):
            return JobStatus(done=False)
        if self.target.kind == "conversion" and _all_there(answer):
            return JobStatus(done=True, total_count=_received(answer))
        if FAILED.intersection(statuses) and not _some_there(answer):
            return JobStatus(done=True, all_failed=_reason(answer))
        if {"PARTIAL_SUCCESS", *FAILED}.intersection(statuses):
            # Only counts come back. The engine sends halves, which changes nothing for rows that were taken.
            return JobStatus(done=True, some_failed=_reason(answer), failed_count=_count(answer))
        return JobStatus(done=True, total_count=_received(answer))

    def _members(
        self, verb: str, records: Sequence[Record], more: Mapping[str, Any]
    ) -> BatchResult:
        members, sent, failed = [], [], []
        for record in records:
            if unfit := _unfit(record):
                failed.append(unfit)
            elif (member := _member(record)) is not None:
                consent = _consent(record) if verb == "ingest" else None
                members.append(member if consent is None else {**member, "consent": consent})
                sent.append(record.key)
            else:
                failed.append(
                    RowError(record.key, "no_identifier", "no identifier Google takes", False)
                )
        if not members:
            return BatchResult(failed=failed, requests=0)
        answer = self.http.post(
            f"/v1/audienceMembers:{verb}",
            {
                "destinations": [self._destination(self.list_id())],
                "audienceMembers": members,
                "encoding": "HEX",
                **more,
            },
            group="ingest",
            answer=TAKEN,
        )
        return BatchResult(failed=failed, pending=sent, job=answer["requestId"])

    def _destination(self, product: str) -> dict[str, Any]:
        account = {"accountType": "GOOGLE_ADS", "accountId": self._settings.customer_id}
        destination: dict[str, Any] = {
            "operatingAccount": account,
            "productDestinationId": product,
        }
        if self._settings.login_customer_id:
            destination["loginAccount"] = {**account, "accountId": self._settings.login_customer_id}
        return destination

    def list_id(self) -> str:
        """Id of the user list by its name, made if there is none."""
        found = self._found()
        if found is None:
            made = self.http.post(
                self._lists_path(),
                self._new_list(),
                answer=MADE,
            )
            self.http.made()
            found = self._list_id = str(made["id"])
        return found

    def _new_list(self) -> dict[str, Any]:
        """A list for identifiers of the sync's kind.

        Raises:
            ConfigError: a list of mobile ids is to be made, and nothing says of which app.
        """
        settings = self._settings
        info: dict[str, Any] = {"uploadKeyTypes": ["CONTACT_ID"], "contactIdInfo": FIRST_PARTY}
        if self.target.kind == "user_audience":
            info = {"uploadKeyTypes": ["USER_ID"], "userIdInfo": FIRST_PARTY}
        elif self.target.kind == "mobile_audience":
            if settings.mobile_platform is None or settings.mobile_app_id is None:
                raise ConfigError(
                    f"google_data_manager: there is no list '{self.target.name}', and one of mobile ids is of one app.",
                    "set mobile_platform and mobile_app_id in destinations.yml, or as options of the sync.",
                )
            app = {
                "keySpace": settings.mobile_platform.upper(),
                "appId": settings.mobile_app_id,
            }
            info = {"uploadKeyTypes": ["MOBILE_ID"], "mobileIdInfo": {**FIRST_PARTY, **app}}
        made: dict[str, Any] = {
            "displayName": self.target.name or "",
            "membershipStatus": "OPEN",
            "ingestedUserListInfo": info,
        }
        if settings.membership_days is not None:
            made["membershipDuration"] = f"{settings.membership_days * DAY_SECONDS}s"
        return made

    def _found(self) -> str | None:
        """Id of the user list, where there is one."""
        params: dict[str, Any] = {"pageSize": 1000}
        while self._list_id is None:
            page = self.http.get(self._lists_path(), params) or {}
            for row in page.get("userLists", []):
                if row.get("displayName") == self.target.name:
                    self._list_id = str(row["id"])
                    seconds = str(row.get("membershipDuration") or "").removesuffix("s")
                    self._stays = int(seconds) // DAY_SECONDS if seconds.isdigit() else None
                    return self._list_id
            # A token that leads to itself would be followed for ever.
            if page.get("nextPageToken") in (None, "", params.get("pageToken")):
                break
            params = {**params, "pageToken": page["nextPageToken"]}
        return self._list_id

    def _lists_path(self) -> str:
        return f"/v1/accountTypes/GOOGLE_ADS/accounts/{self._settings.customer_id}/userLists"


def _authorization(settings: GoogleDataManagerSettings) -> Callable[[], Mapping[str, str]]:
    if settings.client_id and settings.client_secret and settings.refresh_token:
        return RefreshedToken(
            HttpClient(settings.token_url, vendor="google_data_manager"),
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            refresh_token=settings.refresh_token,
        )
    token = settings.access_token or SecretStr("")
    return lambda: {"Authorization": f"Bearer {token.get_secret_value()}"}


def _digits(account: str) -> str:
    return account.replace("-", "")


def _unfit(record: Record) -> RowError | None:
    """Why a row is not sent: what is not hashed, or an answer of consent that is none."""
    hashes = [value for name, value in record.identifiers.items() if name in HASHED]
    if not all(map(is_sha256, hashes)):
        return RowError(record.key, "not_hashed", "an identifier is not a SHA-256 in hex", False)
    for name in CONSENT_FIELDS:
        if not isinstance(record.fields.get(name), bool | None):
            return RowError(record.key, "no_consent", f"{name} is neither true nor false", False)
    return None


def _consent(record: Record) -> dict[str, str] | None:
    """What the row itself says of consent; None where the sync sends no such column."""
    said = {
        theirs: ANSWERS[record.fields[name]]  # type: ignore[index]
        for name, theirs in CONSENT_FIELDS.items()
        if name in record.fields
    }
    return said or None


def _member(record: Record) -> dict[str, Any] | None:
    """The row as a member of a list of its kind."""
    if user_id := record.identifiers.get("user_id"):
        return {"userIdData": {"userId": user_id}}
    if mobile_id := record.identifiers.get("mobile_id"):
        return {"mobileData": {"mobileIds": [mobile_id]}}
    found = _identifiers(record)
    return {"userData": {"userIdentifiers": found}} if found else None


def _identifiers(record: Record) -> list[dict[str, Any]]:
    values = record.identifiers
    found: list[dict[str, Any]] = []
    if values.get("email_sha256"):
        found.append({"emailAddress": values["email_sha256"]})
    if values.get("phone_sha256"):
        found.append({"phoneNumber": values["phone_sha256"]})
    if all(values.get(name) for name in ADDRESS):
        found.append(
            {
                "address": {
                    "givenName": values["first_name_sha256"],
                    "familyName": values["last_name_sha256"],
                    "regionCode": values["country"],
                    "postalCode": values["postal_code"],
                }
            }
        )
    return found


def _reason(answer: Any) -> str:
    reasons = [str(count["reason"]) for count in _error_counts(answer) if count.get("reason")]
    return ", ".join(dict.fromkeys(reasons)) or "unknown"


def _count(answer: Any) -> int | None:
    """How many rows were refused that Google has not already; int64 is text in its JSON."""
    counts = [
        int(count.get("recordCount") or 0)
        for count in _error_counts(answer)
        if count.get("reason") not in google_events.THERE_ALREADY
    ]
    return sum(counts) or None


def _received(answer: Any) -> int | None:
    """How many members Google says it was given, where it says so (int64 is text in its JSON)."""
    rows = answer.get("requestStatusPerDestination", [])
    kinds = [
        kind
        for row in rows
        for name in ("audienceMembersIngestionStatus", "audienceMembersRemovalStatus")
        for kind in (row.get(name) or {}).values()
    ]
    kinds += [row.get("eventsIngestionStatus") for row in rows]
    counts = [
        int(kind["recordCount"])
        for kind in kinds
        if isinstance(kind, dict) and kind.get("recordCount")
    ]
    return sum(counts) or None


def _some_there(answer: Any) -> bool:
    """Whether Google refused some because it has them."""
    reasons = {count.get("reason") for count in _error_counts(answer)}
    return bool(reasons & google_events.THERE_ALREADY)


def _all_there(answer: Any) -> bool:
    """Whether whatever Google refused it has already."""
    reasons = {count.get("reason") for count in _error_counts(answer)}
    return bool(reasons) and reasons <= google_events.THERE_ALREADY


def _error_counts(answer: Any) -> list[dict[str, Any]]:
    return [
        count
        for row in (answer or {}).get("requestStatusPerDestination", [])
        for count in (row.get("errorInfo") or {}).get("errorCounts", [])
    ]
