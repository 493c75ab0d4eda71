"""dbt's selection words over syncs: names, globs, `tag:`, `destination:`; spaces unite."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from sync.config.models import SyncDefinition
from sync.errors import SelectionError, closest

METHODS = ("name", "tag", "destination", "mode", "model", "exposure")


def select(
    definitions: Sequence[SyncDefinition],
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
) -> list[SyncDefinition]:
    """The chosen syncs in their own order; no `include` means all.

    Raises:
        SelectionError: a word names nothing, or nothing is left.
    """
    wanted, unwanted = _words(include), _words(exclude)
    if not definitions and not wanted and not unwanted:
        return []
    chosen = set() if wanted else {definition.name for definition in definitions}
    for word in wanted:
        chosen |= _matching(word, definitions, "--select")
    for word in unwanted:
        chosen -= _matching(word, definitions, "--exclude")
    if not chosen:
        raise SelectionError("the selection leaves no sync.", hint="`sync list` shows all syncs.")
    return [definition for definition in definitions if definition.name in chosen]


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in text.split()]


def _matching(word: str, definitions: Sequence[SyncDefinition], option: str) -> set[str]:
    method, colon, pattern = word.partition(":")
    if not colon:
        method, pattern = "name", word
    if method not in METHODS:
        raise SelectionError(
            f"{option} '{word}': '{method}:' is not one of "
            f"{', '.join(f'{name}:' for name in METHODS)}."
        )
    found = {
        definition.name
        for definition in definitions
        if any(fnmatch.fnmatchcase(value, pattern) for value in _values(method, definition))
    }
    if not found:
        near = closest(
            pattern, _all_values(method, definitions), before=f"{method}:" if colon else ""
        )
        for other in () if colon else ("destination", "tag", "model"):
            near = near or closest(pattern, _all_values(other, definitions), before=f"{other}:")
        raise SelectionError(
            f"{option} '{word}' names no sync{near}.",
            hint="`sync list` shows all syncs.",
        )
    return found


def _all_values(method: str, definitions: Sequence[SyncDefinition]) -> set[str]:
    return {value for definition in definitions for value in _values(method, definition)}


def _values(method: str, definition: SyncDefinition) -> Iterable[str]:
    match method:
        case "tag":
            return definition.tags
        case "destination":
            return (definition.destination,)
        case "mode":
            return (definition.mode.value,)
        case "model":
            return (definition.model.name,)
    return (definition.name,)
