"""Bringing exactly what runs in one environment to another: which version that is, and its spec with the image pinned."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, SpecError, UsageError

from outrider.nomad.read.job import running
from outrider.operations.answers.release import ReleaseImage, ReleaseOrigin, ReleasePlan
from outrider.operations.change.attempts import shortfall
from outrider.operations.change.documents import Text
from outrider.operations.change.sources import text_of
from outrider.operations.differences import differences
from outrider.operations.drift import changed_outside
from outrider.operations.lookups import not_running, running_version, stored_version
from outrider.operations.release_records import Approval, Origin
from outrider.operations.soaking import running_since
from outrider.operations.stored_specs import spec_of
from outrider.spec.image import image_reference, with_image
from outrider.spec.reading.files import read_service
from outrider.spec.run import CommandRun, ImageRun

if TYPE_CHECKING:
    from outrider.operations.change.digests import Digests
    from outrider.operations.change.plans import Prepared
    from outrider.operations.environment import Environment
    from outrider.operations.opening import Order
    from outrider.operations.records import Deployment, Version
    from outrider.spec.platform import Platform
    from outrider.spec.run import Run
    from outrider.spec.service import Service

IMAGE = "run.image"


@dataclass(frozen=True, slots=True)
class Releasable:
    """A version that can be brought over: ``text`` is its spec as it is deployed there, ``service`` as it is here."""

    origin: ReleaseOrigin
    service: Service
    text: Text
    image: ReleaseImage | None
    warnings: tuple[str, ...]

    @property
    def brought(self) -> Origin:
        """What the history says of where it comes from."""
        return Origin(self.origin.environment, self.origin.version, self.origin.problem)


@dataclass(frozen=True, slots=True)
class ApprovedVersion:
    """Which version somebody approves: of which environment (None: where the platform says), by default what runs there."""

    source: str | None = None
    number: int | None = None


def release_source(platform: Platform, environment: str, asked: str | None) -> str:
    """The environment that a release to this one comes from. UsageError: nobody says which, or the platform allows another."""
    after = platform.environments[environment].release.after
    source = asked or after
    if source is None:
        raise UsageError(
            f"nobody says from which environment a release comes to {environment}",
            next_step="Say --from ENVIRONMENT, or let the platform file say release.after.",
        )
    if after is not None and source != after:
        raise UsageError(
            f"{environment} takes what has run in {after} only, not from {source} (release.after in the platform file)",
            next_step=f"Release it to {after} first.",
        )
    if source == environment:
        raise UsageError(f"a release goes from one environment to another, and both are {environment}")
    return source


async def releasable(source: Environment, target: Environment, service: str, digests: Digests) -> Releasable:
    """What runs in ``source``, as it would be deployed to ``target``.

    UsageError: nothing runs there, this portal does not know what does, or it runs another program in ``target``.
    ConflictError: it is being deployed there, or somebody has changed it outside.
    """
    version, origin = await _origin(source, service)
    here = spec_of(version).service
    there = read_service(version.spec, version.file, target.name, known=tuple(target.platform.environments)).service
    _check_same_program(here, there, source.name, target.name)
    text = text_of(version)
    if not isinstance(there.run, ImageRun):
        return Releasable(origin, here, text, None, _unpinned_artifact(there.run))
    image = await digests.of(version, there.run.image)
    _check_pinned(image, target)
    pinned = _pinned(text, target.name, there, image)
    return Releasable(origin, here, pinned, image, (image.problem,) if image.problem else ())


async def _origin(source: Environment, service: str) -> tuple[Version, ReleaseOrigin]:
    now = running(await source.nomad.job(service))
    if not now.is_live:
        raise await not_running(source, service)
    version = await running_version(source, service, now)
    if version is None:
        raise UsageError(
            f"this portal does not know the version of {service} that runs in {source.name}, so it cannot bring it elsewhere",
            next_step=f"Deploy its file there: `outrider run FILE -e {source.name}`.",
        )
    done = await source.store.deployments.newest(source.name, service)
    _check_settled(source.name, service, done)
    changed = await changed_outside(source, service, now, version.number)
    if changed:
        raise ConflictError(
            f"{service} was changed outside of Outrider in {source.name}, so it is not version {version.number} that runs: "
            f"{', '.join(changed)}",
            next_step=f"`outrider rollback {service} {version.number} -e {source.name}` brings the version back.",
        )
    origin = ReleaseOrigin(
        environment=source.name,
        version=version.number,
        hash=version.hash,
        count=now.count,
        deployed_by=next((one.created_by for one in done if _brought_up(one, version.number)), version.created_by),
        running_since=running_since(done, version.number) or version.created_at,
        problem=await shortfall(source, service, now, version),
    )
    return version, origin


def _brought_up(one: Deployment, number: int) -> bool:
    return one.version == number and one.state == "successful" and one.modify_index is not None and one.kind != "scale"


def _check_settled(environment: str, service: str, done: tuple[Deployment, ...]) -> None:
    """What runs is not known while it changes; a count that changes makes no other version."""
    under_way = next((one for one in done if not one.is_final and one.kind != "scale"), None)
    if under_way is not None:
        raise ConflictError(
            f"{service} is being deployed in {environment} by {under_way.created_by}: what runs there is not settled",
            next_step=f"Wait for its verdict: `outrider history {service} -e {environment}`.",
        )


def _check_same_program(here: Service, there: Service, source: str, target: str) -> None:
    """The spec may say that another program runs there: then what has proved itself here says nothing."""
    ours, theirs = _program(here.run), _program(there.run)
    if ours != theirs:
        raise UsageError(
            f"the spec of {here.service} runs another program in {target} than in {source}: {theirs}, not {ours}",
            next_step=f"Take that out of its `environments`, or deploy the file: `outrider run FILE -e {target}`.",
        )


def _program(run: Run) -> str:
    """What it runs, without its arguments: these may differ by environment."""
    if isinstance(run, ImageRun):
        return run.image
    return run.artifact or run.directory or run.command[0]


def _unpinned_artifact(run: CommandRun) -> tuple[str, ...]:
    if run.artifact and not run.checksum:
        return (f"nothing pins what {run.artifact} is: write run.checksum",)
    return ()


def _check_pinned(image: ReleaseImage, target: Environment) -> None:
    if image.digest is None and target.platform.environments[target.name].release.unpinned == "refuse":
        raise UsageError(
            f"the digest of {image.name} is not known, so nobody can say that {target.name} would run the same: {image.problem}",
            next_step="Let the portal reach the registry, write the digest into the spec (NAME@sha256:…), or say "
            "`release: {unpinned: warn}` in the platform file.",
        )


def _pinned(text: Text, environment: str, service: Service, image: ReleaseImage) -> Text:
    """The spec with the digest in place of the tag, and nothing else changed."""
    reference = image_reference(image.name)
    if image.digest is None or reference.digest is not None:
        return text
    name = reference.pinned(image.digest)
    made = with_image(text.spec, environment, image.name, name)
    wanted = service.model_copy(update={"run": service.run.model_copy(update={"image": name})})
    if _service(made, text.file, environment) != wanted:
        raise UsageError(
            f"the image of {service.service} cannot be pinned in its spec: an anchor or an alias ties it to something else",
            next_step="Write run.image without an anchor and an alias, and deploy that where it runs now.",
        )
    return replace(text, spec=made)


def _service(text: str, file: str, environment: str) -> Service | None:
    """The service in a text that we have written; None where we have broken it."""
    try:
        return read_service(text, file, environment).service
    except SpecError:
        return None


def release_plan(found: Releasable, ready: Prepared, approvals: tuple[Approval, ...]) -> ReleasePlan:
    """All that a person should know before; the pinned image is no difference."""
    ours, theirs = found.service.model_dump(mode="json"), ready.rendered.stored.service.model_dump(mode="json")
    theirs["count"] = ready.rendered.count
    ours["count"] = found.origin.count
    differs = tuple(one for one in differences(ours, theirs) if found.image is None or one.path != IMAGE)
    meant = [one for one in approvals if (one.source, one.version) == (found.origin.environment, found.origin.version)]
    return ReleasePlan(
        service=ready.plan.service,
        environment=ready.plan.environment,
        origin=found.origin,
        image=found.image,
        artifact=found.text.artifact,
        differs=differs,
        approvals=tuple(meant),
        warnings=found.warnings,
        plan=ready.plan,
    )


async def approve(source: Environment, target: Environment, service: str, number: int | None, order: Order) -> Approval:
    """Remember that somebody is for it; of no number that which runs in ``source``. UsageError: there is no such version."""
    if not order.reason:
        raise UsageError("an approval needs a reason, which the history keeps", next_step="Say why: --reason TEXT.")
    if number is None:
        number = (await _origin(source, service))[1].version
    version = await stored_version(source, service, number)
    made = Approval(
        id=str(uuid.uuid4()),
        environment=target.name,
        service=service,
        source=source.name,
        version=version.number,
        by=order.by.name,
        reason=order.reason,
        at=datetime.now(UTC),
    )
    await target.store.approvals.add_approval(made)
    return made
