"""What a watch asks of Consul, and the counts of what came of it."""

from __future__ import annotations

from outrider_agent import judgements


class Query:
    """What to ask Consul now; ``wait`` is 0 where the answer shall come at once. All in seconds."""

    __slots__ = ("deadline", "index", "is_catalog", "wait")

    def __init__(self, index: int, wait: float, deadline: float, *, is_catalog: bool = False) -> None:
        self.index = index
        self.wait = wait
        self.deadline = deadline  # a clock reading
        self.is_catalog = is_catalog


class Counts:
    """What happened to one watch since the start, for metrics."""

    __slots__ = ("denials", "failures", "queries", "rewinds", "suspect_empties", "updates")

    def __init__(self) -> None:
        self.queries = 0
        self.failures = 0
        self.denials = 0
        self.rewinds = 0
        self.suspect_empties = 0
        self.updates = 0

    def judge(self, kind: str) -> None:
        """An answer was judged so."""
        self.denials += kind in judgements.DENIALS
        self.rewinds += kind == judgements.OUTDATED
        self.suspect_empties += kind == judgements.SUSPECT
