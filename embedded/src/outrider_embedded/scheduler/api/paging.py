"""Pages of a list: so many of it from a token on, and the token of the first that does not fit (nomad/state/paginator)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outrider_embedded.scheduler.documents import Document


@dataclass(slots=True)
class Page:
    """One page of a list in the order of namespaces and ids; a ``size`` of 0 is all of it.

    ``next_token`` begins the next page, and is empty where there is none.
    """

    size: int
    token: str
    next_token: str = ""

    def of(self, documents: list[Document]) -> list[Document]:
        """Those of the documents that are on it."""
        rest = [one for one in documents if _token(one) >= self.token]
        if not 0 < self.size < len(rest):
            return rest
        self.next_token = _token(rest[self.size])
        return rest[: self.size]


def _token(document: Document) -> str:
    return f"{document['Namespace']}.{document['ID']}"
