"""Plans in files: written for the owner alone, and read back as exactly what was written, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, cast

from outrider_ground.errors import UsageError
from outrider_ground.private import written_privately
from pydantic import Field, ValidationError
from pydantic_core import to_jsonable_python

from outrider.cli.printable import escaped, one_line
from outrider.documents import MOST_SPEC_BYTES
from outrider.operations.answers.plan import Plan
from outrider.operations.request_bodies import MOST_INDEX, MOST_SPEC, BasisBody, Body, SourceBody

FORM: Final = "outrider.saved-plan/1"
KIND: Final = "outrider.saved-plan/"
BEGINNING: Final = re.compile(rb'\s*\{\s*"schema"\s*:\s*"outrider\.saved-plan/')
MOST_BYTES: Final = 4 * MOST_SPEC_BYTES
AGAIN: Final = "Plan again: `outrider plan --save FILE`."


class SavedPlan(Body):
    """What a deployment needs to be exactly the one that was looked at; ``plan`` is what was shown, for whoever reads it."""

    portal: str
    service: str
    environment: str
    spec: Annotated[str, Field(max_length=MOST_SPEC)]
    file: str
    artifact: str | None
    source: SourceBody | None = None
    redeploy: bool
    take_over: bool
    check_index: Annotated[int, Field(ge=0, le=MOST_INDEX)]
    basis: BasisBody
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handed:
    """What was planned: the address of the portal, and the spec as it was sent there."""

    portal: str
    spec: str
    file: str
    artifact: str | None
    source: SourceBody | None
    redeploy: bool


def saved(found: Plan, handed: Handed) -> SavedPlan:
    """The plan as it is saved. UsageError for one that nobody can deploy."""
    if found.refusals:
        raise UsageError(
            f"this plan of {found.service} is not saved: Envoy refuses its bootstrap",
            next_step="Mend the spec, then plan again.",
        )
    shown = to_jsonable_python(asdict(replace(found, raw=None)))
    return SavedPlan(
        **asdict(handed),
        service=found.service,
        environment=found.environment,
        take_over=found.is_foreign,
        check_index=found.check_index,
        basis=BasisBody(**to_jsonable_python(found.basis)),
        plan=shown,
    )


def save(plan: SavedPlan, file: Path) -> None:
    """Write it, whole or not at all. UsageError where the file is something else than a plan, or cannot be written."""
    fields = plan.model_dump(mode="json")
    document = {"schema": FORM, "seal": _seal(fields), **fields}
    text = escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if file.exists() and not is_saved_plan(file):
            raise UsageError(
                f"{file} is there, and it is no saved plan", next_step="Name another file to save the plan in."
            )
        written_privately(beside, text.encode())
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{file} cannot be written: {error.strerror or error}") from error


def is_saved_plan(file: Path) -> bool:
    """Whether the file says of itself that it is one, in whatever form."""
    return _form(_document(file)) is not None


def saved_plan(file: Path) -> SavedPlan | None:
    """The plan in the file; None where it is none. UsageError for one that cannot be used any more, or was changed by hand."""
    document = _document(file)
    form = _form(document)
    if form is None:
        return None
    if form != FORM:
        raise UsageError(
            f"{file} is a plan in the form {one_line(form)}, and this Outrider reads {FORM}", next_step=AGAIN
        )
    fields = {key: value for key, value in document.items() if key not in {"schema", "seal"}}
    if document.get("seal") != _seal(fields):
        raise UsageError(
            f"{file} is not the plan that was saved: somebody has changed it, or it is cut", next_step=AGAIN
        )
    try:
        return SavedPlan.model_validate(fields)
    except ValidationError as error:
        raise UsageError(
            f"{file} is no plan that this Outrider can read: {error.errors()[0]['msg']}", next_step=AGAIN
        ) from error


def _document(file: Path) -> dict[str, Any]:
    """The JSON object in the file; an empty one where it is none, or does not say that it is a plan."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError:
        return {}
    if not content.lstrip().startswith(b"{"):
        return {}
    try:
        found = json.loads(content)
    except ValueError:
        return {"schema": FORM} if BEGINNING.match(content) else {}  # told as one that was cut
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _form(document: dict[str, Any]) -> str | None:
    form = document.get("schema")
    return form if isinstance(form, str) and form.startswith(KIND) else None


def _seal(fields: dict[str, Any]) -> str:
    """Says whether a file is as it was written; it proves nothing about who wrote it, which the portal checks by itself."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
