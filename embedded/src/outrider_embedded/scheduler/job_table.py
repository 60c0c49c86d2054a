"""A table of Nomad's documents that also tells which of them are a job's, without looking at those of others."""

from __future__ import annotations

from collections import UserDict

from outrider_embedded.scheduler.documents import Document


class JobTable(UserDict[str, Document]):
    """Documents by ID, each of the job that its ``JobID`` names; one that is replaced keeps its place and its job."""

    def __init__(self) -> None:
        self._of_job: dict[str, dict[str, None]] = {}
        super().__init__()

    def __setitem__(self, identifier: str, document: Document) -> None:
        super().__setitem__(identifier, document)
        self._of_job.setdefault(document["JobID"], {})[identifier] = None

    def __delitem__(self, identifier: str) -> None:
        job = self[identifier]["JobID"]
        super().__delitem__(identifier)
        del self._of_job[job][identifier]
        if not self._of_job[job]:
            del self._of_job[job]

    def of_job(self, job: str) -> list[Document]:
        """The job's documents, in the order in which they came."""
        return [self[identifier] for identifier in self._of_job.get(job, ())]
