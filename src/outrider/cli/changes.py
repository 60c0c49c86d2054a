"""A plan for a person: the fields that change as the spec writes them, what Nomad would do, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import click
import yaml

from outrider.cli.plain import plain
from outrider.spec.reading.document import document
from outrider.spec.reading.files import parts
from outrider.spec.values import duration

COLOURS = {"+": "green", "-": "red", "~": "yellow", "+/-": "yellow"}
# Fields that the store keeps in milliseconds and the spec writes with a unit.
DURATIONS = frozenset(
    {"timeout", "interval", "delay", "min_healthy_time", "healthy_deadline", "keep_alive", "idle_timeout"}
)
WIDEST = 100
SIZES = ((1_000_000, "MB"), (1_000, "kB"))

Document = Mapping[str, Any]


def plan_lines(found: Document, file: Path, text: str, *, renews: bool = False) -> Iterator[str]:
    """The plan; of a service that is new only what its file states, since everything else is a default."""
    service, environment = found["service"], found["environment"]
    is_new = found.get("running_version") is None and all(change["sign"] == "+" for change in found["changes"])
    shown = _stated(found["changes"], text, environment) if is_new else found["changes"]
    if found.get("retry"):
        yield click.style(f"{service} in {environment}: {plain(found['retry'])}. Deploying tries again.", bold=True)
    elif not found["has_changes"]:
        yield f"No change: {service} in {environment} already runs this."
    elif is_new:
        yield click.style(f"{service} is new in {environment}:", bold=True)
    yield from (_change_line(change, is_new=is_new) for change in shown)
    yield from (f"{group}: {_counts(counts)}" for group, counts in found["allocations"].items() if _counts(counts))
    yield from _directory_line(found.get("directory"))
    yield from _sidecar_lines(found)
    yield from _remarks(found)
    if found["has_changes"] and not found["refusals"]:
        yield f"\nTo deploy exactly this:\n  {_command(found, renews=renews)} -e {environment} {shlex.quote(str(file))}"


def _command(found: Document, *, renews: bool) -> str:
    """The command that deploys this plan and nothing else: whatever `run` would refuse without its word is in it."""
    words = ["outrider run", f"--check-index {found['check_index']}"]
    words += ["--take-over"] if found.get("is_foreign") else []
    words += ["--redeploy"] if renews else []
    return " ".join(words)


def _directory_line(packed: Document | None) -> Iterator[str]:
    if packed:
        left = ", ".join(packed["specs_left_out"])
        yield (
            f"run.directory: {packed['files']} files, {_size(packed['bytes'])}, packed {_size(packed['packed_bytes'])}"
            + (f"; without the specs {left}" if left else "")
        )


def _size(number: int) -> str:
    return next((f"{number / size:.1f} {unit}" for size, unit in SIZES if number >= size), f"{number} B")


def _sidecar_lines(found: Document) -> Iterator[str]:
    """The two parts of the version, and that the sidecar stays where today's would be another."""
    yield f"version: service {_part(found['service_part'])}, sidecar {_part(found['sidecar_part'])}"
    if found["older"]:
        yield (
            f"· the sidecar stays as it runs; today's ({found['sidecar_part']['today']}) is another in "
            f"{', '.join(found['older'])}. `outrider redeploy {found['service']} -e {found['environment']}` brings it up."
        )


def _part(part: Document) -> str:
    before, after = part["running"], part["planned"]
    if before is None:
        return f"{after} (new)"
    return f"{after} (unchanged)" if before == after else f"{before} → {after}"


def _remarks(found: Document) -> Iterator[str]:
    yield from (click.style(f"! {text}", fg="yellow") for text in found["warnings"])
    yield from (f"· no effect yet: {text}" for text in found["without_effect"])
    yield from (click.style(f"✗ {text}", fg="red") for text in found["failures"])
    yield from (click.style(f"✗ Envoy refuses this: {text}", fg="red") for text in found["refusals"])


def _stated(changes: list[Document], text: str, environment: str) -> list[Document]:
    """The changes whose path the file itself names, in its common part or for this environment."""
    common, overlays = parts(document(text).data)
    stated = (*_paths(common), *_paths(overlays.get(environment)))
    return [change for change in changes if any(_is_at_or_below(change["path"], path) for path in stated)]


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, part in cast("dict[str, Any]", value).items():
            yield from _paths(part, f"{path}.{key}" if path else str(key))
    else:
        yield path


def _is_at_or_below(path: str, stated: str) -> bool:
    return path == stated or path.startswith(f"{stated}.")


def _change_line(change: Document, *, is_new: bool) -> str:
    sign, path = change["sign"], change["path"]
    before, after = as_written(path, change.get("before")), as_written(path, change.get("after"))
    what = {"+": after, "-": before}.get(sign, f"{before} → {after}")
    note = f"  ({change['note']})" if change.get("note") and not is_new else ""
    return click.style(f"{sign:<3} {path}: {what}{note}", fg=COLOURS.get(sign))


def as_written(path: str, value: Any) -> str:
    """The value as one writes it in a spec: compact YAML, durations with their unit, parts that are not set left out."""
    if value is None:
        return "-"
    flow = yaml.safe_dump(
        _plain(path.rpartition(".")[2], value),
        default_flow_style=True,
        width=10**6,
        sort_keys=False,
        allow_unicode=True,
    )
    text = flow.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: _plain(name, part) for name, part in fields.items() if part not in (None, [], {})}
    if isinstance(value, list):
        return [_plain("", part) for part in cast("list[Any]", value)]
    return (duration(value) if value else "0s") if key in DURATIONS and type(value) is int else value


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in counts.items() if number)
