"""Why a change is asked for, and what it goes past: the options that all changes share."""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from outrider.operations.request_bodies import MOST_REASON
from outrider.operations.states import BLOCKERS


@dataclass(frozen=True, slots=True)
class Why:
    """The reason that the history keeps (empty: none), and the names of blockers to go past."""

    reason: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """Those of a request's body that say so."""
        return {"reason": self.reason, "overrides": self.overrides}


def reason_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --reason and --override; the function gets them as `why`."""

    @click.option("--reason", metavar="TEXT", callback=said_reason, help="Why; `outrider history` shows it.")
    @click.option(
        "--override",
        "overrides",
        metavar="NAME",
        multiple=True,
        callback=_known,
        help="Go past what stops it (deploying, freeze, rejected, …); needs --reason. May be given again.",
    )
    @functools.wraps(function)
    def called(*arguments: Any, reason: str, overrides: tuple[str, ...], **rest: Any) -> Any:
        if overrides and not reason:
            raise click.UsageError(f"--override {overrides[0]} needs a reason: add --reason TEXT.")
        return function(*arguments, why=Why(reason, overrides), **rest)

    return called


def asked(why: Why, question: str) -> Why:
    """The reason of a person at a terminal who has given none; Enter leaves it out, and nobody else is asked."""
    if why.reason or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return why
    said = str(click.prompt(question, default="", show_default=False, err=True)).strip()
    return Why(said[:MOST_REASON], why.overrides)


def said_reason(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """Without blanks around it; empty where none is given. BadParameter for one that is blank or too long."""
    said = (value or "").strip()
    if value is not None and not said:
        raise click.BadParameter("it is blank: say why in a few words.", context, parameter)
    if len(said) > MOST_REASON:
        raise click.BadParameter(f"{len(said)} characters are too many: at most {MOST_REASON}.", context, parameter)
    return said


def _known(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in BLOCKERS:
            near = difflib.get_close_matches(name, BLOCKERS, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            said = f"nothing called {name!r} stops a change.{meant} There are: {', '.join(BLOCKERS)}."
            raise click.BadParameter(said, context, parameter)
    return tuple(dict.fromkeys(value))
