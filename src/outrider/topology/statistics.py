"""What sidecars count of traffic and somebody reads: the names that Envoy has for it, and those that scrapers see."""

from __future__ import annotations

from dataclasses import dataclass

BY_CLASS = "downstream_rq_xx"
"""Answers of HTTP by the first digit of their status, which is a label."""
CLASS_LABEL = "envoy_response_code_class"
TIMES = "downstream_rq_time"
"""Milliseconds from a request of HTTP to the end of its answer, a histogram."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One kind of listener: what it calls its statistics, what it counts as asked, and the label that names it.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/stats and siblings.
    """

    kind: str
    asked: str
    label: str

    @property
    def prefix(self) -> str:
        """What Envoy's names of its statistics begin with."""
        return f"{self.kind}."

    def exposed(self, name: str) -> str:
        """The name of a statistic where it is scraped (https://prometheus.io/docs/concepts/data_model/)."""
        return f"envoy_{self.kind}_{name}"


HTTP = Listener("http", "downstream_rq_total", "envoy_http_conn_manager_prefix")
REDIS = Listener("redis", "downstream_rq_total", "envoy_redis_prefix")
TCP = Listener("tcp", "downstream_cx_total", "envoy_tcp_prefix")
LISTENERS = (HTTP, REDIS, TCP)
