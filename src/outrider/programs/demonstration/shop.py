"""The shop's specs, in the order in which they can be deployed, and their deployment through a portal."""

from __future__ import annotations

import asyncio
import re
import shutil
import uuid
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from outrider_ground.errors import DeployFailed, OutriderError

from outrider.clients.archive import directory_archive
from outrider.clients.portal import PortalClient
from outrider.operations.events import VerdictEvent
from outrider.operations.request_bodies import DeployBody
from outrider.spec.reading.files import read_service
from outrider.spec.run import CommandRun

INSTALLED = Path(__file__).parent / "shop_files"
CHECKOUT = Path(__file__).parents[4] / "examples" / "shop"
REDIS = "redis-server"
SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Spec:
    """One of the shop's files; ``upstreams`` are the services that it calls."""

    file: Path
    text: str
    service: str
    upstreams: tuple[str, ...]
    directory: Path | None


def shop_folder() -> Path:
    """Where the shop's specs and programs are: beside this module when installed, else in the checkout."""
    for folder in (INSTALLED, CHECKOUT):
        if folder.is_dir():
            return folder
    raise OutriderError("the shop's files are not there", next_step="Install Outrider again, or work in a checkout.")


def has_redis() -> bool:
    """Whether this machine can run the shop's sessions."""
    return shutil.which(REDIS) is not None


def shop(folder: Path, *, with_sessions: bool) -> tuple[Spec, ...]:
    """The shop's specs, callees before callers; without Redis the cart keeps its items in memory."""
    texts = {file: file.read_text() for file in sorted(folder.glob("*.yaml"))}
    specs = [_spec(file, text if with_sessions else _without_sessions(text)) for file, text in texts.items()]
    by_name = {spec.service: spec for spec in specs if with_sessions or spec.service != SESSIONS}
    order = TopologicalSorter({name: spec.upstreams for name, spec in by_name.items()}).static_order()
    return tuple(by_name[name] for name in order)


def _without_sessions(text: str) -> str:
    return re.sub(rf"upstreams:\n  {SESSIONS}: .*\n", "", text)


def _spec(file: Path, text: str) -> Spec:
    service = read_service(text, str(file)).service
    directory = service.run.directory if isinstance(service.run, CommandRun) else None
    return Spec(file, text, service.service, tuple(service.upstreams), file.parent / directory if directory else None)


async def deploy(portal: PortalClient, environment: str, specs: tuple[Spec, ...]) -> AsyncGenerator[str]:
    """Deploy all specs at once, as far as callees must be known first; each service is named when it is healthy.

    Raises DeployFailed for the first that is not.
    """
    artifacts = await _uploaded(portal, specs)
    accepted = [await _accepted(portal, environment, spec, artifacts) for spec in specs]
    verdicts = [asyncio.create_task(_verdict(portal, *deployment)) for deployment in accepted]
    try:
        for verdict in asyncio.as_completed(verdicts):
            yield await verdict
    finally:
        for verdict in verdicts:
            verdict.cancel()


async def deploy_one(portal: PortalClient, environment: str, spec: Spec) -> str:
    """Deploy one spec and wait for its verdict; the service's name, or DeployFailed."""
    artifacts = await _uploaded(portal, (spec,))
    return await _verdict(portal, *await _accepted(portal, environment, spec, artifacts))


async def _uploaded(portal: PortalClient, specs: tuple[Spec, ...]) -> dict[Path, str]:
    return {folder: (await portal.upload(directory_archive(folder))).sha256 for folder in _folders(specs)}


def _folders(specs: tuple[Spec, ...]) -> Iterator[Path]:
    return iter(sorted({spec.directory for spec in specs if spec.directory is not None}))


async def _accepted(portal: PortalClient, environment: str, spec: Spec, artifacts: dict[Path, str]) -> tuple[str, str]:
    artifact = artifacts[spec.directory] if spec.directory else None
    body = DeployBody(spec=spec.text, file=spec.file.name, artifact=artifact)
    return spec.service, (await portal.deploy(environment, body, str(uuid.uuid4()))).id


async def _verdict(portal: PortalClient, service: str, deployment: str) -> str:
    said = "the portal told of no verdict"
    async for event in portal.events(deployment):
        said = event.message
        if isinstance(event, VerdictEvent) and event.detail.state == "successful":
            return service
    raise DeployFailed(f"{service}: {said}")
