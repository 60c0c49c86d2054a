"""The verbs that bring a version up: plan, run, redeploy, rollback."""

from __future__ import annotations

import asyncio
import shlex
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import click
from outrider_ground.errors import UsageError

from outrider.cli import exits
from outrider.cli.arguments import Number, index
from outrider.cli.changes import Asked, plan_lines
from outrider.cli.forms import MARKDOWN
from outrider.cli.invocation import Invocation, portal_verb, reviewed_verb
from outrider.cli.markdown import plan_markdown
from outrider.cli.packed_spec import PackedSpec, contents, packed_spec
from outrider.cli.plan_files import Handed, SavedPlan, save, saved, saved_plan
from outrider.cli.reasons import Why, asked, reason_options
from outrider.cli.several import Manner, are_several, deployed_together, planned_together, the_file
from outrider.cli.source_files import FILE_OR_FOLDER
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.operations.answers.plan import Plan
from outrider.operations.request_bodies import MOST_INTEGER, ChangeBody, DeployBody, RollbackBody, SpecBody

PLANNED = frozenset({"spec", "file", "artifact", "source", "redeploy", "take_over", "check_index"})
TODAYS_SIDECAR = click.option(
    "--redeploy", is_flag=True, help="With today's sidecar, even where the service does not change."
)


@click.command(short_help="Show what a deploy would change (exit 0: nothing, 1: something, 255: error).")
@click.argument("files", type=FILE_OR_FOLDER, nargs=-1)
@TODAYS_SIDECAR
@click.option("--raw", is_flag=True, help="Every place of Envoy's bootstrap and of the job that would change too.")
@click.option(
    "--save",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan, for `run FILE`.",
)
@reviewed_verb
async def plan(
    invocation: Invocation, files: tuple[Path, ...], *, redeploy: bool, raw: bool, target: Path | None
) -> int:
    """Show what deploying FILES (outrider.yaml without any) would change: every field and every step, and who notices.

    Nothing is changed, and nothing uploaded but a directory that the spec runs, with --save. Exits 0 when nothing would change,
    1 when something would, 255 on an error. Ends with the command that deploys exactly this plan, and refuses if somebody was
    faster.

    Several files, or folders, are one plan: callees first, services that call each other in a circle together. Of a folder
    those files count that have a service in them: NAME.yaml, NAME.yml and NAME/outrider.yaml.
    """
    environment = await invocation.environment()
    if are_several(files):
        if target is not None or raw or invocation.output.form == MARKDOWN:
            raise click.UsageError(
                "--save, --raw and -o markdown are of one service: plan each file by itself for them."
            )
        return await planned_together(invocation, environment, files, redeploy=redeploy)
    file = the_file(files)
    written = await packed_spec(invocation, file, environment)
    found = await invocation.portal.plan(environment, SpecBody(**written.fields, redeploy=redeploy))
    _show(invocation, found, Asked(file, written.text, contents(written.packed), redeploy, raw))
    if target is not None:
        await _save(invocation, found, written, redeploy=redeploy, file=target)
    if found.refusals:
        return exits.PLAN_ERROR
    return exits.CHANGES if found.has_changes else exits.OK


@click.command(short_help="Deploy a spec, or several as one plan, and follow it to the verdict.")
@click.argument("files", type=FILE_OR_FOLDER, nargs=-1)
@click.option(
    "--check-index", type=Number(0), metavar="N", callback=index, help="Deploy only if the job is as `plan` saw it."
)
@click.option("--take-over", is_flag=True, help="Replace a job of this name that Outrider did not deploy.")
@TODAYS_SIDECAR
@reason_options
@waiting_options
@portal_verb
async def run(  # noqa: PLR0913  one parameter per option of the command line
    invocation: Invocation,
    files: tuple[Path, ...],
    check_index: int | None,
    *,
    take_over: bool,
    redeploy: bool,
    why: Why,
    waiting: Waiting,
) -> int:
    """Deploy FILES (outrider.yaml without any) and follow them to their verdict. A file is a spec, or a plan that `plan --save` has written.

    Where nothing of the service changes, its sidecar stays as it runs: a changed platform file or a newer Outrider
    replaces nobody until the service changes, or until you ask (`--redeploy`, `outrider redeploy SERVICE`).

    A saved plan is deployed exactly as it was shown, in its own environment, or not at all: then everything is named that has
    moved since.

    Exits 0 when all allocations are healthy (or a canary is up and waits for `outrider promote`), 2 when Nomad finds no
    room, 1 on any other failure, 124 after --wait-timeout, 130 on Ctrl-C; in the last two cases the deployment goes on.

    Several files, or folders (outrider run shop/), are deployed as one plan: callees first, a few at a time, services that
    call each other in a circle together. Nothing begins where one of them cannot be used. One that fails stops what calls
    it; the rest goes on, and the worst verdict is the exit code. The same command again deploys what is missing.
    """
    planned = await asyncio.to_thread(_saved_plan, files)
    if planned is not None:
        if check_index is not None or take_over or redeploy:
            raise click.UsageError(
                f"{files[0]} is a saved plan, which says all that itself: leave the other options out."
            )
        return await _planned(invocation, (files[0], planned), why, waiting)
    environment = await invocation.environment()
    if are_several(files):
        if check_index is not None:
            raise click.UsageError("--check-index belongs to one service: leave it out where several are deployed.")
        manner = Manner(take_over=take_over, redeploy=redeploy, why=why, waiting=waiting)
        return await deployed_together(invocation, environment, files, manner)
    written = await packed_spec(invocation, the_file(files), environment)
    if written.packed is not None:
        await invocation.portal.upload(written.packed)
    how = {"redeploy": redeploy, "check_index": check_index, "take_over": take_over}
    body = DeployBody(**written.fields, **how, **why.fields)
    deployment = await invocation.portal.deploy(environment, body, str(uuid.uuid4()))
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Bring an earlier version back: the one before, or any number of the history.")
@click.argument("service")
@click.argument("version", type=Number(1, MOST_INTEGER), required=False)
@click.option("--with-platform", is_flag=True, help="Its spec with the platform file and the Outrider of today.")
@reason_options
@waiting_options
@portal_verb
async def rollback(
    invocation: Invocation, service: str, version: int | None, *, with_platform: bool, why: Why, waiting: Waiting
) -> int:
    """Bring VERSION of SERVICE back, or the one that ran before; `outrider history` lists them.

    The version comes from the portal's store, so any of them can be reached, and no canary waits for a promotion. It is
    registered exactly as it ran, its sidecar too, since a change of the platform may be what went wrong; --with-platform
    takes that version's spec with today's platform instead, as a new version.
    """
    environment = await invocation.environment()
    said = asked(why, "Why does it go back? (Enter: no reason)")
    body = RollbackBody(version=version, with_platform=with_platform, **said.fields)
    deployment = await invocation.portal.act(environment, service, "rollback", body)
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Bring up what runs with today's sidecar: platform file and Outrider as they are now.")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--older", is_flag=True, help="All whose sidecar is older than what the platform makes today.")
@reason_options
@waiting_options
@portal_verb
async def redeploy(
    invocation: Invocation, services: tuple[str, ...], *, older: bool, why: Why, waiting: Waiting
) -> int:
    """Bring up the versions of the SERVICEs that run, with the sidecar of today's platform file and Outrider.

    Nobody's spec file is needed, and the count stays. Allocations are replaced as the spec's `update` says. Several services
    come up one after the other, and the first that does not ends it: `outrider redeploy --older -e stage`.
    """
    environment = await invocation.environment()
    if older == bool(services):
        raise click.UsageError("Name the services, or say --older for all whose sidecar is older: one of both.")
    chosen = services or await _older(invocation, environment)
    if not chosen:
        invocation.output.progress(f"No sidecar in {environment} is known to be older than today's platform.")
    for number, service in enumerate(chosen, 1):
        deployment = await invocation.portal.act(environment, service, "redeploy", ChangeBody(**why.fields))
        ended = await watched(invocation, deployment, waiting)
        if ended != exits.OK:
            rest = ", ".join(chosen[number:])
            invocation.output.progress(f"Left as they run: {rest}." if rest else "")
            return ended
    return exits.OK


def _saved_plan(files: tuple[Path, ...]) -> SavedPlan | None:
    return saved_plan(files[0]) if len(files) == 1 and files[0].is_file() else None


async def _planned(invocation: Invocation, saved_as: tuple[Path, SavedPlan], why: Why, waiting: Waiting) -> int:
    """Deploy exactly the saved plan. UsageError for another environment than its own."""
    (file, plan), chosen = saved_as, invocation.settings.environment
    if chosen and chosen.value != plan.environment:
        raise UsageError(
            f"{file} is a plan for {plan.environment}, and {chosen.source} says {chosen.value}",
            next_step=f"Leave it out, or plan for {chosen.value}: `outrider plan --save FILE -e {chosen.value}`.",
        )
    body = DeployBody(**plan.model_dump(include=set(PLANNED)), basis=plan.basis, **why.fields)
    deployment = await invocation.portal.deploy(plan.environment, body, str(uuid.uuid4()))
    return await watched(invocation, deployment, waiting)


async def _save(invocation: Invocation, found: Plan, written: PackedSpec, *, redeploy: bool, file: Path) -> None:
    """What the plan needs to be deployed from the file alone: its directory is stored by then."""
    handed = Handed(invocation.settings.address.value, **written.fields, redeploy=redeploy)
    made = saved(found, handed)
    if written.packed is not None:
        await invocation.portal.upload(written.packed)
    await asyncio.to_thread(save, made, file)
    invocation.output.progress(f"Saved. To deploy exactly this: outrider run {shlex.quote(str(file))}")


def _show(invocation: Invocation, found: Plan, asked: Asked) -> None:
    if invocation.output.form == MARKDOWN:
        invocation.output.write(plan_markdown(found))
        return
    shown = found if asked.is_raw else replace(found, raw=None)
    document = asdict(shown) | ({"directory": asdict(asked.packed)} if asked.packed else {})
    invocation.output.show(shown, lambda one: plan_lines(one, asked), document)


async def _older(invocation: Invocation, environment: str) -> tuple[str, ...]:
    found = (await invocation.portal.services(environment)).services
    return tuple(sorted(one.service for one in found if one.older))
