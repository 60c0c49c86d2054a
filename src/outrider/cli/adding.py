"""The verbs of the catalogue: addons lists it, add brings one of it up and lets services use it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.agreeing import Agreement, diff_shown
from outrider.cli.changes import Asked, plan_lines
from outrider.cli.edit_targets import Target, Wanted, carried_out, show, target_options
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.output import table
from outrider.cli.own_file import own_file
from outrider.cli.printable import printable
from outrider.cli.watching import watched
from outrider.operations.answers.addons import Addition, AddOnAnswer
from outrider.operations.request_bodies import AddBody, AttachBody
from outrider.spec.written.connection import Attach
from outrider.spec.written.proposal import diff_lines, proposed


@dataclass(frozen=True, slots=True)
class ShownAddition:
    """What is shown before the question: the addition, and the diff of each caller whose file is here."""

    addition: Addition
    diffs: Sequence[tuple[str, Sequence[str], Sequence[str]]]

    def lines(self) -> Iterator[str]:
        """For a person: what is new, what is lost, who gets what."""
        found = self.addition
        if found.is_there:
            yield f"{found.service} runs in {found.environment} already."
        else:
            yield from diff_shown(diff_lines("", found.spec, f"{found.service}.yaml"))
        if found.plan:
            yield from plan_lines(found.plan, Asked(Path(f"{found.service}.yaml"), found.spec, has_command=False))
        yield click.style(f"! What is lost: {printable(found.lost)}", fg="yellow")
        if found.passwords:
            yield f"· its password is made once, and kept in {', '.join(found.passwords)}"
        for whose, diff, notes in self.diffs:
            yield f"{printable(whose)}:"
            yield from diff_shown(diff, notes)

    @property
    def document(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self.addition) | {"diffs": {whose: list(diff) for whose, diff, _ in self.diffs}}


@click.command(short_help="List the add-ons that `outrider add` can bring up.")
@click.argument("name", required=False)
@portal_verb
async def addons(invocation: Invocation, name: str | None) -> int:
    r"""List the catalogue, or one add-on of it with its parameters.

    \b
    outrider addons redis
    """
    found = [one for one in await invocation.portal.addons() if name in (None, one.name)]
    if name and not found:
        raise click.UsageError(f"the catalogue has no add-on {name!r}; `outrider addons` lists it")
    invocation.output.show(found, lambda shown: _details(shown[0]) if name else _list(shown))
    return exits.OK


@click.command(short_help="Bring up an add-on of the catalogue, and let services use it.")
@click.argument("addon")
@click.argument("name")
@click.option("--to", "callers", metavar="SERVICE", multiple=True, help="A service that uses it. May be given again.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="A parameter (`outrider addons ADDON`).")
@target_options
@portal_verb
async def add(
    invocation: Invocation,
    addon: str,
    name: str,
    *,
    callers: tuple[str, ...],
    settings: tuple[str, ...],
    target: Target,
) -> int:
    r"""Bring up ADDON as the service NAME, and let each SERVICE use it.

    The new service, what is lost when it moves and the change of each SERVICE are shown; on a yes a password is made,
    NAME is deployed, and each SERVICE after it, written as `outrider connect` writes it. SERVICE finds it at $NAME_URL.
    Where NAME is there already, the SERVICEs alone change.

    \b
    outrider add redis sessions --to checkout --set memory=512 -e stage
    outrider add postgresql orders-db --to checkout -e stage

    To take it away: `outrider disconnect SERVICE NAME`, then `outrider remove ADDON NAME`.

    Exits as `outrider run` does; 3 where it was shown only, because nobody said yes.
    """
    environment = await invocation.environment()
    said = _said(settings)
    body = AddBody(addon=addon, name=name, parameters=said, to=callers, **target.why.fields)
    found = await invocation.portal.addition(environment, body)
    wishes = {one: Attach(addon, name, found.callers[one], target.is_environment_only) for one in callers}
    shown = ShownAddition(found, [_diff(caller, wish, environment, target) for caller, wish in wishes.items()])
    show(invocation, shown, target)
    if found.plan and found.plan.refusals:
        return exits.FAILED
    if not target.agreement.on(invocation, _question(found, callers)):
        return exits.SHOWN
    if found.plan is not None:
        code = await _brought_up(
            invocation, environment, body.model_copy(update={"check_index": found.plan.check_index}), target
        )
        if code != exits.OK or (callers and target.waiting.is_detached):
            return code
    return await _attached(invocation, wishes, AttachBody(addon=addon, name=name, parameters=said), target)


async def _brought_up(invocation: Invocation, environment: str, body: AddBody, target: Target) -> int:
    deployment = await invocation.portal.add(environment, body, str(uuid.uuid4()))
    return await watched(invocation, deployment, target.waiting)


async def _attached(invocation: Invocation, wishes: dict[str, Attach], body: AttachBody, target: Target) -> int:
    """One caller after the other, as it was agreed to; the first that fails ends it."""
    agreed = replace(target, agreement=Agreement(is_agreed=True))
    body = body.model_copy(update={"environment_only": target.is_environment_only})
    for caller, wish in wishes.items():
        code = await carried_out(invocation, caller, Wanted("attach", body, wish), agreed)
        if code != exits.OK:
            return code
    return exits.OK


def _diff(caller: str, wish: Attach, environment: str, target: Target) -> tuple[str, Sequence[str], Sequence[str]]:
    """Of the caller's file where it is here; of what is stored only that it will be."""
    file = None if target.is_stored else own_file(caller, target.file)
    if file is None:
        return f"{caller}, in the text of the version that runs", [f"+ {line}" for line in _words(wish)], ()
    made = proposed(file.text, str(file.path), wish, environment)
    return str(file.path), made.diff, made.notes


def _words(wish: Attach) -> Iterator[str]:
    for part, items in wish.said.items():
        yield from (f"{part}.{key}: {value}" for key, value in items.items())


def _question(found: Addition, callers: Sequence[str]) -> str:
    users = f" and let {', '.join(callers)} use it" if callers else ""
    what = f"Deploy {found.service} to {found.environment}{users}?"
    return what if not found.is_there else f"Let {', '.join(callers) or 'nobody'} use {found.service}?"


def _said(settings: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in settings]
    if wrong := next((name for name, sign, _ in pairs if not sign or not name), None):
        raise click.UsageError(f"--set {wrong}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _list(found: Sequence[AddOnAnswer]) -> list[str]:
    rows = [(one.name, ", ".join(parameter.name for parameter in one.parameters), one.description) for one in found]
    return table(("ADD-ON", "PARAMETERS", "DESCRIPTION"), rows)


def _details(found: AddOnAnswer) -> Iterator[str]:
    yield f"{found.name}: {found.description}"
    yield f"Runs as: {', '.join(found.runs_as)}."
    rows = [
        (one.name, "must be said" if one.default is None else one.default, one.description) for one in found.parameters
    ]
    yield from table(("PARAMETER", "DEFAULT", "MEANS"), rows)
