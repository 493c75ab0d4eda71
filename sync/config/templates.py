"""Jinja in YAML files, with `env_var()` as dbt has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sync.errors import ConfigError, UnsetVariableError


class _PlainLoader(yaml.SafeLoader):
    """YAML where each key stands once and each value is read as it is written: by itself YAML keeps the last of two equal keys, and reads
    0123 as 83, 12:30 as 750 and NO as false."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen and key.value != "<<":
                raise _refused(key, f"the key '{key.value}' is given twice")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", node.value):
            raise _refused(node, "a value here can be read as several numbers; put it in quotes")
        return super().construct_yaml_int(node)

    def construct_yaml_bool(self, node: yaml.ScalarNode) -> Any:
        if node.value.lower() not in ("true", "false"):
            raise _refused(
                node, f"`{node.value}` is read as true or false; write one of them, or quote it"
            )
        return super().construct_yaml_bool(node)


_PlainLoader.add_constructor("tag:yaml.org,2002:int", _PlainLoader.construct_yaml_int)
_PlainLoader.add_constructor("tag:yaml.org,2002:bool", _PlainLoader.construct_yaml_bool)


def _refused(node: yaml.Node, problem: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_yaml(path: Path, *, plainly: bool = False) -> dict[str, Any]:
    """The mapping a YAML file holds; an empty file is an empty mapping. `plainly` refuses what YAML reads otherwise than it is written,
    for files that are ours; dbt's own are read as dbt reads them.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping.
    """
    try:
        text = path.read_text("utf-8")
        document = yaml.load(text, _PlainLoader if plainly else yaml.SafeLoader)  # noqa: S506 (both are safe)
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
        raise UnsetVariableError(
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
