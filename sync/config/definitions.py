"""From an exposure's `config.meta.sync` to a `SyncDefinition`: every mistake named, with what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sync.config.models import Canary, Consent, Guards, Model, Nulls, SyncDefinition
from sync.errors import ConfigError, closest
from sync.records import Mode, SyncObject

SYNC_KEYS = (
    "id",
    "destination",
    "object",
    "mode",
    "key",
    "identifiers",
    "fields",
    "consent",
    "guards",
    "nulls",
    "delivery",
    "freshness",
    "quarantine_after",
    "refresh_days",
    "canary",
    "on_conflict",
    "merged",
    "after",
    "options",
)
GUARD_KEYS = (
    "min_rows",
    "max_removals",
    "max_removals_percent",
    "max_changes",
    "max_changes_percent",
    "max_additions",
    "max_additions_percent",
    "max_events",
    "max_events_percent",
    "free_additions",
)
_DELIVERIES = ("exactly_once", "at_least_once", "at_most_once")


def parse_definition(
    *,
    name: str,
    meta: object,
    model: Model,
    path: str,
    owner: str = "",
    description: str = "",
    tags: Iterable[str] = (),
) -> SyncDefinition:
    """The sync that exposure `name` defines.

    Raises:
        ConfigError: a setting is unknown, missing or not allowed.
    """
    reader = _Reader(name, path)
    settings = _with_what_the_model_says(
        reader, reader.mapping("sync", meta, allowed=SYNC_KEYS), model
    )
    mode_name = reader.text(settings, "mode")
    if mode_name not in [mode.value for mode in Mode]:
        reader.refuse("mode", mode_name, [mode.value for mode in Mode])
    key = reader.names(settings, "key")
    if not key:
        raise reader.error("needs `key`: the columns that name a row, such as [profile_id]")
    delivery = settings.get("delivery")
    if delivery is not None and delivery not in _DELIVERIES:
        reader.refuse("delivery", delivery, _DELIVERIES)
    fields = reader.mapping("fields", settings.get("fields") or {})
    for vendor, column in fields.items():
        if not isinstance(vendor, str) or not isinstance(column, str) or not column:
            raise reader.error(
                f"fields must map a name at the destination to a column; '{vendor}' is mapped to "
                f"{_as_yaml_reads(column if isinstance(vendor, str) else vendor)}, so put it in quotes"
            )
    return SyncDefinition(
        name=name,
        destination=reader.text(settings, "destination"),
        object=_object(reader, settings),
        mode=Mode(mode_name),
        key=key,
        identifiers=reader.names(settings, "identifiers"),
        model=model,
        path=path,
        owner=owner,
        description=description,
        tags=frozenset(tags) | model.tags,
        fields={str(vendor): str(column).lower() for vendor, column in fields.items()},
        consent=_consent(reader, settings.get("consent")),
        guards=_guards(reader, settings.get("guards") or {}),
        nulls=_nulls(reader, settings.get("nulls") or "omit"),
        delivery=delivery,
        max_age_hours=_max_age(reader, settings.get("freshness")),
        quarantine_after=reader.whole("quarantine_after", settings.get("quarantine_after", 5)),
        refresh_days=_days(reader, settings.get("refresh_days")),
        canary=_canary(reader, settings.get("canary"), mode_name),
        left_out_on_conflict=_on_conflict(reader, settings.get("on_conflict"), mode_name),
        tells_merges=_merged(reader, settings.get("merged"), mode_name),
        after=reader.names(settings, "after", lower=False),
        options=reader.mapping("options", settings.get("options") or {}),
        id=_id(reader, settings),
    )


def _id(reader: _Reader, settings: Mapping[str, Any]) -> str:
    """A name that a folder may have too: the journal keeps one per sync."""
    found = reader.text(settings, "id") if "id" in settings else ""
    if "/" in found or "\\" in found or found in (".", ".."):
        raise reader.error(
            f"`id` is '{found}', and no folder may be called so; it is the name that the sync had"
        )
    return found


def _with_what_the_model_says(
    reader: _Reader, settings: Mapping[str, Any], model: Model
) -> Mapping[str, Any]:
    """`settings` with the key, identifiers and consent that `activation()` left in its model's meta, each of which has one place.

    Raises:
        ConfigError: both say it, and not the same.
    """
    told = model.meta.get("activation")
    if not isinstance(told, Mapping):
        return settings
    found = dict(settings)
    for name in ("key", "identifiers", "consent"):
        if settings.get(name) is None:
            found[name] = told.get(name)
        elif name in told and _plain(settings[name]) != _plain(told[name]):
            raise reader.error(
                f"`{name}` is {_plain(settings[name])} here and {_plain(told[name])} in the call of activation() in "
                f"{model.name}.sql",
                hint=f"say it there alone: take `{name}` out of the exposure, or make the two agree.",
            )
    return found


def _plain(value: object) -> object:
    """A setting as it is compared and shown: names in any order and case, nothing as `none`."""
    if isinstance(value, str):
        return [value.lower()]
    if isinstance(value, list | tuple):
        return sorted(str(one).lower() for one in value)
    return dict(value) if isinstance(value, Mapping) else "none"


class _Reader:
    """Reads typed values and says where a wrong one is."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path

    def error(self, text: str, hint: str | None = None) -> ConfigError:
        return ConfigError(f"sync '{self.name}' in {self.path}: {text}.", hint=hint)

    def refuse(self, what: str, value: object, allowed: Iterable[str]) -> None:
        names = list(allowed)
        raise self.error(
            f"{what} '{value}' is not one of {', '.join(names)}{closest(str(value), names)}"
        )

    def mapping(self, what: str, value: object, allowed: Iterable[str] | None = None) -> Any:
        if not isinstance(value, Mapping):
            raise self.error(f"{what} must be a mapping")
        if allowed is not None:
            names = list(allowed)
            unknown = [f"'{key}'{closest(str(key), names)}" for key in value if key not in names]
            if unknown:
                raise self.error(
                    f"unknown key{'s' if len(unknown) > 1 else ''} {', '.join(unknown)} in {what}; "
                    f"allowed: {', '.join(names)}"
                )
        return value

    def text(self, settings: Mapping[str, Any], key: str) -> str:
        value = settings.get(key)
        if value is None or value == "":
            raise self.error(f"needs `{key}`")
        if not isinstance(value, str):
            raise self.error(
                f"`{key}` is read by YAML as {_as_yaml_reads(value)}; put it in quotes"
            )
        return value

    def names(
        self, settings: Mapping[str, Any], key: str, *, lower: bool = True
    ) -> tuple[str, ...]:
        value = settings.get(key) or []
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise self.error(f"`{key}` must be a list of names")
        return tuple(item.lower() if lower else item for item in items)

    def number(self, key: str, value: object) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < math.inf
        ):
            raise self.error(f"`{key}` must be a number of at least 0, not '{value}'")
        return value

    def whole(self, key: str, value: object) -> int:
        number = self.number(key, value)
        if number != int(number):
            raise self.error(f"`{key}` must be a whole number, not '{value}'")
        return int(number)


def _object(reader: _Reader, settings: Mapping[str, Any]) -> SyncObject:
    value = settings.get("object")
    options = dict(settings.get("options") or {})
    if isinstance(value, str) and value:
        return SyncObject(kind=value, name=None, options=options)
    if isinstance(value, Mapping) and len(value) == 1:
        kind, name = next(iter(value.items()))
        if not isinstance(kind, str) or not isinstance(name, str) or not name:
            raise reader.error(
                f"the name of `object` is read by YAML as {_as_yaml_reads(name)}; "
                "put it in quotes, as it is called at the destination"
            )
        return SyncObject(kind=kind, name=name, options=options)
    raise reader.error("needs `object`: one kind and its name, such as {list: Lapsed buyers}")


def _as_yaml_reads(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    return f"{str(value).lower() if isinstance(value, bool) else value}, no text"


def _consent(reader: _Reader, value: object) -> Consent | None:
    if value is None:
        return None
    settings = reader.mapping("consent", value, allowed=("channel", "purpose"))
    return Consent(
        channel=reader.text(settings, "channel"), purpose=reader.text(settings, "purpose")
    )


def _guards(reader: _Reader, value: object) -> Guards:
    settings = reader.mapping("guards", value, allowed=GUARD_KEYS)
    numbers: dict[str, Any] = {}
    for key, limit in settings.items():
        read = reader.number if key.endswith("_percent") else reader.whole
        numbers[key] = None if limit is None else read(f"guards.{key}", limit)
    for key in ("min_rows", "free_additions"):
        if numbers.get(key, 1) is None:
            numbers[key] = 0
    return Guards(**numbers)


def _nulls(reader: _Reader, value: object) -> Nulls:
    fields = {"default": value} if isinstance(value, str) else dict(reader.mapping("nulls", value))
    for choice in fields.values():
        if choice not in ("omit", "send"):
            reader.refuse("nulls", choice, ("omit", "send"))
    default = fields.pop("default", "omit")
    return Nulls(default=default, fields=fields)


def _days(reader: _Reader, value: object) -> int | None:
    if value is None:
        return None
    days = reader.whole("refresh_days", value)
    if days < 1:
        raise reader.error("refresh_days wants a whole number of days, 1 or more")
    return days


def _canary(reader: _Reader, value: object, mode: str) -> Canary | None:
    if value is None:
        return None
    settings = reader.mapping("canary", value, allowed=("rows", "max_failed_percent"))
    rows = reader.whole("canary.rows", settings.get("rows"))
    percent = reader.number("canary.max_failed_percent", settings.get("max_failed_percent", 0))
    if rows < 1:
        raise reader.error("canary.rows wants a whole number, 1 or more")
    if percent >= 100:
        raise reader.error(
            "canary.max_failed_percent wants less than 100: it would let everything pass"
        )
    if mode == Mode.REPLACE.value:
        raise reader.error(
            "canary is for modes that send rows apart: `replace` puts a whole set in the place of another"
        )
    return Canary(rows, percent)


def _on_conflict(reader: _Reader, value: object, mode: str) -> tuple[str, ...]:
    if value is None:
        return ()
    settings = reader.mapping("on_conflict", value)
    for name, what in settings.items():
        if what != "leave_out":
            raise reader.error(
                f"on_conflict.{name} wants leave_out: the row then goes without its {name}"
            )
    if mode not in (Mode.UPSERT.value, Mode.MIRROR.value, Mode.ADD.value):
        raise reader.error("on_conflict is for modes that write records: upsert, mirror, add")
    return tuple(name.lower() for name in settings)


def _merged(reader: _Reader, value: object, mode: str) -> bool:
    if value is None:
        return True
    if value not in ("tell", "keep"):
        reader.refuse("merged", value, ("tell", "keep"))
    if mode not in (Mode.UPSERT.value, Mode.MIRROR.value):
        raise reader.error("merged is for modes that keep records as they are here: upsert, mirror")
    return value == "tell"


def _max_age(reader: _Reader, value: object) -> float | None:
    if value is None:
        return None
    settings = reader.mapping("freshness", value, allowed=("max_age_hours",))
    return reader.number("freshness.max_age_hours", settings.get("max_age_hours"))
