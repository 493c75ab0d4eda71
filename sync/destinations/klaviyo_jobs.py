"""How a job of Klaviyo's stands: an import of profiles, a suppression.

The pages stand in klaviyo and klaviyo_subscriptions, which begin the jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.destinations.answers import Answer
from sync.destinations.http import HttpClient
from sync.errors import UnexpectedAnswerError
from sync.records import JobStatus

JOB_MADE = Answer(frozenset({202}), (("data.id", str),))
_JOB = Answer(fields=(("data.attributes.status", str),))


def attributes_of(http: HttpClient, path: str) -> Mapping[str, Any]:
    """What Klaviyo says of a job."""
    attributes: Mapping[str, Any] = http.get(path, group="reads", answer=_JOB)["data"]["attributes"]
    return attributes


def unfinished(attributes: Mapping[str, Any]) -> JobStatus | None:
    """How a job stands that has not come to its end; None for one that has.

    Raises:
        UnexpectedAnswerError: it is in a state that the API does not have.
    """
    status = attributes["status"]
    if status in ("queued", "processing"):
        return JobStatus(done=False)
    if status == "cancelled":
        return JobStatus(done=True, all_failed=status)
    if status != "complete":
        raise UnexpectedAnswerError("klaviyo: a job is in a state that the API does not have.")
    return None
