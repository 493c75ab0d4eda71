"""Declaration and settings of a destination, out of its file."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, create_model

from sync.destinations.answers import Fault, Verdict, Verdicts
from sync.destinations.base import (
    Declaration,
    Delivery,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
)
from sync.destinations.declared import form
from sync.destinations.declared.files import DeclaredFile
from sync.destinations.settings import Address, HttpSettings
from sync.records import Mode


def declaration(file: DeclaredFile) -> Declaration:
    """What the file says of what the vendor can do."""
    vendor = file.vendor
    return Declaration(
        name=vendor.name,
        title=vendor.title,
        api_version=str(vendor.api_version),
        objects={kind: _object_type(one) for kind, one in vendor.objects.items()},
        rate_limits={
            name: RateLimit(one.requests, one.seconds, one.parallel)
            for name, one in vendor.rate_limits.items()
        },
        pulls=vendor.pull is not None,
        hashed=any(one.hashed for one in vendor.objects.values()),
        asks_account=vendor.account.get is not None,
        settings_help={name: setting.help for name, setting in vendor.settings.items()},
        verdicts=_verdicts(vendor),
        erasure=Erasure(
            how=vendor.erasure.how or "",
            cannot=vendor.erasure.cannot or "",
            whole_account=vendor.erasure.whole_account,
            objects=None if vendor.erasure.objects is None else frozenset(vendor.erasure.objects),
        ),
    )


def _object_type(one: form.Object) -> ObjectType:
    verb = one.send or one.upsert or one.remove
    failure = PartialFailure.ALL_OR_NOTHING
    if verb is not None and verb.job is not None:
        failure = PartialFailure.BY_POLLING
    elif verb is not None and (verb.refused or verb.per == "row"):
        failure = PartialFailure.PER_ROW
    elif verb is not None and verb.refused_count:
        failure = PartialFailure.COUNTS_ONLY
    return ObjectType(
        modes=frozenset(map(Mode, one.modes)),
        batch_rows=one.batch_rows,
        batch_bytes=one.batch_bytes,
        identifiers=frozenset(one.identifiers),
        member=one.member,
        members=tuple(map(tuple, one.members)),
        found_by=tuple(one.found_by),
        updates_by_id=one.update is not None,
        merges=one.merge is not None,
        keeps_both=one.keeps_both or "",
        conflicts={code: tuple(names) for code, names in one.conflicts.items()},
        open_fields=one.fields is None,
        known_fields=frozenset(one.fields or ()),
        nested=one.nested,
        partial_failure=failure,
        delivery=Delivery(one.delivery),
        rate_group=one.group,
        latency=one.latency,
        job_seconds=one.job_seconds,
        refresh_days=one.refresh_days,
        subscribes=one.subscribes,
    )


def _verdicts(vendor: form.Vendor) -> Verdicts:
    return Verdicts(
        {
            (row.status, None if row.code is None else str(row.code)): Verdict(
                Fault(row.fault), row.hint, row.seconds
            )
            for row in vendor.errors
        }
    )


def settings_type(file: DeclaredFile) -> type[HttpSettings]:
    """What destinations.yml takes; secrets hide themselves."""
    fields: dict[str, Any] = {}
    for name, setting in file.vendor.settings.items():
        kind: Any = SecretStr if setting.secret else str
        options: dict[str, Any] = {} if setting.secret else {"min_length": 1}
        if setting.pattern and not setting.secret:
            options["pattern"] = setting.pattern
        default = ... if setting.default is None else setting.default
        fields[name] = (kind, Field(default, **options))
    fields["base_url"] = (Address | None, None)
    if file.vendor.auth.oauth is not None:
        fields["token_url"] = (Address | None, None)
    made: type[HttpSettings] = create_model(
        f"{file.vendor.name}_settings", __base__=HttpSettings, **fields
    )
    return made
