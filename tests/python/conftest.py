"""What every test of the suite shares: dbt starts hundreds of times in it, so what each start costs is kept small."""

from __future__ import annotations

import functools
import gc
import json
import os
import threading
from pathlib import Path

import dbt.artifacts.schemas.base
import jinja2
import parsedatetime
from dbt.adapters.base import BaseAdapter
from dbt_common.tests import enable_test_caching
from dbt_common.utils.encoding import JSONEncoder

# dbt's own switch for suites like this one: a macro that it has read before in this process is not parsed again.
enable_test_caching()
# It makes these anew for every result that it reads: a fifteenth of its time.
parsedatetime.Constants = functools.cache(parsedatetime.Constants)
# Nor is a template compiled again for each model that calls its macro: a third of a build's time.
_compile, _code = jinja2.Environment.compile, {}


def _compiled_once(self, source, *words, **named):
    if words or named or not isinstance(source, str):
        return _compile(self, source, *words, **named)
    key = (type(self), tuple(sorted(self.extensions)), source)
    if key not in _code:
        _code[key] = _compile(self, source)
    return _code[key]


jinja2.Environment.compile = _compiled_once
# An adapter's own macros (rename, drop, list) are given a context with all macros at each call; one per command and thread
# holds the same: a quarter of a build's time.
_macro_context_generator = BaseAdapter.set_macro_context_generator


def _one_context(self, generator):
    contexts = threading.local()

    def context(macro, config, resolver, package):
        given = (config, resolver, package, macro.package_name)
        for known, made in getattr(contexts, "made", ()):
            if all(one is other for one, other in zip(known, given, strict=True)):
                return dict(made)
        contexts.made = [
            *getattr(contexts, "made", ()),
            (given, generator(macro, config, resolver, package)),
        ]
        return dict(contexts.made[-1][1])

    _macro_context_generator(self, context)


BaseAdapter.set_macro_context_generator = _one_context


def _written_at_once(path, data):
    """The same text as dbt's json.dump, which encodes in Python where dumps does in C: a tenth of a build."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(data, cls=JSONEncoder), encoding="utf-8")
    return True


dbt.artifacts.schemas.base.write_json = _written_at_once
# What was parsed stays for good; looking through it for garbage every 700 objects is a tenth of all time.
gc.set_threshold(200_000, 20, 20)
# dbt writes a tenth of its time. Who reads what it says asks for it.
os.environ.update(DBT_LOG_LEVEL="none", DBT_LOG_LEVEL_FILE="none")

# What builds with dbt takes minutes a file and is handed out first, so that no worker waits alone for the last of it.
BUILDS = (
    "package",
    "integration",
    "identity",
    "journeys",
    "matching",
    "audiences",
    "activation",
    "warehouses",
    "profiles",
)


def pytest_collection_modifyitems(items):
    def turn(item):
        folder = item.path.parent.name
        return BUILDS.index(folder) if folder in BUILDS else len(BUILDS)

    items.sort(key=turn)
