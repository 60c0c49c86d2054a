"""The verb `remove`: what of the catalogue was brought up goes again, after saying what is lost."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.agreeing import Agreement, yes_option
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.printable import printable
from outrider.cli.reasons import Why, reason_options
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.answers.addons import Removal
from outrider.operations.request_bodies import RemoveBody


@dataclass(frozen=True, slots=True)
class Removing:
    """How far it goes, and whether it is agreed to."""

    with_passwords: bool
    agreement: Agreement


def removing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --with-passwords and --yes; the function gets them as `removing`."""

    @click.option(
        "--with-passwords", is_flag=True, help="Forget its passwords too, those of its former users included."
    )
    @yes_option
    @functools.wraps(function)
    def called(*arguments: Any, with_passwords: bool, is_agreed: bool, **rest: Any) -> Any:
        return function(*arguments, removing=Removing(with_passwords, Agreement(is_agreed)), **rest)

    return called


@click.command(short_help="Take an add-on away that nobody uses any more.")
@click.argument("addon")
@click.argument("name")
@removing_options
@reason_options
@waiting_options
@portal_verb
async def remove(
    invocation: Invocation, addon: str, name: str, *, removing: Removing, why: Why, waiting: Waiting
) -> int:
    r"""Take away the ADDON that was added as NAME: its allocations end and Nomad forgets its job.

    What is lost is shown first. While a service that runs calls NAME or reads its password, nothing is done, and that service is
    named. What lies in a host volume stays on its nodes: Outrider deletes no data. Passwords stay where they are, so that NAME
    can be added again, unless --with-passwords is said.

    \b
    outrider remove redis sessions -e stage
    outrider remove postgresql orders-db --with-passwords --reason "moved to the cloud" -e stage

    Exits as `outrider run` does; 1 where it is in use; 3 where it was shown only, because nobody said yes.
    """
    environment = await invocation.environment()
    body = RemoveBody(addon=addon, with_passwords=removing.with_passwords, **why.fields)
    found = await invocation.portal.removal(environment, name, body)
    if invocation.output.form == "table" or found.users or not removing.agreement.is_agreed:
        invocation.output.show(found, removal_lines)
    if found.users:
        return exits.FAILED
    if not removing.agreement.on(invocation, f"Remove {name} from {environment}?"):
        return exits.SHOWN
    return await watched(invocation, await invocation.portal.act(environment, name, "remove", body), waiting)


def removal_lines(found: Removal) -> Iterator[str]:
    """What goes, what stays, and who stands against it."""
    what = (
        f"{found.count} allocation{'' if found.count == 1 else 's'}"
        if found.count
        else "no allocation: it does not run"
    )
    yield click.style(f"{found.service} in {found.environment} is the add-on {found.addon}, with {what}.", bold=True)
    for one in found.users:
        yield click.style(f"✗ {one.service} {one.how}: nothing is removed while it does", fg="red")
    for one in dict.fromkeys(user.service for user in found.users):
        yield f"  → `outrider disconnect {one} {found.service} -e {found.environment}`; take what it reads of it out of its `env` too"
    if found.users:
        return
    yield click.style(f"! What is lost: {_lost(found)}", fg="yellow")
    for one in found.stopped_users:
        yield click.style(f"! {one} is stopped, and would call it once it is started", fg="yellow")
    if found.passwords:
        stays = (
            "is forgotten"
            if found.with_passwords
            else "stays, for when it is added again (--with-passwords forgets it)"
        )
        yield f"· its password {stays}: {printable(', '.join(found.passwords))}"


def _lost(found: Removal) -> str:
    if not found.volumes:
        return "everything that it holds."
    named = ", ".join(found.volumes)
    return (
        f"nothing of the host volume {printable(named)}, which stays on its nodes; whoever runs them deletes it there."
    )
