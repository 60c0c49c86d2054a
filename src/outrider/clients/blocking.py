"""Blocking queries, as Nomad and Consul have them: what is asked along, and how long the answer may take."""

from __future__ import annotations


def waiting_s(wait_s: float) -> float:
    """The read deadline of a blocking query: the server adds up to wait/16 of jitter (consul.io, Blocking Queries)."""
    return wait_s + wait_s / 16 + 10


def blocking(index: int, wait_s: float) -> dict[str, str]:
    """The parameters of a blocking query, as Nomad and Consul have them; without a time to wait it is none."""
    return {"index": str(index), "wait": f"{round(wait_s * 1000)}ms"} if wait_s else {}
