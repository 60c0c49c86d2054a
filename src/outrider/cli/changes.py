"""A plan for a person: the fields that change as the spec writes them, what Nomad would do, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click

from outrider.cli.platform_lines import platform_lines
from outrider.cli.printable import printable
from outrider.cli.problems import blocker_lines
from outrider.cli.rollout_lines import around_lines, change_lines, raw_lines, rollout_lines, words_lines
from outrider.operations.answers.plan import Change, Part, Plan
from outrider.spec.reading.document import document
from outrider.spec.reading.files import parts

SIZES = ((1_000_000, "MB"), (1_000, "kB"))


@dataclass(frozen=True, slots=True)
class Packed:
    """What goes into the packed directory: number and bytes of files, bytes packed, and the specs that stay at home."""

    files: int
    bytes: int
    packed_bytes: int
    specs_left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The spec that is planned: its file and text, what is packed with it, whether today's sidecar is asked for, and each place.

    ``has_command`` is false where no command of its own deploys it: it is planned with others, or asked about here.
    """

    file: Path
    text: str
    packed: Packed | None = None
    renews: bool = False
    is_raw: bool = False
    has_command: bool = True


def plan_lines(found: Plan, asked: Asked) -> Iterator[str]:
    """The plan; of a service that is new only what its file states, since everything else is a default."""
    is_new = found.running_version is None and all(change.sign == "+" for change in found.changes)
    yield from _headline(found, is_new=is_new)
    if found.blockers:
        yield from blocker_lines(found.blockers)
    for change in _stated(found.changes, asked.text, found.environment) if is_new else found.changes:
        yield from change_lines(change, is_new=is_new)
    yield from platform_lines(found)
    yield from words_lines(found, is_new=is_new)
    yield from _directory_line(asked.packed)
    yield from _sidecar_lines(found)
    if found.has_changes:
        yield from rollout_lines(found)
        yield from around_lines(found.around)
    yield from _remarks(found)
    if asked.is_raw and found.raw:
        yield from raw_lines(found.raw)
    yield from _next_command(found, asked)


def _headline(found: Plan, *, is_new: bool) -> Iterator[str]:
    service, environment = found.service, found.environment
    if found.retry:
        yield click.style(f"{service} in {environment}: {printable(found.retry)}. Deploying tries again.", bold=True)
    elif not found.has_changes:
        yield f"No change: {service} in {environment} already runs this."
    elif is_new:
        yield click.style(f"{service} is new in {environment}:", bold=True)


def _next_command(found: Plan, asked: Asked) -> Iterator[str]:
    if asked.has_command and found.has_changes and not found.refusals:
        command = _command(found, renews=asked.renews)
        yield f"\nTo deploy exactly this:\n  {command} -e {found.environment} {shlex.quote(str(asked.file))}"


def _command(found: Plan, *, renews: bool) -> str:
    """The command that deploys this plan and nothing else: whatever `run` would refuse without its word is in it."""
    words = ["outrider run", f"--check-index {found.check_index}"]
    words += ["--take-over"] if found.is_foreign else []
    words += ["--redeploy"] if renews else []
    words += [f"--override {name}" for name in dict.fromkeys(one.name for one in found.blockers)]
    words += ["--reason TEXT"] if found.blockers else []
    return " ".join(words)


def _directory_line(packed: Packed | None) -> Iterator[str]:
    if packed:
        left = ", ".join(packed.specs_left_out)
        yield (
            f"run.directory: {packed.files} files, {_size(packed.bytes)}, packed {_size(packed.packed_bytes)}"
            + (f"; without the specs {left}" if left else "")
        )


def _size(number: int) -> str:
    return next((f"{number / size:.1f} {unit}" for size, unit in SIZES if number >= size), f"{number} B")


def _sidecar_lines(found: Plan) -> Iterator[str]:
    """The two parts of the version, and that the sidecar stays where today's would be another."""
    yield f"version: service {_part(found.service_part)}, sidecar {_part(found.sidecar_part)}"
    if found.older:
        yield (
            f"· the sidecar stays as it runs; today's ({found.sidecar_part.today}) is another in "
            f"{', '.join(found.older)}. `outrider redeploy {found.service} -e {found.environment}` brings it up."
        )


def _part(part: Part) -> str:
    before, after = part.running, part.planned
    if before is None:
        return f"{after} (new)"
    return f"{after} (unchanged)" if before == after else f"{before} → {after}"


def _remarks(found: Plan) -> Iterator[str]:
    yield from (click.style(f"! {text}", fg="yellow") for text in found.warnings)
    yield from (f"· no effect yet: {text}" for text in found.without_effect)
    yield from (click.style(f"✗ {text}", fg="red") for text in found.failures)
    yield from (click.style(f"✗ Envoy refuses this: {text}", fg="red") for text in found.refusals)


def _stated(changes: Sequence[Change], text: str, environment: str) -> list[Change]:
    """The changes whose path the file itself names, in its common part or for this environment."""
    common, overlays = parts(document(text).data)
    stated = (*_paths(common), *_paths(overlays.get(environment)))
    return [change for change in changes if any(_is_at_or_below(change.path, path) for path in stated)]


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, part in cast("dict[str, Any]", value).items():
            yield from _paths(part, f"{path}.{key}" if path else str(key))
    else:
        yield path


def _is_at_or_below(path: str, stated: str) -> bool:
    return path == stated or path.startswith(f"{stated}.")
