"""How long it takes to render 1,000 services, each with upstreams of every protocol, on one core.

From the text of the spec to what is submitted: reading, topology, bootstrap as a template, job. Envoy's own validation
is another figure (plan of one service).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import median

from report import Figure, report

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.nomad.write.job import job
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_service
from outrider.spec.service import Service
from outrider.topology.resolve import topology
from outrider.topology.topology import Topology

SERVICES = 1_000
RUNS = 3
LIMIT_S = 2.0
PROTOCOLS = {"catalog": "http", "payments": "http", "recommender": "grpc", "sessions": "redis", "ledger": "tcp"}
PLATFORM = Platform.model_validate(
    {
        "environments": {
            "production": {
                "nomad": {"address": "http://127.0.0.1:4646"},
                "consul": {"address": "http://127.0.0.1:8500"},
                "tracing": {"collector": "http://zipkin.example:9411"},
            }
        }
    }
)
SPEC = """
service: service-{number}
team: team-{number}
run: {{image: "registry.example/service-{number}:1.0"}}
port: 8080
upstreams:
  catalog: {{}}
  payments: {{timeout: 800ms, retries: 2, limit: 100}}
  recommender: {{timeout: 300ms}}
  sessions: {{}}
  ledger: {{}}
checks:
  - {{http: /healthz, interval: 5s, timeout: 1s}}
env: {{LOG_LEVEL: info, NUMBER: "{number}", FLAG: {{consul: config/flag}}}}
count: 2
"""


def read(number: int) -> Service:
    return read_service(SPEC.format(number=number), "outrider.yaml", "production").service


def resolved(service: Service) -> Topology:
    return topology(service, PLATFORM, "production", protocols=PROTOCOLS)


def rendered(service: Service) -> int:
    made = resolved(service)
    return len(job(made, template(bootstrap(made)))["TaskGroups"])


def seconds(work: Callable[[], object]) -> float:
    """CPU time of the fastest run: what the machine does beside it is not what is measured."""
    times: list[float] = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> int:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    services = [read(number) for number in range(SERVICES)]
    topologies = [resolved(service) for service in services]
    size = median(len(template(bootstrap(made))) for made in topologies[:10])
    figures = [
        Figure(
            f"render {SERVICES:,} services: reading, topology, bootstrap, job",
            seconds(lambda: [rendered(read(number)) for number in range(SERVICES)]),
            LIMIT_S,
            "s",
        ),
        Figure("of it reading the specs", seconds(lambda: [read(number) for number in range(SERVICES)]), None, "s"),
        Figure("of it topology", seconds(lambda: [resolved(service) for service in services]), None, "s"),
        Figure("size of one bootstrap", size / 1_024, None, "KiB"),
    ]
    return report("render", figures)


if __name__ == "__main__":
    sys.exit(main())
