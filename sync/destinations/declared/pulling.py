"""Results of a declared destination, by what its file says stands where."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from sync.destinations.declared import form, templates
from sync.destinations.declared.asking import Asked, listed
from sync.destinations.declared.files import at, pulled_scope
from sync.destinations.http import HttpClient
from sync.destinations.values import utc
from sync.errors import UnexpectedAnswerError
from sync.records import Campaign, CampaignEvent, Result


def pulled(
    pull: form.Pull,
    asked: Callable[[form.Request], Asked],
    where: Callable[[Asked], HttpClient],
    words: dict[str, Any],
    since: dt.datetime,
) -> Iterator[Result]:
    """Campaigns, then events at or after `since`."""
    form_of = "%Y-%m-%dT%H:%M:%S+00:00"
    words = {
        **words,
        "since": since.strftime(form_of),
        "month_before": (since - dt.timedelta(days=30)).strftime(form_of),
    }
    campaigns: list[str] = []
    if pull.campaigns is not None:
        fields = _compiled(pull.campaigns.map, words)
        request = asked(pull.campaigns)
        http = where(request)
        for row in listed(request, pull.campaigns, http, words, "default"):
            found = _filled(fields, {**words, "row": row})
            if found.get("campaign_id") is None:
                raise UnexpectedAnswerError(f"{http.vendor}: a campaign has no id.")
            campaigns.append(str(found["campaign_id"]))
            yield Campaign(
                campaign_id=campaigns[-1],
                campaign_name=_text(found.get("campaign_name")),
                channel=_text(found.get("channel")) or "email",
                status=_text(found.get("status")),
                started_at=utc(found.get("started_at")),
                raw=json.dumps(row),
            )
    for told in pull.events:
        fields = _compiled(told.map, words)
        request = asked(told)
        http = where(request)
        asked_of: list[str | None] = [*campaigns] if told.per_campaign else [None]
        for campaign in asked_of:
            of = words if campaign is None else {**words, "campaign_id": campaign}
            for row in listed(request, told, http, of, "default"):
                for inner in (at(row, told.inner) or []) if told.inner else [None]:
                    found = _filled(fields, {**of, "row": row, "inner": inner})
                    if (
                        event := _event(told, found, campaign, http.vendor)
                    ) and event.occurred_at >= since:
                        yield event


def _event(
    told: form.Events, found: dict[str, Any], campaign: str | None, vendor: str
) -> CampaignEvent | None:
    occurred_at = utc(found.get("occurred_at"))
    word, recipient = _text(found.get("kind")), _text(found.get("recipient"))
    if occurred_at is None or not word or not recipient:
        raise UnexpectedAnswerError(
            f"{vendor}: an event lacks its time, its kind or its recipient."
        )
    kind = told.kinds.get(word, word)
    campaign_id = _text(found.get("campaign_id")) or campaign
    own = _text(found.get("event_id"))
    if own is None:
        parts = "|".join([str(campaign_id), word, recipient, occurred_at.isoformat()])
        own = hashlib.md5(parts.encode(), usedforsecurity=False).hexdigest()
    return CampaignEvent(
        event_id=own,
        campaign_id=campaign_id,
        kind=kind,
        recipient_type=_text(found.get("recipient_type")) or "email",
        recipient=recipient,
        occurred_at=occurred_at,
        channel=_text(found.get("channel")),
        raw=json.dumps({"kind": word, "occurred_at": occurred_at.isoformat()}),
    )


def _compiled(named: Any, words: dict[str, Any]) -> dict[str, templates.Part]:
    scope = pulled_scope([*words, "campaign_id"])
    return {str(name): templates.text(text, scope) for name, text in named.items()}


def _filled(fields: dict[str, templates.Part], words: dict[str, Any]) -> dict[str, Any]:
    found = {name: part(words, None) for name, part in fields.items()}
    return {name: value for name, value in found.items() if value is not templates.MISSING}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
