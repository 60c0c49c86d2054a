"""What a job reads where values are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.job import templates
from outrider.spec.readings import asked
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.spec.references import Reference


def job_references(job: Json) -> frozenset[Reference]:
    """All but the agent's token and certificates: nobody watches what is the platform's."""
    texts = templates(job, but_of=names.AGENT_TASK)
    return frozenset(reference for text in texts for reference, _ in asked(text))
