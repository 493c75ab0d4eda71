"""The command line: one group, verbs loaded when they are called, exit codes in one place."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import threading
from collections.abc import Sequence

import click

from sync import __version__
from sync.cli.app import App, Verb, global_options
from sync.cli.output import Output
from sync.errors import ConfigError, HeadwaterError, SelectionError, closest

# Verb -> where its command is, and its line of help (here, so that `sync --help` imports none of them).
VERBS: dict[str, tuple[str, str]] = {
    "init": ("sync.cli.init:init", "Make Headwater part of a dbt project, or begin one."),
    "list": ("sync.cli.list:list_syncs", "Show every sync the project defines."),
    "check": ("sync.cli.check:check", "Try credentials, definitions and tables; send nothing."),
    "plan": ("sync.cli.plan:plan", "Show what a push would add, change and remove."),
    "push": ("sync.cli.push:push", "Send what changed to the destinations."),
    "pull": ("sync.cli.pull:pull", "Bring campaign results back into the warehouse."),
    "migrate": ("sync.cli.migrate:migrate", "Say what becomes of rows that were sent elsewhere."),
    "audit": ("sync.cli.audit:audit", "Ask the vendors for everybody whom they were sent."),
    "status": ("sync.cli.status:status", "Show the last run of each sync."),
    "history": ("sync.cli.history:history", "Show what was sent to a person or for a key."),
    "forget": (
        "sync.cli.forget:forget",
        "Erase people, here and wherever they were sent; prove it.",
    ),
    "export-person": (
        "sync.cli.export_person:export_person",
        "Write down all that is known of a person, for them.",
    ),
    "register": (
        "sync.cli.register:register",
        "Say which personal fields go to whom, for what.",
    ),
    "undo": ("sync.cli.undo:undo", "Show the reverse of a run, and what of it has none."),
    "unlock": ("sync.cli.unlock:unlock", "Break the lease of a push that will never end."),
    "failures": ("sync.cli.failures:failures", "List rows that destinations refused; retry them."),
    "explain": (
        "sync.cli.explain:explain",
        "Say why two records are one person, or what one agreed to.",
    ),
    "audience": ("sync.cli.audience:audience", "Say why somebody is in an audience, or how many."),
    "journey": (
        "sync.cli.journey:journey",
        "Say where people stand in a journey, and what an edit does.",
    ),
    "validate": (
        "sync.cli.validate:validate",
        "Check definitions, journeys and syncs without a warehouse.",
    ),
    "identity": ("sync.cli.identity:identity", "Compare two builds of identity before release."),
    "review-matches": (
        "sync.cli.review_matches:review_matches",
        "Decide on pairs that matching is unsure of.",
    ),
    "report": ("sync.cli.report:report", "Write one page on the health of the whole loop."),
    "sandbox": ("sync.cli.sandbox:sandbox", "Run local stand-ins of every destination."),
    "new": ("sync.cli.new:new", "Write a working source, audience, journey, sync, ..."),
    "train-matching": (
        "sync.cli.train_matching:train_matching",
        "Estimate the weights of probabilistic matching.",
    ),
    "train-lifetimes": (
        "sync.cli.train_lifetimes:train_lifetimes",
        "Learn how often people buy until they leave.",
    ),
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of all commands, none of which is loaded for it."""
        return [name for name, (location, _) in VERBS.items() if _exists(location)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """A command by its name, loaded when it is asked for; None where there is none."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            return None
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The same, with the nearest name where there is none."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = closest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"there is no command '{args[0]}'{near}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in --help, with a line each."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name][1]) for name in self.list_commands(ctx)])


def _exists(location: str) -> bool:
    return importlib.util.find_spec(location.partition(":")[0]) is not None


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=global_options(),
    epilog="Example: sync plan --select destination:klaviyo",
)
@click.version_option(__version__, prog_name="sync")
@click.pass_context
def cli(ctx: click.Context) -> int | None:
    """Send what dbt built to destinations, and bring results back.

    Also installed as `headwater`; `python -m sync` works where coreutils' sync answers first.
    """
    if ctx.invoked_subcommand is None:
        # Bare `sync` must not be mistaken for a run, as coreutils' would be.
        click.echo(ctx.get_help(), err=True)
        return 2
    return None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0 done, 1 handled failure, 2 usage, interrupt or bug."""
    app = App(Output())
    try:
        code = cli.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="sync",
            standalone_mode=False,
            obj=app,
        )
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        app.output.usage(error)
        return 2
    except (ConfigError, SelectionError) as error:
        app.output.error(error, debug=app.debug)
        return 2
    except HeadwaterError as error:
        app.output.error(error, debug=app.debug)
        return 1
    except (click.Abort, KeyboardInterrupt):
        app.output.note("Interrupted.")
        return 2
    except Exception as error:
        app.output.bug(error, debug=app.debug)
        return 2
    finally:
        app.close()
    return code if isinstance(code, int) else 0


def main() -> None:
    """Console script."""
    # SIGPIPE stays ignored, as Python has it: a vendor that hangs up while it is sent to would end the process.
    # Python prints what ends a thread with its text, which may quote data.
    threading.excepthook = lambda args: Output().bug(args.exc_value or RuntimeError())
    gc.set_threshold(50_000, 20, 50)  # rows hold no cycles; looking for some was 6 % of a push
    sys.exit(run())


__all__ = ["VERBS", "Verb", "cli", "main", "run"]
