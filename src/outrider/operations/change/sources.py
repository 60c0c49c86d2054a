"""What is sent to be deployed, as the verbs take it: a text with its directory and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.operations.change.documents import Source, Text
from outrider.operations.change.packed_directory import Places, packed_directory
from outrider.operations.stored_specs import spec_of
from outrider.operations.version_source import VersionSource

if TYPE_CHECKING:
    from outrider.operations.artifact_repository import Artifacts
    from outrider.operations.records import Version
    from outrider.spec.platform import Platform


def text_of(version: Version) -> Text:
    """What was sent when the version was stored; UnreadableSpecError where its spec cannot be read any more."""
    artifact = next(iter(version.artifacts), None) if spec_of(version).has_directory else None
    return Text(version.spec, version.file, artifact, source=version.source)


@dataclass(frozen=True, slots=True)
class Sources:
    """By the platform as it is now; ``portal`` is where nodes reach this portal."""

    platform: Platform
    portal: str | None
    artifacts: Artifacts

    def sent(self, text: Text) -> Source:
        """The text with its directory; for a plan its hash is enough."""
        places = Places(self.platform, self.portal, self.artifacts.links)
        packed = None if text.artifact is None else packed_directory(places, text.artifact)
        origin = text.source or VersionSource(path=text.file)
        return Source(text.spec, text.file, packed, text.protocols, origin, text.makes)

    async def stored(self, text: Text) -> Source:
        """The text with its directory, which is stored. UsageError where it is not."""
        if text.artifact is not None and not await self.artifacts.renew_artifact(text.artifact):
            raise UsageError(f"no artifact {text.artifact} is stored", next_step="Upload it first.")
        return self.sent(text)
