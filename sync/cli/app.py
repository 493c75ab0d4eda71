"""What every verb shares: the global options, and the project they point at, read when first asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sync.cli.output import Output

if TYPE_CHECKING:
    from sync.config.destinations import Destinations
    from sync.config.manifest import Manifest
    from sync.config.models import SyncDefinition
    from sync.config.profiles import Target
    from sync.config.project import Project
    from sync.errors import RefusedError
    from sync.warehouses.base import Warehouse

F = TypeVar("F", bound=Callable[..., Any])


class App:
    """One run of the command line. Nothing is read before a verb needs it."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.project_dir: Path | None = None
        self.profiles_dir: Path | None = None
        self.target_name: str | None = None
        self.debug = False
        self.asks = False  # a person waits for the answer, and nothing is sent
        self._remembered: list[str] = []

    @cached_property
    def project(self) -> Project:
        """The dbt project of --project-dir."""
        from sync.config.project import find_project

        return find_project(self.project_dir)

    @cached_property
    def target(self) -> Target:
        """The target of profiles.yml that dbt built for."""
        from sync.config.profiles import load_target

        return load_target(self.project, profiles_dir=self.profiles_dir, target=self.target_name)

    @cached_property
    def manifest(self) -> Manifest:
        """What dbt wrote of the project: models, exposures, sources."""
        from sync.config.manifest import Manifest

        return Manifest(self.project.manifest, self.target.type)

    @cached_property
    def destinations(self) -> Destinations:
        """The destinations of destinations.yml."""
        from sync.config.destinations import load_destinations

        return load_destinations(self.project.directory)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse of the target; closed when the command ends."""
        from sync.warehouses.registry import open_warehouse

        warehouse = open_warehouse(self.target, notify=self.output.note)
        if self.asks:
            warehouse.at_ease()
        return warehouse

    def syncs(self, select: tuple[str, ...], exclude: tuple[str, ...]) -> list[SyncDefinition]:
        """The syncs that --select and --exclude leave."""
        from sync.config.selection import select as choose

        return choose(self.manifest.syncs(), include=select, exclude=exclude)

    def sync(self, name: str) -> SyncDefinition:
        """The sync of that name.

        Raises:
            SelectionError: there is none.
        """
        from sync.errors import SelectionError, closest

        found = {one.name: one for one in self.manifest.syncs()}
        if name not in found:
            raise SelectionError(
                f"there is no sync '{name}'{closest(name, found)}.", hint="sync list shows all."
            )
        return found[name]

    def why_not_live(self, environment: str) -> RefusedError | None:
        """Why this target may not send to real accounts, or None where it may; the sandbox is free."""
        from sync.config.live import check_live
        from sync.errors import RefusedError

        if environment != "live":
            return None
        try:
            check_live(self.project, self.target, self.manifest)
        except RefusedError as error:
            return error
        return None

    def remember_demo(self) -> None:
        """Go on in the demo's sandbox, where this run is on the demo's warehouse."""
        from sync.cli.remembered import remember_demo

        self._remembered = remember_demo(self)

    def close(self) -> None:
        """Let go of whatever was opened."""
        for name in self._remembered:
            os.environ.pop(name, None)
        warehouse = self.__dict__.get("warehouse")
        if warehouse is not None:
            warehouse.close()


def global_options() -> list[click.Parameter]:
    """Options that are accepted before and after the verb, as dbt does."""

    def keep(attribute: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
        def callback(ctx: click.Context, _: click.Parameter, value: Any) -> Any:
            app = ctx.find_object(App)
            if app is not None and value is not None and value is not False:
                setattr(app, attribute, value)
            return value

        return callback

    def option(name: str, attribute: str, help_text: str, **more: Any) -> click.Option:
        return click.Option(
            [name], callback=keep(attribute), expose_value=False, help=help_text, **more
        )

    folder = click.Path(path_type=Path, file_okay=False)
    return [
        option("--project-dir", "project_dir", "Folder of dbt_project.yml.", type=folder),
        option("--profiles-dir", "profiles_dir", "Folder of profiles.yml.", type=folder),
        option("--target", "target_name", "Target of the dbt profile.", metavar="NAME"),
        option("--debug", "debug", "Show tracebacks and debug lines.", is_flag=True),
    ]


_WITHOUT_PROJECT = frozenset({"init", "new"})


class Verb(click.Command):
    """A command that also takes the global options and shows an example."""

    def __init__(self, *args: Any, example: str = "", alarms: bool = False, **kwargs: Any) -> None:
        """`alarms` says that whoever hears of syncs hears of the command too, where it cannot do its work at all."""
        if example:
            kwargs["epilog"] = f"Example: {example}"
        super().__init__(*args, **kwargs)
        self._alarms = alarms
        self.params.extend(global_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Words after --select unite, in quotes or not, as they do for dbt; where they could be something else, in quotes alone."""
        if not any(isinstance(one, click.Argument) for one in self.params):
            args = _united(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it returns is the exit code."""
        app = ctx.find_object(App)
        if app is not None and self.name not in _WITHOUT_PROJECT:
            app.remember_demo()
        if app is None or not self._alarms:
            return super().invoke(ctx)
        from sync.cli.alarm import alarmed

        with alarmed(app, str(self.name), ctx.params):
            return super().invoke(ctx)


_SELECTING = frozenset({"--select", "-s", "--exclude", "-x"})


def _united(words: Sequence[str]) -> list[str]:
    """`--select a b` as `--select a --select b`."""
    found, option, is_first = list[str](), "", False
    for word in words:
        name = word.partition("=")[0]
        if word.startswith("-"):
            option, is_first = (name if name in _SELECTING else ""), word in _SELECTING
        elif option and not is_first:
            found.append(option)
        else:
            is_first = False
        found.append(word)
    return found


def agreed(question: str, *, yes: bool, default: bool = False, otherwise: str = "") -> bool:
    """What somebody at a terminal says to `question`; true with --yes.

    Raises:
        UsageError: nobody is there to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"nobody is there to ask: --yes does it{otherwise}.")
    return click.confirm(question, default=default, err=True)


def selection_options(command: F) -> F:
    """--select and --exclude."""
    command = click.option(
        "--exclude", "-x", multiple=True, metavar="WORDS", help="Leave these syncs out."
    )(command)
    return click.option(
        "--select",
        "-s",
        multiple=True,
        metavar="WORDS",
        help="Names, globs, tag:, destination:; spaces unite.",
    )(command)


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(
        command
    )
