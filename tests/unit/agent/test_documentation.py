"""The reference page of the agent cannot lag: every setting, state and metric stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_agent.instances import Instance
from outrider_agent.polls import Polls
from outrider_agent.reports import metrics
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.states import STATES
from outrider_agent.watch import Watch

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "agent.md").read_text()
VARIABLES = [
    value
    for name, value in vars(settings).items()
    if name.isupper() and str(value).startswith(("OUTRIDER_", "CONSUL_"))
]
PROCESS = ("cpu_seconds", "connections", "connections_refused", "connection_limit", "snapshot_failures")


def metric_names() -> list[str]:
    watch = Watch(Upstream("web"), Limits(), lambda: 0.5, lambda _: None)
    watch.query(1.0)
    watch.answered({"x-consul-index": "7"}, [Instance("10.0.0.1", 80)], 1.0)
    page = metrics([watch], Polls(["web"]), dict.fromkeys(PROCESS, 0.0), 2.0).decode()
    return sorted({line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")})


def test_there_are_settings_and_metrics_to_look_for() -> None:
    assert len(VARIABLES) == 18
    assert len(metric_names()) > 15


@pytest.mark.parametrize("name", [*VARIABLES, *STATES, *metric_names()])
def test_it_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE
