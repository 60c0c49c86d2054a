"""Files that people wrote, read for the verbs that need no portal: specs, platforms, and what is known of callees."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click
from outrider_ground.errors import Problem, SpecError

from outrider.documents import MOST_SPEC_BYTES
from outrider.programs.one_machine_platform import sample_platform
from outrider.settings import Settings
from outrider.spec.platform import Platform
from outrider.spec.reading.files import ServiceFile, read_platform, read_service
from outrider.spec.reading.syntax import Mark, decoded, refused, too_large
from outrider.topology.spoken import spoken

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_OR_FOLDER = click.Path(exists=True, path_type=Path)
IS_SERVICE = re.compile(r"^[\"']?service[\"']?\s*:", re.MULTILINE)
DEFAULT = Path("outrider.yaml")
IN_FOLDER = ("*.yaml", "*.yml", "*/outrider.yaml")


def text_of(file: Path) -> str:
    """The file's text; SpecError where it is no UTF-8, cannot be read or is too long: then no more of it is read."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_SPEC_BYTES + 1)
    except OSError as error:
        raise SpecError((Problem("", f"cannot be read: {error.strerror or error}", file=str(file)),)) from error
    if len(content) > MOST_SPEC_BYTES:
        raise refused(too_large(MOST_SPEC_BYTES), Mark(1, 1), str(file))
    return decoded(content, str(file))


def platform_of(file: Path) -> Platform:
    return read_platform(text_of(file), str(file))


def service_of(file: Path, environment: str | None = None) -> ServiceFile:
    return read_service(text_of(file), str(file), environment)


def chosen_platform(file: Path | None, settings: Settings) -> Platform:
    """The platform of the flag, else of OUTRIDER_PLATFORM, else the built-in one of one machine."""
    path = file or (Path(settings.platform.value) if settings.platform else None)
    return platform_of(path) if path else sample_platform()


def chosen_environment(name: str | None, settings: Settings, platform: Platform) -> str:
    """The environment of the flag, else of OUTRIDER_ENVIRONMENT, else the platform's only one."""
    chosen = name or (settings.environment.value if settings.environment else None)
    known = list(platform.environments)
    if chosen is None and len(known) != 1:
        raise click.UsageError(f"Which environment? Say -e {'|'.join(known)}, or set OUTRIDER_ENVIRONMENT.")
    return chosen or known[0]


def protocols(files: Iterable[Path], environment: str) -> dict[str, str]:
    """What these specs speak, by service: a portal knows that from its store, a file-only verb from other files."""
    services = [service_of(file, environment).service for file in files]
    return {one.service: spoken(one) for one in services}


def found_specs(places: Iterable[Path]) -> tuple[Path, ...]:
    """As `specs`, but a folder in which there is none is an error: SpecError with all of them."""
    by_place = {place: specs([place]) for place in places}
    wanted = " or ".join(IN_FOLDER)
    empty = [
        Problem("", f"holds no spec: no {wanted} with `service:`", file=str(one))
        for one in by_place
        if not by_place[one]
    ]
    if empty:
        raise SpecError(tuple(empty))
    return specs(file for found in by_place.values() for file in found)


def specs(places: Iterable[Path]) -> tuple[Path, ...]:
    """The files, and of each folder the service specs in it (``NAME.yaml``, ``NAME/outrider.yaml``), each once."""
    found = [file for place in places for file in (_specs_in(place) if place.is_dir() else [place])]
    return tuple({file.resolve(): file for file in found}.values())


def _specs_in(folder: Path) -> list[Path]:
    files = sorted(file for pattern in IN_FOLDER for file in folder.glob(pattern))
    return [file for file in files if file.is_file() and _is_spec(file)]


def _is_spec(file: Path) -> bool:
    """Whether it has a service in it; one that cannot be read may be one, and whoever reads it says what is wrong."""
    try:
        return IS_SERVICE.search(text_of(file)) is not None
    except SpecError:
        return True
