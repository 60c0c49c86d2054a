"""An error as the API tells of it (RFC 9457)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from outrider.operations.states import BlockerName


class SpecProblem(BaseModel):
    """One thing wrong with a spec."""

    path: str
    message: str
    suggestion: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None


class FieldProblem(BaseModel):
    """One part of a request that cannot be read."""

    path: str
    message: str


class BlockerProblem(BaseModel):
    """One thing that stops a change."""

    name: BlockerName
    reason: str
    lifted_by: str


class ProblemDocument(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str = Field(description="What is wrong, for a person.")
    next_step: str | None = Field(default=None, description="What can be done.")
    problems: list[SpecProblem] | None = Field(default=None, description="With 422: all that is wrong with the spec.")
    blockers: list[BlockerProblem] | None = Field(default=None, description="With 409: all that stops the change.")
    fields: list[FieldProblem] | None = Field(default=None, description="With 400: what cannot be read.")
