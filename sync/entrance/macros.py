"""Macros of the dbt package as SQL, without dbt: `init` measures by the engine's own normalisers before the package is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Those of dbt that the normalisers call, where its own project and its adapters keep them.
_OF_DBT = re.compile(r"macro\s+\w+__(concat|split_part)\s*\(")
_ROOMS = ("normalise", "cross_db")


class _ReturnedError(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Macros:
    """Macros of `macros/normalise` and `macros/cross_db` by their names, private ones too, as one adapter gets them.

    They take no var and no model: who calls them says all that they need.
    """

    def __init__(self, package: Path, adapter: str) -> None:
        from jinja2 import Environment, StrictUndefined

        self._adapter = adapter
        self._environment = Environment(  # noqa: S701 (it makes SQL, no page)
            extensions=["jinja2.ext.do"], undefined=StrictUndefined
        )
        self._environment.globals.update(
            headwater=self, dbt=self, adapter=self, var=lambda _, default=None: default
        )
        self._environment.globals["return"] = _return
        self._found: dict[str, Callable[..., Any]] = {}
        for file in _files(package, adapter):
            # Jinja exports no name that begins with an underscore.
            text = re.sub(r"({%-?\s*macro\s+)(\w+)", r"\1of_\2", file.read_text("utf-8"))
            module = self._environment.from_string(text).make_module()
            for name, macro in vars(module).items():
                if name.startswith("of_"):
                    self._found[name.removeprefix("of_")] = _called(macro)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return self._found[name]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            return self._found[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def dispatch(self, name: str, _: str) -> Callable[..., Any]:
        """The version of the adapter, else the one for all."""
        return self._found.get(f"{self._adapter}__{name}") or self._found[f"default__{name}"]

    def countries(self) -> dict[str, list[Any]]:
        """Countries by ISO 3166-1 alpha-2 code; the last of the facts are other spellings, in upper case."""
        found: dict[str, list[Any]] = self["_countries"]()
        return found

    def phone(self, column: str, country: str | None) -> str:
        """A number in E.164, null where the build would not read it. `country` is SQL."""
        return str(self["_normalise_phone"](column, country or "null"))

    def email(self, column: str) -> str:
        """An address as the build reads it."""
        return str(self["_normalise_email"](column, False))

    def ending(self, column: str) -> str:
        """What stands behind the last dot, in upper case."""
        return f"upper({self['regexp_replace_all'](column, '^.*[.]', '')})"

    def country(self, column: str) -> str:
        """A country's code."""
        return str(self["_normalise_country"](column))


def _return(value: Any) -> None:
    raise _ReturnedError(value)


def _called(macro: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        try:
            return macro(*given, **named)
        except _ReturnedError as returned:
            return returned.value

    return call


def _files(package: Path, adapter: str) -> Iterator[Path]:
    for project in ("global_project", adapter):
        found = find_spec(f"dbt.include.{project}")
        for place in (found.submodule_search_locations or []) if found else []:
            for file in sorted(Path(place, "macros", "utils").glob("*.sql")):
                if _OF_DBT.search(file.read_text("utf-8")):
                    yield file
    for room in _ROOMS:
        yield from sorted((package / "macros" / room).glob("*.sql"))
