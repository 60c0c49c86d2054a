"""From the text of a file to a service or a platform, or to all problems at once, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from outrider_ground.errors import Problem, SpecError

from outrider.spec.mistakes import Mistake, Path
from outrider.spec.patch import is_inside_a_patch, patches_of
from outrider.spec.platform import Platform
from outrider.spec.platform_rules import PLATFORM
from outrider.spec.reading.document import Document, document
from outrider.spec.reading.merge import merged
from outrider.spec.reading.places import path_of, problem
from outrider.spec.reading.problems import MOST_FINDINGS, unknown_key
from outrider.spec.reading.structure import Location, keys_of, located_in
from outrider.spec.reading.validation import checked, nulls
from outrider.spec.reading.wording import no_value
from outrider.spec.rules import SERVICE
from outrider.spec.service import Service
from outrider.spec.shapes import near_miss
from outrider.spec.values import DNS_LABEL, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pydantic import BaseModel


MOST_PROBLEMS = 100
NOT_IN_AN_ENVIRONMENT = ("service", "environments")


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A service spec that was read for one environment (or none), and what is needed to speak of its lines."""

    service: Service
    environments: tuple[str, ...]
    file: str
    environment: str | None
    document: Document

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The problems with file, line and column, and with each key's path as it is written (in an overlay too)."""
        return tuple(found if found.line is not None else self.placed(found) for found in problems)

    def placed(self, found: Problem) -> Problem:
        path = path_of(found.path, self.document, self.environment)
        return problem(Mistake(path, found.message, found.suggestion), self.document, self.file, self.environment)


def read_service(text: str, file: str, environment: str | None = None, *, known: Collection[str] = ()) -> ServiceFile:
    """The service in ``text`` as it is in ``environment``; an environment that the file does not name has no difference.

    Every environment in the file is checked, whichever is asked for, and the common part must hold by itself. An
    environment in the file that is a near miss of one in ``known`` (the platform's) is refused.
    Raises SpecError with all problems, each with its line and column.
    """
    source = document(text, file)
    common, overlays = parts(source.data)
    service, wrong = common_part(common)
    problems = [problem(mistake, source, file) for mistake in wrong + wrong_environments(source.data, known)]
    services: dict[str | None, Service | None] = {None: service}
    for name, overlay in overlays.items():
        if len(problems) > MOST_FINDINGS:
            break
        services[name], found = in_environment(common, overlay, wrong)
        problems += [problem(mistake, source, file, name) for mistake in found]
    chosen = services.get(environment, service)
    if problems or chosen is None:
        raise refused(problems)
    return ServiceFile(chosen, tuple(overlays), file, environment, source)


def read_platform(text: str, file: str) -> Platform:
    """The platform in ``text``. Raises SpecError with all problems, each with its line and column."""
    source = document(text, file)
    empty = [path for path in nulls(source.data) if not is_inside_a_patch(path)]
    platform, wrong = checked(with_patches(without(source.data), source.data), PLATFORM)
    problems = [problem(mistake, source, file) for mistake in without_value(empty, Platform) + beside(wrong, empty)]
    if problems or platform is None:
        raise refused(problems)
    return platform


def with_patches(data: Any, source: Any) -> Any:
    """The data with its patches as they were written: there, an empty key is a removal."""
    written = patches_of(source)
    environments = {name: {**data["environments"][name], "patches": patches} for name, patches in written.items()}
    return {**data, "environments": {**data["environments"], **environments}} if written else data


def parts(data: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
    """The common part, and the difference of each environment where it is a map."""
    if not isinstance(data, dict):
        return data, {}
    written = cast("dict[str, Any]", data)
    named = written.get("environments")
    overlays = cast("dict[str, Any]", named) if isinstance(named, dict) else {}
    common = {key: value for key, value in written.items() if key != "environments"}
    return common, {name: overlay for name, overlay in overlays.items() if isinstance(overlay, dict)}


def common_part(common: Any) -> tuple[Service | None, list[Mistake]]:
    """The service without any difference, and what is wrong with it; nothing may be left empty there."""
    empty = nulls(common)
    service, wrong = checked(without(common), SERVICE)
    return service, without_value(empty, Service) + beside(wrong, empty)


def in_environment(common: Any, overlay: dict[str, Any], known: list[Mistake]) -> tuple[Service | None, list[Mistake]]:
    """The service in one environment, and what is wrong there that is not wrong everywhere."""
    fixed = [
        Mistake((key,), "is the same in all environments", of_key=True)
        for key in NOT_IN_AN_ENVIRONMENT
        if key in overlay
    ]
    difference = {key: value for key, value in overlay.items() if key not in NOT_IN_AN_ENVIRONMENT}
    service, wrong = checked(merged(without(common), difference), SERVICE)
    return service, fixed + vain_removals(common, difference) + [mistake for mistake in wrong if mistake not in known]


def without(data: Any) -> Any:
    """The data without its empty keys."""
    return merged({}, data)


def without_value(empty: list[Path], model: type[BaseModel]) -> list[Mistake]:
    """A finding for each key with nothing behind its colon."""
    return [of_empty(located_in(model, path), model) for path in empty[:MOST_FINDINGS]]


def of_empty(place: Location, model: type[BaseModel]) -> Mistake:
    """What is said of one empty key: that nobody knows it, or that it needs a value."""
    key, known = str(place.path[-1]), keys_of(place.around)
    if known and key not in known:
        return unknown_key(place, model)
    return Mistake(place.path, no_value(place.around, key), of_key=True)


def beside(wrong: list[Mistake], empty: list[Path]) -> list[Mistake]:
    """What is wrong, but for keys that are said to be empty already."""
    return [mistake for mistake in wrong if mistake.path not in empty]


def vain_removals(common: Any, overlay: dict[str, Any]) -> list[Mistake]:
    """Keys set to null in an environment that the common part does not have."""
    return [
        Mistake(
            path,
            "removes nothing: the common part has no such key",
            near_miss(str(path[-1]), keys_at(common, path[:-1])),
            of_key=True,
        )
        for path in nulls(overlay)[:MOST_FINDINGS]
        if path[-1] not in keys_at(common, path[:-1])
    ]


def keys_at(data: Any, path: Path) -> tuple[str, ...]:
    """The keys of the map at a path; none where there is no map."""
    for part in path:
        data = cast("dict[Any, Any]", data).get(part) if isinstance(data, dict) else None
    return tuple(cast("dict[str, Any]", data)) if isinstance(data, dict) else ()


def wrong_environments(data: Any, known: Collection[str]) -> list[Mistake]:
    """What is wrong with the names of the environments, and with differences that are no maps."""
    named: Any = cast("dict[str, Any]", data).get("environments", {}) if isinstance(data, dict) else {}
    if not isinstance(named, dict):
        return [
            Mistake(
                ("environments",),
                f"must be a map from an environment's name to what differs there; found {shown(named)}",
            )
        ]
    pairs = cast("dict[str, Any]", named).items()
    no_maps = [
        Mistake(
            ("environments", name), f"must be a map of what differs there, or {{}}; found {shown(value)}", of_key=True
        )
        for name, value in pairs
        if not isinstance(value, dict)
    ]
    return no_maps + [mistake for name, _ in pairs for mistake in wrong_name(name, known)]


def wrong_name(name: str, known: Collection[str]) -> list[Mistake]:
    """An environment's name that can be none, or that is a near miss of a known one."""
    if not re.fullmatch(DNS_LABEL, name):
        return [Mistake(("environments", name), f"must be a DNS label (a-z, 0-9, -); found {shown(name)}", of_key=True)]
    meant = near_miss(name, tuple(known)) if name not in known else None
    return [Mistake(("environments", name), "unknown environment", meant, of_key=True)] if meant else []


def refused(problems: list[Problem]) -> SpecError:
    """The error with all problems in the order of the file, each once; a flood is cut off."""
    ordered = sorted(dict.fromkeys(problems), key=lambda found: (found.line or 0, found.column or 0))
    if len(ordered) > MOST_PROBLEMS:
        rest = Problem("", "and more: mend these first", file=ordered[0].file)
        ordered = [*ordered[:MOST_PROBLEMS], rest]
    return SpecError(tuple(ordered))
