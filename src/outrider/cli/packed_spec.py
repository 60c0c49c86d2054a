"""A spec as the portal takes it, with the directory that belongs to it: read, checked and packed where the files are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outrider.cli.changes import Packed
from outrider.cli.invocation import Invocation
from outrider.cli.printable import printable
from outrider.cli.source_files import text_of
from outrider.clients.archive import Archive
from outrider.clients.directory import directory_warnings, packed_directory_of
from outrider.clients.repository import source_of
from outrider.operations.request_bodies import SourceBody
from outrider.spec.reading.files import read_service
from outrider.spec.run import CommandRun


@dataclass(frozen=True, slots=True)
class PackedSpec:
    """A spec as the portal takes it, and the packed directory that belongs to it."""

    service: str
    text: str
    file: Path
    packed: Archive | None = None
    source: SourceBody | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Those of a request's body that say what the spec is."""
        digest = self.packed.sha256 if self.packed else None
        return {"spec": self.text, "file": str(self.file), "artifact": digest, "source": self.source}


async def packed_spec(invocation: Invocation, file: Path, environment: str, text: str | None = None) -> PackedSpec:
    """All problems are found here already, where the file and its directory are; nothing is sent.

    ``text`` is what the file is about to say, where that is not what it says now.
    """
    text = text or await asyncio.to_thread(text_of, file)
    source = await asyncio.to_thread(source_of, file, invocation.settings.pipeline)
    service = read_service(text, str(file), environment).service
    if not isinstance(service.run, CommandRun) or not service.run.directory:
        return PackedSpec(service.service, text, file, source=source)
    packed = await asyncio.to_thread(packed_directory_of, file, service.run.directory)
    for warning in await asyncio.to_thread(list, directory_warnings(packed)):
        invocation.output.progress(f"warning: {printable(warning)}")
    return PackedSpec(service.service, text, file, packed, source)


def contents(packed: Archive | None) -> Packed | None:
    """What goes into the packed directory, in numbers."""
    return Packed(packed.files, packed.size, packed.packed, tuple(packed.specs)) if packed else None
