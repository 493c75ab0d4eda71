"""dbt starts hundreds of times in this suite, so what each start costs is kept small: what it would do again and again alike is done once.

Every answer is dbt's own; `import tests.python.quick_dbt` before the first start.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import itertools
import json
import operator
import os
import pickle
import threading
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

import dbt.artifacts.schemas.base
import dbt.clients.jinja_static
import dbt.clients.yaml_helper
import dbt.config.profile
import dbt.config.project
import dbt.config.selectors
import dbt.context.base
import dbt.context.manifest
import dbt.parser.manifest
import dbt.parser.schemas
import dbt_common.clients.jinja
import jinja2
import jinja2.sandbox
import parsedatetime
from dbt.adapters.base import BaseAdapter
from dbt.clients.jinja import MacroGenerator
from dbt.clients.yaml_helper import SafeLoader
from dbt.context.macro_resolver import TestMacroNamespace
from dbt.context.macros import MacroNamespaceBuilder
from dbt.contracts.graph.manifest import Manifest
from dbt.tracking import track_behavior_change_warn
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.dataclass_schema import dbtClassMixin
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.logger import PRINT_EVENT_NAMES, _log_level_map
from dbt_common.tests import enable_test_caching
from dbt_common.utils.encoding import JSONEncoder


def _patch(owner, name, make):
    """`owner.name` is what `make` makes of it."""
    setattr(owner, name, make(getattr(owner, name)))


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
# A manifest is written after the parse and after each run, and nine tenths of it are macros, which stay what they are: a
# quarter of what a journey's test takes.
_NO_MACROS = '"macros": {}, "docs": '


def _macros_once(write):
    def written(self, path):
        macros = self.macros
        if getattr(self, "_macros_said", (None,))[0] is not macros:
            given = {
                name: one.to_dict(omit_none=False, context={"artifact": True})
                for name, one in self._map_nodes_to_map_resources(macros).items()
            }
            self._macros_said = (macros, json.dumps(given, cls=JSONEncoder))
        self.macros = {}
        try:
            write(self, path)
        finally:
            self.macros = macros
        whole = Path(path).read_text("utf-8")
        assert whole.count(_NO_MACROS) == 1
        said = _NO_MACROS.replace("{}", self._macros_said[1])
        Path(path).write_text(whole.replace(_NO_MACROS, said), encoding="utf-8")

    return written


_patch(Manifest, "write", _macros_once)
# What was parsed stays for good; looking through it for garbage every 700 objects is a tenth of all time.
gc.set_threshold(200_000, 20, 20)
# dbt writes a tenth of its time. Who reads what it says asks for it.
os.environ.update(DBT_LOG_LEVEL="none", DBT_LOG_LEVEL_FILE="none")


# Macros have descriptions without Jinja in them, and dbt makes a context for each: a twentieth of a parse.
class _Lazily(Mapping):
    """A context that is made when something is looked up in it."""

    def __init__(self, make):
        self._make = functools.cache(make)

    def __getitem__(self, name):
        return self._make()[name]

    def __iter__(self):
        return iter(self._make())

    def __len__(self):
        return len(self._make())


_patch(
    dbt.parser.manifest,
    "generate_runtime_docs_context",
    lambda made: lambda *given: _Lazily(functools.partial(made, *given)),
)


# All macros by name, for each context anew: a tenth of a parse.
def _macros_by_name(self):
    names = {}
    for found in reversed(list(self._search_order())):
        names.update(found)
    return names


def _with_macros(_):
    def to_dict(self):
        found = super(dbt.context.manifest.ManifestContext, self).to_dict()
        space = self.namespace
        if isinstance(space, TestMacroNamespace):
            found.update(space.local_namespace)
            found.update(space.project_namespace)
        else:
            found.update(_macros_by_name(space))
        return found

    return to_dict


_patch(dbt.context.manifest.ManifestContext, "to_dict", _with_macros)


# And all macros as functions, for each context anew, a thousand and a half of them: another tenth. As tuples C makes them.
class _Macro(tuple, MacroGenerator):
    """A macro as a function: (macro, context, node, stack)."""

    macro, context, node, stack = (property(operator.itemgetter(place)) for place in range(4))
    __init__, __eq__, __hash__ = tuple.__init__, object.__eq__, object.__hash__


def _made_at_once(self, macro, context=None, node=None, stack=None):
    self.macro, self.context, self.node, self.stack = macro, context, node, stack


def _namespace_at_once(self, macros_by_package, ctx):
    bound = tuple(itertools.repeat(one) for one in (ctx, self.node, self.thread_ctx))
    for package, macros in macros_by_package.items():
        made = dict(
            zip(macros, map(_Macro, zip(macros.values(), *bound, strict=False)), strict=True)
        )
        if package in self.internal_package_names:
            self.internal_packages[package] = made
            continue
        self.packages[package] = made
        if package == self.search_package:
            self.locals = dict(made)
        elif package == self.root_package:
            self.globals = dict(made)
    return _build_namespace(self, {}, ctx)


_build_namespace = MacroNamespaceBuilder.build_namespace
MacroNamespaceBuilder.build_namespace = _namespace_at_once
MacroGenerator.__init__ = _made_at_once


# pytz, datetime, re and itertools by the names of what is in them, for each context anew.
_patch(dbt.context.base, "get_context_modules", functools.cache)


# What is said becomes a message of protobuf before it is known whether anybody hears it: a twentieth of all.
def _message(event):
    if "said" not in event.__dict__:
        _said(event, **event.__dict__["words"])
    return event.__dict__["said"]


_said = BaseEvent.__init__
BaseEvent.pb_msg = property(_message, lambda event, said: event.__dict__.update(said=said))
BaseEvent.__init__ = lambda event, *given, **words: (
    _said(event, *given, **words) if given else event.__dict__.update(words=words)
)


# An environment of Jinja for each macro whose calls are looked for: a twentieth of a parse.
_patch(dbt.clients.jinja_static, "get_environment", functools.cache)


# The stack with its sources for each flag of an adapter, to name the module that made it: a twentieth of all.
BehaviorFlagRendered._default_source = staticmethod(
    functools.cache(BehaviorFlagRendered._default_source)
)


# What nobody hears is put into no words, also where somebody hears only what is graver: a fifth of a build.
def _if_heard(fire):
    def is_heard(logger, level):
        written = logger._python_logger
        return written is None or written.isEnabledFor(_log_level_map[level])

    def heard(self, e, level=None, node=None, force_warn_or_error_handling=False):
        told = EventLevel(level or e.level_tag())
        if (
            told in (EventLevel.WARN, EventLevel.ERROR)
            or force_warn_or_error_handling
            or any(is_heard(logger, told) for logger in self.loggers)
            or any(one is not track_behavior_change_warn for one in self.callbacks)
            or (self.loggers and type(e).__name__ in PRINT_EVENT_NAMES)  # written as errors are
        ):
            fire(self, e, level, node, force_warn_or_error_handling)

    return heard


_patch(EventManager, "fire_event", _if_heard)


# Whether a name is there, and whether Jinja may touch it, is asked some hundred thousand times a build.
class _Chain(ChainMap):
    """Two mappings, asked in C."""

    def __contains__(self, name):
        first, then = self.maps
        return name in first or name in then


def _by_type(judge):
    known = {}

    def judged(one, name):
        key = (type(one), name)
        if key not in known:
            known[key] = judge(one, name)
        return known[key]

    return judged


dbt_common.clients.jinja.ChainMap = _Chain
_patch(jinja2.sandbox, "is_internal_attribute", _by_type)


# A YAML file that was read before in this process.
def _read_once(load):
    known = {}

    def once(contents, path=None, loader=SafeLoader):
        if loader is not SafeLoader:
            return load(contents, path, loader)
        if contents not in known:
            known[contents] = pickle.dumps(load(contents, path))
        return pickle.loads(known[contents])

    return once


for _module in (
    dbt.clients.yaml_helper,
    dbt.parser.schemas,
    dbt.config.project,
    dbt.config.selectors,
    dbt.config.profile,
):
    _patch(_module, "load_yaml_text", _read_once)


# What was valid is so, whenever it was made: a tenth of a parse.
def _validated_once(validate):
    valid = set()

    def once(cls, data):
        same = (
            {key: value for key, value in data.items() if key != "created_at"}
            if isinstance(data, dict)
            else data
        )
        key = (cls, hashlib.blake2b(repr(same).encode()).digest())
        if key not in valid:
            validate.__func__(cls, data)
            valid.add(key)

    return classmethod(once)


dbtClassMixin.validate = _validated_once(dbtClassMixin.__dict__["validate"])
