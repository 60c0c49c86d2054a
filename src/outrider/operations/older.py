"""Which services run a sidecar that the platform file and this Outrider would make another today.

Each stored version is rendered once under each platform, in the background and in a thread: whoever looks reads what is known.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.nomad.read.job import parts_in
from outrider.nomad.write.version import differing
from outrider.operations.change.documents import RenderContext, Source
from outrider.operations.change.render import rendered
from outrider.operations.look.status import statuses
from outrider.operations.registered import declared
from outrider.topology.sidecar import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.operations.answers.status import Status
    from outrider.operations.environment import Environment
    from outrider.operations.environment_view import EnvironmentView
    from outrider.operations.records import Version
    from outrider.spec.platform import Platform

PAUSE_S = 0.02
"""Between two renderings, so that whoever asks for something is served meanwhile."""
NOWHERE = "https://artifacts.invalid"


@dataclass(frozen=True, slots=True)
class _Judged:
    """Where the sidecar of that version differs from the one that this platform makes."""

    number: int
    platform: Platform
    places: tuple[str, ...]


class SidecarAges:
    """What is known of them, by environment and service."""

    def __init__(self) -> None:
        self._judged: dict[tuple[str, str], _Judged] = {}

    async def look(self, view: EnvironmentView) -> None:
        """Judge what runs in the environment and was not judged under its platform yet. OutriderError as the servers'."""
        environment = view.environment
        waiting = [one for one in await statuses([view]) if one.version and self._known(environment, one) is None]
        if not waiting:
            return
        protocols = (await declared(environment, {})).protocols
        for one in waiting:
            version = await environment.store.versions.numbered(environment.name, one.service, one.version or 0)
            if version is not None:
                places = await asyncio.to_thread(older_places, environment, version, protocols)
                self._judged[environment.name, one.service] = _Judged(version.number, environment.platform, places)
            await asyncio.sleep(PAUSE_S)

    def told(self, environments: Mapping[str, Environment], found: Iterable[Status]) -> tuple[Status, ...]:
        """The same with where their sidecars are older, as far as it is known."""
        return tuple(self._told(environments[one.environment], one) for one in found)

    def _told(self, environment: Environment, found: Status) -> Status:
        known = self._known(environment, found)
        return found if known is None or not known.places else replace(found, older=known.places)

    def _known(self, environment: Environment, found: Status) -> _Judged | None:
        known = self._judged.get((environment.name, found.service))
        is_same = known is not None and known.number == found.version and known.platform is environment.platform
        return known if is_same else None


def older_places(environment: Environment, version: Version, protocols: Mapping[str, str]) -> tuple[str, ...]:
    """Where the version's allocations differ from today's rendering, as ``envoy.Templates``; () where nothing of the sidecar does.

    A spec that today's rules refuse tells nothing: its deploy will.
    """
    directory = Artifact(NOWHERE, version.artifacts[0]) if version.artifacts else None
    context = RenderContext(environment.platform, environment.name, protocols, environment.agent)
    try:
        today = rendered(Source(version.spec, version.file, directory), context)
    except OutriderError:
        return ()
    ran = parts_in(version.job)
    if ran is None or ran.sidecar == today.parts.sidecar:
        return ()
    return tuple(place for place in differing(version.job, today.job) if not place.startswith("app."))
