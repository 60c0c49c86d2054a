"""Where an edit goes, a file here or the stored version, and how it is carried out there: shown, agreed to, written, deployed."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import click

from outrider.cli import exits
from outrider.cli.agreeing import Agreement, diff_shown, yes_option
from outrider.cli.changes import Asked, plan_lines
from outrider.cli.invocation import Invocation
from outrider.cli.own_file import OwnFile, own_file
from outrider.cli.packed_spec import PackedSpec, packed_spec
from outrider.cli.printable import printable
from outrider.cli.reasons import Why, reason_options
from outrider.cli.source_files import FILE
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.answers.plan import Plan
from outrider.operations.request_bodies import DeployBody, EditBody, SpecBody
from outrider.spec.written.proposal import EditedSpec, Wish, proposed


@dataclass(frozen=True, slots=True)
class Target:
    """What a person said about where and how: the file, or none for the usual ones; the stored version in any case."""

    file: Path | None
    is_stored: bool
    is_environment_only: bool
    agreement: Agreement
    waiting: Waiting
    why: Why


@dataclass(frozen=True, slots=True)
class Wanted:
    """An edit by its verb, as the API is asked for it and as it is made of a text."""

    verb: str
    body: EditBody
    wish: Wish


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was shown of a file, and is to be done."""

    file: OwnFile
    made: EditedSpec
    packed: PackedSpec
    plan: Plan


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown before the question: of what, its diff, its notes and its plan."""

    of: str
    diff: Sequence[str]
    notes: Sequence[str]
    plan: Plan | None
    asked: Asked

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"{printable(self.of)}:"
        yield from diff_shown(self.diff, self.notes)
        if self.plan is not None:
            yield from plan_lines(self.plan, self.asked)

    @property
    def document(self) -> dict[str, Any]:
        """For a program."""
        plan = asdict(self.plan) if self.plan else None
        return {"of": self.of, "diff": list(self.diff), "notes": list(self.notes), "plan": plan}


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of an edit; the function gets them as `target`."""

    @click.option("--file", type=FILE, help="The service's file.")
    @click.option("--stored", is_flag=True, help="Change the text of the version that runs, even with a file here.")
    @click.option("--environment-only", is_flag=True, help="Write it for this environment alone, not for all.")
    @yes_option
    @waiting_options
    @reason_options
    @functools.wraps(function)
    def called(
        *arguments: Any,
        file: Path | None,
        stored: bool,
        environment_only: bool,
        is_agreed: bool,
        waiting: Waiting,
        why: Why,
        **rest: Any,
    ) -> Any:
        if stored and file:
            raise click.UsageError("--stored and --file exclude each other")
        target = Target(file, stored, environment_only, Agreement(is_agreed), waiting, why)
        return function(*arguments, target=target, **rest)

    return called


async def carried_out(invocation: Invocation, service: str, wanted: Wanted, target: Target) -> int:
    """Show the edit, ask, do it where the service's text is; the exit code."""
    environment = await invocation.environment()
    file = None if target.is_stored else own_file(service, target.file)
    if file is None:
        return await _of_stored(invocation, (environment, service), wanted, target)
    return await _of_file(invocation, environment, (file, service), wanted.wish, target)


async def _of_file(
    invocation: Invocation, environment: str, whose: tuple[OwnFile, str], wish: Wish, target: Target
) -> int:
    file, service = whose
    made = proposed(file.text, str(file.path), wish, environment)
    if not made.diff:
        return _idle(invocation, f"{wish.idle(service)}, says {file.path}")
    packed = await packed_spec(invocation, file.path, environment, made.text)
    plan = await invocation.portal.plan(environment, SpecBody(**packed.fields))
    show(
        invocation,
        Shown(str(file.path), made.diff, made.notes, plan, Asked(file.path, made.text, has_command=False)),
        target,
    )
    if plan.refusals:
        return exits.FAILED
    _tell_others(invocation, environment, target)
    if not target.agreement.on(invocation, f"Write {file.path} and deploy {service} to {environment}?"):
        return exits.SHOWN
    return await _written(invocation, environment, Agreed(file, made, packed, plan), target)


async def _written(invocation: Invocation, environment: str, agreed: Agreed, target: Target) -> int:
    """The file first: what is deployed is then what it says, whatever comes of the deployment."""
    file, packed = agreed.file, agreed.packed
    file.write(agreed.made.text)
    invocation.output.progress(f"{file.path} is written.")
    if packed.packed is not None:
        await invocation.portal.upload(packed.packed)
    body = DeployBody(**packed.fields, check_index=agreed.plan.check_index, **target.why.fields)
    return await watched(
        invocation, await invocation.portal.deploy(environment, body, str(uuid.uuid4())), target.waiting
    )


async def _of_stored(invocation: Invocation, named: tuple[str, str], wanted: Wanted, target: Target) -> int:
    environment, service = named
    found = await invocation.portal.proposal(environment, service, wanted.verb, wanted.body)
    of = f"version {found.version} of {service} in {environment} ({found.file})"
    if not found.diff:
        return _idle(invocation, f"{found.idle}, says {of}")
    show(
        invocation,
        Shown(of, found.diff, found.notes, found.plan, Asked(Path(found.file), found.text, has_command=False)),
        target,
    )
    if found.plan is None or found.plan.refusals:
        return exits.FAILED
    invocation.output.aside(
        f"No file is changed: who has {found.file} brings it there with `outrider pull {service} FILE -e {environment}`."
    )
    _tell_others(invocation, environment, target)
    if not target.agreement.on(invocation, f"Deploy {service} to {environment} with this change?"):
        return exits.SHOWN
    held = {"version": found.version, "check_index": found.plan.check_index, **target.why.fields}
    body = wanted.body.model_copy(update=held)
    return await watched(
        invocation, await invocation.portal.act(environment, service, wanted.verb, body), target.waiting
    )


class Shows(Protocol):
    """What is shown before a question."""

    def lines(self) -> Iterator[str]: ...

    @property
    def document(self) -> dict[str, Any]: ...


def show(invocation: Invocation, shown: Shows, target: Target) -> None:
    """As data only where nothing comes after it: then the deployment is the result."""
    if invocation.output.form == "table" or not target.agreement.is_agreed:
        invocation.output.show(shown, lambda _: shown.lines(), shown.document)


def _idle(invocation: Invocation, why: str) -> int:
    invocation.output.show({"nothing_to_do": why}, lambda _: [f"Nothing to do: {printable(why)}."])
    return exits.OK


def _tell_others(invocation: Invocation, environment: str, target: Target) -> None:
    if not target.is_environment_only:
        invocation.output.aside(
            f"It is written for all environments: others than {environment} get it with their next deploy "
            "(--environment-only: for this one alone)."
        )
