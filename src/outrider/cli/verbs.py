"""The table of verbs, and the group that imports a verb's module only when that verb is called."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn, cast

import click
from outrider_ground.errors import OutriderError, UsageError

from outrider.cli import exits
from outrider.cli.forms import asked_form
from outrider.cli.printable import printable
from outrider.cli.problems import report, report_usage


@dataclass(frozen=True, slots=True)
class Verb:
    """One subcommand: `name` is also the attribute of `outrider.cli.<module>`; the sentence is its short help."""

    name: str
    module: str
    sentence: str


SECTIONS: dict[str, tuple[Verb, ...]] = {
    "Files (no portal needed)": (
        Verb("validate", "files", "Check a service spec or platform file and name every problem at once."),
        Verb(
            "render", "rendering", "Print what a spec becomes: the Nomad job, Envoy's bootstrap, the agent's settings."
        ),
        Verb("explain", "explaining", "Say in words what a spec's settings mean, and where deadlines contradict."),
        Verb("pack", "packing", "Write the agent, and directories that specs run, as files for a store of your own."),
        Verb("schema", "files", "Print the JSON Schema of service specs or platform files, for editors."),
    ),
    "Deploy": (
        Verb("plan", "deploy", "Show what a deploy would change (exit 0: nothing, 1: something, 255: error)."),
        Verb("diff", "diff", "Compare two versions, environments or files (exit 0: same, 1: different, 255: error)."),
        Verb("run", "deploy", "Deploy a spec, or several as one plan, and follow it to the verdict."),
        Verb("upload", "uploading", "Upload a directory or a file, and print what a spec says to run it."),
        Verb(
            "redeploy", "deploy", "Bring up what runs with today's sidecar: platform file and Outrider as they are now."
        ),
        Verb("release", "release", "Bring exactly what runs in one environment to another."),
        Verb(
            "approve",
            "release",
            "Say that a version may come to an environment that asks for another person's word.",
        ),
        Verb("connect", "editing", "Let a service call another one, and deploy it."),
        Verb("disconnect", "editing", "Let a service no longer call another one, and deploy it."),
        Verb("add", "adding", "Bring up an add-on of the catalogue, and let services use it."),
        Verb("remove", "removing", "Take an add-on away that nobody uses any more."),
        Verb("addons", "adding", "List the add-ons that `outrider add` can bring up."),
        Verb("pull", "pulling", "Write the spec that runs back into its file, comments kept."),
        Verb("promote", "steer", "Let a healthy canary take over."),
        Verb("fail", "steer", "Fail a running deployment, so that the version before stays."),
        Verb("reject", "stops", "Mark a version so that it does not run again; --lift takes that back."),
        Verb(
            "freeze",
            "stops",
            "Stop deploys of a service, a team or an environment until a time; or list what is frozen.",
        ),
        Verb("thaw", "stops", "End a freeze before its time."),
        Verb("rollback", "deploy", "Bring an earlier version back: the one before, or any number of the history."),
        Verb("scale", "steer", "Change the number of a service's allocations."),
        Verb("restart", "steer", "Restart what runs, one allocation after the other."),
        Verb("stop", "steer", "Stop a service; `outrider start` brings it back."),
        Verb("roll", "values", "Start a service's allocations anew by its update rules, with the values of now."),
        Verb("start", "steer", "Start a stopped service again, as it was."),
    ),
    "Look": (
        Verb("status", "look", "Show what runs: all services, or one with its allocations."),
        Verb("history", "look", "List all changes of a service, by whom and why, or one deployment's events."),
        Verb("values", "values", "Show the values that a service reads elsewhere, and which of them have changed."),
        Verb("logs", "look", "Print the output of a service's tasks."),
        Verb("exec", "execution", "Run a command, or a shell, beside a task of a running allocation."),
        Verb("endpoints", "look", "Compare what Consul, the agents and the Envoys know of a service's upstreams."),
        Verb("graph", "look", "Print who calls whom, with measured rates, error shares and latencies."),
    ),
    "Operate": (
        Verb("dev", "dev", "Run two small clusters and the portal on this machine, until Ctrl-C."),
        Verb("portal", "serve", "Run the portal of a platform."),
        Verb(
            "platform", "in_force", "Show the platform file that the portal goes by, and a changed one that it refuses."
        ),
        Verb("doctor", "doctor", "Check a platform's Nomad and Consul: what lacks, why it matters, what to do."),
        Verb("backup", "storing", "Write a portal's whole store into one file, while it runs."),
        Verb("restore", "storing", "Bring a backup back, into an empty store or in place of one."),
        Verb("artifacts", "uploading", "List uploads: their size, and the versions that need them."),
        Verb("version", "about", "Print the version of Outrider and of the Envoy it finds."),
        Verb("completion", "about", "Print the completion script for bash, zsh or fish."),
    ),
}
# What the extra `dev` brings.
ONE_MACHINE = frozenset({"outrider_embedded", "psutil"})
FORM = "outrider.form"
VERBS = {verb.name: verb for verbs in SECTIONS.values() for verb in verbs}


class VerbGroup(click.Group):
    """`outrider` itself: loads verbs lazily and turns every ending into its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's own signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's own signature
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        return cast("click.Command", getattr(_module(verb), verb.name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's own signature
        """The list of verbs from the table, so that help imports none of them."""
        for section, verbs in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(verb.name, verb.sentence) for verb in verbs])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember in which form errors are to be told."""
        ctx.meta[FORM] = asked_form(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Errors of our own become a message and an exit code; anything else is a bug and shows its traceback.

        A bug in `plan`, `diff` or `exec` ends with their code for errors: 1 would say that something would change, or be the command's.
        """
        try:
            return super().invoke(ctx)
        except OutriderError as error:
            report(error, ctx.meta[FORM])
            return exits.code_of(error, ctx.invoked_subcommand)
        except (click.exceptions.Exit, click.Abort, click.UsageError, BrokenPipeError):
            raise
        except Exception as error:  # any defect of ours: 1 would say something else
            if ctx.invoked_subcommand not in exits.OF_ERRORS:
                raise
            _tell(error, ctx.meta[FORM])
            return exits.code_of(error, ctx.invoked_subcommand)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002  click's own signature
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and leave with its exit code."""
        form = asked_form(sys.argv[1:] if args is None else args)
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            report_usage(error, form)
            sys.exit(exits.USAGE if isinstance(error, click.UsageError) else exits.FAILED)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(exits.INTERRUPTED)
        except OutriderError as error:
            report(error, form)
            sys.exit(exits.FAILED)
        except BrokenPipeError:
            _silence()
            sys.exit(exits.UNREAD)
        sys.exit(result if isinstance(result, int) else exits.OK)


def _module(verb: Verb) -> ModuleType:
    """UsageError where the distribution that the verb stands on is not installed."""
    try:
        return importlib.import_module(f"outrider.cli.{verb.module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ONE_MACHINE:
            raise
        raise UsageError(
            f"`outrider {verb.name}` needs Consul and Nomad for one machine, which are not installed",
            next_step="Install the distribution outrider-embedded beside outrider (its extra `dev`), or work in a checkout.",
        ) from error


def _tell(error: Exception, form: str) -> None:
    """A click error in its own words, a bug with its traceback."""
    if isinstance(error, click.ClickException):
        report_usage(error, form)
    else:
        click.echo(printable("".join(traceback.format_exception(error))), err=True, nl=False)


def _silence() -> None:
    """Let what is still held back go nowhere, so that the interpreter does not complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
