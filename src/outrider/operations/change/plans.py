"""Plans as data: what a person is shown before a deployment, and what the deployment then goes by."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.documents import Json
from outrider.nomad.read.job import RunningJob
from outrider.operations.answers.plan import Plan
from outrider.operations.change.documents import Chosen, Rendered, Source
from outrider.operations.records import Version


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made of; ``base`` is the stored version that runs now, where that is known.

    ``job`` is what is registered: the chosen one with the attempt that it is.
    """

    source: Source
    plan: Plan
    rendered: Rendered
    chosen: Chosen
    job: Json
    running: RunningJob
    base: Version | None
