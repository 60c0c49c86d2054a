"""The verbs that bring a version up: plan, run, redeploy, rollback."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from outrider.cli import exits
from outrider.cli.arguments import Number, index
from outrider.cli.changes import Asked, Packed, plan_lines
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.printable import printable
from outrider.cli.reasons import Why, reason_options
from outrider.cli.source_files import FILE, text_of
from outrider.cli.watching import Waiting, waiting_options, watched
from outrider.clients.archive import Archive
from outrider.clients.directory import directory_warnings, packed_directory_of
from outrider.operations.request_bodies import MOST_INTEGER, ChangeBody, DeployBody, RollbackBody, SpecBody
from outrider.spec.reading.files import read_service
from outrider.spec.run import CommandRun

TODAYS_SIDECAR = click.option(
    "--redeploy", is_flag=True, help="With today's sidecar, even where the service does not change."
)


@click.command(short_help="Show what a deploy would change (exit 0: nothing, 1: something, 255: error).")
@click.argument("file", type=FILE, default="outrider.yaml")
@TODAYS_SIDECAR
@portal_verb
async def plan(invocation: Invocation, file: Path, *, redeploy: bool) -> int:
    """Show what deploying FILE would change, without changing anything.

    Nothing is uploaded. Exits 0 when nothing would change, 1 when something would, 255 on an error. Ends with the command that deploys
    exactly this plan, and refuses if somebody was faster.
    """
    environment = await invocation.environment()
    written = await _written(invocation, file, environment)
    found = await invocation.portal.plan(environment, SpecBody(**written.fields, redeploy=redeploy))
    packed = _contents(written.packed)
    asked = Asked(file, written.text, packed, redeploy)
    document = asdict(found) | ({"directory": asdict(packed)} if packed else {})
    invocation.output.show(found, lambda shown: plan_lines(shown, asked), document)
    if found.refusals:
        return exits.PLAN_ERROR
    return exits.CHANGES if found.has_changes else exits.OK


@click.command(short_help="Deploy a spec and follow it to its verdict.")
@click.argument("file", type=FILE, default="outrider.yaml")
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
    file: Path,
    check_index: int | None,
    *,
    take_over: bool,
    redeploy: bool,
    why: Why,
    waiting: Waiting,
) -> int:
    """Deploy FILE and follow it to its verdict.

    Where nothing of the service changes, its sidecar stays as it runs: a changed platform file or a newer Outrider
    replaces nobody until the service changes, or until you ask (`--redeploy`, `outrider redeploy SERVICE`).

    Exits 0 when all allocations are healthy (or a canary is up and waits for `outrider promote`), 2 when Nomad finds no
    room, 1 on any other failure, 124 after --wait-timeout, 130 on Ctrl-C; in the last two cases the deployment goes on.
    """
    environment = await invocation.environment()
    written = await _written(invocation, file, environment)
    if written.packed is not None:
        await invocation.portal.upload(written.packed.content)
    asked = {"redeploy": redeploy, "check_index": check_index, "take_over": take_over}
    body = DeployBody(**written.fields, **asked, **why.fields)
    deployment = await invocation.portal.deploy(environment, body, str(uuid.uuid4()))
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Bring an earlier version back: the one before, or any number of the history.")
@click.argument("service")
@click.argument("version", type=Number(1, MOST_INTEGER), required=False)
@reason_options
@waiting_options
@portal_verb
async def rollback(invocation: Invocation, service: str, version: int | None, *, why: Why, waiting: Waiting) -> int:
    """Bring VERSION of SERVICE back, or the one that ran before; `outrider history` lists them.

    The version comes from the portal's store, so any of them can be reached, and no canary waits for a promotion.
    """
    environment = await invocation.environment()
    deployment = await invocation.portal.act(
        environment, service, "rollback", RollbackBody(version=version, **why.fields)
    )
    return await watched(invocation, deployment, waiting)


@click.command(short_help="Bring up what runs with today's sidecar: platform file and Outrider as they are now.")
@click.argument("service")
@reason_options
@waiting_options
@portal_verb
async def redeploy(invocation: Invocation, service: str, *, why: Why, waiting: Waiting) -> int:
    """Bring up the version of SERVICE that runs, with the sidecar of today's platform file and Outrider.

    Nobody's spec file is needed, and the count stays. Allocations are replaced as the spec's `update` says.
    """
    environment = await invocation.environment()
    deployment = await invocation.portal.act(environment, service, "redeploy", ChangeBody(**why.fields))
    return await watched(invocation, deployment, waiting)


@dataclass(frozen=True, slots=True)
class PackedSpec:
    """A spec as the portal takes it, and the packed directory that belongs to it."""

    text: str
    file: Path
    packed: Archive | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Those of a request's body that say what the spec is."""
        digest = hashlib.sha256(self.packed.content).hexdigest() if self.packed else None
        return {"spec": self.text, "file": str(self.file), "artifact": digest}


async def _written(invocation: Invocation, file: Path, environment: str) -> PackedSpec:
    """All problems are found here already, where the file and its directory are; nothing is sent."""
    text = await asyncio.to_thread(text_of, file)
    run = read_service(text, str(file), environment).service.run
    if not isinstance(run, CommandRun) or not run.directory:
        return PackedSpec(text, file)
    packed = await asyncio.to_thread(packed_directory_of, file, run.directory)
    for warning in await asyncio.to_thread(list, directory_warnings(packed)):
        invocation.output.progress(f"warning: {printable(warning)}")
    return PackedSpec(text, file, packed)


def _contents(packed: Archive | None) -> Packed | None:
    return Packed(packed.files, packed.size, len(packed.content), tuple(packed.specs)) if packed else None
