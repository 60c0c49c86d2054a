"""How two versions of a service differ, or the same service in two environments, or a file and what runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from outrider.operations.answers.plan import Change, Raw

DIFF: Final = "outrider.diff/1"


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared: a stored version (``version``), or a file that is none. ``label`` names it as a person would."""

    label: str
    service: str
    environment: str
    version: int | None
    version_hash: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What is another on the side ``after``: fields of the spec, settings in the bootstrap in the words of the mesh, places.

    ``is_same`` tells that nothing is; between two environments that of the spec and of the words counts, since addresses and
    names of the environment differ always. ``content`` says that a directory has other content, ``places`` how many places of
    the bootstrap and of the job are others. ``platform`` has the fields of the platform file that were others when the two
    were made, where that is known of both; they alone make no difference.
    """

    schema: str
    before: Side
    after: Side
    is_same: bool
    changes: tuple[Change, ...]
    sidecar: tuple[Change, ...]
    places: int
    raw: Raw | None = None
    content: str = ""
    platform: tuple[Change, ...] = ()
