"""Meta Custom Audiences: hashed people in an audience of an ad account, and the account's campaign figures.

Read 2026-11-24: developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences (10,000
rows a request; normalise, then SHA-256; changes take up to 24 hours), .../reference/custom-audience/users (keys of `schema`;
an unknown key of a row is left blank; `num_invalid_entries` is a count without names), .../insights. Graph API v25.0.

Read 2026-11-28, for the error table: .../marketing-api/error-reference (updated 2025-12-11), .../reference/custom-audience/users (error
codes, and 1713230 of a blocked audience), developers.facebook.com/docs/graph-api/guides/error-handling,
.../docs/graph-api/overview/rate-limiting (80000 to 80014, 4, 17, 32, 613), and the codes that public connectors tell apart. Most of
them come in a 400: an expired token is no row's fault, and neither is a limit. Read 2026-11-29: github.com/facebook/
facebook-ruby-business-sdk/issues/124 (803 of an audience that was made a moment ago, and is there at the next try).

Read 2026-11-29: facebook/facebook-python-business-sdk, examples/CustomAudienceUsersPostCrossPlatform.py (MADID goes as it is, beside
hashes; LOOKALIKE_VALUE is a text), API description v25.0 (is_value_based of one that is made; POST /{audience}/adaccounts shares it).

Erasure, read 2026-11-29: developers.facebook.com/docs/marketing-api/custom-audience-api (what is sent are hashes, compared with Meta's own;
who is taken out of an audience is out within 24 hours). The API deletes nobody's account at Meta, which is not ours to delete.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations.answers import TEXT_ID, Answer, Fault, Verdict, Verdicts
from sync.destinations.base import Declaration, Erasure, ObjectType, PartialFailure, RateLimit
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.settings import Address, HttpSettings
from sync.destinations.values import is_sha256, utc
from sync.errors import MisconfiguredError, UnexpectedAnswerError
from sync.records import (
    Accepted,
    BatchResult,
    Campaign,
    CampaignDay,
    Mode,
    Record,
    Result,
    RowError,
    SyncObject,
)

API_VERSION = "v25.0"
# Our column -> Meta's key. All arrive hashed by the activation model.
KEYS = {
    "email_sha256": "EMAIL",
    "phone_sha256": "PHONE",
    "first_name_sha256": "FN",
    "last_name_sha256": "LN",
    "city_sha256": "CT",
    "postal_code_sha256": "ZIP",
    "country_sha256": "COUNTRY",
    "birth_year_sha256": "DOBY",
    "birth_month_sha256": "DOBM",
    "birth_day_sha256": "DOBD",
    "region_sha256": "ST",
    "gender_sha256": "GEN",
    "mobile_id": "MADID",  # the one that goes as it is
}
VALUE = "LOOKALIKE_VALUE"  # what somebody is worth, of an audience that others are found by
# Without e-mail and phone these are what Meta finds a person by; with them they only help.
PERSON = ("first_name_sha256", "last_name_sha256", "postal_code_sha256", "country_sha256")


PAGE = Answer(fields=(("data", list),))
MADE = Answer(fields=(("id", TEXT_ID),))
TAKEN = Answer(fields=(("num_received", int), ("num_invalid_entries", int)))

_TOKEN = Verdict(
    Fault.AUTH, "make a new system user token and set access_token in destinations.yml."
)
_LIMIT = Verdict(
    Fault.WAIT, "Meta's limit of calls; push again later, what was taken is kept.", 5.0
)
_TROUBLE = Verdict(Fault.TROUBLE)
_PERMISSION = Verdict(
    Fault.CONFIGURATION,
    "give the token's system user ads_management and the ad account, and accept the terms of custom audiences.",
)
_AUDIENCE = Verdict(
    Fault.CONFIGURATION,
    "the audience cannot be filled from a list: it was made from another source, or is blocked or not shared; look at it in "
    "Audience Manager, or give the sync's object another name.",
)
_GONE = Verdict(
    Fault.GONE,
    "the audience or ad account is not there, or the token does not reach it; look in Audience Manager.",
)
VERDICTS = Verdicts(
    {
        **{(None, code): _TOKEN for code in ("102", "104", "190")},
        **{(None, code): _LIMIT for code in ("4", "17", "32", "341", "613")},
        **{(None, f"800{number:02}"): _LIMIT for number in range(15)},
        **{(None, code): _TROUBLE for code in ("1", "2", "3919", "5000")},
        **{
            (None, code): _PERMISSION
            for code in ("3", "10", "200", "270", "294", "2655", "1870034")
        },
        **{(None, code): _AUDIENCE for code in ("2650", "1487301", "1713230")},
        **{(None, code): _GONE for code in ("33", "803", "1487366")},
        (None, "368"): Verdict(
            Fault.CONFIGURATION,
            "Meta has blocked the account or app for now; look at Account Quality.",
        ),
        (None, "2635"): Verdict(
            Fault.CONFIGURATION, f"Graph API {API_VERSION} has ended; update headwater."
        ),
    }
)


class MetaSettings(HttpSettings):
    """The ad account and its token."""

    access_token: SecretStr
    ad_account_id: str
    shared_with: str = ""
    base_url: Address = "https://graph.facebook.com"


def _audience(*fields: str) -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE}),
        batch_rows=10_000,
        identifiers=frozenset(KEYS),
        open_fields=False,
        known_fields=frozenset(fields),
        member="hashed row",
        members=(("email_sha256",), ("phone_sha256",), ("mobile_id",), PERSON),
        partial_failure=PartialFailure.COUNTS_ONLY,
        rate_group="audiences",
        latency="up to 24 hours",
    )


class Meta:
    """Fills one custom audience, found by name or made."""

    declaration: ClassVar[Declaration] = Declaration(
        name="meta",
        title="Meta Custom Audiences",
        api_version=API_VERSION,
        objects={
            "audience": _audience(),
            "value_audience": _audience("value"),
        },
        rate_limits={
            "audiences": RateLimit(requests=60, seconds=60, parallel=2),
            "default": RateLimit(requests=60, seconds=60, parallel=2),
        },
        pulls=True,
        hashed=True,
        erasure=Erasure("the hashes are taken out of the audience"),
        verdicts=VERDICTS,
        settings_help={
            "access_token": "system user token with ads_management",
            "ad_account_id": "digits, without act_",
            "shared_with": "other ad accounts that an audience is shared with when it is made, separated by commas",
        },
    )
    settings_type: ClassVar[type[MetaSettings]] = MetaSettings
    sandbox_settings: ClassVar[dict[str, str]] = {"access_token": "sandbox", "ad_account_id": "1"}

    def __init__(self, settings: MetaSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self._audience_id: str | None = None
        others = [one.strip().removeprefix("act_") for one in settings.shared_with.split(",")]
        self._shared_with = [one for one in others if one]
        self._account = f"/{API_VERSION}/act_{settings.ad_account_id.removeprefix('act_')}"
        self.http = HttpClient(
            settings.base_url,
            vendor="meta",
            limiter=limiter,
            verdicts=VERDICTS,
            headers={"Authorization": f"Bearer {settings.access_token.get_secret_value()}"},
        )

    def check(self) -> str:
        there = "is there" if self._found() else "will be made"
        return f"Graph API {API_VERSION}, audience '{self.target.name}' {there}"

    def account(self) -> str:
        return self._account.rpartition("/")[2]

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._users("POST", records)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._users("DELETE", records)

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Take the hashes out of the audience; one that is not there is not made for it."""
        if records and self._found() is None:
            return BatchResult([Accepted(record.key) for record in records])
        return self.remove(records)

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        fields = "id,name,effective_status,start_time"
        for row in self._pages(f"{self._account}/campaigns", {"fields": fields, "limit": "500"}):
            yield Campaign(
                campaign_id=row["id"],
                campaign_name=row.get("name"),
                channel="ads",
                status=row.get("effective_status"),
                started_at=utc(row.get("start_time")),
                raw=json.dumps(row),
            )
        span = {
            "since": since.date().isoformat(),
            "until": dt.datetime.now(dt.UTC).date().isoformat(),
        }
        if span["since"] > span["until"]:
            return
        parameters = {
            "level": "campaign",
            "time_increment": "1",
            "time_range": json.dumps(span),
            "fields": "campaign_id,campaign_name,account_currency,spend,impressions,clicks,actions",
            "limit": "500",
        }
        for row in self._pages(f"{self._account}/insights", parameters):
            yield CampaignDay(
                campaign_id=row["campaign_id"],
                date=dt.date.fromisoformat(row["date_start"]),
                spend=float(row.get("spend") or 0),
                currency=row.get("account_currency"),
                impressions=int(row.get("impressions") or 0),
                clicks=int(row.get("clicks") or 0),
                conversions=_purchases(row),
                raw=json.dumps(row),
            )

    def audience_id(self) -> str:
        """Id of the audience by its name, made if there is none."""
        found = self._found()
        if found is None:
            asked: dict[str, Any] = {
                "name": self.target.name or "",
                "subtype": "CUSTOM",
                "customer_file_source": "USER_PROVIDED_ONLY",
                "description": "Kept by Headwater.",
            }
            if self._has_values:
                asked["is_value_based"] = True
            made = self.http.post(f"{self._account}/customaudiences", asked, answer=MADE)
            self.http.made()
            found = self._audience_id = str(made["id"])
            if self._shared_with:
                self.http.post(
                    f"/{API_VERSION}/{found}/adaccounts", {"adaccounts": self._shared_with}
                )
        return found

    @property
    def _has_values(self) -> bool:
        return self.target.kind == "value_audience"

    def _found(self) -> str | None:
        """Id of the audience, where there is one.

        Raises:
            MisconfiguredError: it is not one that a list of people can fill.
        """
        if self._audience_id is None:
            parameters = {"fields": "id,name,subtype", "limit": "500"}
            for row in self._pages(f"{self._account}/customaudiences", parameters):
                if row.get("name") != self.target.name:
                    continue
                if row.get("subtype") not in (None, "CUSTOM"):
                    raise MisconfiguredError(
                        f"meta: the audience '{self.target.name}' is of another kind than a list of people.",
                        _AUDIENCE.hint,
                    )
                self._audience_id = str(row["id"])
                break
        return self._audience_id

    def matched(self) -> int | None:
        """How many accounts Meta has matched, at least: a rounded number, and none while it has not counted (-1).

        Field approximate_count_lower_bound of CustomAudience (facebook-business-sdk-codegen, v25.0), read 2026-11-29.
        """
        audience = self._found()
        if audience is None:
            return 0
        name = "approximate_count_lower_bound"
        answer = self.http.get(
            f"/{audience}", {"fields": name}, answer=Answer(fields=(("id", TEXT_ID),))
        )
        counted = answer.get(name)
        return int(counted) if isinstance(counted, int | str) and int(counted) >= 0 else None

    def _users(self, method: str, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        sends_values = self._has_values and method == "POST"
        failed = [error for record in records if (error := _unfit(record, valued=sends_values))]
        unfit = {error.key for error in failed}
        records = [record for record in records if record.key not in unfit]
        if not records:
            return BatchResult(failed=failed, requests=0)
        columns = [name for name in KEYS if any(name in record.identifiers for record in records)]
        more = [VALUE] if sends_values else []
        answer = self.http.request(
            method,
            f"/{API_VERSION}/{self.audience_id()}/users",
            json={
                "payload": {
                    "schema": [*(KEYS[name] for name in columns), *more],
                    "data": [
                        [
                            *(record.identifiers.get(name, "") for name in columns),
                            *(str(record.fields["value"]) for _ in more),
                        ]
                        for record in records
                    ],
                }
            },
            group="audiences",
            answer=TAKEN,
        )
        invalid = answer["num_invalid_entries"]
        if answer["num_received"] != len(records) or not 0 <= invalid <= len(records):
            raise UnexpectedAnswerError(
                f"meta: {len(records):,} rows were sent, and the answer speaks of {answer['num_received']:,} "
                f"received and {invalid:,} invalid ones: nothing counts as taken."
            )
        if invalid:
            # Only a count comes back: halves are tried until what is refused is alone, so no good row is lost with it.
            halved = self._halved(method, records, invalid)
            return replace(halved, failed=[*failed, *halved.failed])
        return BatchResult(accepted=[Accepted(record.key) for record in records], failed=failed)

    def _halved(self, method: str, records: Sequence[Record], invalid: int) -> BatchResult:
        if invalid == len(records):
            failed = [
                RowError(record.key, "invalid_entry", "Meta calls the entry invalid")
                for record in records
            ]
            return BatchResult(failed=failed)
        middle = len(records) // 2
        left, right = self._users(method, records[:middle]), self._users(method, records[middle:])
        return BatchResult(
            accepted=[*left.accepted, *right.accepted],
            failed=[*left.failed, *right.failed],
            requests=1 + left.requests + right.requests,
        )

    def _pages(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            page = self.http.get(path, params, answer=PAGE)
            yield from page["data"]
            paging = page.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            # A cursor that leads to itself would be followed for ever.
            if not after or not paging.get("next") or after == params.get("after"):
                return
            params = {**params, "after": after}


def _unfit(record: Record, *, valued: bool = False) -> RowError | None:
    """Why a row is not sent: Meta would call it invalid, and a clear address must not leave the house."""
    values = [
        value for name, value in record.identifiers.items() if name in KEYS and name != "mobile_id"
    ]
    value = record.fields.get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if valued and not is_number:
        return RowError(record.key, "no_value", "value is no number from zero on", False)
    if not values and not record.identifiers.get("mobile_id"):
        return RowError(record.key, "no_identifier", "no identifier Meta takes", False)
    if not all(is_sha256(value) for value in values):
        return RowError(record.key, "not_hashed", "an identifier is not a SHA-256 in hex", False)
    return None


def _purchases(row: dict[str, Any]) -> float:
    return float(
        sum(
            float(action["value"])
            for action in row.get("actions") or []
            if action.get("action_type") == "purchase"
        )
    )
