"""The spec file of a service on this machine: which one it is, and writing it back without losing a byte of the rest."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.errors import ConflictError, OutriderError, UsageError

from outrider.cli.source_files import DEFAULT, IS_SERVICE, text_of
from outrider.spec.reading.files import read_service


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A spec file and its text as it was read."""

    path: Path
    text: str

    def write(self, text: str) -> None:
        """Replace the text, all or nothing; ConflictError where somebody has changed the file meanwhile."""
        if text_of(self.path) != self.text:
            raise ConflictError(
                f"{self.path} has changed meanwhile", next_step="Look at the change again, then decide."
            )
        place = self.path.resolve()
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            beside.write_bytes(text.encode())
            shutil.copymode(place, beside)
            beside.replace(place)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise OutriderError(
                f"{self.path} cannot be written: {error.strerror}", next_step="Nothing has changed."
            ) from error


def own_file(service: str, named: Path | None) -> OwnFile | None:
    """The named file; else outrider.yaml, SERVICE.yaml or SERVICE/outrider.yaml here, where it is of the service; else None.

    UsageError for a named file of another service, SpecError for one that cannot be read.
    """
    if named is not None:
        found = OwnFile(named, text_of(named))
        name = read_service(found.text, str(named)).service.service
        if name != service:
            raise UsageError(
                f"{named} is the file of {name}, not of {service}", next_step="Name the file of the service."
            )
        return found
    usual = (DEFAULT, Path(f"{service}.yaml"), Path(service) / DEFAULT)
    return next((OwnFile(path, text_of(path)) for path in usual if _is_of(path, service)), None)


def _is_of(path: Path, service: str) -> bool:
    """Whether it is a spec of the service; one that cannot be read is told as what it is, where its name says whose it is."""
    if not path.is_file():
        return False
    text = text_of(path)
    if not IS_SERVICE.search(text):
        return False
    try:
        return read_service(text, str(path)).service.service == service
    except OutriderError:
        if path == DEFAULT:
            return False
        raise
