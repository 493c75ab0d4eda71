"""Jinja in YAML files, with `env_var()` as dbt has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sync.errors import ConfigError


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds; an empty file is an empty mapping.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is malformed"
        raise ConfigError(
            f"{path}{where} is not valid YAML: {problem}.",
            hint="A value that starts with {{ must be in quotes.",
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a mapping of names to settings.")
    return document


def render(value: Any, where: str) -> Any:
    """`value` with every text rendered; `where` names the file and setting in errors."""
    if isinstance(value, str):
        return _render_text(value, where)
    if isinstance(value, Mapping):
        return {key: render(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [render(item, where) for item in value]
    return value


MARKUP = re.compile(r"{[{%#]")
_MISSING = object()


def _render_text(text: str, where: str) -> Any:
    if not MARKUP.search(text):
        return text
    from jinja2 import TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    def env_var(name: str, default: Any = _MISSING) -> str:
        found = os.environ.get(name)
        if found is not None:
            return found
        if default is not _MISSING:
            return str(default)
        raise ConfigError(
            f"environment variable {name} is not set; {where} needs it.",
            hint=f"export {name}=... and run again, or give a default: env_var('{name}', '...').",
        )

    environment = SandboxedEnvironment(autoescape=False)
    environment.filters["as_number"] = _as_number
    environment.filters["as_bool"] = lambda raw: str(raw).lower() in ("true", "1", "yes", "on")
    environment.filters["as_text"] = str
    environment.filters["as_native"] = yaml.safe_load
    try:
        # One value may be typed by a filter, as in dbt: then the expression's own value is the setting.
        typed = re.fullmatch(r"\s*{{(.*)\|\s*(as_number|as_bool|as_native)\s*}}\s*", text, re.S)
        if typed:
            expression = environment.compile_expression(f"{typed[1]} | {typed[2]}")
            return expression(env_var=env_var)
        return environment.from_string(text).render(env_var=env_var)
    except TemplateError as error:
        raise ConfigError(f"{where} is not a valid template: {error}.") from error


def _as_number(raw: Any) -> int | float:
    number = float(raw)
    return int(number) if number.is_integer() else number
