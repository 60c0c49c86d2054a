"""The directory that a spec names, which may come from elsewhere: inside the spec's own repository, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from outrider.clients.archive import Archive, directory_archive
from outrider.clients.credentials import credentials_warning
from outrider.clients.packing_list import refused

# Nomad counts to 4096 with the archive's end (client configuration, artifact; go-getter, decompress_tar.go).
NOMADS_MOST_ENTRIES = 4095


def packed_directory_of(file: Path, written: str) -> Archive:
    """The archive of ``run.directory`` as the spec in ``file`` writes it, without that spec. SpecError where it lies outside."""
    return directory_archive(inner_directory(file, written), file)


def directory_warnings(packed: Archive) -> Iterator[str]:
    """A line for each thing that a person may not want, or that Nomad may not take."""
    if warning := credentials_warning(packed.paths):
        yield warning
    if packed.entries > NOMADS_MOST_ENTRIES:
        yield (
            f"run.directory has {packed.entries} files and folders, and Nomad unpacks no more than {NOMADS_MOST_ENTRIES}: leave "
            "some out, or raise decompression_file_count_limit in the artifact block of its clients"
        )


def inner_directory(file: Path, written: str) -> Path:
    """The directory itself, all links followed, which the spec's repository holds."""
    if Path(written).is_absolute():
        raise refused(f"{written} is an absolute path", "write it relative to the spec's own directory")
    try:
        home = file.resolve(strict=True).parent
        found = (home / written).resolve(strict=True)
    except FileNotFoundError as error:
        raise refused(
            f"{file.parent / written} is no directory", "it is relative to the spec's own directory"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise refused(
            f"{file.parent / written} cannot be followed: its links lead in a circle or nowhere", "mend them"
        ) from error
    root = repository(home)
    if not found.is_relative_to(root):
        raise refused(f"{written} leads out of {root}", "a spec runs what lies in its own repository: move one of both")
    return found


def repository(home: Path) -> Path:
    """The nearest directory above with a ``.git``; without one, the spec's own."""
    return next((one for one in (home, *home.parents) if (one / ".git").exists()), home)
