"""The specs of stored versions as models, or why one cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.spec.stored import Outlined, StoredSpec, UnreadableSpecError, stored_part, stored_spec

if TYPE_CHECKING:
    from outrider.operations.records import MergedSpec, Outline, Version


def spec_of(version: Version | MergedSpec) -> StoredSpec:
    """The version's spec; UnreadableSpecError where it is in a format that this Outrider does not read."""
    whose = f"version {version.number} of {version.service} in {version.environment}"
    return stored_spec(version.merged, version.format, whose)


def readable_spec(version: Version | MergedSpec | None) -> tuple[StoredSpec | None, str]:
    """The version's spec, or why it cannot be read, for whoever goes on without it."""
    try:
        return (spec_of(version) if version else None), ""
    except UnreadableSpecError as error:
        return None, error.message


def readable_outline(environment: str, outline: Outline | None) -> tuple[Outlined, str]:
    """What is shown of the version's spec, or why it cannot be read."""
    try:
        whose = f"version {outline.number} of {outline.service} in {environment}" if outline else ""
        return (stored_part(Outlined, outline.said, outline.format, whose) if outline else Outlined()), ""
    except UnreadableSpecError as error:
        return Outlined(), error.message
