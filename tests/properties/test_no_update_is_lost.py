"""A17: whatever Consul and the network do, the agent ends up with what Consul says, within one wait of quiet."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from outrider_agent.endpoints import Endpoints, endpoint, sorted_endpoints
from outrider_agent.instances import Instance
from outrider_agent.queries import Query
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.watch import Watch

HEALTHS = st.sampled_from(["passing", "passing", "passing", "warning", "critical", "maintenance"])
PORTS = st.integers(1, 6)
LONGEST_QUIET = (
    240.0  # seconds: the longest pause after a denial, one wait, the longest hold-down, and the reads between
)


class Histories(RuleBasedStateMachine):
    """One watch against a Consul that is a dictionary and an index, over a network that loses and delays."""

    @initialize()
    def start(self) -> None:
        self.now = 1000.0
        self.index = 10
        self.registered: dict[int, Instance] = {}
        self.query: Query | None = None
        self.envoy: Endpoints | None = None
        self.watch = Watch(Upstream("web"), Limits(), lambda: 0.7, self.changed)

    def changed(self, watch: Watch) -> None:
        """All that Envoy hears of."""
        self.envoy = watch.endpoints

    @rule(instances=st.dictionaries(PORTS, HEALTHS, min_size=1), weight=st.integers(1, 2))
    def register(self, instances: dict[int, str], weight: int) -> None:
        for port, health in instances.items():
            self.registered[port] = Instance("10.0.0.1", port, health, weight)
        self.index += 1

    @rule(ports=st.sets(PORTS, min_size=1))
    def deregister(self, ports: set[int]) -> None:
        gone = [self.registered.pop(port) for port in ports if port in self.registered]
        self.index += bool(gone)

    @rule(index=st.integers(1, 20))
    def rewind(self, index: int) -> None:
        """A restore: the content stays, the index starts over."""
        self.index = index

    @rule()
    def unrelated_change(self) -> None:
        self.index += 1

    @rule(seconds=st.floats(0.001, 70.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def ask(self) -> None:
        if self.query is None and self.watch.due(self.now) <= self.now:
            self.query = self.watch.query(self.now)

    @rule()
    def answer(self) -> None:
        """Consul answers if it may: when something changed, or the wait is over."""
        self.ask()
        if self.query is not None and not self.is_blocking(self.query):
            self.give(self.query)

    @rule(
        headers=st.sampled_from(
            [{"x-consul-index": "0"}, {}, {"x-consul-index": "1"}, {"x-consul-knownleader": "false"}]
        )
    )
    def answer_wrongly(self, headers: dict[str, str]) -> None:
        """An empty list whose headers contradict it."""
        if self.query is not None:
            self.query = None
            known = {"x-consul-index": str(self.index), **headers} if headers else headers
            self.watch.answered({**known, "x-consul-lastcontact": "99999"}, [], self.now)

    @rule(status=st.sampled_from([400, 403, 429, 500, 503]))
    def refuse(self, status: int) -> None:
        if self.query is not None:
            self.query = None
            self.watch.refused(status, "no", self.now)

    @rule()
    def lose(self) -> None:
        if self.query is not None:
            self.query = None
            self.watch.failed("connection reset", self.now)

    @rule()
    def recover(self) -> None:
        self.watch.hurry(self.now)

    @invariant()
    def what_is_known_is_never_forgotten_by_a_failure(self) -> None:
        if self.watch.state in ("failing", "denied", "suspect") and self.envoy is not None:
            assert self.watch.endpoints is not None

    def is_blocking(self, query: Query) -> bool:
        """Real Consul blocks while its index is not above the one asked for."""
        return query.wait > 0 and self.index <= query.index

    def give(self, query: Query) -> None:
        self.query = None
        if query.is_catalog:
            self.watch.witnessed(self.now, knows_others=True)
        else:
            self.watch.answered({"x-consul-index": str(self.index)}, list(self.registered.values()), self.now)

    def quiet(self) -> None:
        """Nothing changes any more and everything works: queries are answered as Consul does."""
        until = self.now + LONGEST_QUIET
        while self.now < until:
            if self.query is None:
                self.now = max(self.now, self.watch.due(self.now))
                self.query = self.watch.query(self.now)
            if self.is_blocking(self.query):
                self.now += self.query.wait
            self.give(self.query)

    def teardown(self) -> None:
        """The property: what is published is what Consul says, except for what a floor keeps on purpose."""
        if not hasattr(self, "watch"):
            return
        self.quiet()
        found = self.envoy
        usable = {one.port for one in self.registered.values() if one.is_usable}
        critical = {one.port for one in self.registered.values() if one.health == "critical"}
        assert found is not None
        ports = {one.port for one in found}
        assert usable <= ports <= usable | critical
        expected = sorted_endpoints(endpoint(self.registered[port]) for port in ports)
        assert found == expected
        kept = ports - usable
        assert not kept or len(usable) < Limits().floor * len(ports)


TestNoUpdateIsLost = Histories.TestCase
TestNoUpdateIsLost.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
